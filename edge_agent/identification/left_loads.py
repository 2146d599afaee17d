"""What was set down lately, and may be taken away again from exactly there: a person's own thing above all.

Something that the shelf does not sell has no catalogue weight, but once it was set down its load on every channel is
known to the noise of one measurement. If exactly that load leaves from exactly there, the same object left. What it is,
nobody knows better than when it came: so a remembered load carries the explanations of the act that brought it, with
their probabilities. An item that was put back is remembered in the same way; else the one chance in a thousand that
it was no item at all would win, when it is taken again, by a place known to a millimetre against one known to a lane.

Only what came alone can leave alone: an exchange's net change is not one object, and its reverse is left to the usual
explanations. The memory is bounded and lives with the process: after a restart a thing left before is a stranger again,
and its removal is explained, or reviewed, as that of any unknown thing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edge_agent.identification.bundles import MAX_TERMS
from edge_agent.identification.hypotheses import Hypotheses
from edge_agent.identification.observation_model import ObservationModel
from edge_agent.model import BoolArray, FloatArray, IntArray, ItemChange, WeightStep

FOREIGN_TAKEN = 0.3
"""Share of a shelf's acts that take a foreign thing away while one stands there: it is set down to have a hand free,
and its owner's visit to one shelf is about three acts (assumed, 2026-11). An item that was put back stands in front and
is what the next hand in its lane meets: one act in as many as there are lanes."""
NUDGE_MM = 3.0
"""How far hands at the goods beside it push a standing thing, standard deviation per axis (assumed, 2026-11)."""
MAX_REMEMBERED = 8
"""Loads remembered per shelf, the oldest forgotten first: bounds the cost of an act (2026-11)."""
MIN_STANDING = 0.05
"""A load that stands there with less probability is forgotten (2026-11)."""
TAKEN = 0.5
"""Above this probability a load has been taken, and is forgotten (2026-11)."""
MIN_IDENTITY = 1e-4
"""Explanations of a load below this probability are not remembered (2026-11)."""


@dataclass(frozen=True, slots=True)
class Identity:
    """One explanation of a load: items put on, or none for something that the shelf does not sell."""

    items: tuple[ItemChange, ...]
    probability: float


@dataclass(frozen=True, slots=True, eq=False)
class LeftLoad:
    """A load that was set down in one act.

    Attributes
    ----------
    load_g : (channels,)
        Over the shelf's channels, as measured when it came; 0 outside the region.
    covariance_g2 : (channels, channels)
        Of that measurement, and of being pushed since.
    seen : (channels,) bool
        Channels of the region that could be read then.
    skus : frozenset of str
        What it was judged among.
    standing : float
        Probability that it still stands there.
    """

    load_g: FloatArray
    covariance_g2: FloatArray
    seen: BoolArray
    skus: frozenset[str]
    identities: tuple[Identity, ...]
    standing: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class TakenAgain:
    """The explanations "this very load was taken away" of one region, as rows beside its table's sets.

    Attributes
    ----------
    load : (rows,) int
        Which remembered load.
    mean_g, covariance_g2 : (rows, channels), (rows, channels, channels)
        Over the region's readable channels.
    sku, lane, quantity : (rows, terms) int
        As in `Hypotheses`; −1 and 0 throughout where the load is something that the shelf does not sell.
    log_prior : (rows,)
        Nats, on the scale of `ActLogPrior`.
    """

    load: IntArray
    mean_g: FloatArray
    covariance_g2: FloatArray
    sku: IntArray
    lane: IntArray
    quantity: IntArray
    log_prior: FloatArray

    @property
    def foreign(self) -> BoolArray:
        """Return which rows take away something that the shelf does not sell, (rows,)."""
        named: BoolArray = np.logical_or.reduce(self.quantity != 0, axis=1)
        return ~named


def taken_again(
    loads: Sequence[LeftLoad], region: IntArray, used: IntArray, skus: tuple[str, ...], lane_ids: tuple[str, ...]
) -> TakenAgain:
    """Return how the remembered loads of a region may leave it.

    A load counts only where every channel that can be read now could be read when it came, and where no SKU became
    known since: a stray that the belief has learnt of may be what the load is.

    Parameters
    ----------
    region : (channels,) int
        Its channels; a load that stood on others too is not this region's.
    used : (channels,) int
        Those that can be read.
    skus, lane_ids : tuple of str
        What the rows' indices point into; an identity that names another SKU (a stray that left) is left out.
    """
    known, here = set(skus), set(region.tolist())
    rows = [
        (index, identity)
        for index, load in enumerate(loads)
        if load.seen[used].all() and here.issuperset(np.flatnonzero(load.seen).tolist()) and load.skus >= known
        for identity in load.identities
        if all(item.sku in known for item in identity.items)
    ]
    terms = np.full((3, len(rows), MAX_TERMS), -1, dtype=np.int32)
    terms[2] = 0
    for row, (_, identity) in enumerate(rows):
        for term, item in enumerate(identity.items):
            place = -1 if item.lane_id is None else lane_ids.index(item.lane_id)
            terms[:, row, term] = skus.index(item.sku), place, -item.quantity
    weight = [
        (1 / len(lane_ids) if identity.items else FOREIGN_TAKEN) * loads[index].standing * identity.probability
        for index, identity in rows
    ]
    grid = np.ix_(used, used)
    return TakenAgain(
        load=np.array([index for index, _ in rows], dtype=np.int32),
        mean_g=np.array([-loads[index].load_g[used] for index, _ in rows]).reshape(-1, len(used)),
        covariance_g2=np.array([loads[index].covariance_g2[grid] for index, _ in rows]).reshape(
            -1, len(used), len(used)
        ),
        sku=terms[0],
        lane=terms[1],
        quantity=terms[2],
        log_prior=np.log(np.array(weight, dtype=np.float64)),
    )


def loads_after(
    loads: Sequence[LeftLoad],
    model: ObservationModel,
    step: WeightStep,
    hypotheses: Hypotheses,
    probability: FloatArray,
) -> tuple[LeftLoad, ...]:
    """Return what stands on a shelf after a final act: without what was taken, with what was set down.

    Parameters
    ----------
    loads : sequence of LeftLoad
        As they were offered to the act's explanations, oldest first.
    probability : (hypotheses,)
        Posterior of the act.
    """
    kept = []
    for index, load in enumerate(loads):
        taken = float(probability[(hypotheses.load_taken == index).any(axis=1)].sum())
        standing = load.standing * (1 - taken)
        if taken <= TAKEN and standing >= MIN_STANDING:
            kept.append(replace(load, standing=standing))
    for block, region in enumerate(hypotheses.regions):
        used = np.intersect1d(region.channels, hypotheses.channels)
        if step.delta_g[used].sum() < model.shelf.limits.min_event_g:
            continue
        identities = _identities(hypotheses, probability, block)
        if identities:
            kept.append(_left(model, step, used, frozenset(hypotheses.skus), identities))
    return tuple(kept[-MAX_REMEMBERED:])


def _left(
    model: ObservationModel,
    step: WeightStep,
    used: IntArray,
    skus: frozenset[str],
    identities: tuple[Identity, ...],
) -> LeftLoad:
    load_g = np.zeros(model.channel_count)
    load_g[used] = step.delta_g[used]
    covariance = np.zeros((model.channel_count, model.channel_count))
    covariance[np.ix_(used, used)] = step.covariance_g2[np.ix_(used, used)]
    seen = np.zeros(model.channel_count, dtype=np.bool_)
    seen[used] = True
    covariance += model.push_covariance(load_g, NUDGE_MM)
    return LeftLoad(load_g, covariance, seen, skus, identities)


def _identities(hypotheses: Hypotheses, probability: FloatArray, block: int) -> tuple[Identity, ...]:
    """Return what may have been set down in one region, summed over what happened in the others."""
    columns = slice(block * MAX_TERMS, (block + 1) * MAX_TERMS)
    found: dict[tuple[ItemChange, ...], float] = {}
    for row in np.flatnonzero(probability > MIN_IDENTITY / 10).tolist():
        terms = zip(
            hypotheses.sku_index[row, columns].tolist(),
            hypotheses.lane_index[row, columns].tolist(),
            hypotheses.quantity[row, columns].tolist(),
            strict=True,
        )
        items = tuple(
            sorted(
                ItemChange(hypotheses.skus[sku], quantity, hypotheses.lane_ids[lane]) for sku, lane, quantity in terms
                if quantity
            )
        )  # fmt: skip
        came_alone = all(item.quantity > 0 for item in items) if items else hypotheses.foreign[row, block]
        if came_alone:
            found[items] = found.get(items, 0.0) + float(probability[row])
    return tuple(Identity(items, chance) for items, chance in sorted(found.items()) if chance >= MIN_IDENTITY)
