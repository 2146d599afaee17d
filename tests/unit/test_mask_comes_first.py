"""Nobody but the mask sees a frame: shown at run time, by who touches the pixels, and by who could name them."""

import ast
import itertools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import cast

import numpy as np
from stand_in_camera import GOODS, SENTINEL, painted, shelf_view

import edge_agent
from edge_agent.camera_process.looking import Looking
from edge_agent.camera_process.words import Heartbeat, Word
from edge_agent.config import CameraConfig
from edge_agent.model import CameraCondition, CameraProgress, MonotonicNs, VisionObservation
from edge_agent.vision.frames import CameraFrame, ColourPicture, GreyPicture, MaskedFrame
from edge_agent.vision.mask import PrivacyMask

CAMERA = CameraConfig(shelf_id="s1", driver="simulated", width_px=320, height_px=240, lores_width_px=160)
PACKAGE = Path(edge_agent.__file__).parent


class WatchedFrame:
    """A frame that notes which file of the package reaches for its pixels."""

    def __init__(self, sequence: int, touched: list[str]) -> None:
        self.sequence = sequence
        self.t_ns = MonotonicNs(sequence * 66_000_000)
        self.exposure_us = None
        self._touched = touched

    @property
    def grey(self) -> GreyPicture:
        self._touched.append(_caller(sys._getframe(1)))
        return np.full((CAMERA.lores_height_px, CAMERA.lores_width_px), 250, np.uint8)

    @property
    def colour(self) -> Callable[[], ColourPicture]:
        self._touched.append(_caller(sys._getframe(1)))
        return lambda: painted(CAMERA)


def _caller(frame: FrameType) -> str:
    return Path(frame.f_code.co_filename).relative_to(PACKAGE).as_posix()


class Frames:
    """Watched frames, some of them lost."""

    ended = False

    def __init__(self, sequences: Sequence[int]) -> None:
        self.touched: list[str] = []
        self._sequences = list(sequences)

    def start(self) -> str:
        return "watched"

    def take(self, timeout_s: float) -> CameraFrame | None:
        assert timeout_s > 0
        if not self._sequences:
            return None
        return cast("CameraFrame", WatchedFrame(self._sequences.pop(0), self.touched))

    def stop(self) -> None:
        pass


class Eyes:
    """Looks at everything that it is given, as an eye and as an album."""

    def __init__(self) -> None:
        self.greys: list[GreyPicture] = []
        self.colours: list[ColourPicture] = []

    def step(
        self, frame: MaskedFrame, arrived_ns: MonotonicNs | None = None
    ) -> list[VisionObservation | CameraProgress | CameraCondition]:
        assert arrived_ns is not None, "late frames are told by it"
        self.see(frame, busy=True)
        return []

    def see(self, frame: MaskedFrame, *, busy: bool) -> None:
        assert isinstance(frame, MaskedFrame)
        assert busy is not None
        self.greys.append(frame.grey)
        self.colours.append(frame.colour())


def looked_through(sequences: Sequence[int]) -> tuple[Frames, Eyes, list[Word]]:
    view = shelf_view(CAMERA)
    mask = PrivacyMask(view.kept(320, 240), view.kept(CAMERA.lores_width_px, CAMERA.lores_height_px))
    source, eyes, said = Frames(sequences), Eyes(), list[Word]()
    looking = Looking(source, mask, eyes, eyes, said.append, itertools.count(10**9, 10**9).__next__)
    for _ in sequences:
        assert looking.turn()
    return source, eyes, said


def test_only_the_mask_touches_the_pixels_of_a_frame() -> None:
    source, eyes, _ = looked_through(range(1, 6))
    assert len(eyes.greys) == 10, "everything behind the mask was shown every frame"
    assert set(source.touched) == {"vision/mask.py"}


def test_what_lies_beside_the_shelf_is_black_to_all_behind_the_mask() -> None:
    _, eyes, _ = looked_through([1])
    view = shelf_view(CAMERA)
    outside = ~view.kept(320, 240)
    for colour in eyes.colours:
        assert not colour[outside].any()
        assert (colour[~outside] == GOODS).all()
        assert not (colour == SENTINEL).all(axis=2).any()
    for grey in eyes.greys:
        assert not grey[~view.kept(CAMERA.lores_width_px, CAMERA.lores_height_px)].any()


def test_frames_that_nobody_looked_at_are_counted_by_the_gaps_in_their_numbers() -> None:
    _, _, said = looked_through([1, 2, 5, 6, 10])
    beats = [each for each in said if isinstance(each, Heartbeat)]
    assert beats[0].frames == 1, "the first frame is told at once: the camera sees"
    assert (beats[-1].frames, beats[-1].lost) == (5, 5)


def test_no_module_but_drivers_and_the_mask_can_name_an_unmasked_frame() -> None:
    named = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and any(alias.name == "CameraFrame" for alias in node.names):
                named.add(path.relative_to(PACKAGE).as_posix())
    others = {each for each in named if not each.startswith("adapters/cameras/")}
    # A technician who commissions a camera looks for its markers before there is anything to mask by.
    technician = {"commands/camera_still.py"}
    # A drawn shop has its camera in the same process: it makes frames as a driver does, and masks them at once.
    drawn = {"bytes_level/rendered_camera.py"}
    assert others - technician - drawn == {"ports.py", "vision/mask.py"}, "take a MaskedFrame"
