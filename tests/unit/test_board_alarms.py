from edge_agent.board_alarms import BoardAlarms
from edge_agent.model import BoardDown, BoardUid, BoardUp, LinkQuality, MonotonicNs, TimePassed
from edge_agent.vocabulary import Severity

LEFT, RIGHT = BoardUid("8f3a1c5e7b902d46"), BoardUid("02d468f3a1c5e7b9")
GONE = "/dev/left: the device is gone: plug the cable in again"


def _up(uid: BoardUid, t_ns: int = 1) -> BoardUp:
    return BoardUp(MonotonicNs(t_ns), uid, 4, 80.0, 128, 1, "5eed0001")


def _down(uid: BoardUid | None, reason: str = "unplugged", detail: str = GONE) -> BoardDown:
    return BoardDown(MonotonicNs(7), uid, reason, detail)


def test_an_unplugged_board_is_a_warning_while_another_answers_and_an_error_alone() -> None:
    alarms = BoardAlarms([LEFT, RIGHT])
    assert alarms.step(_up(LEFT)) == alarms.step(_up(RIGHT)) == []
    (first,) = alarms.step(_down(LEFT))
    assert (first.subject, first.code, first.raised, first.severity) == (
        f"board:{LEFT}",
        "board_down",
        True,
        Severity.WARNING,
    )
    assert (first.t_ns, first.detail) == (7, GONE)
    both = alarms.step(_down(RIGHT))
    assert {each.subject for each in both} == {f"board:{LEFT}", f"board:{RIGHT}"}
    assert {each.severity for each in both} == {Severity.ERROR}, "no shelf is watched any more"


def test_an_absent_board_is_no_reason_to_close_the_door_once_the_other_answers() -> None:
    alarms = BoardAlarms([LEFT, RIGHT])
    (alone,) = alarms.step(_down(RIGHT, "port_missing", "no such device"))
    assert alone.severity is Severity.ERROR, "nobody has answered yet"
    (milder,) = alarms.step(_up(LEFT))
    assert (milder.subject, milder.raised, milder.severity) == (f"board:{RIGHT}", True, Severity.WARNING)
    assert milder.detail == "no such device"
    over, again = alarms.step(_down(LEFT))
    assert (over.subject, again.subject) == (f"board:{LEFT}", f"board:{RIGHT}")
    assert again.severity is Severity.ERROR


def test_a_board_that_answers_again_ends_its_alarm_once() -> None:
    alarms = BoardAlarms([LEFT])
    alarms.step(_down(LEFT, "port_missing", "no such device"))
    (changed,) = alarms.step(_down(LEFT, "wrong_board", "another board answers"))
    assert changed.detail == "another board answers", "what a technician reads is always the latest"
    (over,) = alarms.step(_up(LEFT, 9))
    assert (over.raised, over.t_ns) == (False, 9)
    assert alarms.step(_up(LEFT, 10)) == []


def test_other_messages_and_other_boards_change_nothing() -> None:
    alarms = BoardAlarms([LEFT])
    for message in (TimePassed(MonotonicNs(1)), _up(RIGHT), _down(RIGHT), _down(None)):
        assert alarms.step(message) == []


def test_a_wire_that_damages_frames_is_a_warning_until_it_is_good_again_or_the_board_gone() -> None:
    alarms = BoardAlarms([LEFT])
    alarms.step(_up(LEFT))
    (poor,) = alarms.step(_wire(poor=True, detail="/dev/left: in the last second damaged frames from the board × 9"))
    assert (poor.subject, poor.code, poor.raised) == (f"board:{LEFT}", "link_poor", True)
    assert poor.severity is Severity.WARNING
    assert "shielded cable" in poor.remedy
    (good,) = alarms.step(_wire(poor=False, detail="/dev/left: no damage for 5 s"))
    assert (good.code, good.raised) == ("link_poor", False)
    alarms.step(_wire(poor=True, detail="again"))
    over, down = alarms.step(_down(LEFT))
    assert (over.code, over.raised, down.code, down.raised) == ("link_poor", False, "board_down", True)


def _wire(*, poor: bool, detail: str) -> LinkQuality:
    return LinkQuality(MonotonicNs(5), LEFT, poor, detail)
