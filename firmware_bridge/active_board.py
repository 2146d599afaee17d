"""
The board a port is talking to: its clock, its samples' times and the rows that never came.

Samples that arrive while the clock is unknown are held and released with their times once it is, so that
nothing is lost at the start.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from firmware_bridge.clocksync import BoardClock, ClockAnswer, unwrap32
from firmware_bridge.events import AuxReport, Event, SampleBlock
from firmware_bridge.frames import TEMPERATURE_MISSING, Aux, Hello, Samples
from firmware_bridge.link_watch import LinkWatch
from firmware_bridge.timeline import Misdated, SampleTimeline

HELD_FRAMES: Final = 2048
"""Sample frames kept while the clock is unknown: 25 s at 80 frames a second, 2 MB (2026-11)."""
_COUNTER_WRAP: Final = 1 << 16


@dataclass(slots=True)
class LinkCounters:
    """Totals of one port since the link started."""

    frames: int = 0
    rows: int = 0
    crc_errors: int = 0
    other_rejections: int = 0
    resyncs: int = 0
    """Runs of rejected bytes that ended in a good frame."""
    gaps: int = 0
    lost_rows: int = 0
    overflow_rows: int = 0
    """Of the lost rows, those the board itself had to drop."""
    undated_rows: int = 0
    """Rows from before a reset that arrived while the clock was still unknown."""
    foreign_rows: int = 0
    """Rows with another number of channels than HELLO says."""
    stray_rows: int = 0
    """Rows with an earlier index than the last, contradicted by the next frame: garbage that passed the CRC."""
    misdated_rows: int = 0
    """Rows doubted because their tick lies after they were read or before the rows before them. What the next
    frames contradict is lost; what a step of the board's clock explains is dated anew."""
    reconnects: int = 0
    resets: int = 0


@dataclass(slots=True)
class BoardMemory:
    """What outlives a reopened port: where the board's samples and times had got to."""

    boot_counter: int | None = None
    next_index: int | None = None
    last_ns: int | None = None


class HeldSamples:
    """Frames waiting for a clock, oldest dropped first and then missed as a gap."""

    def __init__(self, counters: LinkCounters) -> None:
        self._counters = counters
        self._frames: deque[tuple[Samples, int]] = deque()
        self._first_dropped: int | None = None

    def add(self, samples: Samples, read_ns: int) -> None:
        """Keep one frame."""
        self._frames.append((samples, read_ns))
        if len(self._frames) > HELD_FRAMES:
            dropped, _ = self._frames.popleft()
            if self._first_dropped is None:
                self._first_dropped = dropped.first_index

    def clear(self) -> None:
        """Give up what cannot be dated any more, and count it."""
        self._counters.undated_rows += sum(samples.counts.shape[0] for samples, _ in self._frames)
        self._frames.clear()
        self._first_dropped = None

    def take(self) -> tuple[list[tuple[Samples, int]], int | None]:
        """
        Give the frames of the present boot, and the first index that was dropped for want of room.

        Frames before a step back of the index belong to an earlier boot, whose clock no longer exists.
        """
        frames = list(self._frames)
        start = 0
        for at in range(1, len(frames)):
            earlier = frames[at - 1][0].first_index
            if unwrap32(frames[at][0].first_index, earlier) < earlier:
                start = at
        first_dropped = None if start else self._first_dropped
        self._counters.undated_rows += sum(samples.counts.shape[0] for samples, _ in frames[:start])
        self._frames.clear()
        self._first_dropped = None
        return frames[start:], first_dropped


class ActiveBoard:
    """
    One identified board from its HELLO to its end.

    Parameters
    ----------
    hello : Hello
    memory : BoardMemory
        Of this UID; continued when the boot counter is the same.
    counters : LinkCounters
        Of the port.
    held : HeldSamples
        Of the port.
    watch : LinkWatch
        Of the port.
    emit : callable
    now_ns : int
    """

    def __init__(
        self,
        hello: Hello,
        memory: BoardMemory,
        counters: LinkCounters,
        held: HeldSamples,
        watch: LinkWatch,
        emit: Callable[[Event], None],
        now_ns: int,
    ) -> None:
        if memory.boot_counter != hello.boot_counter:
            memory.boot_counter = hello.boot_counter
            memory.next_index = None
        self.hello = hello
        self.clock = BoardClock(hello.tick_rate_hz)
        self.last_samples_ns = now_ns
        self.next_query_ns = now_ns
        self._memory = memory
        self._counters = counters
        self._held = held
        self._watch = watch
        self._emit = emit
        self._timeline = SampleTimeline(self.clock, hello.rate_hz, memory.last_ns)
        self._overflow: int | None = None
        self._released_any = False
        self._doubted: tuple[Samples, int] | None = None
        self._misdated: deque[tuple[Samples, int]] = deque(maxlen=HELD_FRAMES)

    def settings_changed(self, hello: Hello) -> bool:
        """Take a HELLO of the same boot; whether it says anything new."""
        if hello == self.hello:
            return False
        self.hello = hello
        self._timeline = SampleTimeline(self.clock, hello.rate_hz, self._memory.last_ns)
        return True

    @property
    def in_doubt(self) -> bool:
        """Whether a frame waits for the next one, or for HELLO, to tell if the board restarted."""
        return self._doubted is not None or self.misdated

    @property
    def misdated(self) -> bool:
        """Whether the last frames' ticks cannot be when their rows happened."""
        return bool(self._misdated)

    def away(self, gone_ns: int, now_ns: int) -> None:
        """Count no silence for a time in which nobody listened."""
        self.last_samples_ns = min(now_ns, self.last_samples_ns + gone_ns)

    def hold_doubted(self) -> None:
        """Keep the frames that raised the doubt for the new clock, to which they belong."""
        for samples, read_ns in self._misdated:
            self._held.add(samples, read_ns)
        self._misdated.clear()
        if self._doubted is not None:
            self._held.add(*self._doubted)
            self._doubted = None

    def clock_answer(self, sent_ns: int, received_ns: int, tick32: int) -> str | None:
        """Take the answer to a clock query; why the board must have restarted, or None."""
        was_ready = self.clock.ready
        answer = self.clock.answered(sent_ns, received_ns, tick32)
        if answer is ClockAnswer.STEPPED:
            return "its clock started over"
        if answer is ClockAnswer.DOUBTFUL:
            self.next_query_ns = received_ns + self.clock.interval_ns
        if self.clock.ready and not was_ready:
            frames, first_dropped = self._held.take()
            if first_dropped is not None and self._memory.next_index is None:
                self._memory.next_index = first_dropped
            for samples, read_ns in frames:
                self._release(samples, read_ns)
        return None

    def samples(self, samples: Samples, now_ns: int) -> str | None:
        """Take one frame of samples; why the board must have restarted, or None."""
        rows, channels = samples.counts.shape
        if channels != self.hello.channels:
            self._counters.foreign_rows += rows
            return None
        if not self.clock.ready:
            self.last_samples_ns = now_ns
            self._held.add(samples, now_ns)
            return None
        expected = self._memory.next_index
        if self._released_any and expected is not None and unwrap32(samples.first_index, expected) < expected:
            self.last_samples_ns = now_ns
            return self._earlier(samples, now_ns)
        if self._doubted is not None:
            self._counters.stray_rows += self._doubted[0].counts.shape[0]
            self._doubted = None
        if self._release(samples, now_ns):
            self.last_samples_ns = now_ns
        elif len(self._misdated) == 2:
            # One is garbage. Two are perhaps another clock: ask now rather than at the next second.
            self.next_query_ns = min(self.next_query_ns, now_ns)
        return None

    def _earlier(self, samples: Samples, now_ns: int) -> str | None:
        # One frame in 65 536 broken ones passes its CRC. Two that follow each other are a new count.
        doubted = self._doubted
        if doubted is not None:
            at = doubted[0].first_index + doubted[0].counts.shape[0]
            if unwrap32(samples.first_index, at) >= at:
                self._memory.boot_counter = None
                return "its sample index started over"
            self._counters.stray_rows += doubted[0].counts.shape[0]
        self._doubted = (samples, now_ns)
        return None

    def aux(self, aux: Aux, now_ns: int) -> None:
        """Report slow readings."""
        self._watch.aux(aux, now_ns)
        # What has been read has happened, whatever its tick says.
        t_ns = min(now_ns, self.clock.host_ns(self.clock.unwrap(aux.tick))) if self.clock.ready else now_ns
        temperatures_c = tuple(None if cdeg == TEMPERATURE_MISSING else cdeg / 100.0 for cdeg in aux.temperatures_cdeg)
        self._emit(
            AuxReport(t_ns, self.hello.board_uid, temperatures_c, aux.supply_mv, aux.digital_inputs, aux.skipped)
        )

    def _release(self, samples: Samples, read_ns: int) -> bool:
        """Date a frame and send it on; False when it cannot be dated and waits for what comes next."""
        rows, channels = samples.counts.shape
        memory, counters = self._memory, self._counters
        if channels != self.hello.channels:
            counters.foreign_rows += rows
            return False
        expected = memory.next_index
        first_index = samples.first_index if expected is None else unwrap32(samples.first_index, expected)
        lost = 0 if expected is None else first_index - expected
        if lost < 0:
            # The same boot counter, an earlier index: a board whose counter does not survive losing power.
            first_index, lost = samples.first_index, 0
        t_ns = self._timeline.date(first_index, rows, samples.last_tick, read_ns)
        if isinstance(t_ns, Misdated):
            counters.misdated_rows += rows
            self._misdated.append((samples, read_ns))
            return False
        # A frame that fits contradicts those before it that did not: their rows are part of the gap.
        self._misdated.clear()
        memory.last_ns = self._timeline.last_ns
        dropped = 0 if self._overflow is None else (samples.overflow - self._overflow) % _COUNTER_WRAP
        self._overflow = samples.overflow
        if lost:
            counters.gaps += 1
            counters.lost_rows += lost
            counters.overflow_rows += dropped
        # What the board said while it was unplugged, no wire has damaged.
        self._watch.rows_came(read_ns, lost if self._released_any else 0, dropped)
        self._released_any = True
        counters.rows += rows
        memory.next_index = first_index + rows
        self._emit(SampleBlock(read_ns, self.hello.board_uid, first_index, t_ns, samples.counts, samples.flags, lost))
        return True
