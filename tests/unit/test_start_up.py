"""What stops an agent from starting: a board that contradicts the configuration, or no board at all."""

import pytest

from edge_agent.errors import BoardError
from edge_agent.model import BoardDown, BoardUid, BoardUp, MonotonicNs, TimePassed
from edge_agent.start_roll import StartRoll

ONE, TWO = BoardUid("00000000000000a1"), BoardUid("00000000000000a2")


def instant(seconds: float) -> MonotonicNs:
    return MonotonicNs(round(seconds * 1e9))


def up(uid: BoardUid, seconds: float) -> BoardUp:
    return BoardUp(instant(seconds), uid, 4, 80.0, 128, 1, "cafe0001")


def test_one_board_of_two_is_enough_to_sell_from_its_shelf() -> None:
    roll = StartRoll([ONE, TWO])
    roll.check(BoardDown(instant(1), TWO, "port_missing", "/dev/x: not there; plug it in"))
    roll.check(up(ONE, 1.5))
    for second in range(2, 60):
        roll.check(TimePassed(instant(second)))


def test_a_unit_without_any_board_says_so_after_five_seconds_and_names_every_port() -> None:
    roll = StartRoll([ONE, TWO])
    roll.check(BoardDown(instant(1), ONE, "port_missing", "/dev/x: not there; plug it in"))
    roll.check(TimePassed(instant(5.9)))
    with pytest.raises(BoardError, match=rf"{ONE}: /dev/x: not there; plug it in; board {TWO}: no answer"):
        roll.check(TimePassed(instant(6.1)))


@pytest.mark.parametrize("reason", ["wrong_board", "protocol_mismatch", "duplicate_uid"])
def test_a_board_that_contradicts_the_configuration_stops_the_start_though_another_is_well(reason: str) -> None:
    roll = StartRoll([ONE, TWO])
    roll.check(up(ONE, 0.2))
    with pytest.raises(BoardError, match=f"board {TWO}: /dev/y: said so"):
        roll.check(BoardDown(instant(0.3), TWO, reason, "/dev/y: said so"))


def test_once_all_have_answered_a_lost_board_is_an_alarm_and_no_reason_to_stop() -> None:
    roll = StartRoll([ONE])
    roll.check(up(ONE, 0.2))
    roll.check(BoardDown(instant(9), ONE, "wrong_board", "/dev/y: swapped while running"))


def test_after_the_roll_is_closed_a_wrong_board_ends_nothing() -> None:
    roll = StartRoll([ONE, TWO])
    roll.check(up(ONE, 0.2))
    roll.check(BoardDown(instant(0.3), TWO, "port_missing", "/dev/y: not there"))
    roll.check(TimePassed(instant(6)))
    roll.check(BoardDown(instant(6 * 3600), TWO, "wrong_board", "/dev/y: another board, plugged in hours later"))
