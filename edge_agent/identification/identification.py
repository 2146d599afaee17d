"""From a shelf's weight step to an item event: explanations, witnesses, posterior, policy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from edge_agent.config import ShelfConfig, Site
from edge_agent.identification.act_position import followed, locate
from edge_agent.identification.camera_trust import CameraTrust
from edge_agent.identification.camera_witness import CameraWitness, CameraWords
from edge_agent.identification.hypotheses import Hypotheses
from edge_agent.identification.left_loads import LeftLoad, loads_after
from edge_agent.identification.observation_model import ObservationModel
from edge_agent.identification.pauses import with_pauses
from edge_agent.identification.policy import Circumstances, decide
from edge_agent.identification.posterior import Posterior, combine, probabilities
from edge_agent.identification.prior import Belief, act_prior
from edge_agent.identification.shelf_hypotheses import ShelfHypotheses, readable
from edge_agent.identification.stock import apply_event
from edge_agent.identification.weighing import Weighed, weigh
from edge_agent.identification.witnesses import PositionWitness, WeightWitness
from edge_agent.learned import NONE_SEEN, Confidences
from edge_agent.model import (
    FloatArray,
    HealthTransition,
    IntArray,
    ItemEvent,
    Revisions,
    Stock,
    VisionObservation,
    WeightStep,
)
from edge_agent.ports import Testimony, Witness
from edge_agent.version import software_version
from edge_agent.vocabulary import Mode, StepCause, Verdict

SAFE_LOAD = 1.5
"""Load that leaves a cell's zero where it was, over its capacity (OIML R 60, E_lim; data sheets of single-point cells
of 5 to 20 kg state 150 %, 2026-12). What a press within it adds to the error is in the step's covariance."""
DECIDING_MODES = (Mode.SELLING, Mode.STAFF)
"""Modes in which a changed weight is somebody's act on goods. Elsewhere weights are tests, or not settled yet."""


@dataclass(frozen=True, slots=True, eq=False)
class _Finding:
    """The latest event with what led to it."""

    event: ItemEvent
    step: WeightStep
    stock: Stock
    hypotheses: Hypotheses | None
    probability: FloatArray
    testimonies: Mapping[str, Testimony]


class Identification:
    """What was moved, how sure that is, and who decides.

    Tables are built here, once; a step then costs a look-up, a screen and one batch of Gaussians. Between steps one
    thing only is kept: what was set down lately, as `remember` was told (see `left_loads`). No checkpoint holds it.

    Parameters
    ----------
    site : Site
        Checked configuration.
    witnesses : sequence of Witness, optional
        Whose word counts; weight, position and camera if None. A witness with nothing to say changes nothing.
    spreads_g : mapping sku → g, optional
        Spreads of single items where they are wider than the catalogue's.

    Raises
    ------
    KeyError
        Where the planogram names a SKU that the catalogue lacks; reading the configuration refuses that before.
    """

    def __init__(
        self, site: Site, witnesses: Sequence[Witness] | None = None, spreads_g: Mapping[str, float] | None = None
    ) -> None:
        self._policy = site.agent.policy
        revisions = {each.board_uid: each.revision for each in site.calibrations}
        calibration_id = ",".join(f"{uid}@{revision}" for uid, revision in sorted(revisions.items()))
        self._camera_trust = CameraTrust()
        self._cameras = {each.shelf_id: each.camera_id for each in site.agent.cameras}
        lanes_mm = {
            shelf.shelf_id: {lane.lane_id: lane.x_mm for lane in site.planogram.on_shelf(shelf.shelf_id)}
            for shelf in site.shelves
        }
        self._witnesses: tuple[Witness, ...] = (
            (
                WeightWitness(calibration_id),
                PositionWitness(calibration_id),
                CameraWitness(lanes_mm, self._camera_trust),
            )
            if witnesses is None
            else tuple(witnesses)
        )
        self._expected = {
            shelf.shelf_id: {"weight"} | ({"camera"} if site.agent.camera_on(shelf.shelf_id) else set())
            for shelf in site.shelves
        }
        self._revisions = Revisions(
            site.planogram.revision, site.catalogue.revision, revisions, software=software_version()
        )
        self._models = {
            shelf.shelf_id: ObservationModel(shelf, site.planogram.on_shelf(shelf.shelf_id)) for shelf in site.shelves
        }
        self._items = {item.sku: item for item in site.catalogue.items}
        for sku, sigma_g in (spreads_g or {}).items():
            self._items[sku] = msgspec.structs.replace(self._items[sku], unit_sigma_g=sigma_g)
        self._tables = {shelf_id: self._build(model, frozenset()) for shelf_id, model in self._models.items()}
        self._visited: dict[str, tuple[frozenset[str], ShelfHypotheses]] = {}
        self._left: dict[str, tuple[LeftLoad, ...]] = dict.fromkeys(self._models, ())
        self._finding: _Finding | None = None

    def resolve(
        self,
        step: WeightStep,
        stock: Stock,
        mode: Mode,
        observations: Sequence[VisionObservation] = (),
        confidences: Confidences = NONE_SEEN,
    ) -> ItemEvent | None:
        """Return the event that a weight step amounts to, under the stock belief before it.

        Every step in selling mode, final or provisional, becomes an event: automatic or review. In staff mode too, as
        restock and remove. None in maintenance, closed and warming up: there a changed weight is nobody's purchase, and
        leaving the mode re-baselines. What was set down before is left as it is until `remember`.

        Parameters
        ----------
        confidences : Confidences
            How sure this unit's acts were before: a tolerated error's threshold follows from it.

        Raises
        ------
        KeyError
            For a step of a shelf that the site does not have.
        ValueError
            For a step whose arrays do not fit the shelf's channels.
        """
        if mode not in DECIDING_MODES:
            return None
        model = self._models[step.shelf_id]
        if step.delta_g.shape != (model.channel_count,):
            raise ValueError(
                f"step {step.act_id} of shelf {step.shelf_id}: {step.delta_g.shape} channels, "
                f"the shelf file has {model.channel_count}"
            )
        tables = self._tables_for(model, stock)
        seen = readable(step)
        belief = Belief(model.lanes, tables.skus, stock)
        hypotheses = tables.explain(step, belief, act_prior(mode, step.cause), self._left[step.shelf_id])
        testimonies: dict[str, Testimony] = {}
        posterior = Posterior((), 1.0)
        probability = np.zeros(0)
        changed: IntArray = np.zeros(0, dtype=np.int32)
        if hypotheses is not None:
            changed = hypotheses.channels
            testimonies = {each.name: each.log_likelihood(hypotheses, step, observations) for each in self._witnesses}
            probability, _ = probabilities(hypotheses, with_pauses(hypotheses, step, list(testimonies.values())))
            posterior = combine(hypotheses, probability)
        spoke = tuple(name for name, testimony in testimonies.items() if not testimony.silent)
        decided = decide(
            posterior,
            self._policy,
            Circumstances(mode, step.cause, _overloaded(model.shelf, step), not bool(seen.all()), stock),
            confidences,
        )
        position = followed(locate(model.shelf, step, seen, changed), step, observations)
        lanes = sorted({item.lane_id for item in decided.items if item.lane_id is not None})
        before = {lane_id: dict(stock.get(lane_id, {})) for lane_id in lanes}
        event = ItemEvent(
            act_id=step.act_id,
            shelf_id=step.shelf_id,
            kind=decided.kind,
            mode=mode,
            verdict=decided.verdict,
            reasons=decided.reasons,
            items=decided.items,
            confidence=decided.confidence,
            alternatives=decided.alternatives,
            delta_g=float(step.delta_g[seen].sum()),
            sigma_g=float(np.sqrt(max(step.covariance_g2[np.ix_(seen, seen)].sum(), 0.0))),
            position_mm=position.x_mm if position else None,
            position_sigma_mm=position.sigma_mm if position else None,
            t_start_ns=step.t_start_ns,
            t_end_ns=step.t_end_ns,
            hands=len({each.track_id for each in observations if each.track_id >= 0}) or None,
            witnesses=spoke,
            witnesses_missing=tuple(sorted(self._expected[step.shelf_id] - set(spoke))),
            stock_before=before,
            stock_after=before,
            revisions=self._revisions,
        )
        if decided.verdict is Verdict.AUTO:
            event = _with_stock_after(event, stock)
        self._finding = _Finding(event, step, stock, hypotheses, probability, testimonies)
        return event

    def remember(self, event: ItemEvent) -> None:
        """Keep in mind what a final event set down on its shelf, and forget what it took away.

        Of provisional events nothing is remembered: their final one follows.

        Raises
        ------
        ValueError
            For any other event than the one `resolve` returned last.
        """
        finding = self._latest(event)
        shelf_id = event.shelf_id
        if finding.step.final and finding.hypotheses is not None:
            self._left[shelf_id] = loads_after(
                self._left[shelf_id], self._models[shelf_id], finding.step, finding.hypotheses, finding.probability
            )

    def judge_camera(self, event: ItemEvent) -> list[HealthTransition]:
        """Hold the camera's word on a final event against the scale's; return the alarm if it is not believed any more.

        Raises like `remember`.
        """
        finding = self._latest(event)
        word = next((each for each in finding.testimonies.values() if isinstance(each, CameraWords)), None)
        camera_id = self._cameras.get(event.shelf_id)
        if finding.hypotheses is None or word is None or word.over_chance is None or camera_id is None:
            return []
        if finding.step.cause is not StepCause.ACT:  # what nobody weighed for hours is no act that was seen
            return []
        others = sum(
            (each.log_likelihood for each in finding.testimonies.values() if each is not word),
            finding.hypotheses.log_prior,
        )
        return self._camera_trust.judge(event.t_end_ns, event.shelf_id, camera_id, others, word.over_chance)

    def trusts_camera(self, shelf_id: str) -> bool:
        """Return whether a shelf's camera did not contradict the scale so often that its word counts no more."""
        return self._camera_trust.honest(shelf_id) > 0

    def weighed(self, event: ItemEvent) -> Weighed | None:
        """Return what the act weighed; None where that cannot be told. Raises like `remember`."""
        finding = self._latest(event)
        if finding.hypotheses is None:
            return None
        model = self._models[event.shelf_id]
        return weigh(finding.step, model, finding.hypotheses.regions, finding.hypotheses.channels, finding.stock)

    def widen(self, spreads_g: Mapping[str, float]) -> None:
        """Reckon with wider spreads of these SKUs' items from the next step on; costs the tables of their shelves."""
        for sku, sigma_g in spreads_g.items():
            self._items[sku] = msgspec.structs.replace(self._items[sku], unit_sigma_g=sigma_g)
        for shelf_id, model in self._models.items():
            if not spreads_g.keys().isdisjoint(self._tables[shelf_id].skus):
                self._tables[shelf_id] = self._build(model, frozenset())
        if spreads_g:
            self._visited.clear()

    def _latest(self, event: ItemEvent) -> _Finding:
        finding = self._finding
        if finding is None or finding.event is not event:
            raise ValueError(f"event {event.act_id}: only the latest event is known, right after it was resolved")
        return finding

    def _build(self, model: ObservationModel, strays: frozenset[str]) -> ShelfHypotheses:
        skus = sorted({lane.sku for lane in model.lanes} | strays)
        return ShelfHypotheses(model, tuple(self._items[sku] for sku in skus), self._policy)

    def _tables_for(self, model: ObservationModel, stock: Stock) -> ShelfHypotheses:
        """Return the shelf's tables, with the strays that no lane here is planned for while the belief has any."""
        shelf_id = model.shelf.shelf_id
        planned = self._tables[shelf_id]
        held = {sku for lane in model.lanes for sku, count in stock.get(lane.lane_id, {}).items() if count > 0}
        strays = frozenset((held - set(planned.skus)) & self._items.keys())
        if not strays:
            return planned
        if self._visited.get(shelf_id, (frozenset(), planned))[0] != strays:
            self._visited[shelf_id] = strays, self._build(model, strays)
        return self._visited[shelf_id][1]


def _overloaded(shelf: ShelfConfig, step: WeightStep) -> bool:
    """Return whether cells bear more than they weigh, or the disturbance alone was more than they bear unharmed."""
    cells = len(shelf.channels) if shelf.kind == "platform" else 1
    return step.beyond_capacity or abs(step.peak_g) > SAFE_LOAD * shelf.limits.cell_max_g * cells


def _with_stock_after(event: ItemEvent, stock: Stock) -> ItemEvent:
    after = apply_event(stock, event)
    touched = {lane_id: dict(after[lane_id]) for lane_id in event.stock_before}
    return replace(event, stock_after=touched)
