"""How a shelf's products will fare: right, reviewed, wrong, and taken for what."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edge_agent.advising.drawn_acts import ActSource, DrawnAct, Seeing
from edge_agent.config import ShelfConfig, Site
from edge_agent.identification import Identification
from edge_agent.identification.policy import PRESS, UNKNOWN_ITEM
from edge_agent.identification.posterior import bill_of
from edge_agent.model import ItemEvent
from edge_agent.vocabulary import Mode, Verdict

REVIEWED_ANYHOW = frozenset({UNKNOWN_ITEM, PRESS})
"""Why an act is reviewed however sure its best bill is."""


@dataclass(frozen=True, slots=True)
class Draw:
    """Which acts are drawn: the same draw, the same shoppers, whatever the plan.

    Attributes
    ----------
    acts, seed : int
        How many, and whose.
    noise_g : float
        See `ActSource`.
    first : int
        Number of the first act; acts of other numbers are other acts.
    """

    acts: int
    seed: int
    noise_g: float
    first: int = 0


@dataclass(frozen=True, slots=True)
class ProductForecast:
    """One product's acts: those in which it led.

    Attributes
    ----------
    reviewed, wrong : float or None
        Share of its acts that go to review, and that are billed wrongly, as foretold by the engine's own confidence;
        None where it led none.
    """

    lane_id: str
    sku: str
    acts: int
    reviewed: float | None
    wrong: float | None


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Two products that are taken for each other: per 1,000 acts of either, so many are not decided between them."""

    sku: str
    other: str
    undecided_per_1000: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """A shelf's forecast under the configured policy.

    Attributes
    ----------
    reviewed, wrong : float
        Shares of all acts.
    observed_wrong : float
        Bills that were wrong in the draw; `wrong` is what the confidences foretell of them.
    undecided : float
        Mean probability of all but the first explanation: what remains unknown, whoever decides.
    confidences : tuple of float
        Of every act, ascending; 0 where it is reviewed whatever ``min_confidence``.
    """

    shelf_id: str
    acts: int
    reviewed: float
    wrong: float
    observed_wrong: float
    undecided: float
    products: tuple[ProductForecast, ...]
    neighbours: tuple[Neighbours, ...]
    confidences: tuple[float, ...]


def forecast(
    site: Site,
    shelf: ShelfConfig,
    draw: Draw,
    *,
    camera: Seeing | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Forecast:
    """Return what to expect of one shelf.

    Parameters
    ----------
    progress : callable, optional
        Told now and then how many acts are done.
    """
    source = ActSource(site, shelf, draw.noise_g, camera)
    identification = Identification(site)
    events: list[tuple[DrawnAct, ItemEvent]] = []
    for done in range(draw.acts):
        act = source.draw(draw.seed, draw.first + done)
        event = identification.resolve(act.step, act.stock, Mode.SELLING, act.observations)
        if event is not None:
            events.append((act, event))
        if done % 50 == 0:
            progress(done)
    return _summary(source, events)


def _summary(source: ActSource, events: list[tuple[DrawnAct, ItemEvent]]) -> Forecast:
    confidence = np.array([event.confidence for _, event in events])
    reviewed = np.array([event.verdict is Verdict.REVIEW for _, event in events])
    right = np.array([bill_of(event.items) == act.bill for act, event in events])
    anyhow = np.array([not REVIEWED_ANYHOW.isdisjoint(event.reasons) for _, event in events])
    wrong = np.where(reviewed, 0.0, 1 - confidence)
    lead = np.array([act.lead for act, _ in events])
    products = tuple(
        ProductForecast(
            lane.lane_id,
            lane.sku,
            int((lead == place).sum()),
            float(reviewed[lead == place].mean()) if (lead == place).any() else None,
            float(wrong[lead == place].mean()) if (lead == place).any() else None,
        )
        for place, lane in enumerate(source.lanes)
    )
    return Forecast(
        shelf_id=source.shelf.shelf_id,
        acts=len(events),
        reviewed=float(reviewed.mean()),
        wrong=float(wrong.mean()),
        observed_wrong=float((~reviewed & ~right).mean()),
        undecided=float((1 - confidence).mean()),
        products=products,
        neighbours=_neighbours(events),
        confidences=tuple(sorted(np.where(anyhow, 0.0, confidence).tolist())),
    )


def _neighbours(events: list[tuple[DrawnAct, ItemEvent]]) -> tuple[Neighbours, ...]:
    """Return pairs by what the engine cannot decide between them: the part that moved against what it may have been."""
    undecided: Counter[tuple[str, str]] = Counter()
    moved: Counter[str] = Counter()
    for act, event in events:
        truth = dict(act.bill)
        moved.update(truth)
        for other in event.alternatives:
            said = dict(bill_of(other.items))
            missing = [sku for sku in truth if truth[sku] != said.get(sku, 0)]
            instead = [sku for sku in said if said[sku] != truth.get(sku, 0) and sku not in truth]
            share = other.probability / max(len(missing) * len(instead), 1)
            undecided.update({(min(a, b), max(a, b)): share for a in missing for b in instead})
    acts = Counter({sku: sum(sku in dict(act.bill) for act, _ in events) for sku in moved})
    pairs = (
        Neighbours(first, second, 1000 * mass / max(acts[first] + acts[second], 1))
        for (first, second), mass in undecided.items()
    )
    return tuple(sorted(pairs, key=lambda pair: (-round(pair.undecided_per_1000, 6), pair.sku, pair.other)))
