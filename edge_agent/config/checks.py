"""What no single file can know: whether agent, shelves, planogram, catalogue and calibration fit each other.

Errors stop the agent; hints are printed by `edge-agent check` and stop nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_agent.config import AgentConfig, ShelfConfig, Site
from edge_agent.config.assortment import Catalogue, ItemConfig, LaneConfig, Planogram
from edge_agent.errors import CalibrationError, ConfigError

BORDER_TOLERANCE_MM = 1.0
"""Lane and plate borders are rounded to the millimetre when typed in (2026-11)."""

MAX_NAME = 128
"""Characters of a SKU or a lane id, as the wire's contract bounds them."""

EXAMPLE = "example"
"""Who calibrated the boards of the shipped configuration: nobody."""


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Which file each part came from, for the messages."""

    agent: Path
    shelves: tuple[Path, ...]
    planogram: Path
    catalogue: Path
    calibrations: Mapping[str, Path]
    calibration_dir: Path


def errors_of(site: Site, files: Whereabouts) -> list[ConfigError]:
    """Return everything that contradicts, in the order in which to mend it; empty when the site is consistent."""
    return [
        *_shelf_errors(site.agent, site.shelves, files),
        *_calibration_errors(site, files),
        *_catalogue_errors(site.catalogue, files),
        *_name_errors(site, files),
        *_lane_errors(site, files),
        *_limit_errors(site, files),
        *_camera_errors(site, files),
    ]


def hints_of(site: Site, files: Whereabouts) -> list[str]:
    """Return what is allowed but probably not meant."""
    return [*_unused(site, files), *_overload_hints(site, files), *_example_hints(site, files)]


def items_on(shelf: ShelfConfig, planogram: Planogram, catalogue: Catalogue) -> tuple[ItemConfig, ...]:
    """Return the catalogue's items that the planogram sells on a shelf, each once, from left to right."""
    known = {item.sku: item for item in catalogue.items}
    skus = dict.fromkeys(lane.sku for lane in planogram.on_shelf(shelf.shelf_id))
    return tuple(known[sku] for sku in skus if sku in known)


def plates_under(lane: LaneConfig, shelf: ShelfConfig) -> tuple[int, ...]:
    """Return the plates of a ``lane_cells`` shelf that a lane lies on by more than the border tolerance."""
    edges = shelf.plate_edges_mm()
    return tuple(
        plate
        for plate in range(len(shelf.channels))
        if min(lane.x_mm[1], edges[plate + 1]) - max(lane.x_mm[0], edges[plate]) > BORDER_TOLERANCE_MM
    )


def _shelf_errors(agent: AgentConfig, shelves: Sequence[ShelfConfig], files: Whereabouts) -> Iterator[ConfigError]:
    listed = {board.uid for board in agent.boards}
    owner: dict[tuple[str, int], str] = {}
    seen: dict[str, Path] = {}
    for shelf, path in zip(shelves, files.shelves, strict=True):
        if shelf.shelf_id in seen:
            fix = "give each shelf its own id"
            yield ConfigError(f"{path}: shelf_id = {shelf.shelf_id!r}: {seen[shelf.shelf_id]} has it too; {fix}")
        seen.setdefault(shelf.shelf_id, path)
        for place, channel in enumerate(shelf.channels):
            key = f"channels[{place}]"
            if channel.board_uid not in listed:
                known = ", ".join(sorted(listed))
                yield ConfigError(
                    f"{path}: {key}.board_uid = {channel.board_uid!r}: {files.agent} lists no such board"
                    f" under [[boards]]; it lists {known}"
                )
            input_of_board = (channel.board_uid, channel.index)
            other = owner.setdefault(input_of_board, shelf.shelf_id)
            if other != shelf.shelf_id:
                yield ConfigError(
                    f"{path}: {key}.index = {channel.index}: board {channel.board_uid} input {channel.index} already"
                    f" carries shelf {other!r}; a cell belongs to one shelf"
                )


def _calibration_errors(site: Site, files: Whereabouts) -> Iterator[ConfigError]:
    listed = {board.uid for board in site.agent.boards}
    for shelf, path in zip(site.shelves, files.shelves, strict=True):
        for place, channel in enumerate(shelf.channels):
            if channel.board_uid not in listed:
                continue  # reported already
            calibration = site.calibration(channel.board_uid)
            wanted = files.calibration_dir / f"{channel.board_uid}.toml"
            where = f"{path}: channels[{place}]: board {channel.board_uid} input {channel.index}"
            if calibration is None:
                yield CalibrationError(f"{where} has no calibration: {wanted} does not exist; calibrate this board")
            elif calibration.channel(channel.index) is None:
                file = files.calibrations[channel.board_uid]
                yield CalibrationError(f"{where} has no calibration: {file} lacks index {channel.index}; calibrate it")


def _catalogue_errors(catalogue: Catalogue, files: Whereabouts) -> Iterator[ConfigError]:
    owner: dict[str, int] = {}
    for place, item in enumerate(catalogue.items):
        gtin = item.gtin.zfill(14)  # a GTIN-8, 12 or 13 with zeros in front is the same number
        other = owner.setdefault(gtin, place)
        if other != place:
            sku = catalogue.items[other].sku
            yield ConfigError(
                f"{files.catalogue}: items[{place}].gtin = {item.gtin!r}: {sku!r} has it too; each product has its own"
            )


def _name_errors(site: Site, files: Whereabouts) -> Iterator[ConfigError]:
    """Names travel in every event: the ledger refuses longer ones, and control characters would garble a terminal."""
    named = [
        *((files.catalogue, f"items[{place}].sku", item.sku) for place, item in enumerate(site.catalogue.items)),
        *(
            (files.planogram, f"lanes[{place}].lane_id", lane.lane_id)
            for place, lane in enumerate(site.planogram.lanes)
        ),
    ]
    for path, key, name in named:
        if not (0 < len(name) <= MAX_NAME and name.isprintable() and name == name.strip()):
            shown = repr(name) if len(name) <= MAX_NAME else f"{name[:20]!r}…"
            yield ConfigError(f"{path}: {key} = {shown}: give 1-{MAX_NAME} printable characters, no space at the ends")


def _lane_errors(site: Site, files: Whereabouts) -> Iterator[ConfigError]:
    shelves = {shelf.shelf_id: shelf for shelf in site.shelves}
    skus = {item.sku for item in site.catalogue.items}
    for place, lane in enumerate(site.planogram.lanes):
        where = f"{files.planogram}: lanes[{place}]"
        name = f"lane {lane.lane_id!r}"
        if lane.sku not in skus:
            fix = f"add it to {files.catalogue} or correct the planogram"
            yield ConfigError(f"{where}.sku = {lane.sku!r}: {name} names an unknown SKU; {fix}")
        shelf = shelves.get(lane.shelf_id)
        if shelf is None:
            known = ", ".join(sorted(shelves))
            yield ConfigError(f"{where}.shelf_id = {lane.shelf_id!r}: {name} names an unknown shelf; known: {known}")
        elif lane.x_mm[1] > shelf.width_mm:
            yield ConfigError(
                f"{where}.x_mm = {_span(lane)}: {name} is outside its shelf; allowed 0-{shelf.width_mm:g}"
            )
        elif shelf.kind == "lane_cells":
            yield from _plate_error(lane, shelf, f"{where}.x_mm = {_span(lane)}: {name}")
    for shelf in site.shelves:
        yield from _overlap_errors(site.planogram.on_shelf(shelf.shelf_id), files.planogram)


def _plate_error(lane: LaneConfig, shelf: ShelfConfig, where: str) -> Iterator[ConfigError]:
    plates = plates_under(lane, shelf)
    if len(plates) == 1:
        return
    borders = ", ".join(f"{edge:g}" for edge in shelf.plate_edges_mm())
    what = f"lies on plates {', '.join(str(plate + 1) for plate in plates)}" if plates else "lies on no plate"
    yield ConfigError(f"{where} {what}; a lane stands on one plate, borders at {borders} mm")


def _overlap_errors(lanes: Sequence[LaneConfig], path: Path) -> Iterator[ConfigError]:
    reach: LaneConfig | None = None
    for lane in lanes:
        if reach is not None and lane.x_mm[0] < reach.x_mm[1]:
            yield ConfigError(
                f"{path}: lane {lane.lane_id!r}: x_mm = {_span(lane)} overlaps lane {reach.lane_id!r} {_span(reach)}"
                f" on shelf {lane.shelf_id!r}; move one of them"
            )
        if reach is None or lane.x_mm[1] > reach.x_mm[1]:
            reach = lane


def _limit_errors(site: Site, files: Whereabouts) -> Iterator[ConfigError]:
    for shelf, path in zip(site.shelves, files.shelves, strict=True):
        items = items_on(shelf, site.planogram, site.catalogue)
        if not items:
            continue
        lightest = min(items, key=lambda item: item.unit_weight_g)
        allowed = lightest.unit_weight_g / 2
        if shelf.limits.min_event_g > allowed:
            yield ConfigError(
                f"{path}: limits.min_event_g = {shelf.limits.min_event_g:g}: allowed up to {allowed:g}, half of the"
                f" lightest item here ({lightest.sku!r}, {lightest.unit_weight_g:g} g)"
            )


def _camera_errors(site: Site, files: Whereabouts) -> Iterator[ConfigError]:
    known = [shelf.shelf_id for shelf in site.shelves]
    for place, camera in enumerate(site.agent.cameras):
        if camera.shelf_id not in known:
            yield ConfigError(
                f"{files.agent}: cameras[{place}].shelf_id = {camera.shelf_id!r}: no shelf of that name; known are"
                f" {', '.join(known)}"
            )


def _unused(site: Site, files: Whereabouts) -> Iterator[str]:
    used = {channel.board_uid for shelf in site.shelves for channel in shelf.channels}
    for place, board in enumerate(site.agent.boards):
        if board.uid not in used:
            yield f"{files.agent}: boards[{place}].uid = {board.uid!r}: no shelf has a channel on this board"
    for shelf, path in zip(site.shelves, files.shelves, strict=True):
        lanes = site.planogram.on_shelf(shelf.shelf_id)
        if not lanes:
            yield f"{path}: shelf {shelf.shelf_id!r} has no lane in {files.planogram}; every act there goes to review"
        elif shelf.kind == "lane_cells":
            carried = {plate for lane in lanes for plate in plates_under(lane, shelf)}
            for plate in sorted(set(range(len(shelf.channels))) - carried):
                yield f"{path}: channels[{plate}]: plate {plate + 1} of shelf {shelf.shelf_id!r} carries no lane"


def _example_hints(site: Site, files: Whereabouts) -> Iterator[str]:
    for calibration in site.calibrations:
        if calibration.calibrated_by == EXAMPLE:
            yield (
                f"{files.calibrations[calibration.board_uid]}: calibrated_by = {EXAMPLE!r}: the example's figures, no"
                " board's: every weight is wrong until board and file are your own"
            )


def _overload_hints(site: Site, files: Whereabouts) -> Iterator[str]:
    for shelf in site.shelves:
        weights = {item.sku: item.unit_weight_g for item in items_on(shelf, site.planogram, site.catalogue)}
        full = {lane: lane.capacity * weights.get(lane.sku, 0.0) for lane in site.planogram.on_shelf(shelf.shelf_id)}
        limit = shelf.limits.cell_max_g
        if shelf.kind == "platform":
            if sum(full.values()) > limit * len(shelf.channels):
                yield (
                    f"{files.planogram}: shelf {shelf.shelf_id!r}: full lanes weigh {sum(full.values()):g} g; its cells"
                    f" bear {limit * len(shelf.channels):g} g (limits.cell_max_g)"
                )
            continue
        for plate in range(len(shelf.channels)):
            load_g = sum(mass_g for lane, mass_g in full.items() if plates_under(lane, shelf) == (plate,))
            if load_g > limit:
                yield (
                    f"{files.planogram}: shelf {shelf.shelf_id!r} plate {plate + 1}: full lanes weigh {load_g:g} g; its"
                    f" cell bears {limit:g} g (limits.cell_max_g)"
                )


def _span(lane: LaneConfig) -> str:
    return f"[{lane.x_mm[0]:g}, {lane.x_mm[1]:g}]"
