"""
The conversation with whatever answers on one port, as a state machine fed with bytes and times.

closed → identifying → up: HELLO is asked for until a board gives its UID, then the clock is synchronised
and samples flow. When the port should be closed, `verdict` says why; opening, closing and waiting are the
link's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from firmware_bridge.active_board import ActiveBoard, BoardMemory, HeldSamples, LinkCounters
from firmware_bridge.clocksync import NS_PER_S, BoardClock
from firmware_bridge.commands import Request, RequestLine, clock_tick
from firmware_bridge.decoder import FrameDecoder, Rejected, RejectReason
from firmware_bridge.errors import CommandAbortedError
from firmware_bridge.events import BoardDown, BoardUp, DownReason, Event
from firmware_bridge.frames import Ack, Aux, CommandKind, Frame, Hello, Samples
from firmware_bridge.link_timing import GARBAGE_BYTES, LinkTiming
from firmware_bridge.link_watch import LinkWatch
from firmware_bridge.port import PortConfig
from firmware_bridge.reset_causes import reset_words


class BoardSession:
    """
    State of one port.

    Parameters
    ----------
    config : PortConfig
    emit : callable
        Takes each event.
    memory_of : callable
        Gives the memory of a board UID, shared by all ports.
    claim : callable
        Whether this port may have the board of a UID; False when another port already has it.
    timing : LinkTiming
    """

    def __init__(
        self,
        config: PortConfig,
        emit: Callable[[Event], None],
        memory_of: Callable[[str], BoardMemory],
        claim: Callable[[str], bool],
        timing: LinkTiming,
    ) -> None:
        self.config = config
        self.counters = LinkCounters()
        self.verdict: DownReason | None = None
        self._emit = emit
        self._memory_of = memory_of
        self._claim = claim
        self._timing = timing
        self._line = RequestLine(config.path)
        self._decoder = FrameDecoder()
        self._held = HeldSamples(self.counters)
        self._watch = LinkWatch(config.path)
        self._board: ActiveBoard | None = None
        self._is_open = False
        self._was_up = False
        self._identify_since_ns = self._next_hello_ns = 0
        self._received_bytes = self._good_frames = self._garbage_bytes = 0
        self._rejecting = False
        self._last_down: tuple[DownReason, str | None] | None = None

    @property
    def board_uid(self) -> str | None:
        """UID of the identified board."""
        return self._board.hello.board_uid if self._board else None

    @property
    def hello(self) -> Hello | None:
        """HELLO of the identified board."""
        return self._board.hello if self._board else None

    @property
    def clock(self) -> BoardClock | None:
        """Clock of the identified board."""
        return self._board.clock if self._board else None

    @property
    def _in_doubt(self) -> bool:
        return self._board is not None and self._board.in_doubt

    @property
    def unhurried(self) -> bool:
        """Whether nobody waits for an answer: what comes may wait a little to be read."""
        return self._line.idle

    # -- driven by the link ---------------------------------------------------------------------------

    def opened(self, now_ns: int) -> None:
        """Begin to identify: the port has just been opened."""
        self._is_open = True
        self.verdict = None
        self._decoder = FrameDecoder()
        self._line = RequestLine(self.config.path)
        self._received_bytes = self._good_frames = self._garbage_bytes = 0
        self._rejecting = False
        self._identify(now_ns)

    def closed(self, now_ns: int) -> None:
        """Forget the board: the port has been closed. Requests under way end in an error."""
        self._is_open = False
        self._board = None
        self._held.clear()
        self._watch.forget()
        self._line.abort(now_ns, CommandAbortedError(f"{self.config.path}: the board went down"))

    def away(self, gone_ns: int, now_ns: int) -> None:
        """
        Take note that the host did not listen for a time: it slept, or was busy elsewhere.

        Nothing is concluded from what was not heard meanwhile: every deadline moves.
        """
        self._line.away(gone_ns)
        self._watch.away(now_ns)
        if self._board is None:
            self._identify_since_ns = min(now_ns, self._identify_since_ns + gone_ns)
        else:
            self._board.away(gone_ns, now_ns)

    def submit(self, request: Request) -> None:
        """Queue a command to the board."""
        self._line.submit(request)

    def due_ns(self) -> int:
        """When `poll` is next needed."""
        line_ns = self._line.due_ns
        board = self._board
        if board is None:
            timer_ns = min(self._next_hello_ns, self._identify_until_ns)
            return timer_ns if line_ns is None else line_ns
        timer_ns = board.last_samples_ns + self._silent_ns(board.hello)
        if self._garbage_bytes >= GARBAGE_BYTES:
            timer_ns = min(timer_ns, board.last_samples_ns + _ns(self._timing.garbage_timeout_s) + 1)
        if self._line.idle:
            timer_ns = min(timer_ns, board.next_query_ns)
        return timer_ns if line_ns is None else min(timer_ns, line_ns)

    def poll(self, now_ns: int) -> bytes:
        """Do what is due; give the bytes to write."""
        if not self._is_open or self.verdict is not None:
            return b""
        if self._board is None:
            self._poll_identifying(now_ns)
        else:
            self._poll_up(self._board, now_ns)
            self._judge_link(now_ns)
        return b"" if self.verdict is not None else self._line.poll(now_ns)

    def receive(self, chunk: bytes, now_ns: int) -> bool:
        """Take bytes read from the port; whether they may have changed what is due."""
        self._received_bytes += len(chunk)
        self._garbage_bytes += len(chunk)
        board = self._board
        only_samples = True
        for result in self._decoder.feed(chunk):
            if self.verdict is not None:
                return True
            if isinstance(result, Rejected):
                self._take_rejected(result, now_ns)
                continue
            self._good_frames += 1
            self._garbage_bytes = 0
            self.counters.frames += 1
            if self._rejecting:
                self._rejecting = False
                self.counters.resyncs += 1
            if isinstance(result, Samples):
                self._take_samples(result, now_ns)
                continue
            only_samples = False
            self._take_rare(result, now_ns)
        if self._watch.fresh and self._board is not None:
            self._judge_link(now_ns)
        if not only_samples or self._rejecting:
            return True
        return self._board is not board or self.verdict is not None or self._in_doubt

    def report_down(self, now_ns: int, reason: DownReason, detail: str, board_uid: str | None = None) -> None:
        """Emit `BoardDown` when it tells something new."""
        uid = board_uid or self.board_uid
        last = self._last_down
        # After an unplugged cable its missing path is no news.
        missing_still = last is not None and (last[0], reason) == (DownReason.UNPLUGGED, DownReason.PORT_MISSING)
        if missing_still or last == (reason, uid):
            return
        self._last_down = (reason, uid)
        self._emit(BoardDown(now_ns, self.config.path, uid, reason, detail))

    def _judge_link(self, now_ns: int) -> None:
        quality = self._watch.judge(now_ns, self.board_uid)
        if quality is not None:
            self._emit(quality)

    # -- identifying ----------------------------------------------------------------------------------

    def _identify(self, now_ns: int) -> None:
        self._board = None
        self._held.clear()
        self._identify_since_ns = self._next_hello_ns = now_ns

    def _poll_identifying(self, now_ns: int) -> None:
        if now_ns >= self._identify_until_ns:
            self._end(now_ns, *self._why_unidentified())
        elif now_ns >= self._next_hello_ns and self._line.idle:
            interval_ns = _ns(self._timing.identify_interval_s)
            self._next_hello_ns = now_ns + interval_ns
            self._line.submit(Request(CommandKind.HELLO, b"", try_ns=interval_ns, tries=1))

    @property
    def _identify_until_ns(self) -> int:
        garbage = self._garbage_bytes >= GARBAGE_BYTES and not self._good_frames
        timeout_s = self._timing.garbage_timeout_s if garbage else self._timing.identify_timeout_s
        return self._identify_since_ns + _ns(timeout_s)

    def _why_unidentified(self) -> tuple[DownReason, str]:
        if self._good_frames:
            return (
                DownReason.SILENT,
                "sends frames but does not answer HELLO: check the wire from host to board",
            )
        if self._received_bytes:
            return (
                DownReason.NOT_A_BOARD,
                f"{self._received_bytes} bytes and no valid frame: not a board, or not at {self.config.baud} baud",
            )
        silence = f"nothing received at {self.config.baud} baud: check the board's power and firmware"
        return DownReason.SILENT, f"{silence}; if its flashing was interrupted: board flash --blank"

    def _take_hello(self, hello: Hello, now_ns: int) -> None:
        uid, expected = hello.board_uid, self.config.expected_uid
        if expected is not None and uid != expected:
            self._end(
                now_ns,
                DownReason.WRONG_BOARD,
                f"board {uid} answers where {expected} is expected: "
                "plug the right board in, or calibrate this one and change the configuration",
                uid,
            )
            return
        board = self._board
        if board is not None:
            if (uid, hello.boot_counter) == (board.hello.board_uid, board.hello.boot_counter):
                if board.settings_changed(hello):
                    self._emit(BoardUp(now_ns, self.config.path, hello))
                return
            self._restarted(now_ns, f"{reset_words(hello.reset_cause)}, boot {hello.boot_counter}")
        if not self._claim(uid):
            self._end(
                now_ns,
                DownReason.DUPLICATE_UID,
                f"board {uid} already answers on another port: give each board its own UID",
                uid,
            )
            return
        memory = self._memory_of(uid)
        self._board = ActiveBoard(hello, memory, self.counters, self._held, self._watch, self._emit, now_ns)
        self._watch.forget()
        self.counters.reconnects += self._was_up
        self._was_up = True
        self._last_down = None
        self._emit(BoardUp(now_ns, self.config.path, hello))

    def _restarted(self, now_ns: int, why: str) -> None:
        """Identify and synchronise again: the board started over with the port still open."""
        self.counters.resets += 1
        detail = f"{self.config.path}: the board restarted ({why}); if it repeats check its supply"
        self.report_down(now_ns, DownReason.RESET, detail)
        board = self._board
        self._watch.forget()
        self._identify(now_ns)
        if board is not None:
            board.hold_doubted()

    # -- up -------------------------------------------------------------------------------------------

    def _poll_up(self, board: ActiveBoard, now_ns: int) -> None:
        silent_ns = now_ns - board.last_samples_ns
        if self._garbage_bytes >= GARBAGE_BYTES and silent_ns > _ns(self._timing.garbage_timeout_s):
            self._end(
                now_ns,
                DownReason.NOT_A_BOARD,
                f"bytes come and no valid frame any more: not at {self.config.baud} baud, or the line is disturbed",
            )
        elif silent_ns > self._silent_ns(board.hello):
            silent_s = silent_ns / NS_PER_S
            foreign = self.counters.foreign_rows
            self._end(
                now_ns,
                DownReason.SILENT,
                f"no samples for {silent_s:.1f} s: check the cable, the board and its converters"
                + (f" ({foreign} rows had not {board.hello.channels} channels)" if foreign else "")
                + (
                    " (rows come with ticks that its clock never showed: update its firmware)" if board.misdated else ""
                ),
            )
        elif board.clock.dead:
            self._end(
                now_ns,
                DownReason.CLOCK_DEAD,
                f"sends samples but left {board.clock.unanswered} clock queries unanswered: "
                "check the wire from host to board",
            )
        elif now_ns >= board.next_query_ns and self._line.idle:
            board.next_query_ns = now_ns + board.clock.interval_ns
            self._line.submit(
                Request(
                    CommandKind.CLOCK,
                    b"",
                    try_ns=_ns(self._timing.query_timeout_s),
                    tries=1,
                    on_done=partial(self._clock_done, board),
                )
            )

    def _clock_done(self, board: ActiveBoard, request: Request) -> None:
        # A query from before a reset says nothing about the board's new clock.
        if self._board is not board or isinstance(request.error, CommandAbortedError):
            return
        tick = clock_tick(request.ack) if request.ack is not None else None
        if tick is None:
            board.clock.missed()
            return
        why = board.clock_answer(request.sent_ns, request.done_ns, tick)
        if why is not None:
            self._restarted(request.done_ns, why)
        elif board.clock.doubted:
            self._ask_hello()

    def _ask_hello(self) -> None:
        """Have the board say its boot counter, and with it whether a doubt is a restart."""
        self._line.submit(Request(CommandKind.HELLO, b"", try_ns=_ns(self._timing.query_timeout_s), tries=2))

    def _take_rare(self, frame: Frame, now_ns: int) -> None:
        if isinstance(frame, Ack):
            self._take_ack(frame, now_ns)
        elif isinstance(frame, Hello):
            self._take_hello(frame, now_ns)
        elif isinstance(frame, Aux) and self._board is not None:
            self._board.aux(frame, now_ns)

    def _take_ack(self, ack: Ack, now_ns: int) -> None:
        if not self._line.answered(ack, now_ns) and self._board is not None:
            self._board.clock.heard()

    def _take_samples(self, samples: Samples, now_ns: int) -> None:
        if self._board is None:
            self._held.add(samples, now_ns)
            return
        doubted_before = self._board.in_doubt
        why = self._board.samples(samples, now_ns)
        if self._board.in_doubt and not doubted_before:
            self._ask_hello()
        if why is not None:
            self._restarted(now_ns, why)
            self._held.add(samples, now_ns)

    def _take_rejected(self, rejected: Rejected, now_ns: int) -> None:
        self._rejecting = True
        self._watch.frame_damaged(now_ns)
        if rejected.reason is RejectReason.BAD_CRC:
            self.counters.crc_errors += 1
        else:
            self.counters.other_rejections += 1
        if rejected.reason is RejectReason.WRONG_VERSION:
            self._end(
                now_ns,
                DownReason.PROTOCOL_MISMATCH,
                f"{rejected.detail}: flash matching firmware or update this host",
                rejected.board_uid,
            )

    def _end(self, now_ns: int, reason: DownReason, detail: str, board_uid: str | None = None) -> None:
        self.report_down(now_ns, reason, f"{self.config.path}: {detail}", board_uid)
        self.verdict = reason

    def _silent_ns(self, hello: Hello) -> int:
        return _ns(max(self._timing.silent_floor_s, self._timing.silent_periods / hello.rate_hz))


def _ns(seconds: float) -> int:
    return round(seconds * NS_PER_S)
