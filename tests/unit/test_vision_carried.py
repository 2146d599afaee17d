"""Stories of what was taken: what the appearance model is shown, when, how often, and what is said of its answers."""

from collections.abc import Sequence

import numpy as np
import pytest
from drawn_front import CAMERA, LANES_OF_SHELF, DrawnFront, Watched

from edge_agent.model import CameraProgress, FloatArray
from edge_agent.vision.carried import LARGEST_PX, MOST_WAITING, PER_ITEM, Item, Waiting
from edge_agent.vision.eye import ShelfEye
from edge_agent.vision.frames import ColourPicture


class Recogniser:
    """Says of every picture how bright it is, and remembers what it was shown."""

    calibration_id = "fake-1"

    def __init__(self, nats: Sequence[float] = ()) -> None:
        self.shown: list[ColourPicture] = []
        self._nats = list(nats)

    def log_likelihood(self, picture: ColourPicture, sku_ids: Sequence[str]) -> FloatArray:
        self.shown.append(picture)
        first = self._nats[len(self.shown) - 1] if self._nats else 3.0
        return np.array([first, *np.zeros(len(sku_ids))])


def _watched(model: Recogniser) -> Watched:
    front = DrawnFront()
    return Watched(front, ShelfEye(front.view, LANES_OF_SHELF, CAMERA, model))


def test_what_left_the_shelf_is_recognised_once_the_hand_has_gone() -> None:
    model = Recogniser()
    watched = _watched(model)
    watched.look(15)
    watched.reach(375.0)
    del watched.front.feet_mm[2][0]
    assert not model.shown
    watched.leave()
    watched.look(20)
    (word,) = watched.observations("carried")
    assert word.sku_ids == tuple(sorted({lane.sku for lane in LANES_OF_SHELF}))
    assert word.log_likelihood.shape == (len(word.sku_ids) + 1,)
    assert word.calibration_id == "fake-1"
    assert word.direction == -1
    assert abs(word.x_mm - 375) < 60
    assert 1 <= len(model.shown) <= PER_ITEM
    last = [each for each in watched.said if isinstance(each, CameraProgress)][-1]
    assert last.unsettled_since_ns is None


def test_the_model_is_asked_at_most_once_a_frame_and_the_wait_is_said() -> None:
    model = Recogniser()
    watched = _watched(model)
    watched.look(15)
    watched.reach(375.0)
    del watched.front.feet_mm[2][0]
    watched.leave()
    asked = [len(model.shown)]
    while not watched.observations("carried"):
        watched.look()
        asked.append(len(model.shown))
    assert max(np.diff(asked)) <= 1
    waiting = [each for each in watched.said if isinstance(each, CameraProgress) and each.unsettled_since_ns]
    assert waiting


def test_frames_of_one_item_are_averaged_and_not_added() -> None:
    waiting = Waiting(Recogniser([3.0, 1.0, 2.0]), ["milk"])
    item = Item(1, 2, 100.0, 20.0, -1, 1, 1)  # type: ignore[arg-type]
    for _ in range(PER_ITEM + 2):
        item.add(np.zeros((32, 32, 3), np.uint8), 2)  # type: ignore[arg-type]
    waiting.put(item)
    told = None
    while told is None:
        told = waiting.score_one()
    assert told.mean_nats() == pytest.approx([2.0, 0.0])


def test_a_crowd_does_not_fill_the_memory() -> None:
    waiting = Waiting(Recogniser(), ["milk"])
    for number in range(40):
        item = Item(number, number, 100.0, 20.0, -1, number, 1)  # type: ignore[arg-type]
        for _ in range(PER_ITEM):
            item.add(np.zeros((LARGEST_PX, LARGEST_PX, 3), np.uint8), number)  # type: ignore[arg-type]
        waiting.put(item)
    kept = sum(len(item.cuttings) for item in waiting._items)
    assert kept <= MOST_WAITING
    assert waiting.since_ns == 40 - kept // PER_ITEM


def test_what_is_shown_to_the_model_holds_nothing_from_outside_the_shelf() -> None:
    model = Recogniser()
    watched = _watched(model)
    outside = ~watched.front.view.kept(320, 240)
    sentinel = 251
    plain = watched.front.grey

    def with_people() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        picture = np.minimum(plain(), 240)
        picture[outside] = sentinel
        return picture

    watched.front.grey = with_people  # type: ignore[method-assign]
    watched.look(15)
    watched.reach(60.0, tip_mm=60.0)
    del watched.front.feet_mm[0][0]
    watched.leave()
    watched.look(20)
    assert model.shown
    assert all(int(picture.max()) < sentinel for picture in model.shown)


def test_without_a_model_the_large_picture_is_never_fetched() -> None:
    watched = Watched(DrawnFront())

    def forbidden() -> ColourPicture:
        raise AssertionError("the large picture costs 2 ms")

    watched.front.colour = forbidden  # type: ignore[method-assign]
    watched.look(15)
    watched.reach(375.0)
    del watched.front.feet_mm[2][0]
    watched.leave()
    watched.look(20)
    assert watched.observations("lanes")
    assert not watched.observations("carried")


def test_a_quiet_shelf_fetches_the_large_picture_every_other_second() -> None:
    model = Recogniser()
    watched = _watched(model)
    fetched: list[float] = []
    plain = watched.front.colour

    def counted() -> ColourPicture:
        fetched.append(watched.t_s)
        return plain()

    watched.front.colour = counted  # type: ignore[method-assign]
    watched.look(150)
    assert 4 <= len(fetched) <= 6
