"""What the oracle would leave to a person of a named case's acts: the least review that the sensors allow."""

from collections.abc import Sequence

import numpy as np

from edge_agent.bytes_level.ideal import Ground, felt_habits, stocks_before
from edge_agent.config import Site
from edge_agent.judging.habits import HABITS
from edge_agent.simulation.truth import ActTruth

DICE = 7


class ScenarioOracle:
    """The oracles of a site's shelves, asked for acts of which it has a model."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._grounds = {shelf.shelf_id: Ground.of(site, shelf.shelf_id) for shelf in site.shelves}
        habits = felt_habits(HABITS)
        self._oracles = {shelf_id: ground.oracle(habits) for shelf_id, ground in self._grounds.items()}

    def reviews(self, truths: Sequence[ActTruth], judged: Sequence[ActTruth], seed: int) -> int:
        """Return how many of the judged acts it would leave to a person at the configured confidence.

        Parameters
        ----------
        truths : sequence of ActTruth
            All acts of the shop from its opening on.
        judged : sequence of ActTruth
            Some of them, or several in one: what stood before the first of those counts.

        Raises
        ------
        ValueError
            It has no word for one of them.
        """
        before = dict(
            zip((each.act_index for each in truths), stocks_before(self._site.opening_stock(), truths), strict=True)
        )
        return sum(
            self._confidence(truth, before[truth.act_index], seed) < self._site.agent.policy.certain_from
            for truth in judged
        )

    def _confidence(self, truth: ActTruth, stock: dict[str, dict[str, int]], seed: int) -> float:
        ground, oracle = self._grounds[truth.shelf_id], self._oracles[truth.shelf_id]
        act = ground.act(truth)
        if act is None:
            raise ValueError(f"act {truth.act_index} ({truth.story}): the oracle has no word for it")
        delta_g = ground.hardware.weigh(act, np.random.default_rng(np.random.SeedSequence([seed, act.number, DICE])))
        return float(oracle.posterior(delta_g, ground.standing(stock)).max())
