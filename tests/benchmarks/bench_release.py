"""How long after the hand lets go a step is final, and how often it is final too soon or wrong.

Three rules judge the same readings: the customary gate (standard deviation over 0.3 s), the engine waiting for a rest,
and the engine as it is. The readings are drawn by releases.py. Every figure says of how many
releases it is: none of 400 too soon means fewer than one in 130 (95 %). `scores(1, releases=2000)` repeats the figures
of decision 0011, in four minutes.
"""

from dataclasses import dataclass

import numpy as np
from bench_row import Row
from releases import RATE_HZ, Releases, draw_releases, row_s

from edge_agent.config import BoardCalibration, ChannelCalibration, ChannelConfig, LimitsConfig, ShelfConfig
from edge_agent.estimation import Estimation, EstimationSettings
from edge_agent.model import AdcSamples, BoardUid, BoardUp, FloatArray, MonotonicNs, WeightStep

BOARD = BoardUid("00000000000000be")
PLATES = 50
"""Plates of one board; each is a shelf of its own."""
RELEASES = 400
"""So few that the whole takes about a minute (2026-11)."""
WAITING = 100
"""Releases that the engine waiting for a rest is played on as well: it is a peer in delay alone."""
COUNTS_PER_G = 420.0
PERIOD_NS = round(1e9 / RATE_HZ)
SIGMA_G = 0.2
GATE_ROWS = 24
GATE_SIGMAS = 1.5
"""The gate opens where the standard deviation of 0.3 s is below 1.5 σ of the quiet cell."""
MIN_EVENT_G = 5.0


@dataclass(slots=True)
class Score:
    """What one rule did with its releases: delays of those not decided too soon, ms, and shares of all."""

    releases: int
    delays_ms: FloatArray
    premature: float
    wrong: float
    missed: float
    normalised: FloatArray
    """Errors over the σ that came with them, of what was not premature; empty for the gate."""

    def delay_ms(self, quantile: float) -> float:
        """Return a quantile of the delay; a release never decided counts as late."""
        return float(np.quantile(self.delays_ms, quantile, method="higher"))


def score_steps(releases: list[Releases], heard: list[list[list[tuple[int, float, float]]]]) -> Score:
    """Score the first final of each plate: (row, change, σ) lists per board and plate."""
    delays, normalised = [], []
    premature = wrong = missed = total = 0
    for board, plates in zip(releases, heard, strict=True):
        for plate, finals in enumerate(plates):
            total += 1
            if not finals:
                missed += 1
                delays.append(np.inf)
                continue
            row, change_g, sigma_g = finals[0]
            delay_s = row_s(row) - board.release_s[plate]
            if delay_s < 0:
                premature += 1
                continue
            delays.append(1e3 * delay_s)
            error_g = change_g - board.change_g[plate]
            wrong += abs(error_g) > max(1.0, 4.0 * sigma_g)
            if sigma_g:
                normalised.append(error_g / sigma_g)
    return Score(total, np.array(delays), premature / total, wrong / total, missed / total, np.array(normalised))


def gate(board: Releases) -> list[list[tuple[int, float, float]]]:
    """Return what the standard-deviation gate says of each plate: its first change of weight after the touch."""
    windows = np.lib.stride_tricks.sliding_window_view(board.grams, GATE_ROWS, axis=0)
    still = windows.std(axis=2, ddof=1) <= GATE_SIGMAS * SIGMA_G
    change_g = windows.mean(axis=2) - board.grams[80:300].mean(axis=0)
    found: list[list[tuple[int, float, float]]] = []
    for plate, touch_s in enumerate(board.touch_s.tolist()):
        first = int(touch_s * RATE_HZ)
        opens = still[first:, plate] & (np.abs(change_g[first:, plate]) > MIN_EVENT_G)
        rows = (first + opens.nonzero()[0][:1]).tolist()
        found.append([(row + GATE_ROWS - 1, float(change_g[row, plate]), 0.0) for row in rows])
    return found


def engine(board: Releases, settings: EstimationSettings) -> list[list[tuple[int, float, float]]]:
    """Return the finals of the engine per plate."""
    counts = np.round(board.grams * COUNTS_PER_G).astype(np.int32)
    plates = counts.shape[1]
    shelves = [
        ShelfConfig(
            shelf_id=f"p{plate}",
            kind="lane_cells",
            width_mm=100,
            depth_mm=400,
            channels=(ChannelConfig(board_uid=BOARD, index=plate, x_mm=50, y_mm=200),),
            limits=LimitsConfig(min_event_g=MIN_EVENT_G, cell_max_g=20_000.0),
        )
        for plate in range(plates)
    ]
    channels = tuple(
        ChannelCalibration(index=plate, zero_counts=0.0, counts_per_g=COUNTS_PER_G) for plate in range(plates)
    )
    estimation = Estimation(shelves, [BoardCalibration(board_uid=BOARD, revision=1, channels=channels)], (), settings)
    estimation.step(BoardUp(MonotonicNs(0), BOARD, plates, RATE_HZ, 128, 1, "bench"))
    flags = np.zeros((1, plates), dtype=np.uint8)
    found: list[list[tuple[int, float, float]]] = [[] for _ in range(plates)]
    for row in range(counts.shape[0]):
        t_ns = np.array([(row + 1) * PERIOD_NS], dtype=np.int64)
        for step in estimation.step(AdcSamples(BOARD, row, t_ns, counts[row : row + 1], flags)):
            if isinstance(step, WeightStep) and step.final:
                sigma_g = float(np.sqrt(step.covariance_g2[0, 0]))
                found[int(step.shelf_id[1:])].append((row, float(step.delta_g[0]), sigma_g))
    return found


def scores(
    modes: int, *, stiff: bool = False, releases: int = RELEASES, waiting: int | None = None, seed: int = 20261125
) -> dict[str, Score]:
    """Return each rule's score over the same releases; the wait for a rest over the first ``waiting`` of them."""
    boards = [
        draw_releases(seed + number, PLATES, modes, stiff=stiff, sigma_g=SIGMA_G)
        for number in range(releases // PLATES)
    ]
    first = boards if waiting is None else boards[: -(-waiting // PLATES)]
    return {
        "gate": score_steps(boards, [gate(board) for board in boards]),
        "rest": score_steps(first, [engine(board, EstimationSettings(ring_s=0.0)) for board in first]),
        "engine": score_steps(boards, [engine(board, EstimationSettings()) for board in boards]),
    }


def kind_rows(name: str, found: dict[str, Score], goal: str = "") -> list[Row]:
    """Return the table's lines for one kind of plate."""
    ours, gated, waiting = found["engine"], found["gate"], found["rest"]
    unit, share, rest = (
        f"ms, n = {ours.releases}",
        f"% of {ours.releases}",
        f"waiting for a rest, n = {waiting.releases}",
    )
    lines = [
        Row(f"release → final, {name}, p50", ours.delay_ms(0.5), unit, "0.3 s std gate", gated.delay_ms(0.5), goal),
        Row(f"release → final, {name}, p95", ours.delay_ms(0.95), unit, "0.3 s std gate", gated.delay_ms(0.95)),
        Row(f"release → final, {name}, p50", ours.delay_ms(0.5), unit, rest, waiting.delay_ms(0.5)),
        Row(f"release → final, {name}, p95", ours.delay_ms(0.95), unit, rest, waiting.delay_ms(0.95)),
    ]
    shares = (("premature", "premature", "≤ 0.1 %"), ("wrong by > max(1 g, 4σ)", "wrong", "≤ 0.5 %"))
    for text, field, limit in shares:
        mine, peer = 100 * float(getattr(ours, field)), 100 * float(getattr(gated, field))
        lines.append(Row(f"{text}, {name}", mine, share, "0.3 s std gate", peer, limit))
    lines.append(Row(f"never final, {name}", 100 * ours.missed, share, "0.3 s std gate", 100 * gated.missed))
    spread = float(np.mean(np.square(ours.normalised)))
    lines.append(
        Row(
            f"normalised error squared, {name}",
            spread,
            f"mean of {ours.normalised.size}",
            "χ², one degree",
            1.0,
            "≤ 1.2",
        )
    )
    return lines


def rows() -> list[Row]:
    """Measure."""
    return [
        *kind_rows("one mode 8–25 Hz", scores(1, waiting=WAITING), "≥ 3×"),
        *kind_rows("two modes", scores(2, waiting=WAITING), "≥ 2×"),
        *kind_rows("stiff 32–79 Hz", scores(1, stiff=True, releases=RELEASES // 4, waiting=WAITING // 2)),
    ]
