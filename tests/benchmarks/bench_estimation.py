"""The estimation's cost per channel-sample: the Kalman bank beside filterpy, and the whole line of a quiet store."""

import numpy as np
from bench_row import Row, paired_medians
from filterpy.kalman import KalmanFilter

from edge_agent.config import BoardCalibration, ChannelCalibration, ChannelConfig, LimitsConfig, ShelfConfig
from edge_agent.estimation import Estimation, EstimationSettings
from edge_agent.estimation.kalman_bank import KalmanBank
from edge_agent.estimation.kalman_scalar import KalmanFew, KalmanScalar
from edge_agent.model import AdcSamples, BoardUid, BoardUp, MonotonicNs
from firmware_bridge.decoder import FrameDecoder
from firmware_bridge.frames import Samples, encode

PERIOD_S = 0.0125
PERIOD_NS = 12_500_000
BOARDS = tuple(BoardUid(f"00000000000000{place:02x}") for place in range(1, 5))
CHANNELS = 64
WARM_ROWS = 320
TIMED_ROWS = 1600
UNIT = "µs CPU a channel-sample"
TIME_CONSTANT_S = 20.0


def filterpy_filter() -> KalmanFilter:
    """The same model: level and drift."""
    kalman = KalmanFilter(dim_x=2, dim_z=1)
    kalman.F = np.array([[1.0, PERIOD_S], [0.0, 1.0]])
    kalman.H = np.array([[1.0, 0.0]])
    kalman.Q = np.diag([1e-6, 1e-10])
    kalman.R = np.array([[0.01]])
    return kalman


def bank_row(channels: int, bank: KalmanBank | KalmanFew, goal: str) -> Row:
    """Predict and update, full covariance, one row of readings at a time, beside filterpy's two calls."""
    peer = filterpy_filter()
    readings = np.random.default_rng(1).normal(0.0, 0.1, channels)
    reading = np.array([[0.1]])
    zeros = np.zeros(channels)
    bank.reset(np.arange(channels, dtype=np.int32), zeros, zeros + 0.01, zeros + 0.01)

    def ours() -> None:
        bank.predict(PERIOD_S)
        bank.update(readings)

    def theirs() -> None:
        peer.predict()
        peer.update(reading)

    ours_s, theirs_s = paired_medians(ours, theirs, rounds=9, repeat=(3000, 1000))
    name = f"Kalman bank, full covariance, {channels} channel{'s' if channels > 1 else ''}"
    return Row(name, ours_s / channels * 1e6, UNIT, "filterpy predict + update", theirs_s * 1e6, goal)


def scalar_row() -> Row:
    """One column in plain floats, without numpy around it."""
    peer = filterpy_filter()
    reading = np.array([[0.1]])
    column = KalmanScalar(0.01, TIME_CONSTANT_S, PERIOD_S)

    def ours() -> None:
        column.predict(PERIOD_S)
        column.update(0.1)

    def theirs() -> None:
        peer.predict()
        peer.update(reading)

    ours_s, theirs_s = paired_medians(ours, theirs, rounds=9, repeat=(10_000, 1000))
    return Row("Kalman, one column in plain floats", ours_s * 1e6, UNIT, "filterpy predict + update", theirs_s * 1e6)


def store() -> tuple[list[ShelfConfig], list[BoardCalibration]]:
    """256 lanes on four boards, eight lanes a shelf."""
    shelves = [
        ShelfConfig(
            shelf_id=f"s{board}-{shelf}",
            kind="lane_cells",
            width_mm=800,
            depth_mm=400,
            channels=tuple(
                ChannelConfig(board_uid=uid, index=8 * shelf + lane, x_mm=100 * lane + 50, y_mm=200)
                for lane in range(8)
            ),
            limits=LimitsConfig(),
        )
        for board, uid in enumerate(BOARDS)
        for shelf in range(CHANNELS // 8)
    ]
    calibrations = [
        BoardCalibration(
            board_uid=uid,
            revision=1,
            channels=tuple(
                ChannelCalibration(index=index, zero_counts=50_000, counts_per_g=420.0) for index in range(CHANNELS)
            ),
        )
        for uid in BOARDS
    ]
    return shelves, calibrations


def quiet_frames(rows: int) -> list[bytes]:
    """Frames of one board at rest, a row each, as they come over the wire."""
    noise = np.random.default_rng(20261101)
    counts = np.round(50_000 + noise.normal(0, 60, (rows, CHANNELS))).astype(np.int32)
    flags = np.zeros((1, CHANNELS), dtype=np.uint8)
    return [
        encode(
            Samples(
                sequence=row & 0xFFFF,
                first_index=row,
                last_tick=row * 200_000,
                overflow=0,
                counts=counts[row : row + 1],
                flags=flags,
            )
        )
        for row in range(rows)
    ]


class QuietStore:
    """A store at rest, fed frame by frame; `play` continues where it left off."""

    def __init__(self, batch_rows: int) -> None:
        shelves, calibrations = store()
        self.estimation = Estimation(shelves, calibrations, (), EstimationSettings(batch_rows=batch_rows))
        self.decoders = {uid: FrameDecoder() for uid in BOARDS}
        self.frames = quiet_frames(TIMED_ROWS)
        self.row = 1
        for uid in BOARDS:
            self.estimation.step(BoardUp(MonotonicNs(0), uid, CHANNELS, 80.0, 128, 1, "bench"))
        self.play(WARM_ROWS)
        if not self.estimation.quiet():
            message = "the benchmark's store did not come to rest"
            raise RuntimeError(message)

    def play(self, rows: int = TIMED_ROWS) -> None:
        """Decode, gate, track and detect ``rows`` rows of every board."""
        for place in range(rows):
            self.row += 1
            t_ns = np.array([self.row * PERIOD_NS], dtype=np.int64)
            frame = self.frames[place]
            for uid in BOARDS:
                for decoded in self.decoders[uid].feed(frame):
                    if isinstance(decoded, Samples):
                        self.estimation.step(
                            AdcSamples(uid, decoded.first_index, t_ns, decoded.counts, decoded.flags, 0)
                        )


def line_row(name: str, batch_rows: int, goal: str) -> Row:
    """The whole line beside filterpy's filter alone."""
    quiet = QuietStore(batch_rows)
    peer = filterpy_filter()
    reading = np.array([[0.1]])

    def theirs() -> None:
        peer.predict()
        peer.update(reading)

    ours_s, theirs_s = paired_medians(quiet.play, theirs, rounds=5, repeat=(1, 1000))
    cost = ours_s / (TIMED_ROWS * CHANNELS * len(BOARDS)) * 1e6
    return Row(name, cost, UNIT, "filterpy, the filter alone", theirs_s * 1e6, goal)


def rows() -> list[Row]:
    """Measure."""

    def bank(channels: int) -> KalmanBank:
        return KalmanBank(np.full(channels, 0.01), TIME_CONSTANT_S, PERIOD_S)

    def few(channels: int) -> KalmanFew:
        return KalmanFew(np.full(channels, 0.01), TIME_CONSTANT_S, PERIOD_S)

    return [
        bank_row(256, bank(256), "≥ 300×"),
        bank_row(16, few(16), "≥ 20×"),
        bank_row(1, few(1), "≥ 15×"),
        scalar_row(),
        line_row("parse → gate → Kalman → GLR, 256 ch", EstimationSettings().batch_rows, "≤ 0.2 µs"),
        line_row("the same, every row computed at once", 1, ""),
    ]
