"""From which confidence on the evidence decides: a fixed threshold, or the one that a tolerated error leads to.

A bill of probability p is wrong with 1 − p. Billing only p ≥ 1 − ε keeps a tolerated error ε for each single bill. The
promise is about the share of all bills, and most are far surer, so the threshold may fall to the lowest t with

    mean(1 − p | p ≥ t) ≤ ε

over what was seen lately: every act decided in selling mode, fading over `REMEMBERED_ACTS`. The act at hand is counted
in before its own threshold is found: a doubtful one is billed only if the mean bears it too. The promise is as good as
the confidences are calibrated.
"""

import math

from edge_agent.config import PolicyConfig
from edge_agent.learned import LOG_ODDS_STEP, STEPS, Confidences

REMEMBERED_ACTS = 2000
"""Selling acts that weigh: a day or two of a busy unit (rule, 2026-11)."""
ENOUGH_ACTS = 200
"""Fewer say too little of acts that happen once in a hundred times (rule, 2026-11)."""


def billed_from(policy: PolicyConfig, seen: Confidences, confidence: float) -> float:
    """Return the threshold for an act of this confidence, seen after all that was seen."""
    if policy.tolerated_error is None or confidence >= policy.certain_from:
        return policy.certain_from
    return threshold(policy, with_act(seen, confidence))


def threshold(policy: PolicyConfig, seen: Confidences) -> float:
    """Return the lowest confidence that keeps the tolerated error over what was seen; at least even odds."""
    if policy.tolerated_error is None or acts_seen(seen) < ENOUGH_ACTS:
        return policy.certain_from
    lowest, acts, doubt = 1.0, 0.0, 0.0
    for step in range(STEPS, 0, -1):
        acts += seen.acts[step]
        doubt += seen.doubt[step]
        if doubt > policy.tolerated_error * acts:
            break
        lowest = 1 / (1 + math.exp(-_log_odds_of(step)))
    return min(lowest, policy.certain_from)


def with_act(seen: Confidences, confidence: float) -> Confidences:
    """Return the histogram after one more act; all before it fade a little."""
    fade = 1 - 1 / REMEMBERED_ACTS
    acts = [fade * each for each in seen.acts] or [0.0] * (STEPS + 1)
    doubt = [fade * each for each in seen.doubt] or [0.0] * (STEPS + 1)
    step = _step_of(confidence)
    acts[step] += 1.0
    doubt[step] += max(0.0, 1 - confidence)
    return Confidences(tuple(acts), tuple(doubt))


def acts_seen(seen: Confidences) -> float:
    """Return how many acts the histogram holds, faded ones in part."""
    return sum(seen.acts)


def share_below(seen: Confidences, confidence: float) -> float:
    """Return the share of acts that a threshold sends to review; within a step they are taken as spread evenly."""
    total = acts_seen(seen)
    if total <= 0:
        return 0.0
    log_odds = math.log(confidence / (1 - confidence))
    below = seen.acts[0] if seen.acts else 0.0
    for step in range(1, STEPS + 1):
        below += seen.acts[step] * min(max((log_odds - _log_odds_of(step)) / LOG_ODDS_STEP, 0.0), 1.0)
    return below / total


def _log_odds_of(step: int) -> float:
    """Return where a step begins; step 0 is all below even odds."""
    return (step - 1) * LOG_ODDS_STEP


def _step_of(confidence: float) -> int:
    if confidence < 0.5:
        return 0
    log_odds = math.log(confidence / max(1 - confidence, 1e-12))
    return 1 + min(int(log_odds / LOG_ODDS_STEP), STEPS - 1)
