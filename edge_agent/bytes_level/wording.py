"""How the scores of the level of bytes are put into words."""

from edge_agent.bytes_level.match import BytesPlayed, BytesTerms
from edge_agent.bytes_level.recorded import Figure
from edge_agent.bytes_level.regret import STAGES, Part, Split, camera_gain
from edge_agent.bytes_level.scenarios import ScenarioScore
from edge_agent.bytes_level.scores import BytesScore


def bytes_line(terms: BytesTerms) -> str:
    """Return what a match was played on."""
    camera = terms.camera
    seen = ""
    if camera is not None:
        seen = f", rendered camera{', real products' if camera.pictures else ', drawn packages'}"
        seen += f", {camera.trouble}" if camera.trouble else ""
    return f"suite {terms.suite}, {terms.hardware}, board bytes{seen}: {terms.acts} acts, seed {terms.seed}"


def bytes_rows(score: BytesScore) -> list[tuple[str, str]]:
    """Return (name, value) of every figure."""
    left = ", ".join(
        f"{'-' if error is None else f'{100 * error:.2f} %'} at {100 * float(share):g} %"
        for share, error in score.residual_error.items()
    )
    return [
        ("events: recall, precision", f"{score.recall:.4f}, {score.precision:.4f} ({score.invented} invented)"),
        ("acts told right", f"{100 * score.accuracy:.2f} % of {score.acts} that moved something"),
        ("wrong left at so much review", left),
        ("reviewed", f"{100 * score.review_rate:.1f} % ({_counts(score.review_causes)})"),
        (
            "billed and wrong",
            f"{100 * score.billed_wrong:.3f} % of all {score.acts}; seen/foretold {_number(score.billed_ratio)}",
        ),
        ("release → final", f"p50 {_number(score.final_p50_s)} s, p95 {_number(score.final_p95_s)} s"),
        ("release → early word", f"p50 {_number(score.early_p50_s)} s"),
        ("premature finals", f"{100 * score.premature:.2f} %"),
        ("change off by > 1 g and 4 σ", f"{100 * score.wrong_by:.2f} %"),
        ("where wrong acts went wrong", _counts(score.faults)),
    ]


SPLIT_HEADS = ("suite", "hardware", "acts", *STAGES, "in all", "oracle's error %", "precision")
"""Regret over the oracle's error, by the stage that lost it."""


def split_row(terms: BytesTerms, score: BytesScore, split: Split, oracle_error: float) -> list[str]:
    """Return where one match's regret came about; in brackets below what it lies at 95 %."""
    parts = [getattr(split, stage) for stage in STAGES]
    return [
        terms.suite,
        terms.hardware,
        str(score.acts),
        *(_part(each) for each in [*parts, split.total]),
        f"{100 * oracle_error:.2f}",
        f"{score.precision:.4f}",
    ]


def heard_line(split: Split) -> str:
    """Return how the acts were cut out of the readings."""
    return f"acts heard as {_counts(split.heard_as)}"


def camera_lines(played: BytesPlayed) -> list[str]:
    """Return what the camera was worth: to the oracle, and to the engine told the same; nothing without a camera."""
    gain = camera_gain(played)
    if gain is None:
        return []
    share = f"{100 * gain.gained / gain.possible:.1f} %" if gain.possible > 0 else "-"
    least = "" if gain.lower is None else f" (> {100 * gain.lower:.0f} at 95 %)"
    line = (
        f"  the camera's words lessen errors on ideal steps: the oracle's by {100 * gain.possible:.3f} % of acts, the"
        f" engine's by {100 * gain.gained:.3f} %: {share} of it{least}"
    )
    return [line]


def _part(part: Part) -> str:
    if part.share is None or part.upper is None:
        return f"{100 * part.regret:.3f} % of acts"
    return f"{100 * part.share:.1f} % (< {100 * part.upper:.0f})"


SCENARIO_HEADS = (
    "case",
    "acts",
    "right",
    "settled",
    "wrong",
    "missed",
    "invented",
    "passed %",
    "reviewed %",
    "oracle %",
    "more",
    "bar",
    "",
)


def scenario_row(score: ScenarioScore, words: str) -> list[str]:
    """Return one case's cells; ``settled`` are reviews that a person can settle rightly."""
    counts = (score.acts, score.right, score.rightly_reviewed, score.wrong, score.missed, score.invented)
    least = score.oracle_reviewed
    return [
        score.name,
        *(str(count) for count in counts),
        f"{100 * score.passed:.0f}",
        f"{100 * score.reviewed:.0f}",
        "-" if least is None else f"{100 * least:.0f}",
        "-" if least is None else f"{100 * (score.reviewed - least):+.0f}",
        "held" if score.clears_the_bar else "missed",
        words,
    ]


RECORDED_HEADS = ("figure", "unit", "recorded", "physics", "")


def recorded_row(figure: Figure) -> list[str]:
    """Return a figure's cells, each from the least to the largest."""
    cells = [_range(each) for each in (figure.recorded, figure.physics)]
    return [figure.name, figure.unit, *cells, _how(figure)]


def _how(figure: Figure) -> str:
    return "missed" if not figure.met else "covered" if figure.recorded and not figure.amid else ""


def _range(values: tuple[float, ...]) -> str:
    if not values:
        return "none"
    ends = [f"{value:.3g}" for value in (min(values), max(values))]
    return ends[0] if ends[0] == ends[1] else " – ".join(ends)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items(), key=lambda each: -each[1])) or "none"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
