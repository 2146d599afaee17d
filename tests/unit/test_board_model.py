"""The virtual board, stepped by hand: what PROTOCOL.md says of commands, settings and the bootloader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from firmware_bridge.answers import (
    UNWRITTEN_UID,
    SelfTestFault,
    Statistics,
    read_self_test,
    read_statistics,
    read_uid,
)
from firmware_bridge.board_model import BoardModel
from firmware_bridge.board_setup import BoardSetup
from firmware_bridge.commands import channels_payload, gain_payload, rate_payload, write_uid_payload
from firmware_bridge.decoder import FrameDecoder, Rejected
from firmware_bridge.frames import (
    COUNTS_MAX,
    COUNTS_MIN,
    Ack,
    AckCode,
    Aux,
    Command,
    CommandKind,
    Frame,
    Hello,
    ResetCause,
    SampleFlag,
    Samples,
    encode,
)

UID, OTHER = "28a50000000000a1", "28a50000000000a2"
SETUP = BoardSetup(UID, channels=2, most_channels=4)


class Swinging:
    """Four cells with one bit of noise."""

    def counts(self, sample_index: int, t_s: float) -> Sequence[int]:  # noqa: ARG002
        return [1000 + sample_index % 2, -1000 - sample_index % 2, 7 + sample_index % 2, sample_index % 2]


class Bench:
    """A board, the host's side of its wire, and time that passes when told to."""

    def __init__(self, setup: BoardSetup = SETUP) -> None:
        self.model = BoardModel(setup, Swinging())
        self._decoder = FrameDecoder()
        self._next_id = 0
        self.after(0.0)

    def after(self, seconds: float) -> list[Frame]:
        return self._heard(self.model.advance(self.model.ticks + round(seconds * SETUP.tick_rate_hz)))

    def ask(self, kind: int, payload: bytes = b"") -> tuple[Ack, list[Frame]]:
        """Send a command; give its answer and the frames that came before it."""
        self._next_id += 1
        *before, ack = self._heard(self.model.receive(encode(Command(self._next_id, kind, payload))))
        assert isinstance(ack, Ack)
        assert ack.request_id == self._next_id
        return ack, before

    def hello(self) -> Hello:
        (hello,) = self.ask(CommandKind.HELLO)[1]
        assert isinstance(hello, Hello)
        return hello

    def self_test(self) -> tuple[SelfTestFault, ...]:
        faults = read_self_test(self.ask(CommandKind.SELF_TEST)[0])
        assert faults is not None
        return faults

    def statistics(self) -> Statistics:
        statistics = read_statistics(self.ask(CommandKind.STATS)[0])
        assert statistics is not None
        return statistics

    def _heard(self, octets: bytes) -> list[Frame]:
        frames = []
        for result in self._decoder.feed(octets):
            assert not isinstance(result, Rejected)
            frames.append(result)
        return frames


def rows(frames: Sequence[Frame]) -> list[Samples]:
    return [frame for frame in frames if isinstance(frame, Samples)]


def test_fewer_or_more_inputs_are_sent_from_the_hello_on_that_says_so() -> None:
    bench = Bench(replace(SETUP, rows_per_frame=4))
    bench.after(2.5 / 80)

    ack, before = bench.ask(CommandKind.SET_CHANNELS, channels_payload(3))

    assert ack.code == AckCode.OK
    gathered, hello = before
    assert isinstance(gathered, Samples), "rows of the old width go before the HELLO"
    assert gathered.counts.shape == (2, 2)
    assert isinstance(hello, Hello)
    assert (hello.channels, hello.inputs) == (3, 4)
    (first, second) = rows(bench.after(0.1))
    assert first.counts.shape == (4, 3)
    assert first.first_index == 2, "no row was lost in between"
    assert first.flags.all()
    assert not second.flags.any()
    assert bench.ask(CommandKind.SET_CHANNELS, channels_payload(3))[0].code == AckCode.OK
    assert not rows(bench.after(0.1))[0].flags.any(), "what is set already does not settle again"


@pytest.mark.parametrize("channels", [0, 5, 255])
def test_more_channels_than_the_board_has_are_refused_and_change_nothing(channels: int) -> None:
    bench = Bench()
    ack, before = bench.ask(CommandKind.SET_CHANNELS, channels_payload(channels))
    assert (ack.code, before) == (AckCode.BAD_VALUE, [])
    assert bench.hello().channels == 2


def test_settings_and_name_outlive_a_loss_of_power() -> None:
    bench = Bench()
    bench.ask(CommandKind.SET_RATE, rate_payload(10_000))
    bench.ask(CommandKind.SET_GAIN, gain_payload(64))
    bench.ask(CommandKind.SET_CHANNELS, channels_payload(1))
    bench.ask(CommandKind.WRITE_UID, write_uid_payload(UID, OTHER))
    bench.model.reset(ResetCause.POWER_ON)
    hello = next(frame for frame in bench.after(0.1) if isinstance(frame, Hello))
    assert (hello.rate_mhz, hello.gain, hello.channels, hello.board_uid) == (10_000, 64, 1, OTHER)


def test_a_board_takes_a_name_only_from_who_knows_its_present_one() -> None:
    bench = Bench(replace(SETUP, board_uid=UNWRITTEN_UID))
    for _ in range(2):  # an answer that was lost on the wire
        ack, before = bench.ask(CommandKind.WRITE_UID, write_uid_payload(UNWRITTEN_UID, UID))
        assert ack.code == AckCode.OK
        assert isinstance(before[0], Hello)
        assert before[0].board_uid == UID
    ack, before = bench.ask(CommandKind.WRITE_UID, write_uid_payload(UNWRITTEN_UID, OTHER))
    assert (ack.code, before) == (AckCode.NOT_ALLOWED, [])
    for nobody in ("0" * 16, "f" * 16):
        assert bench.ask(CommandKind.WRITE_UID, write_uid_payload(UID, nobody))[0].code == AckCode.BAD_VALUE
    assert read_uid(bench.ask(CommandKind.READ_UID)[0]) == UID


def test_the_bootloader_is_deaf_and_silent_and_then_the_firmware_starts_with_cause_software() -> None:
    bench = Bench(replace(SETUP, bootloader_s=2.0))
    boot = bench.hello().boot_counter
    assert bench.ask(CommandKind.BOOTLOADER)[0].code == AckCode.OK
    assert bench.after(1.9) == []
    assert bench.model.receive(encode(Command(9, CommandKind.HELLO))) == b""
    hello = bench.after(0.2)[0]
    assert isinstance(hello, Hello)
    assert (hello.reset_cause, hello.boot_counter) == (ResetCause.SOFTWARE, boot + 1)
    assert rows(bench.after(0.1))[0].first_index in range(10)


def test_every_kind_of_the_wrong_length_is_refused_by_length() -> None:
    bench = Bench()
    for kind in CommandKind:
        assert bench.ask(kind, bytes(27))[0].code == AckCode.BAD_LENGTH, kind.name
    assert bench.ask(0x30)[0].code == AckCode.UNKNOWN_KIND


def test_a_board_of_protocol_1_0_knows_nothing_of_1_1() -> None:
    bench = Bench(replace(SETUP, protocol=(1, 0)))
    for kind in (CommandKind.SET_CHANNELS, CommandKind.READ_UID, CommandKind.WRITE_UID, CommandKind.BOOTLOADER):
        assert bench.ask(kind, b"\1")[0].code == AckCode.UNKNOWN_KIND
    assert bench.hello().firmware_version is None
    (aux,) = [frame for frame in bench.after(1.01) if isinstance(frame, Aux)]
    assert aux.bad_frames is None


@pytest.mark.parametrize(
    ("flags", "fault"),
    [
        (SampleFlag.SILENT, SelfTestFault.NO_DATA_READY),
        (SampleFlag.DESYNC, SelfTestFault.EXTRA_PULSE),
        (SampleFlag.SILENT | SampleFlag.DESYNC, SelfTestFault.LINE_LOW),
        (SampleFlag.LATE, SelfTestFault(0)),
    ],
)
def test_the_self_test_says_which_input_is_wrong_and_how(flags: SampleFlag, fault: SelfTestFault) -> None:
    bench = Bench()
    bench.model.faults.channel_flags[1] = flags
    bench.after(0.2)
    assert bench.self_test() == (SelfTestFault(0), fault)


def test_the_self_test_tells_rails_from_a_dead_quiet_input() -> None:
    bench = Bench(replace(SETUP, channels=4))
    bench.after(0.05)
    assert bench.self_test() == (SelfTestFault(0),) * 4, "too early to call anything quiet"
    bench.model.faults.glitch_rows = {index: [COUNTS_MAX, COUNTS_MIN, 5, index] for index in range(50)}
    bench.after(0.2)
    assert bench.self_test() == (
        SelfTestFault.UPPER_RAIL,
        SelfTestFault.LOWER_RAIL,
        SelfTestFault.NO_NOISE,
        SelfTestFault(0),
    )


def test_a_silent_input_repeats_its_last_value() -> None:
    bench = Bench()
    before = rows(bench.after(0.1))[-1]
    bench.model.faults.channel_flags[0] = SampleFlag.SILENT
    after = rows(bench.after(0.1))
    assert {int(frame.counts[0, 0]) for frame in after} == {int(before.counts[0, 0])}
    assert len({int(frame.counts[0, 1]) for frame in after}) == 2


def test_what_the_board_did_not_understand_is_counted_in_aux_and_statistics() -> None:
    bench = Bench()
    command = encode(Command(1, CommandKind.HELLO))
    bench.model.receive(command[:2] + b"\x55" + command[3:])
    bench.model.receive(encode(Command(1, CommandKind.CLOCK)).replace(b"\x02", b"\x03", 1))
    bench.model.faults.receive_overruns = 3
    assert bench.model.receive(command) == b"", "its first bytes are gone"
    bench.model.faults.channel_flags[0] = SampleFlag.DESYNC
    told, aux = [frame for frame in bench.after(1.3) if isinstance(frame, Aux)]
    statistics = bench.statistics()
    assert told.tick == SETUP.tick_rate_hz // 4, "lost bytes are told at once, but not more than four times a second"
    assert (told.bad_frames, told.receive_overruns) == (aux.bad_frames, aux.receive_overruns) == (3, 3)
    assert (statistics.bad_frames, statistics.receive_overruns) == (3, 3)
    assert statistics.desyncs == 104
    assert aux.desyncs in (99, 100)
    assert statistics.frames_sent == 1 + 104 + 2
    bench.model.reset()
    bench.after(0.0)
    assert bench.statistics().bad_frames == 0


def test_an_answer_of_another_kind_is_read_as_none() -> None:
    for refused in (Ack(1, AckCode.BUSY, bytes(20)), Ack(1, AckCode.OK, b"")):
        assert read_self_test(refused) is None
        assert read_statistics(refused) is None
        assert read_uid(refused) is None
    assert read_self_test(Ack(1, AckCode.OK, b"\4\0\0\0")) is None
