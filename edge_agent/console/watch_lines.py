"""What an agent says over MQTT as a person reads it: events, early words, alarms and states as lines of text."""

import contextlib
from datetime import datetime
from typing import Final

from edge_agent.delivery.wire import Alarm, AlternativeLine, CloudEvent, ItemEventData, Live, State
from edge_agent.subscriber.wording import ONE_WAY, VERBS, items_words
from edge_agent.vocabulary import Mode, Verdict

MOST_ALTERNATIVES: Final = 5
INDENT: Final = " " * 10


def event_lines(agent_id: str, event: CloudEvent) -> list[str]:
    """Return a final event: what, how many, how sure; under it, for a review, what it could have been."""
    data = event.data
    lines = [_head(event.time, agent_id, event.subject, data)]
    if data.corrects is not None:
        lines.append(f"{INDENT}corrects event {data.corrects}")
    if data.decision.verdict is Verdict.REVIEW:
        reasons = ", ".join(data.decision.reasons) or "no reason given"
        by = f", to be settled by {clock_time(data.decision.review_deadline)}" if data.decision.review_deadline else ""
        lines.append(f"{INDENT}REVIEW: {reasons}{by}")
        lines += [f"{INDENT}  {line}" for line in _alternatives(data.alternatives)]
    return lines


def live_lines(agent_id: str, live: Live) -> list[str]:
    """Return an early word, marked as one."""
    return [f"{_head(live.time, agent_id, live.subject, live.data)}  (provisional)"]


def alarm_lines(agent_id: str, alarm: Alarm) -> list[str]:
    """Return an alarm with what to do, or that it is over."""
    head = f"{clock_time(alarm.since):<9} {agent_id}: "
    if not alarm.raised:
        return [f"{head}over: {alarm.subject} {alarm.code}"]
    lines = [f"{head}{alarm.severity.value.upper()}: {alarm.subject} {alarm.code}: {alarm.detail}"]
    return [*lines, f"{INDENT}try: {alarm.remedy}"] if alarm.remedy else lines


def state_lines(agent_id: str, state: State) -> list[str]:
    """Return whether the agent is there and sells."""
    why = f" ({', '.join(state.reasons)})" if state.reasons else ""
    return [f"{clock_time(state.time):<9} {agent_id}: {state.status}, selling: {state.selling}{why}"]


def clock_time(instant: str) -> str:
    """Return a wire instant as local time of day; unreadable ones as they came."""
    moment = _moment(instant)
    return instant if moment is None else f"{moment:%H:%M:%S}"


def day(instant: str) -> str | None:
    """Return a wire instant's local date, None when it is unreadable."""
    moment = _moment(instant)
    return None if moment is None else f"{moment:%A %Y-%m-%d}"


def _moment(instant: str) -> datetime | None:
    with contextlib.suppress(ValueError, OverflowError):
        return datetime.fromisoformat(instant).astimezone()
    return None


def _head(instant: str, agent_id: str, shelf_id: str, data: ItemEventData) -> str:
    what = VERBS[data.kind]
    if data.items:
        what += " " + items_words(data.items, signed=data.kind not in ONE_WAY)
    if data.mode is not Mode.SELLING:
        what += f" [{data.mode.value}]"
    if data.historical:
        what += " [late]"
    mass = f"{data.grams:+.1f} ± {data.sigma_g:.1f} g".replace("-", "−")
    place = f"{agent_id}/{shelf_id}"
    return f"{clock_time(instant):<9} {place:<22} {what:<36} {100 * data.confidence:5.1f} % sure  {mass}"


def _alternatives(alternatives: tuple[AlternativeLine, ...]) -> list[str]:
    """Return the most probable explanations and what is left to one."""
    lines = [
        f"{100 * each.probability:5.1f} %  {items_words(each.items, signed=True) if each.items else 'something else'}"
        for each in alternatives[:MOST_ALTERNATIVES]
    ]
    rest = 1 - sum(each.probability for each in alternatives[:MOST_ALTERNATIVES])
    return [*lines, f"{100 * rest:5.1f} %  anything else"] if rest >= 0.0005 else lines
