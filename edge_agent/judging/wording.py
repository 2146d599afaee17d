"""How scores are put into words and columns."""

from edge_agent.judging.anchors import SHARES, Anchor
from edge_agent.judging.match import Terms, left_out_of
from edge_agent.judging.scores import Score

STANDING = "Frozen: scores of one version can be compared. Not all of its anchors are met; see docs/judge.md."
HEADS = (
    "player",
    "right %",
    "left 0.1 %",
    "left 1 %",
    "left 5 %",
    "reviewed %",
    "billed wrong % of all",
    "seen/foretold",
    "regret",
    "95 % below",
)
"""``left``: wrong bills, % of those left when the least sure 0.1, 1 or 5 % are reviewed; others are of all acts."""


def score_row(score: Score) -> list[str]:
    """Return one player's cells; who knows more than the oracle has no regret against it."""
    regret = (score.regret_share, score.regret_share_upper)
    if score.regret_share is not None and score.regret_share < 0:
        regret = (None, None)
    return [
        score.name,
        f"{100 * score.accuracy:.2f}",
        *(_percent(error, 2) for error in score.residual_error.values()),
        _percent(score.review_rate, 1),
        _percent(score.billed_wrong, 3),
        "-" if score.billed_ratio is None else f"{score.billed_ratio:.2f}",
        *(_percent(each, 1, " %") for each in regret),
    ]


def causes(score: Score) -> str:
    """Return why a player asked for review, most often first."""
    ordered = sorted(score.review_causes.items(), key=lambda each: (-each[1], each[0]))
    return ", ".join(f"{word} {count}" for word, count in ordered)


def terms_line(terms: Terms) -> str:
    """Return what a match was played on."""
    camera = ""
    if terms.camera is not None:
        seen = "item" if terms.camera.per_item else "event"
        camera = f", camera {100 * terms.camera.top1:g} % per {seen}"
    return f"suite {terms.suite}, {terms.hardware}{camera}: {terms.acts} acts, seed {terms.seed}"


def left_out_line(terms: Terms) -> str:
    """Return how many acts' truths the oracle does not enumerate."""
    share = left_out_of(terms)
    if not share:
        return "the oracle leaves out no act's truth"
    return f"the oracle leaves out {100 * share:.3f} % of acts: two or more items astray at once"


def missed_lines(anchor: Anchor) -> list[str]:
    """Return the figures of a row that are not within tolerance, and by how much."""
    return [
        f"  {anchor.suite}, {anchor.evidence}, {f'left {100 * share:g} %' if share else 'error'}: "
        f"{ours:.3g} for {theirs:g}" + (f" ({100 * (ours / theirs - 1):+.0f} %)" if theirs else "")
        for share, theirs, ours, met in zip(SHARES, anchor.table, anchor.oracle, anchor.met, strict=False)
        if not met
    ]


def _percent(share: float | None, digits: int, unit: str = "") -> str:
    return "-" if share is None else f"{100 * share:.{digits}f}{unit}"
