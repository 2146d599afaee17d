"""Frame decoding beside the same protocol in plain Python."""

import numpy as np
from bench_row import Row, paired_medians
from pure_python_decoder import decode_body, decode_samples

from firmware_bridge.decoder import FrameDecoder
from firmware_bridge.frames import Samples, encode

FRAMES = 400
GOAL = "≥ 15×"


def wire_frames(channels: int, rows: int = 1, flagged: bool = False) -> list[bytes]:
    """Sample frames with values over the whole range, delimiters included."""
    noise = np.random.default_rng(20261101)
    shape = (rows, channels)
    return [
        encode(
            Samples(
                sequence=number,
                first_index=number * rows,
                last_tick=number * 25_000,
                overflow=0,
                counts=noise.integers(-(1 << 23), 1 << 23, shape, dtype=np.int32),
                flags=noise.integers(0, 16, shape, dtype=np.uint8) * np.uint8(flagged),
            )
        )
        for number in range(FRAMES)
    ]


def row(name: str, frames: list[bytes], *, whole: bool, goal: str = "") -> Row:
    """Cost of one frame; the peer decodes it wholly, or only undoes COBS and checks the CRC."""
    runs = [frame[:-1] for frame in frames]
    peer = decode_samples if whole else decode_body

    def ours() -> None:
        decoder = FrameDecoder()
        for frame in frames:
            decoder.feed(frame)

    def plain() -> None:
        for run in runs:
            peer(run)

    ours_s, plain_s = paired_medians(ours, plain, rounds=9, repeat=(10, 1))
    return Row(
        name,
        ours_s / FRAMES * 1e6,
        "µs CPU a frame",
        "plain Python, whole frame" if whole else "plain Python, COBS + CRC alone",
        plain_s / FRAMES * 1e6,
        goal,
    )


def rows() -> list[Row]:
    """Measure."""
    wide = wire_frames(64)
    return [
        row("decode a frame of 64 × int24", wide, whole=True, goal=GOAL),
        row("decode a frame of 64 × int24", wide, whole=False),
        row("decode a frame of 64 × int24, all flagged", wire_frames(64, flagged=True), whole=True),
        row("decode a frame of 4 × int24", wire_frames(4), whole=True),
    ]
