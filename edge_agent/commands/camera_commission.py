"""Find a shelf in its camera's picture by printed markers, show it to the technician, and keep it."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np

from edge_agent.clock import SystemClock
from edge_agent.commands.camera_options import (
    WatchedShelf,
    add_camera_options,
    save_picture,
    watched_shelf,
    write_file,
)
from edge_agent.commands.camera_still import Still, asked_still
from edge_agent.console.terminal import figure, folded, say
from edge_agent.errors import CameraError, CommandLineError
from edge_agent.view_store import CommissionedView, require_storable, store_view, view_path
from edge_agent.vision.commissioning import FoundFront, Refused, find_front
from edge_agent.vision.drawing import lanes_drawn
from edge_agent.vision.frames import MaskedFrame
from edge_agent.vision.geometry import ShelfView
from edge_agent.vision.markers import MARKER_MM, MARKER_RANGE_MM
from edge_agent.vision.mask import PrivacyMask

SUMMARY = "find a shelf in its camera's picture by printed markers, and keep where it is"
EXAMPLE = "edge-agent camera commission --camera camera0 --save-picture lanes.png"

DECLINED = 1
"""Exit status when the technician does not confirm."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_camera_options(parser)
    parser.add_argument("--sheet", type=Path, metavar="FILE", help="only write the sheet of markers to print, as PDF")
    least, most = MARKER_RANGE_MM
    parser.add_argument(
        "--marker-mm",
        type=_marker_mm,
        default=MARKER_MM,
        metavar="MM",
        help=f"side of a marker's black square, {least:g}-{most:g} (default {MARKER_MM:g})",
    )
    parser.add_argument("--yes", action="store_true", help="keep the view without asking; all four markers needed")


def run(arguments: argparse.Namespace) -> int:
    """Write the sheet, or find, show, ask and keep; 1 when the technician says no."""
    if arguments.sheet is not None:
        return _write_sheet(arguments)
    watched = watched_shelf(arguments)
    require_storable(watched.state_dir, watched.camera.camera_id)
    still = asked_still(arguments, watched)
    front = _front(still, watched, arguments.marker_mm)
    if front.missing is not None and arguments.yes:
        raise CameraError(
            f"{watched.camera.camera_id}: {front.notes[0]}: only a person may confirm that; leave out --yes"
        )
    view = _view(front, watched)
    masked = _mask(view, watched).apply(still.frame)
    picture = arguments.save_picture or view_path(watched.state_dir, watched.camera.camera_id).with_name("lanes.png")
    save_picture(picture, lanes_drawn(masked.colour(), view, watched.lanes, front.corners_px))
    say(*_told(front, watched, still, picture))
    if not arguments.yes and not _confirmed():
        if arguments.save_picture is None:
            picture.unlink(missing_ok=True)
        say("nothing was kept: the view of before, if there was one, is still in force")
        return DECLINED
    kept = _keep(front, view, watched, masked, arguments.marker_mm)
    say(*folded(f"kept as revision {kept.revision} in {view_path(watched.state_dir, watched.camera.camera_id)};"
                " a running agent reads it when it starts again"))  # fmt: skip
    return 0


def _marker_mm(text: str) -> float:
    least, most = MARKER_RANGE_MM
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(f"{text!r}: give the side of a marker's black square, {least:g}-{most:g} mm")
    return value


def _write_sheet(arguments: argparse.Namespace) -> int:
    ignored = [
        option
        for option, value in (
            ("--camera", arguments.camera),
            ("--from", arguments.source_picture),
            ("--save-picture", arguments.save_picture),
            ("--yes", arguments.yes or None),
        )
        if value is not None
    ]
    if ignored:
        raise CommandLineError(f"--sheet only writes the sheet: leave out {', '.join(ignored)}")
    from edge_agent.console.marker_sheet import sheet_pdf  # noqa: PLC0415 - fpdf2 is needed for the sheet alone

    write_file(arguments.sheet, sheet_pdf(arguments.marker_mm), "--sheet")
    say(*folded(f"{arguments.sheet}: print it at 100 %, on A4; it says what to cut and where to stick it"))
    return 0


def _front(still: Still, watched: WatchedShelf, marker_mm: float) -> FoundFront:
    grey = np.asarray(cv2.cvtColor(still.frame.colour(), cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    camera = watched.camera
    if grey.shape != (camera.height_px, camera.width_px):
        rows, columns = grey.shape
        raise CameraError(
            f"{camera.camera_id}: its driver delivers {columns} × {rows} px where width_px × height_px is"
            f" {camera.width_px} × {camera.height_px}; configure what it delivers"
        )
    found = find_front(grey, watched.shelf.width_mm, camera.opening_mm, marker_mm)
    if isinstance(found, Refused):
        raise CameraError(f"{camera.camera_id}: {found.why}")
    return found


def _view(front: FoundFront, watched: WatchedShelf) -> ShelfView:
    camera = watched.camera
    return ShelfView(
        front.fit.front_to_px, camera.width_px, camera.height_px, watched.shelf.width_mm, camera.opening_mm, ""
    )


def _mask(view: ShelfView, watched: WatchedShelf) -> PrivacyMask:
    camera = watched.camera
    return PrivacyMask(
        view.kept(view.width_px, view.height_px), view.kept(camera.lores_width_px, camera.lores_height_px)
    )


def _told(front: FoundFront, watched: WatchedShelf, still: Still, picture: Path) -> list[str]:
    fit = front.fit
    sizes = {number: float(np.linalg.norm(px[0] - px[1])) for number, px in front.corners_px.items()}
    said = [
        f"camera {watched.camera.camera_id} at shelf {watched.shelf.shelf_id}: {still.delivers}",
        (
            f"{len(front.corners_px)} markers found, {min(sizes.values()):.0f} px wide or more; they agree within"
            f" {figure(fit.rms_px)} px ({figure(fit.rms_mm)} mm)"
        ),
        (
            f"every place on the shelf's front is known to ± {2 * float(fit.sigma_mm.max()):.0f} mm where the markers"
            " are stuck to a millimetre"
        ),
        *(f"note: {note}" for note in front.notes),
        (
            f"{len(watched.lanes)} lanes drawn into {picture}: compare with the shelf; what is black there is never"
            " looked at or kept"
        ),
    ]
    return [line for text in said for line in folded(text)]


def _confirmed() -> bool:
    print("Do all lanes lie where they are on the shelf? [y/N] ", end="", flush=True)
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        print()
    return answer.strip().lower() in {"y", "yes"}


def _keep(
    front: FoundFront, view: ShelfView, watched: WatchedShelf, masked: MaskedFrame, marker_mm: float
) -> ShelfView:
    now = datetime.fromtimestamp(SystemClock().utc_ns() // 10**9, UTC)
    commissioned = CommissionedView(
        view=view,
        camera_id=watched.camera.camera_id,
        shelf_id=watched.shelf.shelf_id,
        number=0,
        markers_px=front.corners_px,
        marker_mm=marker_mm,
        residual_px=front.fit.rms_px,
        residual_mm=front.fit.rms_mm,
        sigma_mm=float(front.fit.sigma_mm.max()),
        commissioned_at=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        reference=masked.grey,
    )
    return store_view(watched.state_dir, commissioned, masked)
