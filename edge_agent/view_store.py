"""Commissioned views on disk: where a shelf is in its camera's picture, and what that looked like then.

::

    <state_dir>/cameras/<camera_id>/view.json            the homography and what it was fitted to, with its own digest
                                    reference-000003.png  the masked small picture of commissioning no. 3

Both are written whole or not at all, mode 0600, the picture first; view.json names the picture by its digest. Only a
`MaskedFrame` can be stored: what lies around the shelf is black before this module sees it.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import msgspec
import numpy as np

from edge_agent.config import CameraConfig
from edge_agent.config.revisions import write_durably
from edge_agent.errors import CameraError
from edge_agent.model import FloatArray
from edge_agent.vision.frames import GreyPicture, MaskedFrame
from edge_agent.vision.geometry import ShelfView

CAMERAS = "cameras"
VIEW = "view.json"
SCHEMA = "shelf-view-1"
MOST_BYTES = 1_000_000
"""Of view.json, about 3 kB, and of a reference picture, below 200 kB at 640 × 480 (2026-12)."""
DIGITS = 12
"""Of the digest in a revision's name."""


@dataclass(frozen=True, slots=True, eq=False)
class CommissionedView:
    """A view as it was commissioned.

    Attributes
    ----------
    number : int
        Counts this camera's commissionings from 1; 0 before it is stored.
    markers_px : dict
        Marker → its corners then, (4, 2), in the large picture.
    marker_mm, residual_px, residual_mm : float
        Side of a marker; how far the markers' corners lie off the fit, root of the mean square.
    sigma_mm : float
        Standard deviation of the opening's worst corner.
    commissioned_at : str
        UTC, ISO 8601.
    reference : (lores height, lores width)
        The masked small picture then.
    """

    view: ShelfView
    camera_id: str
    shelf_id: str
    number: int
    markers_px: dict[int, FloatArray]
    marker_mm: float
    residual_px: float
    residual_mm: float
    sigma_mm: float
    commissioned_at: str
    reference: GreyPicture


class _Mark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    marker: int
    corners_px: tuple[tuple[float, float], ...]


class _ViewFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    schema: str
    camera_id: str
    shelf_id: str
    number: int
    commissioned_at: str
    width_px: int
    height_px: int
    width_mm: float
    opening_mm: float
    front_to_px: tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]
    marker_mm: float
    markers: tuple[_Mark, ...]
    residual_px: float
    residual_mm: float
    sigma_mm: float
    reference: str
    reference_sha256: str
    digest: str = ""


def view_path(state_dir: Path, camera_id: str) -> Path:
    """Return where a camera's view is kept."""
    return state_dir / CAMERAS / camera_id / VIEW


def require_storable(state_dir: Path, camera_id: str) -> None:
    """Raise ConfigError where a view could not be written: before a technician has gone to the shelf."""
    trial = view_path(state_dir, camera_id).with_name(".trial")
    write_durably(trial, b"")
    trial.unlink()


def next_number(state_dir: Path, camera_id: str) -> int:
    """Return the number that a camera's next commissioning gets; a file that cannot be read counts as none."""
    try:
        return msgspec.json.decode(view_path(state_dir, camera_id).read_bytes(), type=_ViewFile).number + 1
    except (OSError, msgspec.DecodeError):
        kept = view_path(state_dir, camera_id).parent.glob("reference-*.png")
        numbers = [int(name) for each in kept if (name := each.stem.removeprefix("reference-")).isdigit()]
        return max(numbers, default=0) + 1


def store_view(state_dir: Path, commissioned: CommissionedView, masked: MaskedFrame) -> ShelfView:
    """Keep a view with its masked small picture; return it under its revision's name.

    Raises
    ------
    ConfigError
        The state directory cannot be written.
    """
    path = view_path(state_dir, commissioned.camera_id)
    number = next_number(state_dir, commissioned.camera_id)
    picture = _png(masked.grey)
    view = commissioned.view
    file = _ViewFile(
        schema=SCHEMA,
        camera_id=commissioned.camera_id,
        shelf_id=commissioned.shelf_id,
        number=number,
        commissioned_at=commissioned.commissioned_at,
        width_px=view.width_px,
        height_px=view.height_px,
        width_mm=view.width_mm,
        opening_mm=view.opening_mm,
        front_to_px=tuple(tuple(float(each) for each in row) for row in view.front_to_px),  # type: ignore[arg-type]
        marker_mm=commissioned.marker_mm,
        markers=tuple(
            _Mark(marker, tuple((round(float(u), 3), round(float(v), 3)) for u, v in corners))
            for marker, corners in sorted(commissioned.markers_px.items())
        ),
        residual_px=round(commissioned.residual_px, 4),
        residual_mm=round(commissioned.residual_mm, 4),
        sigma_mm=round(commissioned.sigma_mm, 3),
        reference=f"reference-{number:06d}.png",
        reference_sha256=hashlib.sha256(picture).hexdigest(),
    )
    file = msgspec.structs.replace(file, digest=_digest(file))
    write_durably(path.with_name(file.reference), picture)
    write_durably(path, msgspec.json.format(msgspec.json.encode(file), indent=1) + b"\n")
    for old in path.parent.glob("reference-*.png"):
        if old.name != file.reference:
            old.unlink(missing_ok=True)
    return _view(file)


def read_view(state_dir: Path, camera: CameraConfig, width_mm: float) -> CommissionedView:
    """Return a camera's view.

    Parameters
    ----------
    camera : CameraConfig
        As configured now: a view of other sizes or of another shelf is refused.
    width_mm : float
        Of its shelf.

    Raises
    ------
    CameraError
        Not commissioned, unreadable, damaged, of another camera or shelf, or made for other sizes; with the fix.
    """
    path = view_path(state_dir, camera.camera_id)
    fix = f"run `edge-agent camera commission --camera {camera.camera_id}`"
    content = _bounded(path, f"{camera.camera_id} is not commissioned; {fix}", fix)
    try:
        file = msgspec.json.decode(content, type=_ViewFile)
    except msgspec.DecodeError as error:
        raise CameraError(f"{path}: no view that this version reads ({error}); {fix} anew") from error
    if file.schema != SCHEMA:
        raise CameraError(f"{path}: schema is {file.schema!r}, this version reads {SCHEMA!r}; {fix} anew")
    if file.digest != _digest(msgspec.structs.replace(file, digest="")):
        raise CameraError(f"{path}: damaged or edited: its digest does not fit; {fix} anew")
    for what, then, now in (
        ("camera", file.camera_id, camera.camera_id),
        ("shelf", file.shelf_id, camera.shelf_id),
        ("picture, px,", f"{file.width_px} × {file.height_px}", f"{camera.width_px} × {camera.height_px}"),
        ("shelf's width, mm,", f"{file.width_mm:g}", f"{width_mm:g}"),
        ("opening, mm,", f"{file.opening_mm:g}", f"{camera.opening_mm:g}"),
    ):
        if then != now:
            raise CameraError(f"{path}: commissioned for {what} {then}, configured is {now}; {fix} anew")
    reference = _reference(path.with_name(file.reference), file.reference_sha256, fix)
    if reference.shape != (camera.lores_height_px, camera.lores_width_px):
        raise CameraError(
            f"{path}: commissioned with small pictures of {reference.shape[1]} × {reference.shape[0]} px, configured"
            f" are {camera.lores_width_px} × {camera.lores_height_px}; {fix} anew"
        )
    return CommissionedView(
        view=_view(file),
        camera_id=file.camera_id,
        shelf_id=file.shelf_id,
        number=file.number,
        markers_px={each.marker: np.array(each.corners_px) for each in file.markers},
        marker_mm=file.marker_mm,
        residual_px=file.residual_px,
        residual_mm=file.residual_mm,
        sigma_mm=file.sigma_mm,
        commissioned_at=file.commissioned_at,
        reference=reference,
    )


def _view(file: _ViewFile) -> ShelfView:
    """Return the view that a file describes."""
    return ShelfView(
        front_to_px=np.array(file.front_to_px),
        width_px=file.width_px,
        height_px=file.height_px,
        width_mm=file.width_mm,
        opening_mm=file.opening_mm,
        revision=f"{file.number}-{file.digest[:DIGITS]}",
    )


def _digest(file: _ViewFile) -> str:
    return hashlib.sha256(msgspec.json.encode(file)).hexdigest()


def _png(grey: GreyPicture) -> bytes:
    written, content = cv2.imencode(".png", grey)
    if not written:
        raise CameraError(f"a small picture of {grey.shape} cannot be written as PNG")
    return bytes(content)


def _reference(path: Path, sha256: str, fix: str) -> GreyPicture:
    content = _bounded(path, f"{path}: the picture of the commissioned view is missing; {fix} anew", fix)
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE) if content else None
    if picture is None or hashlib.sha256(content).hexdigest() != sha256:
        raise CameraError(f"{path}: damaged, or of another commissioning; {fix} anew")
    return np.asarray(picture, dtype=np.uint8)


def _bounded(path: Path, missing: str, fix: str) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError as error:
        raise CameraError(missing) from error
    except OSError as error:
        raise CameraError(
            f"{path}: cannot be read: {error.strerror}; run as the agent's user, or {fix} anew"
        ) from error
    if len(content) > MOST_BYTES:
        raise CameraError(f"{path}: above {MOST_BYTES:,} bytes, no file of a view; {fix} anew")
    return content
