"""A platform with a camera for the stories about it: acts as they happen, and what honest and lying cameras say."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
from identification_shop import DEPTH_MM, WIDTH_MM, Kind, site

from edge_agent.config import CameraConfig, Site
from edge_agent.identification import Identification
from edge_agent.judging.camera import separation
from edge_agent.model import (
    LANE_CHANGES,
    FloatArray,
    HealthTransition,
    ItemChange,
    ItemEvent,
    MonotonicNs,
    VisionObservation,
    WeightStep,
)
from edge_agent.vocabulary import Mode

DISTINCT_G = {
    f"s{place:02d}": grams for place, grams in enumerate((62, 95, 131, 170, 212, 259, 310, 366, 428, 497, 575, 663))
}
"""Twelve products from left to right, no two within 30 g of each other."""
ALIKE_G = {
    f"s{place:02d}": grams for place, grams in enumerate((310, 310, 310, 420, 420, 420, 540, 540, 540, 700, 700, 700))
}
"""Three neighbours of one weight each: weight and position cannot tell them."""
NOISE_G = 0.6


@dataclass(frozen=True)
class Act:
    """What was moved, SKU → signed number, and how the scale felt it."""

    moved: Mapping[str, int]
    step: WeightStep


class CameraShop:
    """A shelf on four corner cells under a camera."""

    def __init__(self, weights_g: Mapping[str, float] = DISTINCT_G, kind: Kind = "platform") -> None:
        self.weights_g = dict(weights_g)
        plain = site(kind, weights_g, plates=len(weights_g), min_event_g=20.0)
        camera = CameraConfig(shelf_id="shelf", driver="simulated", camera_id="eye")
        self.site: Site = msgspec.structs.replace(plain, agent=msgspec.structs.replace(plain.agent, cameras=(camera,)))
        self.skus = tuple(weights_g)
        self.lane_mm = WIDTH_MM / len(weights_g)
        self.stock = self.site.opening_stock()

    def lane_x_mm(self, sku: str) -> float:
        return (self.skus.index(sku) + 0.5) * self.lane_mm

    def act(self, number: int, moved: Mapping[str, int], dice: np.random.Generator) -> Act:
        """Return an act: items taken each from somewhere in their own lane, felt by four cells."""
        delta_g = np.zeros(4)
        for sku, quantity in moved.items():
            for _ in range(abs(quantity)):
                grams = self.weights_g[sku] * (1 + 0.005 * dice.standard_normal())
                u = (self.lane_x_mm(sku) + dice.uniform(-0.4, 0.4) * self.lane_mm - 30) / 840
                v = (dice.uniform(60, DEPTH_MM - 60) - 30) / 340
                shares = np.array([(1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v])
                delta_g += np.sign(quantity) * grams * shares
        delta_g += NOISE_G * dice.standard_normal(4)
        start_ns = (number + 1) * 20_000_000_000
        step = WeightStep(
            act_id=f"act-{number}",
            shelf_id="shelf",
            t_start_ns=MonotonicNs(start_ns),
            t_end_ns=MonotonicNs(start_ns + 1_000_000_000),
            delta_g=delta_g,
            covariance_g2=np.eye(4) * NOISE_G**2,
            valid=np.ones(4, dtype=np.bool_),
            peak_g=float(np.abs(delta_g).max()),
        )
        return Act(dict(moved), step)

    def acts(self, count: int, seed: int) -> list[Act]:
        """Return takes as shops see them: mostly one item, sometimes two of a kind, now and then of two kinds."""
        dice = np.random.default_rng(seed)
        drawn = []
        for number in range(count):
            one, other = (str(sku) for sku in dice.choice(self.skus, 2, replace=False))
            share = dice.random()
            moved = {one: -1} if share < 0.75 else {one: -2} if share < 0.88 else {one: -1, other: -1}
            drawn.append(self.act(number, moved, dice))
        return drawn


def observation(step: WeightStep, kind: str, name: str, **given: object) -> VisionObservation:
    """Return one of the camera's words on an act, said of the second in which it was felt."""
    plain = VisionObservation(
        observation_id=f"{step.act_id}-{name}",
        shelf_id=step.shelf_id,
        t_start_ns=step.t_start_ns,
        t_end_ns=step.t_end_ns,
        x_mm=0.0,
        x_sigma_mm=float("inf"),
        kind=kind,
        direction=0,
        track_id=-1,
        item_index=None,
        sku_ids=(),
        log_likelihood=np.zeros(0),
        calibration_id="test",
    )
    return replace(plain, **given)  # type: ignore[arg-type]


def reach(step: WeightStep, x_mm: float, sigma_mm: float = 25.0, track: int = 0) -> VisionObservation:
    name = f"reach-{track}-{x_mm:.1f}"
    return observation(step, "reach", name, x_mm=x_mm, x_sigma_mm=sigma_mm, track_id=track, calibration_id="reach")


def front(step: WeightStep, lane_ids: Sequence[str], said: FloatArray) -> VisionObservation:
    return observation(
        step, "lanes", "front", lane_ids=tuple(lane_ids), lane_log_likelihood=said, calibration_id="front"
    )


def front_said(changes: Mapping[str, int], nats: float = 8.0) -> tuple[tuple[str, ...], FloatArray]:
    """Return a plain word on lanes: for each by how many items it surely changed, so many nats over others."""
    said = np.array([[0.0 if each == change else -nats for each in LANE_CHANGES] for change in changes.values()])
    return tuple(changes), said


def appearance(
    step: WeightStep, sku_ids: Sequence[str], said: FloatArray, none_of_them: float = -20.0, **given: object
) -> VisionObservation:
    """Return a word on SKUs; what it says of goods that the shelf does not sell is relative to the best."""
    return observation(
        step,
        "carried",
        "look",
        sku_ids=tuple(sku_ids),
        track_id=0,
        log_likelihood=np.append(said, said.max() + none_of_them),
        calibration_id="looks",
        **given,
    )


Camera = Callable[[Act], list[VisionObservation]]
"""From an act to what the camera says of it."""


class HonestCamera:
    """Calibrated by construction: it says how likely what it saw is under every SKU and every change of a lane.

    Parameters
    ----------
    top1 : float
        How often its best guess among the SKUs is right.
    lane_sigmas : float
        How far apart a lane that lost goods, one that did not and one that got some look.
    """

    def __init__(self, shop: CameraShop, seed: int, top1: float = 0.8, lane_sigmas: float = 4.0) -> None:
        self._shop = shop
        self._dice = np.random.default_rng(seed)
        self._apart = separation(len(shop.skus), top1)
        self._lane_sigmas = lane_sigmas

    def __call__(self, act: Act) -> list[VisionObservation]:
        """Return reaches, a front and an appearance."""
        return [*self.reaches(act), self.front(act), self.look(act)]

    def reaches(self, act: Act) -> list[VisionObservation]:
        places = [self._shop.lane_x_mm(sku) for sku in act.moved]
        return [reach(act.step, x + self._dice.normal(0, 25), track=track) for track, x in enumerate(places)]

    def front(self, act: Act) -> VisionObservation:
        changes = np.array([act.moved.get(sku, 0) for sku in self._shop.skus])
        seen = self._lane_sigmas * np.sign(changes) + self._dice.standard_normal(len(changes))
        said = -0.5 * (seen[:, None] - self._lane_sigmas * np.sign(LANE_CHANGES)[None, :]) ** 2
        return front(act.step, [sku.upper() for sku in self._shop.skus], said)

    def look(self, act: Act) -> VisionObservation:
        each = [sku for sku, quantity in act.moved.items() for _ in range(abs(quantity))]
        shown = self._apart * np.eye(len(self._shop.skus))[self._shop.skus.index(str(self._dice.choice(each)))]
        descriptor = shown + self._dice.standard_normal(len(self._shop.skus))
        return appearance(act.step, self._shop.skus, self._apart * descriptor)


def blind(shop: CameraShop, seed: int, honest: Camera) -> Camera:
    """Return a camera whose words are of some other act, drawn without regard to this one."""
    dice = np.random.default_rng(seed)

    def speak(act: Act) -> list[VisionObservation]:
        return honest(Act({str(dice.choice(shop.skus)): -1}, act.step))

    return speak


def mirrored(honest: Camera) -> Camera:
    """Return a camera that was commissioned with left and right exchanged; what goods look like it sees rightly."""

    def speak(act: Act) -> list[VisionObservation]:
        said = []
        for each in honest(act):
            turned = each.lane_log_likelihood[::-1] if each.lane_ids else each.lane_log_likelihood
            said.append(replace(each, x_mm=WIDTH_MM - each.x_mm, lane_log_likelihood=turned))
        return said

    return speak


def of_yesterday(shop: CameraShop, honest: Camera) -> Camera:
    """Return a camera that compares every front with one picture of yesterday: the same lanes look emptier for ever."""
    gone = Act(dict.fromkeys(shop.skus[1::3], -2), shop.act(0, {shop.skus[0]: -1}, np.random.default_rng(0)).step)
    picture = next(each for each in honest(gone) if each.lane_ids)

    def speak(act: Act) -> list[VisionObservation]:
        return [front(act.step, picture.lane_ids, picture.lane_log_likelihood)]

    return speak


@dataclass(frozen=True)
class Told:
    """What an identification made of an act, how sure it was of the truth, and what it said of its camera."""

    act: Act
    event: ItemEvent
    alarms: list[HealthTransition]

    @property
    def truth_probability(self) -> float:
        return next((each.probability for each in self.event.alternatives if _bill(each.items) == self.act.moved), 0.0)

    @property
    def right(self) -> bool:
        return _bill(self.event.items) == self.act.moved


def _bill(items: Sequence[ItemChange]) -> dict[str, int]:
    summed: dict[str, int] = {}
    for each in items:
        summed[each.sku] = summed.get(each.sku, 0) + each.quantity
    return summed


class Judged:
    """An identification that hears a camera, act after act, each from the same stock."""

    def __init__(self, shop: CameraShop) -> None:
        self._shop = shop
        self.identification = Identification(shop.site)

    def tell(self, act: Act, words: Sequence[VisionObservation] = ()) -> Told:
        event = self.identification.resolve(act.step, self._shop.stock, Mode.SELLING, words)
        assert event is not None
        return Told(act, event, self.identification.judge_camera(event))
