"""Named cases of a shelf, each played some times on the example shop, in physics and through board bytes.

A case schedules acts in a fresh world and says what may become of them: right, or reviewed with the truth among what a
reviewer is offered. Nothing else counts as passed. Nor may more be reviewed than the oracle would, by a little, nor
anything be told that belongs to no act.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edge_agent.bytes_level import cases_faults, cases_goods, cases_hands, cases_surroundings
from edge_agent.bytes_level.course import UNDISTURBED
from edge_agent.bytes_level.line import START_NS, run
from edge_agent.bytes_level.scenario import Scenario
from edge_agent.bytes_level.scenario_judge import Observed, judged_acts, outcome_of, visible
from edge_agent.bytes_level.scenario_oracle import ScenarioOracle
from edge_agent.bytes_level.shop import draw_physics
from edge_agent.config import Site
from edge_agent.model import Decision
from edge_agent.simulation.scoreboard import Heard, Outcome, score
from edge_agent.simulation.world import ShelfWorld
from edge_agent.vocabulary import Verdict

__all__ = ["SCENARIOS", "Scenario", "ScenarioScore", "play_scenario"]

AFTER_S = 5.0
WELL_PASSED = 0.98
"""Share of acts that must be right or rightly reviewed (goal, 2026-11)."""
MORE_REVIEWED = 0.05
"""By how much the share of reviewed acts may exceed the oracle's (goal, 2026-11)."""
PASSED = {Outcome.RIGHT, Outcome.QUIET}

SCENARIOS: Mapping[str, Scenario] = {
    **cases_hands.CASES,
    **cases_goods.CASES,
    **cases_surroundings.CASES,
    **cases_faults.CASES,
}


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
        """Return whether enough was passed, next to nothing invented, and not much more reviewed than need be."""
        least = self.oracle_reviewed
        sparing = least is None or self.reviewed - least <= MORE_REVIEWED + 1e-9
        return self.passed >= WELL_PASSED and self.invented <= (1 - WELL_PASSED) * self.acts + 1e-9 and sparing


def play_scenario(name: str, scenario: Scenario, site: Site, times: int, seed: int) -> ScenarioScore:
    """Play one case ``times`` times, each in a shop of its own."""
    site = site if scenario.site is None else scenario.site(site)
    told: list[Observed] = []
    outcomes: list[Outcome] = []
    invented, oracle_reviews = 0, 0
    oracle = None if scenario.no_oracle else ScenarioOracle(site)
    for number in range(times):
        rng = np.random.default_rng(np.random.SeedSequence([seed, number, sum(name.encode())]))
        physics = draw_physics(rng, scenario.glitch_rate)
        if scenario.physics is not None:
            physics = scenario.physics(physics)
        means = {sku: factor * site.catalogue.item(sku).unit_weight_g for sku, factor in scenario.true_weights.items()}
        world = ShelfWorld(site, int(rng.integers(2**31)), true_weights_g=means, air=scenario.air)
        course = scenario.stage(world, rng) or UNDISTURBED
        until_s = max(truth.t_release_s for truth in world.truths) + AFTER_S
        said = [
            Heard(output.event, known_s)
            for known_s, output in run(site, world, physics, until_s, course)
            if isinstance(output, Decision)
        ]
        board = score([visible(truth, course) for truth in world.truths], said, START_NS)
        judged = judged_acts(board, scenario, course, START_NS)
        if oracle is not None:
            oracle_reviews += oracle.reviews(world.truths, [each.scored.truth for each in judged], world.seed)
        told += judged
        outcomes += [outcome_of(each, scenario) for each in judged]
        invented += len(board.invented)
    return ScenarioScore(
        name,
        len(told),
        right=sum(each in PASSED for each in outcomes),
        rightly_reviewed=outcomes.count(Outcome.REVIEWED_WITH_TRUTH),
        wrong=outcomes.count(Outcome.WRONG) + outcomes.count(Outcome.REVIEWED_WITHOUT_TRUTH),
        missed=outcomes.count(Outcome.MISSED),
        invented=invented,
        reviews=sum(any(heard.event.verdict is Verdict.REVIEW for heard in each.scored.heard) for each in told),
        oracle_reviews=None if oracle is None else oracle_reviews,
    )
