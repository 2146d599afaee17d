"""Whether an event can go out as it is: within the wire's size and within its own contract."""

from edge_agent.delivery.envelope import stand_in
from edge_agent.delivery.wire import MAX_EVENT_BYTES, CloudEvent, WireError, decode, encode


def sendable(event: CloudEvent) -> tuple[bytes, str | None]:
    """Return what goes out for an event, and why that is a stand-in (None when it is the event itself)."""
    payload = encode(event)
    if len(payload) > MAX_EVENT_BYTES:
        return encode(stand_in(event, "event_too_large")), f"{len(payload)} bytes; at most {MAX_EVENT_BYTES} are sent"
    try:
        decode(payload, CloudEvent)
    except WireError as error:
        return encode(stand_in(event, "event_breaks_contract")), str(error)
    return payload, None
