"""
A load-cell board in software, without any input or output.

`BoardModel` keeps its own tick counter, converts on its own schedule and speaks the bytes of PROTOCOL.md.
It is stepped by hand to a tick, so a test of hours takes no time; `firmware_bridge.virtual_board` runs it
behind a pseudo-terminal.
"""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from firmware_bridge.answers import SelfTestFault
from firmware_bridge.board_commands import carry_out
from firmware_bridge.board_setup import BoardSetup, Faults, SampleSource
from firmware_bridge.decoder import FrameDecoder
from firmware_bridge.frames import (
    COUNTS_MAX,
    COUNTS_MIN,
    DELIMITER,
    AckCode,
    Aux,
    Command,
    Hello,
    Int32Array,
    ResetCause,
    SampleFlag,
    Samples,
    UInt8Array,
    encode,
    max_rows,
)

_U16: Final = 0xFFFF
_U32: Final = 0xFFFFFFFF
SETTLING_ROWS: Final = 4
"""HX711 datasheet: the output is valid from the fourth conversion after power-up, gain or channel change."""
FRAMES_PER_S: Final = 80
"""Rows share a frame only above this rate, so that no row waits more than 12.5 ms (2026-11)."""
AUX_PER_S: Final = 4
"""At most, when bytes from the host were lost: PROTOCOL.md."""
GAINS: Final = (128, 64, 32)
SELF_TEST_ROWS: Final = 8
"""Rows the self-test looks back on: a converter with any cell on it does not give one value so often (2026-11)."""
_LINE_LOW: Final = SampleFlag.SILENT | SampleFlag.DESYNC


class BoardModel:
    """
    The board as a function of its ticks.

    Parameters
    ----------
    setup : BoardSetup
    source : SampleSource
    seed : int
        Of the byte faults.
    """

    def __init__(self, setup: BoardSetup, source: SampleSource, *, seed: int = 0) -> None:
        self.setup = setup
        self.source = source
        self.faults = Faults()
        self.digital_inputs = 0
        self.skipped = [0] * setup.inputs
        self.identify_s = 0
        self.ticks = setup.tick_start
        self.boot_counter = setup.boot_counter
        self.gain = setup.gain
        self.rate_hz = setup.rate_hz
        self.channels = setup.channels
        self.rows_sent = 0
        self._random = random.Random(seed)  # noqa: S311  (faults, not secrets)
        self._zero_tick = self._aux_tick = 0
        self._booting = True
        self._bootloader_until: int | None = None
        self._unsent = b""
        self._boot(setup.reset_cause)

    # -- time -----------------------------------------------------------------------------------------

    @property
    def true_tick_rate_hz(self) -> float:
        """Ticks in a real second."""
        return self.setup.tick_rate_hz * (1.0 + self.setup.ppm * 1e-6)

    @property
    def board_tick(self) -> int:
        """The counter as the board sends it, modulo 2**32."""
        return self._tick32(self.ticks)

    @property
    def in_bootloader(self) -> bool:
        """Whether the firmware has handed over to the bootloader and not yet started again."""
        return self._bootloader_until is not None

    def ticks_at(self, t_s: float) -> int:
        """Model tick at a real time since the start."""
        return self.setup.tick_start + math.floor(t_s * self.true_tick_rate_hz)

    def time_s(self, ticks: int) -> float:
        """Real time since the start at a model tick."""
        return (ticks - self.setup.tick_start) / self.true_tick_rate_hz

    @property
    def next_ticks(self) -> int:
        """Model tick at which the board next has something to say."""
        if self._bootloader_until is not None:
            return self._bootloader_until
        return self.ticks if self._booting else min(self._row_tick(self._index), self._aux_tick)

    def advance(self, to_ticks: int) -> bytes:
        """Run to a model tick; give what the board sent meanwhile."""
        sent = bytearray()
        if self._bootloader_until is not None:
            if to_ticks < self._bootloader_until:
                self.ticks = to_ticks
                return b""
            self.ticks = self._bootloader_until
            self.reset(ResetCause.SOFTWARE)
        if self._booting:
            self._booting = False
            sent += self._wire(DELIMITER + encode(self.hello()))
        while (at := self.next_ticks) <= to_ticks:
            self.ticks = max(self.ticks, at)
            if at == self._aux_tick:
                sent += self._send_aux()
            else:
                sent += self._convert(at)
        self.ticks = max(self.ticks, to_ticks)
        if self.faults.noise:
            sent += self._wire(self.faults.noise)
            self.faults.noise = b""
        return bytes(sent)

    def receive(self, octets: bytes) -> bytes:
        """Take bytes from the host at the present tick; give the answers."""
        if self.faults.deaf:
            return b""
        overrun = min(self.faults.receive_overruns, len(octets))
        self.faults.receive_overruns -= overrun
        self.receive_overruns += overrun
        if overrun:
            soonest = self._aux_sent + self.setup.tick_rate_hz // AUX_PER_S
            self._aux_tick = min(self._aux_tick, max(self.ticks, soonest))
        answers = bytearray()
        for result in self._decoder.feed(octets[overrun:]):
            if self.in_bootloader:
                break
            if not isinstance(result, Command):
                self.bad_frames += 1
                continue
            for frame in carry_out(self, result):
                answers += self._unsent + self._wire(encode(frame))
                self._unsent = b""
        return bytes(answers)

    # -- what commands do to it -----------------------------------------------------------------------

    def set_rate(self, rate_hz: float) -> AckCode:
        """Convert at another nominal rate."""
        if rate_hz not in (*self.setup.supported_rates_hz, self.setup.rate_hz):
            return AckCode.BAD_VALUE
        if rate_hz != self.rate_hz:
            self._pace(rate_hz)
            self._settle()
        return AckCode.OK

    def set_gain(self, gain: int) -> AckCode:
        """Convert with another gain."""
        if gain not in GAINS:
            return AckCode.BAD_VALUE
        if gain != self.gain:
            self.gain = gain
            self._settle()
        return AckCode.OK

    def set_channels(self, channels: int) -> AckCode:
        """Convert and send the first of the inputs only."""
        if not 1 <= channels <= self.setup.inputs:
            return AckCode.BAD_VALUE
        if channels != self.channels:
            # Rows of the old width leave before the HELLO that tells of the new one.
            self._unsent += self._send_rows()
            self.channels = channels
            self._pace(self.rate_hz)
            self._settle()
        return AckCode.OK

    def name(self, board_uid: str) -> None:
        """Keep another UID from now on."""
        self.setup = replace(self.setup, board_uid=board_uid)

    def enter_bootloader(self) -> None:
        """Fall silent and deaf for the bootloader's wait, then start anew."""
        self._bootloader_until = self.ticks + round(self.setup.bootloader_s * self.setup.tick_rate_hz)

    def self_test(self) -> list[SelfTestFault]:
        """Judge each channel by its flags and its latest conversions."""
        return [self._tested(channel) for channel in range(self.channels)]

    # -- what tests and demos do to it ----------------------------------------------------------------

    def reset(self, cause: ResetCause = ResetCause.WATCHDOG) -> None:
        """Restart as a microcontroller does: counters and ticks from zero, boot counter one up."""
        self.boot_counter = (self.boot_counter + 1) & _U16
        self._zero_tick = self.ticks
        self._boot(cause)

    def hello(self) -> Hello:
        """Give the HELLO it sends."""
        return Hello(
            board_uid=self.setup.board_uid,
            firmware_hash=self.setup.firmware_hash,
            boot_counter=self.boot_counter,
            reset_cause=self._reset_cause,
            tick_rate_hz=self.setup.tick_rate_hz,
            channels=self.channels,
            gain=self.gain,
            rate_mhz=round(self.rate_hz * 1000),
            protocol_major=self.setup.protocol[0],
            protocol_minor=self.setup.protocol[1],
            firmware_version=self.setup.firmware_version,
            inputs=self.setup.inputs,
            chip_signature=self.setup.chip_signature,
        )

    def replace_board(self, board_uid: str) -> None:
        """Put a board with another UID in its place."""
        self.name(board_uid)
        self.reset(ResetCause.POWER_ON)

    # -- inside ---------------------------------------------------------------------------------------

    def _boot(self, cause: ResetCause) -> None:
        self._reset_cause = cause
        self._booting = True
        self._decoder = FrameDecoder()
        self._bootloader_until = None
        self._unsent = b""
        self._sequence = self._index = 0
        self.frames_sent = self.overflow = self.bad_frames = self.receive_overruns = self.desyncs = 0
        self._recent: deque[Int32Array] = deque(maxlen=SELF_TEST_ROWS)
        self._settle()
        self._first_row = self._last_row_ticks = 0
        self._rows: list[Int32Array] = []
        self._flags: list[UInt8Array] = []
        self._pace(self.rate_hz)
        self._aux_sent = self.ticks
        self._aux_tick = self.ticks + round(self.setup.aux_period_s * self.setup.tick_rate_hz)

    def _settle(self) -> None:
        self._settling = SETTLING_ROWS
        self._recent.clear()

    def _pace(self, rate_hz: float) -> None:
        self.rate_hz = rate_hz
        self._period = self.setup.tick_rate_hz / (rate_hz * self.setup.rate_error)
        self._base_tick, self._base_index = self.ticks, self._index
        wanted = self.setup.rows_per_frame or math.ceil(rate_hz / FRAMES_PER_S)
        self._rows_per_frame = min(wanted, max_rows(self.channels))

    def _row_tick(self, index: int) -> int:
        return self._base_tick + math.ceil((index - self._base_index + 1) * self._period)

    def _tick32(self, ticks: int) -> int:
        return (ticks - self._zero_tick) & _U32

    def _convert(self, at_ticks: int) -> bytes:
        index = self._index
        self._index += 1
        if self.faults.drop_rows:
            self.faults.drop_rows -= 1
            self.overflow = (self.overflow + 1) & _U16
            # A frame holds consecutive rows only: what was gathered goes before the hole.
            return self._send_rows()
        glitch = self.faults.glitch_rows.get(index)
        row = self._row(self.source.counts(index, self.time_s(at_ticks)) if glitch is None else glitch)
        flags = np.full(self.channels, int(SampleFlag.SETTLING) if self._settling else 0, dtype=np.uint8)
        self._settling = max(0, self._settling - 1)
        for channel, flag in self.faults.channel_flags.items():
            if channel >= self.channels:
                continue
            flags[channel] |= int(flag)
            if SampleFlag.SILENT in flag and self._recent:
                row[channel] = self._recent[-1][channel]
            self.desyncs += SampleFlag.DESYNC in flag
        self._recent.append(row)
        if not self._rows:
            self._first_row = index
        self._last_row_ticks = at_ticks
        self._rows.append(row)
        self._flags.append(flags)
        return self._send_rows() if len(self._rows) >= self._rows_per_frame else b""

    def _row(self, seen: Sequence[int] | npt.NDArray[np.integer[Any]]) -> Int32Array:
        """Clamp to what the converters give; an input that the source knows nothing of reads zero."""
        row = np.zeros(self.channels, dtype=np.int32)
        known = np.asarray(seen)[: self.channels]
        row[: len(known)] = np.clip(known, COUNTS_MIN, COUNTS_MAX)
        return row

    def _tested(self, channel: int) -> SelfTestFault:
        flags = self.faults.channel_flags.get(channel, SampleFlag(0))
        if flags & _LINE_LOW == _LINE_LOW:
            return SelfTestFault.LINE_LOW
        if SampleFlag.SILENT in flags:
            return SelfTestFault.NO_DATA_READY
        faults = SelfTestFault.EXTRA_PULSE if SampleFlag.DESYNC in flags else SelfTestFault(0)
        if len(self._recent) < SELF_TEST_ROWS:
            return faults
        seen = {int(row[channel]) for row in self._recent}
        if seen == {COUNTS_MAX}:
            return faults | SelfTestFault.UPPER_RAIL
        if seen == {COUNTS_MIN}:
            return faults | SelfTestFault.LOWER_RAIL
        return faults | SelfTestFault.NO_NOISE if len(seen) == 1 else faults

    def _send_rows(self) -> bytes:
        if not self._rows:
            return b""
        frame = Samples(
            sequence=self._sequence,
            first_index=self._first_row & _U32,
            last_tick=self._tick32(self._last_row_ticks),
            overflow=self.overflow,
            counts=np.stack(self._rows),
            flags=np.stack(self._flags),
        )
        self._rows.clear()
        self._flags.clear()
        self._sequence = (self._sequence + 1) & _U16
        if self.faults.drop_sample_frames:
            self.faults.drop_sample_frames -= 1
            return b""
        self.rows_sent += frame.counts.shape[0]
        return self._wire(encode(frame))

    def _send_aux(self) -> bytes:
        frame = Aux(
            tick=self._tick32(self._aux_tick),
            supply_mv=self.setup.supply_mv,
            digital_inputs=self.digital_inputs,
            temperatures_cdeg=self.setup.temperatures_cdeg,
            skipped=tuple(count & _U16 for count in self.skipped[: self.channels]),
        )
        if self.setup.protocol[1]:
            frame = replace(
                frame,
                bad_frames=self.bad_frames & _U16,
                receive_overruns=self.receive_overruns & _U16,
                desyncs=self.desyncs & _U16,
            )
        self._aux_sent = self._aux_tick
        self._aux_tick += round(self.setup.aux_period_s * self.setup.tick_rate_hz)
        return self._wire(encode(frame))

    def _wire(self, octets: bytes) -> bytes:
        faults = self.faults
        self.frames_sent += 1
        if faults.silence:
            return b""
        if faults.byte_loss or faults.byte_corruption:
            chance = self._random.random
            return bytes(
                octet ^ (self._random.randrange(1, 256) if chance() < faults.byte_corruption else 0)
                for octet in octets
                if chance() >= faults.byte_loss
            )
        return octets
