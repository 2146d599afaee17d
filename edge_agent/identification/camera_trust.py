"""How far each shelf's camera is believed: a Bayesian test of honest against blind, fed by weight and position.

After an act the other witnesses' posterior q over the explanations tells how well the camera's word w fitted:
log Σ q e^w is the log Bayes factor of a camera that saw the act against one that spoke by chance (Kass and Raftery
1995). Its steps are bounded, so that one odd act costs little, and its sum is bounded, so that a camera that was right
for a year is distrusted as soon as one that is new.
"""

import math

import numpy as np

from edge_agent.identification.gaussian import log_sum_exp
from edge_agent.model import FloatArray, HealthTransition, MonotonicNs
from edge_agent.vocabulary import Severity

BEGINS_AT = 5.0
"""Log-odds that a commissioned camera is honest: one in 150 is not (assumed, 2026-12)."""
MOST, LEAST = 7.0, -8.0
"""Bounds of the log-odds: the upper one is also the share of an honest camera's words, 0.1 %, that are mere chance
(assumed, 2026-12)."""
STEP_UP, STEP_DOWN = 2.0, -3.0
"""Bounds of one act's Bayes factor, nats: three plain contradictions turn the best standing, a fourth ends it (rule,
2026-12)."""
DISTRUSTED, TRUSTED_AGAIN = -3.0, 2.5
"""Log-odds at which the alarm `camera_contradicts` is raised, and cleared. An honest camera's odds fall by 10 nats from
their best with a probability of e⁻¹⁰ a start; at 0 a weak but honest one was distrusted once in 18,000 simulated acts
(2026-12)."""
CODE = "camera_contradicts"


class CameraTrust:
    """Per shelf, the log-odds that its camera sees what it says."""

    def __init__(self) -> None:
        self._log_odds: dict[str, float] = {}
        self._distrusted: set[str] = set()

    def honest(self, shelf_id: str) -> float:
        """Return the probability that the shelf's camera is honest, for its next word; 0 once it is distrusted."""
        if shelf_id in self._distrusted:
            return 0.0
        return 1 / (1 + math.exp(-self._log_odds.get(shelf_id, BEGINS_AT)))

    def judge(
        self, t_ns: MonotonicNs, shelf_id: str, camera_id: str, others: FloatArray, over_chance: FloatArray
    ) -> list[HealthTransition]:
        """Take an act into account; return the alarm that follows, if any.

        Parameters
        ----------
        others : (hypotheses,)
            Log of the joint density without the camera, up to a constant.
        over_chance : (hypotheses,)
            The camera's word, nats over chance.
        """
        finite = np.isfinite(others)
        if not finite.any():
            return []
        factor = log_sum_exp(others[finite] + over_chance[finite]) - log_sum_exp(others[finite])
        before = self._log_odds.get(shelf_id, BEGINS_AT)
        now = min(max(before + min(max(factor, STEP_DOWN), STEP_UP), LEAST), MOST)
        self._log_odds[shelf_id] = now
        distrusted = now < (TRUSTED_AGAIN if shelf_id in self._distrusted else DISTRUSTED)
        if distrusted == (shelf_id in self._distrusted):
            return []
        self._distrusted ^= {shelf_id}
        detail = (
            "what it sees does not fit what the scale weighs; its word no longer counts"
            if distrusted
            else "what it sees fits what the scale weighs again"
        )
        remedy = (
            "look at `edge-agent camera check`: do the lanes drawn lie on the lanes, and is each product enrolled under"
            " its own SKU?"
        )
        severity = Severity.WARNING if distrusted else Severity.INFO
        return [
            HealthTransition(
                t_ns, f"camera:{camera_id}", CODE, distrusted, severity, detail, remedy if distrusted else ""
            )
        ]
