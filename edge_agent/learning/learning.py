"""What every decided act teaches: confidences for the threshold, weights of single items."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from edge_agent.config import Site
from edge_agent.identification.policy import FOREIGN_REMOVED, PRESS, RECONCILED, UNKNOWN_ITEM
from edge_agent.identification.threshold import with_act
from edge_agent.identification.weighing import Weighed
from edge_agent.learned import NONE_SEEN, UNIT, Confidences, Learned, Proposal, UnitWeight
from edge_agent.learning import contradiction, unit_weight
from edge_agent.learning.review_share import ReviewShare
from edge_agent.model import HealthTransition, ItemEvent, MonotonicNs
from edge_agent.vocabulary import Mode, Severity, Verdict

CATALOGUE_WEIGHT = "catalogue_weight"
SURE = 0.999
"""Confidence from which an act's items are taken as known (rule, 2026-11)."""
FORCED = frozenset({RECONCILED, PRESS})
"""Reasons that send an act to review whatever it looks like: such a one says nothing about confidences or weights."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What one act changed.

    Attributes
    ----------
    learned : Learned
        The changed part, to be kept with the act's event.
    spreads_g : mapping sku → g
        Spreads that identification shall reckon with from now on.
    transitions : tuple of HealthTransition
        What a person should hear.
    """

    learned: Learned = field(default_factory=Learned)
    spreads_g: Mapping[str, float] = field(default_factory=dict)
    transitions: tuple[HealthTransition, ...] = ()


class Learning:
    """Learns from acts in selling mode, and from nothing else: a pure function of the acts in their order.

    Parameters
    ----------
    site : Site
        Checked configuration.
    learned : Learned
        What was known before, of this catalogue and planogram.
    """

    def __init__(self, site: Site, learned: Learned) -> None:
        self._items = {item.sku: item for item in site.catalogue.items}
        self._units = {sku: unit for sku, unit in learned.units.items() if sku in self._items}
        policy = site.agent.policy
        self._counts = policy.tolerated_error is not None or policy.tolerated_review is not None
        self._confidences = dict(learned.confidences)
        self._review_share = ReviewShare(policy)

    @property
    def confidences(self) -> Confidences:
        """Return how sure the unit's acts were so far."""
        return self._confidences.get(UNIT, NONE_SEEN)

    def spreads_g(self) -> dict[str, float]:
        """Return sku → spread of an item, g, where it is wider than the catalogue's."""
        return {
            sku: unit.spread_g for sku, unit in self._units.items() if unit.spread_g > self._items[sku].unit_sigma_g
        }

    def standing(self, t_ns: MonotonicNs) -> list[HealthTransition]:
        """Return the proposals that were made before this run: their alarms stand until the catalogue changes."""
        proposals = [(sku, unit.proposal) for sku, unit in sorted(self._units.items())]
        return [_contradicted(t_ns, sku, made) for sku, made in proposals if made is not None]

    def learn(self, event: ItemEvent, weighed: Weighed | None) -> Lesson:
        """Take in a final event and what it weighed."""
        if event.mode is not Mode.SELLING or not FORCED.isdisjoint(event.reasons):
            return Lesson()
        transitions: list[HealthTransition] = []
        confidences: dict[str, Confidences] = {}
        if self._counts:
            # Of something that the shelf does not sell no threshold makes a bill.
            confidence = 0.0 if UNKNOWN_ITEM in event.reasons else event.confidence
            for key in (UNIT, event.shelf_id):
                confidences[key] = with_act(self._confidences.get(key, NONE_SEEN), confidence)
            self._confidences |= confidences
            told = self._review_share.after(
                event.t_end_ns, event.shelf_id, confidences[event.shelf_id], confidences[UNIT]
            )
            transitions += [told] if told else []
        units: dict[str, UnitWeight] = {}
        spreads_g: dict[str, float] = {}
        for sku, before, after in self._weights(event, weighed):
            made = contradiction.proposal(after, self._items[sku])
            units[sku] = after if made is None else replace(after, proposal=made)
            if made is not None:
                transitions.append(_contradicted(event.t_end_ns, sku, made))
            if after.spread_g > before.spread_g:
                spreads_g[sku] = after.spread_g
        self._units |= units
        return Lesson(Learned(units, confidences), spreads_g, tuple(transitions))

    def _weights(self, event: ItemEvent, weighed: Weighed | None) -> list[tuple[str, UnitWeight, UnitWeight]]:
        """Return the SKU that a take was weighed of, with what was known of it before and after; one at most.

        Takes alone: what is put back was weighed when it was taken, or is half empty by now.
        """
        if weighed is None or weighed.mass_g >= 0 or FOREIGN_REMOVED in event.reasons:
            return []
        named = {item.sku for item in event.items}
        number = -sum(item.quantity for item in event.items)
        sure = event.verdict is Verdict.AUTO and event.confidence >= SURE and len(named) == 1 and number > 0
        alone = len(weighed.skus) == 1 and named <= weighed.skus
        if not sure and not alone:
            return []
        (sku,) = named if sure else weighed.skus
        if sku not in self._items:
            return []
        item = self._items[sku]
        before = after = self._units.get(sku) or unit_weight.begin(item)
        if alone:
            after = contradiction.with_take(after, item, -weighed.mass_g, weighed.variance_g2)
        if sure:
            after = unit_weight.updated(after, -weighed.mass_g, number, weighed.variance_g2)
            after = unit_weight.widened(after, item)
        return [] if after is before else [(sku, before, after)]


def _contradicted(t_ns: MonotonicNs, sku: str, made: Proposal) -> HealthTransition:
    return HealthTransition(
        t_ns,
        f"sku:{sku}",
        CATALOGUE_WEIGHT,
        raised=True,
        severity=Severity.INFO,
        detail=(
            f"the catalogue says {made.catalogue_g:g} g, "
            f"{made.events} takes say {made.learned_g:.1f} ± {made.sigma_g:.1f} g"
        ),
        remedy="weigh a few; if they agree, correct unit_weight_g in the catalogue and raise its revision",
    )
