"""Named cases of a shelf, each played some times on the example shop, in physics and through board bytes.

A case schedules acts in a fresh world and says what may become of them: right, or reviewed with the truth among what a
reviewer is offered. Nothing else counts as passed. Nor may more be reviewed than the oracle would, by a little.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from edge_agent.bytes_level.line import START_NS, run
from edge_agent.bytes_level.scenario_oracle import ScenarioOracle
from edge_agent.bytes_level.shop import draw_physics
from edge_agent.config import Site
from edge_agent.model import Decision
from edge_agent.simulation.acts import Movement, PlannedAct, Story
from edge_agent.simulation.scoreboard import Heard, Outcome, Scoreboard, Scored, judge, score
from edge_agent.simulation.world import Air, ShelfWorld
from edge_agent.vocabulary import Verdict

FIRST_S = 6.0
APART_S = 5.0
AFTER_S = 5.0
WELL_PASSED = 0.98
"""Share of acts that must be right or rightly reviewed (goal, 2026-11)."""
MORE_REVIEWED = 0.05
"""By how much the share of reviewed acts may exceed the oracle's (goal, 2026-11)."""
PASSED = {Outcome.RIGHT, Outcome.QUIET}

Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class Scenario:
    """One named case.

    Attributes
    ----------
    stage : callable
        Schedules the acts in a world, given a generator.
    true_weights_g : mapping sku → factor
        Mean weights over the catalogue's.
    judged_from : int
        The first act that is judged; those before only set the stage.
    glitch_rate : float
    air : Air, optional
    together : bool
        Whether the acts overlap, so that only all of them together can be told.
    no_oracle : str
        Why the oracle has no model of the case; empty where it has.
    """

    words: str
    stage: Callable[[ShelfWorld, Rng], None]
    true_weights: Mapping[str, float] = field(default_factory=dict)
    judged_from: int = 0
    glitch_rate: float = 0.005
    air: Air | None = None
    together: bool = False
    no_oracle: str = ""


@dataclass(frozen=True, slots=True)
class ScenarioScore:
    """What became of a case's judged acts.

    Attributes
    ----------
    rightly_reviewed : int
        Reviewed with the truth among the alternatives, or as something unknown: nobody pays for what he did not take.
    wrong : int
        Billed wrongly, or reviewed with nothing but wrong alternatives.
    invented : int
        Events that belong to none.
    reviews : int
        Acts of which anything was left to a person, rightly or not.
    oracle_reviews : int | None
        How many of the same acts the oracle would leave to one, of their ideal steps; None where it has no model.
    """

    name: str
    acts: int
    right: int
    rightly_reviewed: int
    wrong: int
    missed: int
    invented: int
    reviews: int
    oracle_reviews: int | None

    @property
    def passed(self) -> float:
        """Return the share that was right or rightly reviewed."""
        return (self.right + self.rightly_reviewed) / max(self.acts, 1)

    @property
    def reviewed(self) -> float:
        """Return the share that went to a person."""
        return self.reviews / max(self.acts, 1)

    @property
    def oracle_reviewed(self) -> float | None:
        """Return the share that the oracle would leave to a person; None where it has no model."""
        return None if self.oracle_reviews is None else self.oracle_reviews / max(self.acts, 1)

    @property
    def clears_the_bar(self) -> bool:
        """Return whether enough was passed, and not much more reviewed than the oracle would."""
        least = self.oracle_reviewed
        return self.passed >= WELL_PASSED and (least is None or self.reviewed - least <= MORE_REVIEWED + 1e-9)


def play_scenario(name: str, scenario: Scenario, site: Site, times: int, seed: int) -> ScenarioScore:
    """Play one case ``times`` times, each in a shop of its own."""
    told: list[Scored] = []
    invented, oracle, oracle_reviews = 0, ScenarioOracle(site), 0
    for number in range(times):
        rng = np.random.default_rng(np.random.SeedSequence([seed, number, sum(name.encode())]))
        physics = draw_physics(rng, scenario.glitch_rate)
        means = {sku: factor * site.catalogue.item(sku).unit_weight_g for sku, factor in scenario.true_weights.items()}
        world = ShelfWorld(site, int(rng.integers(2**31)), true_weights_g=means, air=scenario.air)
        scenario.stage(world, rng)
        until_s = max(truth.t_release_s for truth in world.truths) + AFTER_S
        said = [
            Heard(output.event, known_s)
            for known_s, output in run(site, world, physics, until_s)
            if isinstance(output, Decision)
        ]
        board = score(world.truths, said, START_NS)
        judged = [_together(board)] if scenario.together else board.scored[scenario.judged_from :]
        if not scenario.no_oracle:
            oracle_reviews += oracle.reviews(world.truths, [each.truth for each in judged], world.seed)
        told += judged
        invented += len(board.invented)
    outcomes = [_outcome(each) for each in told]
    return ScenarioScore(
        name,
        len(told),
        right=sum(each in PASSED for each in outcomes),
        rightly_reviewed=outcomes.count(Outcome.REVIEWED_WITH_TRUTH),
        wrong=outcomes.count(Outcome.WRONG) + outcomes.count(Outcome.REVIEWED_WITHOUT_TRUTH),
        missed=outcomes.count(Outcome.MISSED),
        invented=invented,
        reviews=sum(any(heard.event.verdict is Verdict.REVIEW for heard in each.heard) for each in told),
        oracle_reviews=None if scenario.no_oracle else oracle_reviews,
    )


def _together(board: Scoreboard) -> Scored:
    """Return overlapping acts judged as one."""
    truths = [each.truth for each in board.scored]
    whole = replace(
        truths[0],
        t_release_s=max(truth.t_release_s for truth in truths),
        moves=tuple(move for truth in truths for move in truth.moves),
    )
    return judge(whole, tuple(heard for each in board.scored for heard in each.heard))


def _outcome(scored: Scored) -> Outcome:
    """Return a case's outcome: a review that names nothing leaves the truth to a person, and bills nobody."""
    unknown = all(not each.event.items for each in scored.heard)
    if scored.outcome is Outcome.REVIEWED_WITHOUT_TRUTH and unknown:
        return Outcome.REVIEWED_WITH_TRUTH
    return scored.outcome


def _lanes(world: ShelfWorld, shelf_id: str | None = None) -> list[str]:
    return [lane.lane_id for lane in world.site.planogram.lanes if shelf_id in (None, lane.shelf_id)]


def _any(world: ShelfWorld, rng: Rng, shelf_id: str | None = None) -> str:
    lanes = _lanes(world, shelf_id)
    return lanes[int(rng.integers(len(lanes)))]


def _two(world: ShelfWorld, rng: Rng) -> tuple[str, str]:
    """Return two lanes of one shelf."""
    first = _any(world, rng)
    others = [lane for lane in _lanes(world, world.goods.lane(first).shelf_id) if lane != first]
    return first, others[int(rng.integers(len(others)))]


def _single(world: ShelfWorld, rng: Rng) -> None:
    world.take(_any(world, rng), FIRST_S)


def _several(world: ShelfWorld, rng: Rng) -> None:
    world.take(_any(world, rng), FIRST_S, int(rng.integers(2, 5)))


def _several_skus(world: ShelfWorld, rng: Rng) -> None:
    first, second = _two(world, rng)
    moved = tuple(Movement(lane, -int(rng.integers(1, 3)), world.goods.lane(lane).sku) for lane in (first, second))
    world.perform(PlannedAct(FIRST_S, Story.TAKE_TWO_PRODUCTS, moved))


def _put_back(world: ShelfWorld, rng: Rng) -> None:
    lane = _any(world, rng)
    world.take(lane, FIRST_S)
    world.put_back(world.goods.lane(lane).sku, lane, FIRST_S + APART_S)


def _astray(world: ShelfWorld, rng: Rng) -> None:
    """Take, put back in a wrong lane, take from there."""
    lane, wrong = _two(world, rng)
    sku = world.goods.lane(lane).sku
    world.take(lane, FIRST_S)
    world.put_back(sku, wrong, FIRST_S + APART_S)
    world.take(wrong, FIRST_S + 2 * APART_S, sku=sku)


def _one_for_the_other(world: ShelfWorld, kept: str, wanted: str) -> None:
    """Take from one lane, then put that back and take from another within one reach."""
    world.take(kept, FIRST_S)
    moved = (
        Movement(kept, 1, world.goods.lane(kept).sku),
        Movement(wanted, -1, world.goods.lane(wanted).sku),
    )
    world.perform(PlannedAct(FIRST_S + APART_S, Story.TAKE_TWO_PRODUCTS, moved))


def _equal_swap(world: ShelfWorld, rng: Rng) -> None:
    """Put one of two equally heavy drinks back and take the other in one reach: the total does not change."""
    kept, wanted = ("D1", "D2") if rng.random() < 0.5 else ("D2", "D1")
    _one_for_the_other(world, kept, wanted)


def _exchange(world: ShelfWorld, rng: Rng) -> None:
    """Put one thing back and take another within one reach."""
    kept, wanted = _two(world, rng)
    _one_for_the_other(world, kept, wanted)


def _two_hands(world: ShelfWorld, rng: Rng) -> None:
    """Two shoppers take from two lanes of one shelf, the second while the first is at it."""
    first, second = _two(world, rng)
    world.take(first, FIRST_S)
    world.take(second, FIRST_S + float(rng.uniform(0.1, 0.5)))


def _press(heaviest_g: float) -> Callable[[ShelfWorld, Rng], None]:
    def stage(world: ShelfWorld, rng: Rng) -> None:
        world.take(_any(world, rng), FIRST_S, press_g=float(rng.uniform(0.6, 1.0)) * heaviest_g)

    return stage


def _press_only(world: ShelfWorld, rng: Rng) -> None:
    world.press(_any(world, rng), FIRST_S, float(rng.uniform(2_000, 12_000)))


def _foreign(world: ShelfWorld, rng: Rng) -> None:
    """Set an own thing down and take it along again."""
    lane = _any(world, rng)
    world.leave_foreign(lane, FIRST_S, float(rng.uniform(80, 2_500)))
    world.remove_foreign(lane, FIRST_S + APART_S)


def _swept(world: ShelfWorld, rng: Rng) -> None:
    lane = _any(world, rng)
    world.take(lane, FIRST_S, len(world.goods.standing[lane]))


def _same_weight(world: ShelfWorld, rng: Rng) -> None:
    world.take("D1" if rng.random() < 0.5 else "D2", FIRST_S)


def _on_the_border(world: ShelfWorld, rng: Rng) -> None:
    """Put a drink down on the border of its lane and the equally heavy one's."""
    world.take("D1", FIRST_S)
    border_mm = world.goods.lane("D1").x_mm[1]
    world.put_back(world.goods.lane("D1").sku, "D1", FIRST_S + APART_S, x_mm=border_mm + float(rng.uniform(-5, 5)))


def _label(world: ShelfWorld, rng: Rng) -> None:
    """Hang a price label of a few grams on a loaded lane, then take from it."""
    lane = _any(world, rng, "ambient-lanes")
    world.leave_foreign(lane, FIRST_S, float(rng.uniform(1.0, 4.0)))
    world.take(lane, FIRST_S + APART_S)


def _row_of_takes(world: ShelfWorld, rng: Rng) -> None:
    for number in range(4):
        world.take(_any(world, rng), FIRST_S + APART_S * number)


EXCHANGES = "its acts go one way"
SCENARIOS: Mapping[str, Scenario] = {
    "single take": Scenario("one item", _single),
    "several of one": Scenario("two to four of one SKU", _several),
    "several SKUs": Scenario("two SKUs in one reach, one or two of each", _several_skus),
    "put back": Scenario("taken and put back in place", _put_back, judged_from=1),
    "put back astray": Scenario("put back in a wrong lane, then taken from there", _astray, judged_from=1),
    "equal swap": Scenario(
        "one equally heavy drink for the other: the total stays", _equal_swap, judged_from=1, no_oracle=EXCHANGES
    ),
    "exchange": Scenario("put back and take another within one reach", _exchange, judged_from=1, no_oracle=EXCHANGES),
    "two hands": Scenario("two shoppers at one shelf, overlapping in time", _two_hands, together=True),
    "leaning hand": Scenario("a take while a hand leans with up to 3 kg", _press(3_000.0)),
    "heavy press": Scenario("a take with a push of 7-12 kg", _press(12_000.0)),
    "press only": Scenario("a push of 2-12 kg, nothing taken", _press_only, no_oracle="nothing moves"),
    "child on the shelf": Scenario(
        "30 kg on the shelf during a take", _press(30_000.0), no_oracle="cells at their stops"
    ),
    "bag set down": Scenario("an own thing is set down and taken along", _foreign, no_oracle="not of the shelf"),
    "lane swept": Scenario("a lane is swept empty", _swept, no_oracle="more than four items"),
    "same-weight neighbours": Scenario("one of two equally heavy drinks side by side", _same_weight),
    "on the border": Scenario("a drink put down on the border to an equally heavy one", _on_the_border, judged_from=1),
    "price label": Scenario("a label is added to a lane, then an item is taken", _label, judged_from=1),
    "glitch runs": Scenario("takes while 3 % of readings are wrong", _row_of_takes, glitch_rate=0.03),
    "warming air": Scenario("takes while the air swings by 6 °C in four minutes", _row_of_takes, air=Air(21, 3, 240)),
    "stale weight": Scenario(
        "the drinks weigh 10 % more than the catalogue says",
        _same_weight,
        {"oat-drink-barista-1000": 1.1, "oat-drink-unsweetened-1000": 1.1},
        no_oracle="it would be told the true weights",
    ),
}
