"""A subscriber reads each event once and in order, and is told what it will not get."""

from dataclasses import replace

from delivery_stories import STREAM, UNIT, cloud_event, item_event
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.delivery.wire import CloudEvent
from edge_agent.model import ItemChange
from edge_agent.subscriber.stream_order import GAP_WAIT_S, HELD_AT_MOST, Missed, StreamOrder
from edge_agent.subscriber.wording import event_line
from edge_agent.vocabulary import EventKind, Verdict

SOURCE = UNIT.source(STREAM)
EVENTS = [cloud_event(sequence) for sequence in range(1, 13)]


def taken(order: StreamOrder) -> list[int | Missed]:
    items: list[int | Missed] = []
    while (item := order.take()) is not None:
        items.append(item.sequence_number if isinstance(item, CloudEvent) else item)
    return items


@given(st.permutations(range(12)), st.lists(st.integers(0, 11), max_size=20))
def test_any_order_and_any_duplicates_come_out_in_order_once(places: list[int], again: list[int]) -> None:
    order = StreamOrder({SOURCE: 0})
    for place in [*places, *again]:
        order.arrive(EVENTS[place], 0.0)
    assert taken(order) == list(range(1, 13))
    assert order.duplicates == len(again)


def test_a_stream_without_history_begins_with_what_comes_first() -> None:
    order = StreamOrder()
    order.arrive(EVENTS[4], 0.0)
    order.arrive(EVENTS[3], 0.0)  # of before: this subscriber has not asked for it
    order.arrive(EVENTS[5], 0.0)
    assert taken(order) == [5, 6]


def test_a_gap_is_waited_for_then_named() -> None:
    order = StreamOrder({SOURCE: 0})
    order.arrive(EVENTS[0], 0.0)
    order.arrive(EVENTS[3], 1.0)
    order.arrive(EVENTS[7], 2.0)
    order.pass_time(1.0 + GAP_WAIT_S - 0.1)
    assert taken(order) == [1]
    order.pass_time(1.0 + GAP_WAIT_S)
    assert taken(order) == [Missed(SOURCE, 2, 3), 4]
    order.arrive(EVENTS[4], 12.0)
    order.pass_time(1.0 + 2 * GAP_WAIT_S)
    assert taken(order) == [5, Missed(SOURCE, 6, 7), 8]
    order.arrive(EVENTS[5], 30.0)
    assert taken(order) == [], "too late: it was named as missed"


def test_memory_behind_a_gap_is_bounded() -> None:
    order = StreamOrder({SOURCE: 0})
    for sequence in range(2, HELD_AT_MOST + 3):
        order.arrive(cloud_event(sequence), 0.0)
    items = taken(order)
    assert items[0] == Missed(SOURCE, 1, 1)
    assert items[-1] == HELD_AT_MOST + 2


def test_two_agents_do_not_wait_for_each_other() -> None:
    other = cloud_event(9, stream="01a1fc1b-c348-76e1-8d1d-000000000002")
    order = StreamOrder({SOURCE: 0, other.source: 8})
    order.arrive(EVENTS[1], 0.0)
    order.arrive(other, 0.0)
    assert taken(order) == [9]


def test_an_event_reads_as_a_sentence() -> None:
    take = item_event(quantity=-2)
    line = event_line(cloud_event(1, event=take))
    assert line.split() == [
        "11:59:59.000Z",
        "drinks",
        "taken:",
        "2",
        "×",
        "oat-milk",
        "(lane",
        "b3)",
        "99.7",
        "%",
        "−1032.1",
        "±",
        "0.8",
        "g",
    ]
    review = replace(
        take,
        kind=EventKind.EXCHANGE,
        verdict=Verdict.REVIEW,
        reasons=("ambiguous",),
        items=(ItemChange("oat-milk", -1, None), ItemChange("espresso", 1, "b1")),
    )
    line = event_line(cloud_event(1, event=review))
    assert "exchanged: −1 × oat-milk, +1 × espresso (lane b1)" in line
    assert line.endswith("REVIEW: ambiguous")
    unknown = event_line(cloud_event(1, event=replace(take, kind=EventKind.UNKNOWN, items=())))
    assert "something moved" in unknown
