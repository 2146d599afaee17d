"""Acts on a configured shelf, drawn as the engine expects them: the shelf's sensors are in question, not its shoppers.

Items weigh what the catalogue says, spread as it says, and stand anywhere in their lane; every cell's change carries
noise of a stated size. So a forecast is the best case: cells that drift, catalogue weights that are wrong and hands
that hide what they do come on top.

What is done is drawn apart from where it is done: two plans of the same goods see the same hands, the same items at the
same place within their lanes, and the same noise, so that their difference is that of the plans.
"""

from dataclasses import dataclass

import numpy as np

from edge_agent.config import ShelfConfig, Site
from edge_agent.config.assortment import ItemConfig, LaneConfig
from edge_agent.identification.observation_model import ObservationModel
from edge_agent.identification.prior import HANDFUL, HANDFUL_EXPONENT, SHOPPER, strayed_share
from edge_agent.identification.straddled_plates import item_widths_mm
from edge_agent.model import FloatArray, MonotonicNs, Stock, VisionObservation, WeightStep

NONE_OF_THEM = 1e-6
"""What the camera gives to goods that the shelf does not sell: none are drawn."""


@dataclass(frozen=True, slots=True)
class DrawnAct:
    """One act: the lane that leads; what was moved, signed, as (SKU, quantity); what the shelf read; the belief before.

    ``lead`` counts the source's lanes from 0.
    """

    lead: int
    bill: tuple[tuple[str, int], ...]
    step: WeightStep
    stock: Stock
    observations: tuple[VisionObservation, ...]


@dataclass(frozen=True, slots=True)
class Seeing:
    """A camera that names each item's product and is right this often; wrong names are any of the others."""

    top1: float


class ActSource:
    """Draws acts of one shelf.

    Parameters
    ----------
    site : Site
        Checked configuration.
    shelf : ShelfConfig
        One of its shelves, with at least one lane.
    noise_g : float
        Standard deviation of one act's change, of a whole platform or of one plate, g.
    camera : Seeing, optional
    """

    def __init__(self, site: Site, shelf: ShelfConfig, noise_g: float, camera: Seeing | None = None) -> None:
        self.shelf, self.camera = shelf, camera
        self.lanes = site.planogram.on_shelf(shelf.shelf_id)
        self._items: list[ItemConfig] = [site.catalogue.item(lane.sku) for lane in self.lanes]
        self._model = ObservationModel(shelf, self.lanes)
        by_goods = sorted(range(len(self.lanes)), key=lambda place: (self.lanes[place].sku, place))
        self._goods = np.array(by_goods)  # A swap of lanes leaves the order of the goods as it is.
        misplaced = site.agent.policy.misplaced_prior
        self._astray = {-1: misplaced, 1: strayed_share(misplaced, SHOPPER)}
        channels = len(shelf.channels)
        share = channels if shelf.kind == "platform" else 1
        self._covariance_g2 = np.eye(channels) * noise_g**2 / share
        number = np.arange(1, HANDFUL + 1) ** -HANDFUL_EXPONENT
        self._number_share = number / number.sum()
        self._skus = tuple(sorted({lane.sku for lane in self.lanes}))
        sold = tuple(site.catalogue.item(sku) for sku in self._skus)
        self._width_mm = dict(zip(self._skus, item_widths_mm(self.lanes, sold).tolist(), strict=True))

    def draw(self, seed: int, number: int) -> DrawnAct:
        """Return an act; the same arguments give the same one."""
        streams = np.random.SeedSequence([seed, number]).spawn(4)
        hand, places, noise, camera = (np.random.default_rng(stream) for stream in streams)
        sign = 1 if hand.random() < SHOPPER.put_share else -1
        first = int(self._goods[number % len(self.lanes)])  # Each lane as often: every product gets its forecast.
        moved = [first]
        for _ in range(int(hand.choice(HANDFUL, p=self._number_share))):
            other = hand.random() >= SHOPPER.same_share
            moved.append(int(self._goods[hand.integers(len(self.lanes))]) if other else first)
        stock = {lane.lane_id: {lane.sku: max(lane.opening_count, 1)} for lane in self.lanes}
        for lane in moved:
            counts = stock[self.lanes[lane].lane_id]
            if sign > 0:
                counts[self.lanes[lane].sku] = max(counts[self.lanes[lane].sku] - 1, 0)
        delta_g = noise.multivariate_normal(np.zeros(len(self._covariance_g2)), self._covariance_g2)
        for lane in moved:
            item = self._items[lane]
            mass_g = item.unit_weight_g + item.unit_sigma_g * hand.standard_normal()
            delta_g = delta_g + sign * mass_g * self._influence(item, lane, self._astray[sign], places)
        instant = MonotonicNs(number)
        step = WeightStep(
            act_id=f"act-{number}",
            shelf_id=self.shelf.shelf_id,
            t_start_ns=instant,
            t_end_ns=instant,
            delta_g=delta_g,
            covariance_g2=self._covariance_g2,
            valid=np.ones(len(delta_g), dtype=np.bool_),
            peak_g=float(np.abs(delta_g).max()),
        )
        counts = {sku: sum(self.lanes[lane].sku == sku for lane in moved) for sku in {self.lanes[i].sku for i in moved}}
        bill = tuple(sorted((sku, sign * count) for sku, count in counts.items()))
        words = self._words([self.lanes[lane].sku for lane in moved], step, camera)
        return DrawnAct(first, bill, step, stock, words)

    def _influence(self, item: ItemConfig, lane: int, astray: float, rng: np.random.Generator) -> FloatArray:
        """Return how the cells share one item of a lane, (channels,); the share ``astray`` stands in another one.

        It uses as many random numbers whatever comes of them.
        """
        strays, other = rng.random() < astray, rng.random()
        if strays and len(self.lanes) > 1:
            lane = (lane + 1 + int(other * (len(self.lanes) - 1))) % len(self.lanes)
        x_mm = rng.uniform(*_room(self.lanes[lane], item))
        width_mm = self._width_mm[item.sku]
        return self._model.influence(x_mm, rng.uniform(*self._model.depth_range_mm()), width_mm)

    def _words(self, moved: list[str], step: WeightStep, rng: np.random.Generator) -> tuple[VisionObservation, ...]:
        if self.camera is None or len(self._skus) < 2:
            return ()
        words = []
        for index, sku in enumerate(moved):
            others = [each for each in self._skus if each != sku]
            said = sku if rng.random() < self.camera.top1 else str(rng.choice(others))
            likelihood = [
                self.camera.top1 if each == said else (1 - self.camera.top1) / len(others) for each in self._skus
            ]
            words.append(
                VisionObservation(
                    observation_id=f"{step.act_id}-{index}",
                    shelf_id=step.shelf_id,
                    t_start_ns=step.t_start_ns,
                    t_end_ns=step.t_end_ns,
                    x_mm=self.shelf.width_mm / 2,
                    x_sigma_mm=self.shelf.width_mm,
                    kind="item",
                    direction=0,
                    track_id=0,
                    item_index=index,
                    sku_ids=self._skus,
                    log_likelihood=np.log([*likelihood, NONE_OF_THEM]),
                    calibration_id="assumed",
                )
            )
        return tuple(words)


def _room(lane: LaneConfig, item: ItemConfig) -> tuple[float, float]:
    """Return where the middle of an item may be, mm; where its width is not known, anywhere in the lane."""
    left_mm, right_mm = lane.x_mm
    half_mm = 0.0 if item.size_mm is None else min(item.size_mm[0], right_mm - left_mm) / 2
    return left_mm + half_mm, right_mm - half_mm
