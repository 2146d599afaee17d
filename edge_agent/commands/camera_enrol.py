"""Teach the camera what a SKU looks like, from photographs or from the camera itself."""

import argparse
import difflib
import json
from pathlib import Path

from edge_agent.appearance_store import (
    load_template,
    load_what_can_be_read,
    remove_template,
    store_template,
    template_path,
)
from edge_agent.commands.options import add_config_option, add_json_option, config_path
from edge_agent.config.assortment import Catalogue
from edge_agent.config.files import read_agent, read_site, readable_state_dir
from edge_agent.console.terminal import Progress, folded, say, table
from edge_agent.enrolment import ALIKE_BELOW, Enrolment, enrol
from edge_agent.errors import CameraError, CommandLineError, ConfigError
from edge_agent.product_photographs import photographs_in, read_photograph
from edge_agent.vision.frames import ColourPicture
from edge_agent.vision.templates import SkuTemplate

SUMMARY = "teach the camera what a SKU looks like, from photographs or from the camera itself"
EXAMPLE = "edge-agent camera enrol oat-drink-1l --from photographs/oat-drink"

NAMED_OTHERS = 5
"""Of the others that a SKU is told from, the nearest are printed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_config_option(parser)
    parser.add_argument("sku", nargs="?", metavar="SKU", help="as the catalogue names it")
    parser.add_argument(
        "--from", dest="folder", type=Path, metavar="FOLDER", help="photographs (jpg, png, webp) instead of the camera"
    )
    parser.add_argument("--camera", metavar="ID", help="which of the configured cameras (default: the only one)")
    parser.add_argument("--pictures", type=int, metavar="N", help="how many the camera takes, 4-100 (default 16)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--list", action="store_true", help="list what is enrolled, and what is not yet")
    what.add_argument("--remove", action="store_true", help="forget what the SKU looks like")
    add_json_option(parser, "what was enrolled, remarks and likenesses")


def run(arguments: argparse.Namespace) -> int:
    """Enrol, list or remove."""
    _require_consistent(arguments)
    path = config_path(arguments)
    state_dir = Path(read_agent(path).state_dir)
    seen_dir, _ = readable_state_dir(state_dir)
    catalogue = read_site(path, state_dir=seen_dir, calibrated=False).site.catalogue
    if arguments.list:
        return _list(arguments, state_dir, catalogue)
    if arguments.remove:
        return _remove(arguments, state_dir, catalogue)
    _require_known(arguments.sku, catalogue)
    templates, damaged = load_what_can_be_read(state_dir)
    replaced = next((each for each in templates if each.sku == arguments.sku), None)
    others = [each for each in templates if each.sku != arguments.sku]
    progress = Progress()
    try:
        enrolled = enrol(
            arguments.sku,
            _pictures(arguments, path, progress),
            others,
            version=1 if replaced is None else replaced.version + 1,
            say=progress.show,
        )
    finally:
        progress.end()
    kept = store_template(state_dir, enrolled.template)
    _report(arguments, enrolled, kept, catalogue, [str(each) for each in damaged if str(kept) not in str(each)])
    return 0


def _require_consistent(arguments: argparse.Namespace) -> None:
    if arguments.list and arguments.sku is not None:
        raise CommandLineError("--list lists every SKU: leave out SKU")
    if not arguments.list and arguments.sku is None:
        raise CommandLineError("name the SKU to enrol, as the catalogue does; --list shows them")
    camera = arguments.camera is not None or arguments.pictures is not None
    if (arguments.list or arguments.remove) and (camera or arguments.folder is not None):
        raise CommandLineError("--list and --remove take no picture: leave out --from, --camera and --pictures")
    if arguments.folder is not None and camera:
        raise CommandLineError("--from reads photographs: leave out --camera and --pictures")
    if arguments.pictures is not None and not 4 <= arguments.pictures <= 100:
        raise CommandLineError(f"--pictures {arguments.pictures}: allowed 4-100")


def _require_known(sku: str, catalogue: Catalogue) -> None:
    skus = [item.sku for item in catalogue.items]
    if sku in skus:
        return
    near = difflib.get_close_matches(sku, skus, n=3, cutoff=0.5)
    near += [item.sku for item in catalogue.items if sku.lower() in item.name.lower() and item.sku not in near]
    hint = f"did you mean {', '.join(near[:3])}?" if near else "--list shows the catalogue's"
    raise ConfigError(f"sku {sku!r} is not in the catalogue: {hint}")


def _pictures(arguments: argparse.Namespace, path: Path, progress: Progress) -> list[tuple[str, ColourPicture]]:
    if arguments.folder is not None:
        found = photographs_in(arguments.folder)
        pictures = []
        for number, each in enumerate(found, 1):
            progress.show(f"reading photograph {number} of {len(found)}")
            pictures.append((each.name, read_photograph(each)))
        return pictures
    from edge_agent.commands.camera_portraits import portraits  # noqa: PLC0415 - drivers, only where a camera is opened

    return portraits(path, arguments.camera, arguments.pictures or 16, progress.show)


def _report(
    arguments: argparse.Namespace, enrolled: Enrolment, kept: Path, catalogue: Catalogue, damaged: list[str]
) -> None:
    template = enrolled.template
    if arguments.json:
        document = {
            "sku": template.sku,
            "version": template.version,
            "pictures": template.pictures,
            "file": str(kept),
            "bytes": kept.stat().st_size,
            "remarks": [*enrolled.remarks, *damaged],
            "told_from": enrolled.told_from,
            "looks_like": list(enrolled.looks_like),
        }
        say(json.dumps(document, indent=2, ensure_ascii=False))
        return
    names = {item.sku: item.name for item in catalogue.items}
    for remark in (*enrolled.remarks, *damaged):
        say(*folded(f"  ! {remark}"))
    worst = sorted(enrolled.told_from.items(), key=lambda each: each[1])
    for sku, share in worst[:NAMED_OTHERS]:
        say(f"  told from {names.get(sku, sku)} in {share:.0%}")
    if len(worst) > NAMED_OTHERS:
        say(f"  told from the {len(worst) - NAMED_OTHERS} others in {worst[NAMED_OTHERS][1]:.0%} and more")
    for sku, share in enrolled.looks_like.items():
        say(
            *folded(
                f"  ! looks like {names.get(sku, sku)} (told apart in {share:.0%}, {ALIKE_BELOW:.0%} is wanted): weight"
                " and place must tell the two apart, or photographs of the side on which they differ"
            )
        )
    size = kept.stat().st_size // 1000
    done = f"{template.sku}: version {template.version} of {template.pictures} photographs, {size} kB in {kept}"
    say(*folded(f"{done}; a running agent reads it when it starts again"))


def _list(arguments: argparse.Namespace, state_dir: Path, catalogue: Catalogue) -> int:
    enrolled: dict[str, SkuTemplate | str] = {}
    skus = [item.sku for item in catalogue.items]
    for sku in skus:
        try:
            found = load_template(state_dir, sku)
        except CameraError as error:
            enrolled[sku] = str(error)
            continue
        if found is not None:
            enrolled[sku] = found
    strangers = [each for each in load_what_can_be_read(state_dir)[0] if each.sku not in skus]
    enrolled.update({each.sku: each for each in strangers})
    if arguments.json:
        fields = ("version", "pictures")
        document = {
            sku: {"error": each} if isinstance(each, str) else {name: getattr(each, name) for name in fields}
            for sku, each in enrolled.items()
        }
        say(json.dumps({"enrolled": document, "not_enrolled": [sku for sku in skus if sku not in enrolled]}, indent=2))
        return 0
    rows = [_row(sku, enrolled.get(sku), state_dir) for sku in [*skus, *(each.sku for each in strangers)]]
    say(*table(("sku", "version", "photographs", "kB"), rows))
    say(*(line for each in enrolled.values() if isinstance(each, str) for line in folded(f"! {each}")))
    return 0


def _row(sku: str, found: SkuTemplate | str | None, state_dir: Path) -> tuple[str, ...]:
    if found is None:
        return (sku, "not enrolled", "", "")
    if isinstance(found, str):
        return (sku, "cannot be read", "", "")
    size = template_path(state_dir, sku).stat().st_size // 1000
    return (sku, str(found.version), str(found.pictures), str(size))


def _remove(arguments: argparse.Namespace, state_dir: Path, catalogue: Catalogue) -> int:
    if not remove_template(state_dir, arguments.sku):
        _require_known(arguments.sku, catalogue)
        raise CameraError(f"{arguments.sku} is not enrolled: {template_path(state_dir, arguments.sku)} does not exist")
    if arguments.json:
        say(json.dumps({"removed": arguments.sku}))
    else:
        say(f"{arguments.sku}: forgotten; a running agent knows it until it starts again")
    return 0
