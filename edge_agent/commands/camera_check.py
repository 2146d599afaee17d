"""Show a technician what a camera is worth: what it delivers, its light and sharpness, and whether it has moved."""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from edge_agent.commands.camera_options import (
    WatchedShelf,
    add_camera_options,
    save_picture,
    watched_shelf,
)
from edge_agent.commands.camera_still import Still, asked_still
from edge_agent.commands.options import add_json_option
from edge_agent.console.terminal import figure, folded, say
from edge_agent.errors import CameraError
from edge_agent.view_store import CommissionedView, read_view
from edge_agent.vision.drawing import lanes_drawn
from edge_agent.vision.frames import MaskedFrame
from edge_agent.vision.mask import PrivacyMask
from edge_agent.vision.moved import Reference, Shift
from edge_agent.vision.picture_quality import PictureQuality, quality_of

SUMMARY = "show what a camera delivers and whether its view is to be trusted"
EXAMPLE = "edge-agent camera check --camera camera0 --save-picture lanes.png"

UNTRUSTED = 1
"""Exit status when the camera would not be trusted."""
SLOW_BELOW = 0.8
"""Of rate_hz (rule, 2026-12)."""
LOST_ABOVE = 0.1
"""Share of exposures that never came (rule, 2026-12)."""
REPEATED_ABOVE = 0.5
"""Share of pictures equal to the one before, to the bit; a camera at half the asked rate repeats every other one."""
APPEARANCE = "appearance"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: what it is like, and whether the camera is trusted with it."""

    subject: str
    well: bool
    seen: str
    fix: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_camera_options(parser)
    add_json_option(parser, "everything found")


def run(arguments: argparse.Namespace) -> int:
    """Look, print a line a subject, save the picture; 1 when the camera would not be trusted."""
    watched = watched_shelf(arguments)
    commissioned = read_view(watched.state_dir, watched.camera, watched.shelf.width_mm)
    still = asked_still(arguments, watched)
    masked = _masked(still, watched, commissioned)
    if arguments.save_picture is not None:
        save_picture(arguments.save_picture, lanes_drawn(masked.colour(), commissioned.view, watched.lanes))
    quality, shift, findings = _looked_at(masked, still, watched, commissioned)
    enrolled = _enrolled(watched)
    trusted = all(finding.well for finding in findings)
    if arguments.json:
        say(json.dumps(_document(watched, commissioned, still, quality, shift, findings, enrolled), indent=2))
    else:
        say(*_lines(watched, commissioned, still, findings, enrolled, arguments.save_picture, trusted))
    return 0 if trusted else UNTRUSTED


def _masked(still: Still, watched: WatchedShelf, commissioned: CommissionedView) -> MaskedFrame:
    view, camera = commissioned.view, watched.camera
    mask = PrivacyMask(
        view.kept(view.width_px, view.height_px), view.kept(camera.lores_width_px, camera.lores_height_px)
    )
    try:
        masked = mask.apply(still.frame)
        masked.colour()
    except ValueError as error:
        raise CameraError(f"{camera.camera_id}: its driver delivers {error}; configure what it delivers") from error
    return masked


def _looked_at(
    masked: MaskedFrame, still: Still, watched: WatchedShelf, commissioned: CommissionedView
) -> tuple[PictureQuality, Shift | None, list[Finding]]:
    kept = commissioned.view.kept(masked.grey.shape[1], masked.grey.shape[0])
    quality, then = quality_of(masked.grey, kept), quality_of(commissioned.reference, kept)
    shift = Reference(commissioned.view, commissioned.reference).shift_px(masked.grey)
    findings = [
        *_rate(still, watched),
        Finding(
            "light",
            not quality.dark,
            f"mean {quality.mean_grey:.0f} of 255, brightest tenth from {quality.brightest_tenth:.0f}",
            "too dark: switch the light on, uncover the lens",
        ),
        Finding(
            "overexposure",
            not quality.overexposed,
            f"{quality.white_share:.0%} of the shelf is white",
            "too bright: keep light from shining into the lens, let the driver set the exposure",
        ),
        Finding(
            "sharpness",
            not quality.blurred(then),
            f"{quality.sharpness / max(then.sharpness, 1e-9):.0%} of that at commissioning",
            "blurred: wipe the lens, focus it",
        ),
        _place(shift, watched),
    ]
    return quality, shift, findings


def _rate(still: Still, watched: WatchedShelf) -> list[Finding]:
    if still.rate_hz is None:
        return []
    wanted = watched.camera.rate_hz
    share = still.lost / max(still.lost + still.counted, 1)
    return [
        Finding(
            "rate",
            still.rate_hz >= SLOW_BELOW * wanted and share <= LOST_ABOVE,
            f"{still.rate_hz:.1f} pictures a second of {wanted:g} wanted, {still.lost} lost",
            "too slow: lower rate_hz or width_px, look for another program that keeps the machine busy",
        ),
        Finding(
            "life",
            still.repeated <= REPEATED_ABOVE * still.counted,
            f"{still.repeated} of {still.counted} pictures were the same as the one before",
            "frozen: plug the camera out and in again, or restart the machine",
        ),
    ]


def _place(shift: Shift | None, watched: WatchedShelf) -> Finding:
    again = f"mount it as it was, or run `edge-agent camera commission --camera {watched.camera.camera_id}`"
    if shift is None:
        return Finding(
            "place",
            False,
            "too little of the commissioned view is recognised to tell whether it moved",
            f"see that nothing stands before the shelf; if nothing does, it has moved far: {again}",
        )
    seen = f"the view lies within {shift.worst_mm:.0f} mm ({shift.worst_px:.1f} px) of where it was commissioned"
    if shift.moved:
        seen = f"moved: the shelf lies {shift.worst_mm:.0f} mm ({shift.worst_px:.1f} px) from where it was commissioned"
    return Finding("place", not shift.moved, f"{seen}, by {shift.following} of {shift.found} landmarks", again)


def _enrolled(watched: WatchedShelf) -> tuple[list[str], list[str]]:
    """Return which of the shelf's SKUs have templates, and which have none."""
    known = {path.stem for path in (watched.state_dir / APPEARANCE).glob("*.npz")}
    return [sku for sku in watched.skus if sku in known], [sku for sku in watched.skus if sku not in known]


def _lines(
    watched: WatchedShelf,
    commissioned: CommissionedView,
    still: Still,
    findings: list[Finding],
    enrolled: tuple[list[str], list[str]],
    picture: Path | None,
    trusted: bool,
) -> list[str]:
    with_templates, without = enrolled
    said = [
        f"camera {watched.camera.camera_id} at shelf {watched.shelf.shelf_id}: {still.delivers}",
        (
            f"commissioned {commissioned.commissioned_at}, revision {commissioned.view.revision}: markers agreed within"
            f" {figure(commissioned.residual_px)} px ({figure(commissioned.residual_mm)} mm)"
        ),
        *(
            f"{each.subject}: well: {each.seen}"
            if each.well
            else f"{each.subject}: error: {each.seen}. Try: {each.fix}."
            for each in findings
        ),
        f"appearance: templates of {len(with_templates)} of the shelf's {len(watched.skus)} SKUs"
        + (f"; none of {', '.join(without)}: `edge-agent camera enrol SKU`" if without else ""),
        *([f"{len(watched.lanes)} lanes drawn into {picture}"] if picture is not None else []),
        "this camera would be trusted"
        if trusted
        else "this camera would not be trusted: the shelf goes by weight alone",
    ]
    return [line for text in said for line in folded(text)]


def _document(
    watched: WatchedShelf,
    commissioned: CommissionedView,
    still: Still,
    quality: PictureQuality,
    shift: Shift | None,
    findings: list[Finding],
    enrolled: tuple[list[str], list[str]],
) -> dict[str, Any]:
    return {
        "camera_id": watched.camera.camera_id,
        "shelf_id": watched.shelf.shelf_id,
        "driver": watched.camera.driver,
        "delivers": still.delivers,
        "trusted": all(finding.well for finding in findings),
        "findings": [
            {"subject": each.subject, "well": each.well, "seen": each.seen, "fix": "" if each.well else each.fix}
            for each in findings
        ],
        "rate_hz": still.rate_hz,
        "lost": still.lost,
        "quality": msgspec.to_builtins(quality),
        "shift": None if shift is None else {**msgspec.to_builtins(shift), "moved": shift.moved},
        "view": {
            "revision": commissioned.view.revision,
            "commissioned_at": commissioned.commissioned_at,
            "residual_px": commissioned.residual_px,
            "residual_mm": commissioned.residual_mm,
            "sigma_mm": commissioned.sigma_mm,
        },
        "enrolled": enrolled[0],
        "not_enrolled": enrolled[1],
    }
