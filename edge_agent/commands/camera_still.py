"""What a technician's command takes from a camera: some seconds of frames, counted, and one still made of them."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from edge_agent.commands.camera_options import WatchedShelf, read_picture
from edge_agent.config import CameraConfig
from edge_agent.console.terminal import Progress
from edge_agent.errors import CameraError
from edge_agent.model import MonotonicNs
from edge_agent.ports import FrameSource
from edge_agent.vision.frames import CameraFrame, ColourPicture, GreyPicture

WARM_UP_S = 1.0
"""Exposure and white balance settle meanwhile (a second of 30 frames; Raspberry Pi camera modules, 2026-12)."""
MEASURED_S = 2.0
AVERAGED_FRAMES = 8
"""The still is their mean: it has a third of one frame's noise."""
MOST_FRAMES = 600
"""Of a camera whose instants do not get on, or that takes more than 200 a second: it would never end (2026-12)."""
PATIENCE_S = 5.0
"""How long the first frame is waited for, and any later one."""


@dataclass(frozen=True, slots=True, eq=False)
class Still:
    """What came in the time that was measured.

    Attributes
    ----------
    delivers : str
        What the driver says that it delivers.
    frame : CameraFrame
        The mean of the last frames; its instant is the last one's.
    rate_hz : float or None
        Of the frames that were measured, by the instants that they bear; None of a picture file.
    counted, lost : int
        Frames that were measured, and exposures meanwhile that never came, where the driver counts them.
    repeated : int
        Of them, how many were the same as the one before, to the last bit: no sensor is that quiet.
    """

    delivers: str
    frame: CameraFrame
    rate_hz: float | None
    counted: int
    lost: int
    repeated: int


def asked_still(arguments: argparse.Namespace, watched: WatchedShelf) -> Still:
    """Return the picture that a technician named by ``--from``, or one of the camera, with progress."""
    if arguments.source_picture is not None:
        picture = read_picture(arguments.source_picture, watched.camera)
        return still_of_picture(picture, watched.camera, str(arguments.source_picture))
    progress = Progress()
    try:
        return still_of(watched.camera, progress.show)
    finally:
        progress.end()


def still_of(camera: CameraConfig, show: Callable[[str], None] = lambda _text: None) -> Still:
    """Open the camera, let it settle, measure, and close it again.

    Raises
    ------
    CameraError
        It cannot be opened, delivers nothing, or stops delivering.
    """
    source = _opened(camera)
    try:
        delivers = source.start()
        return _measured(source, camera, delivers, show)
    finally:
        source.stop()


def still_of_picture(picture: ColourPicture, camera: CameraConfig, name: str) -> Still:
    """Return a picture file as if the camera had taken it."""
    grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    size = (camera.lores_width_px, camera.lores_height_px)
    small = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return Still(name, CameraFrame(0, MonotonicNs(0), small, lambda: picture), None, 0, 0, 0)


def _opened(camera: CameraConfig) -> FrameSource:
    from edge_agent.adapters.cameras.open_frames import open_frames  # noqa: PLC0415 - a driver's library is loaded with it

    return open_frames(camera)


def _measured(source: FrameSource, camera: CameraConfig, delivers: str, show: Callable[[str], None]) -> Still:
    first = _next(source, camera)
    if first is None:
        raise CameraError(f"{camera.camera_id}: {delivers}: it ended before it had shown a single picture")
    show(f"{camera.camera_id}: the camera settles")
    counted_from: CameraFrame | None = None
    last, count, repeated = first, 0, 0
    colours: list[ColourPicture] = [first.colour()]
    greys: list[GreyPicture] = [first.grey]
    while (frame := _next(source, camera)) is not None:
        settled = (frame.t_ns - first.t_ns) * 1e-9 >= WARM_UP_S
        repeated += counted_from is not None and np.array_equal(frame.grey, last.grey)
        last = frame
        if counted_from is None:
            counted_from = frame if settled else None
        else:
            count += 1
        colours = [*colours[1 - AVERAGED_FRAMES :], frame.colour()] if settled else [frame.colour()]
        greys = [*greys[1 - AVERAGED_FRAMES :], frame.grey] if settled else [frame.grey]
        if counted_from is not None and (frame.t_ns - counted_from.t_ns) * 1e-9 >= MEASURED_S:
            break
        if count > MOST_FRAMES or (counted_from is None and frame.sequence - first.sequence > MOST_FRAMES):
            raise CameraError(
                f"{camera.camera_id}: {MOST_FRAMES} pictures came within {(frame.t_ns - first.t_ns) * 1e-9:.1f} s by"
                " their own instants: the driver's clock stands still"
            )
    mean_colour, mean_grey = _mean(colours), _mean(greys)
    rate_hz, lost = None, 0
    if counted_from is not None and last.t_ns > counted_from.t_ns:
        rate_hz = count / ((last.t_ns - counted_from.t_ns) * 1e-9)
        lost = max(last.sequence - counted_from.sequence - count, 0)
    mean = CameraFrame(last.sequence, last.t_ns, mean_grey, lambda: mean_colour)
    return Still(delivers, mean, rate_hz, count, lost, repeated)


def _next(source: FrameSource, camera: CameraConfig) -> CameraFrame | None:
    """Return the next frame, or None at the end of a video; a camera that stays silent is an error."""
    frame = source.take(PATIENCE_S)
    if frame is None and not source.ended:
        raise CameraError(
            f"{camera.camera_id}: no picture came within {PATIENCE_S:g} s; check its cable, and that no other program"
            " holds it"
        )
    return frame


def _mean(pictures: list[npt.NDArray[np.uint8]]) -> npt.NDArray[np.uint8]:
    total = np.zeros(pictures[0].shape, np.uint32)
    for each in pictures:
        total += each
    return ((total + len(pictures) // 2) // len(pictures)).astype(np.uint8)
