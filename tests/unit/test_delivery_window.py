"""Which event goes next: in order, not too many, again until confirmed, and never past a refused one."""

from random import Random

import pytest

from edge_agent.delivery.backoff import Backoff
from edge_agent.delivery.window import (
    FIRST_RESEND_S,
    LONGEST_RESEND_S,
    MAX_IN_FLIGHT,
    MAX_REFUSALS,
    REACH,
    REFUSAL_PAUSE_S,
    STUCK_S,
    SendWindow,
)


class Broker:
    """Sends what the window says, one packet id per send, and remembers the order."""

    def __init__(self, window: SendWindow, last_sequence: int) -> None:
        self.window = window
        self.last_sequence = last_sequence
        self.watermark = 0
        self.mid = 0
        self.sequence_of: dict[int, int] = {}

    def send(self, now_s: float) -> list[int]:
        """Send what is due and return the sequences."""
        after, limit = self.window.due(self.watermark, self.last_sequence, now_s)
        sent = list(range(after + 1, after + limit + 1))
        for sequence in sent:
            self.mid += 1
            self.sequence_of[self.mid] = sequence
            self.window.sent(self.mid, sequence, now_s)
        return sent

    def answer_all(self, now_s: float, reason_code: int = 0) -> list[int]:
        """Answer everything under way; return the events to give up on."""
        given_up = [self.window.answered(mid, reason_code, now_s) for mid in list(self.sequence_of)]
        self.sequence_of.clear()
        return [sequence for sequence in given_up if sequence is not None]


def connected(last_sequence: int, receive_maximum: int = 65_535) -> Broker:
    window = SendWindow()
    window.connected(0, receive_maximum)
    return Broker(window, last_sequence)


def test_at_most_twenty_are_under_way_and_the_next_go_in_order() -> None:
    broker = connected(50)
    assert broker.send(0.0) == list(range(1, MAX_IN_FLIGHT + 1))
    assert broker.send(0.0) == []
    broker.answer_all(0.1)
    assert broker.send(0.1) == list(range(21, 41))


def test_a_brokers_smaller_receive_maximum_is_honoured() -> None:
    assert connected(50, receive_maximum=3).send(0.0) == [1, 2, 3]


def test_what_the_ledger_does_not_confirm_goes_again_after_two_four_eight_seconds() -> None:
    broker = connected(3)
    again = []
    now_s = 0.0
    while now_s < 100:
        if broker.send(now_s):
            again.append(now_s)
        broker.answer_all(now_s)
        now_s += 0.5
    assert again == [0.0, 2.0, 6.0, 14.0, 30.0, 60.0, 90.0]
    assert LONGEST_RESEND_S == 30.0


def test_a_confirmed_event_is_not_sent_again_and_the_wait_is_short_anew() -> None:
    broker = connected(5)
    broker.send(0.0)
    broker.answer_all(0.0)
    broker.watermark = 3
    broker.window.confirmed(3, 1.0)
    assert broker.send(2.5) == []
    assert broker.send(1.0 + FIRST_RESEND_S) == [4, 5]
    broker.watermark = 5
    broker.window.confirmed(5, 3.5)
    broker.answer_all(3.5)
    assert broker.send(1000.0) == []


def test_no_more_go_beyond_the_watermark_than_a_broker_queues_for_an_absent_ledger() -> None:
    broker = connected(5000)
    now_s, sent = 0.0, 0
    while batch := broker.send(now_s):
        sent = batch[-1]
        broker.answer_all(now_s)
    assert sent == REACH
    broker.watermark = 10
    broker.window.confirmed(10, 0.1)
    assert broker.send(0.1) == list(range(REACH + 1, REACH + 11))


def test_a_new_connection_sends_everything_unconfirmed_again() -> None:
    broker = connected(5)
    broker.send(0.0)
    broker.watermark = 2
    broker.window.connected(2, 20)
    assert broker.send(1.0) == [3, 4, 5]


def test_a_ledger_that_speaks_without_progress_hears_again_soon() -> None:
    broker = connected(1)
    for now_s in (0.0, 2.0, 6.0, 14.0):
        assert broker.send(now_s) == [1]
        broker.answer_all(now_s)
    broker.window.ledger_spoke(15.0)
    assert broker.send(16.9) == []
    assert broker.send(17.0) == [1]


def test_nobody_received_it_is_counted_and_sent_again() -> None:
    broker = connected(1)
    broker.send(0.0)
    broker.answer_all(0.0, 0x10)
    assert broker.window.unheard == 1
    assert broker.send(2.0) == [1]


@pytest.mark.parametrize("reason_code", [0x87, 0x97])
def test_a_refusal_for_everything_is_waited_out_and_gives_up_on_nothing(reason_code: int) -> None:
    broker = connected(3)
    now_s, pauses = 0.0, []
    for _ in range(8):
        assert broker.send(now_s) == [1, 2, 3], "from the refused one on: nothing overtakes it"
        assert broker.answer_all(now_s, reason_code) == []
        refused_s = now_s
        while broker.window.due(0, 3, now_s)[1] == 0:
            now_s += 1.0
        pauses.append(now_s - refused_s)
    assert pauses[:4] == [REFUSAL_PAUSE_S[0], 10.0, 20.0, 40.0]
    assert max(pauses) == REFUSAL_PAUSE_S[1]


def test_an_event_refused_by_itself_is_given_up_on_after_five_times() -> None:
    broker = connected(2)
    given_up: list[int] = []
    for turn in range(MAX_REFUSALS):
        now_s = turn * 100.0
        broker.send(now_s)
        for mid, sequence in list(broker.sequence_of.items()):
            gone = broker.window.answered(mid, 0x99 if sequence == 1 else 0, now_s)
            given_up += [] if gone is None else [gone]
        broker.sequence_of.clear()
        assert given_up == ([1] if turn == MAX_REFUSALS - 1 else [])


def test_a_refused_announcement_does_not_stop_events() -> None:
    broker = connected(1)
    broker.window.sent(99, 0, 0.0)
    assert broker.window.answered(99, 0x87, 0.0) is None
    assert broker.send(0.0) == [1]
    assert broker.window.answered(12345, 0, 0.0) is None, "an answer to nothing is no harm"


def test_a_broker_that_never_answers_is_noticed() -> None:
    broker = connected(1)
    broker.send(0.0)
    assert not broker.window.stuck(STUCK_S - 1)
    assert broker.window.stuck(STUCK_S + 1)
    broker.answer_all(STUCK_S + 1)
    assert not broker.window.stuck(2 * STUCK_S)


def test_back_off_doubles_with_jitter_and_starts_short_after_success() -> None:
    backoff = Backoff(Random(1), first_s=1.0, longest_s=8.0)
    waits = [backoff.next_s() for _ in range(200)]
    for wait_s, ceiling_s in zip(waits, [1.0, 2.0, 4.0, *[8.0] * 197], strict=True):
        assert 0.1 * ceiling_s <= wait_s <= ceiling_s
    assert max(waits) - min(waits[3:]) > 6.0, "spread, not all at once"
    backoff.reset()
    assert backoff.next_s() <= 1.0
    same = Backoff(Random(1), first_s=1.0, longest_s=8.0)
    assert [same.next_s() for _ in range(200)] == waits
