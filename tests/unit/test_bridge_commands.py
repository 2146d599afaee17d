"""The wording of refusals, and what an answer to a clock query must be."""

from __future__ import annotations

import pytest

from firmware_bridge.commands import clock_tick, refusal
from firmware_bridge.errors import BoardBusyError, BoardFaultError, CommandNotAllowedError, CommandRefusedError
from firmware_bridge.frames import Ack, AckCode, CommandKind

UID = "28a50000000000a1"


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (AckCode.BUSY, BoardBusyError),
        (AckCode.NOT_ALLOWED, CommandNotAllowedError),
        (AckCode.HARDWARE_FAULT, BoardFaultError),
        (77, CommandRefusedError),
    ],
)
def test_a_refusal_names_board_command_and_reason(code: int, error: type[CommandRefusedError]) -> None:
    refused = refusal(Ack(1, code), CommandKind.SELF_TEST, UID)
    assert type(refused) is error
    assert UID in str(refused)
    assert "SELF_TEST" in str(refused)
    assert (AckCode(code).name if code in set(AckCode) else "77") in str(refused)


def test_done_is_no_refusal_and_an_unknown_kind_is_named_by_number() -> None:
    assert refusal(Ack(1, AckCode.OK), CommandKind.STATS, UID) is None
    assert "0x63" in str(refusal(Ack(1, AckCode.UNKNOWN_KIND), 0x63, UID))


@pytest.mark.parametrize(
    ("ack", "tick"),
    [(Ack(1, 0, b"\x78\x56\x34\x12"), 0x12345678), (Ack(1, 0, b"\1\2"), None), (Ack(1, 4, b"\1\2\3\4"), None)],
)
def test_only_a_full_positive_answer_tells_the_tick(ack: Ack, tick: int | None) -> None:
    assert clock_tick(ack) == tick
