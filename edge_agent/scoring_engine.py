"""The engine as a contestant of the judge: ideal acts become weight steps of a shop configured like any other."""

from collections.abc import Callable, Sequence

import numpy as np

from edge_agent.config import AgentConfig, BoardConfig, BrokerConfig, ChannelConfig, LimitsConfig, ShelfConfig, Site
from edge_agent.config.assortment import Catalogue, ItemConfig, LaneConfig, Planogram, gtin_check_digit
from edge_agent.config.tree import PolicyConfig
from edge_agent.identification import Identification
from edge_agent.identification.posterior import bill_of
from edge_agent.judging.contestant import Answer, Evidence
from edge_agent.judging.hardware import Hardware
from edge_agent.judging.suites import DEPTH_MM, WIDTH_MM, Shelf
from edge_agent.model import BoolArray, FloatArray, MonotonicNs, Stock, VisionObservation, WeightStep
from edge_agent.vocabulary import Mode, Verdict

BOARD = "00000000000000aa"
SHELF = "shelf"
FULL, STANDING = 12, 8
"""A lane holds 12, 8 are believed to stand there: shoppers hold four of everything, so any act of the judge is possible
(2026-11)."""
NONE_OF_THEM_NATS = -20.0
"""What the simulated camera says of goods that the shelf does not sell, against its best SKU: it never saw any."""


class Engine:
    """`Identification` on one shelf; every act starts from the same stock belief, as the judge's acts do.

    Parameters
    ----------
    policy : PolicyConfig
        What the deployer would configure.
    sees_items : bool
        Whether each word of the camera is on an item of its own.
    shop : callable, optional
        (shelf, hardware, policy) → the shop's configuration; `site_of` unless another is named.
    """

    name = "engine"
    calibrated = True

    def __init__(
        self,
        policy: PolicyConfig,
        *,
        sees_items: bool = False,
        shop: Callable[[Shelf, Hardware, PolicyConfig], Site] | None = None,
    ) -> None:
        self._policy = policy
        self._shop = shop or site_of
        self._sees_items = sees_items

    def meet(self, shelf: Shelf, hardware: Hardware) -> None:
        """Configure a shop with this shelf."""
        self._hardware = hardware
        self._identification = Identification(self._shop(shelf, hardware, self._policy))
        self._sku_ids = tuple(sku_name(row) for row in range(len(shelf.weight_g)))
        self._row = {sku: row for row, sku in enumerate(self._sku_ids)}
        self._stock: Stock = {f"L{row:02d}": {sku: STANDING} for row, sku in enumerate(self._sku_ids)}
        self._valid: BoolArray = np.ones(len(hardware.x_mm), dtype=np.bool_)

    def believe(self, stock: Stock) -> None:
        """Take this for what stands on the shelf, until told otherwise or of another shelf."""
        self._stock = stock

    def answer(self, evidence: Evidence, observations: Sequence[VisionObservation] = ()) -> Answer:
        """Resolve one step as the pipeline would; ``observations`` are what a camera saw of it, besides the words."""
        step = WeightStep(
            act_id=f"act-{evidence.number}",
            shelf_id=SHELF,
            t_start_ns=MonotonicNs(evidence.number * 1000),
            t_end_ns=MonotonicNs(evidence.number * 1000 + 500),
            delta_g=evidence.delta_g,
            covariance_g2=self._hardware.covariance_g2,
            valid=self._valid,
            peak_g=float(np.abs(evidence.delta_g).max()),
        )
        words = [self._observation(step, index, word) for index, word in enumerate(evidence.words)]
        seen = [*words, *observations]
        event = self._identification.resolve(step, self._stock, Mode.SELLING, seen)
        if event is None:
            return Answer((), 0.0, ("no event",))
        bill = tuple(sorted((self._row[sku], quantity) for sku, quantity in bill_of(event.items)))
        return Answer(bill, event.confidence, event.reasons if event.verdict is Verdict.REVIEW else ())

    def _observation(self, step: WeightStep, index: int, word: FloatArray) -> VisionObservation:
        return VisionObservation(
            observation_id=f"{step.act_id}-{index}",
            shelf_id=SHELF,
            t_start_ns=step.t_start_ns,
            t_end_ns=step.t_end_ns,
            x_mm=WIDTH_MM / 2,
            x_sigma_mm=WIDTH_MM,
            kind="item",
            direction=0,
            track_id=0,
            item_index=index if self._sees_items else None,
            sku_ids=self._sku_ids,
            log_likelihood=np.append(word, word.max() + NONE_OF_THEM_NATS),
            calibration_id="simulated",
        )


def sku_name(row: int) -> str:
    """Return the SKU that stands in a lane of the judge's shelf."""
    return f"sku-{row:02d}"


def site_of(shelf: Shelf, hardware: Hardware, policy: PolicyConfig) -> Site:
    """Return the configuration of a shop whose only shelf is this one."""
    channels = tuple(
        ChannelConfig(board_uid=BOARD, index=index, x_mm=float(x), y_mm=float(y))
        for index, (x, y) in enumerate(zip(hardware.x_mm, hardware.y_mm, strict=True))
    )
    rows = range(len(shelf.weight_g))
    return Site(
        agent=AgentConfig(
            schema_version=1,
            store_id="judge",
            agent_id="judge",
            state_dir="state",
            broker=BrokerConfig(host="localhost"),
            boards=(BoardConfig(uid=BOARD, port="/dev/null"),),
            shelves=("shelf.toml",),
            planogram="planogram.toml",
            catalogue="catalogue.toml",
            calibration_dir="calibration",
            policy=policy,
        ),
        shelves=(
            ShelfConfig(
                shelf_id=SHELF,
                kind=hardware.kind,
                width_mm=WIDTH_MM,
                depth_mm=DEPTH_MM,
                channels=channels,
                limits=LimitsConfig(cell_max_g=20_000),
            ),
        ),
        planogram=Planogram(
            revision=1,
            lanes=tuple(
                LaneConfig(
                    lane_id=f"L{row:02d}",
                    shelf_id=SHELF,
                    x_mm=(row * shelf.lane_mm, (row + 1) * shelf.lane_mm),
                    sku=sku_name(row),
                    capacity=FULL,
                    opening_count=FULL,
                )
                for row in rows
            ),
        ),
        catalogue=Catalogue(
            revision=1,
            items=tuple(
                ItemConfig(
                    sku=sku_name(row),
                    gtin=f"{row:012d}{gtin_check_digit(f'{row:012d}')}",
                    name=sku_name(row),
                    unit_weight_g=float(shelf.weight_g[row]),
                    unit_sigma_g=float(shelf.sigma_g[row]),
                )
                for row in rows
            ),
        ),
        calibrations=(),
    )
