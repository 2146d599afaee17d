"""What was learned, as state rows: one per SKU and one per shelf, each with the revisions that it was learned under."""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from edge_agent.delivery.wire import LearnedWeight, RevisionSet
from edge_agent.learned import Confidences, Learned, UnitWeight

log = logging.getLogger(__name__)

WEIGHT: Final = "weight/"
CONFIDENCE: Final = "confidence/"


class _StoredWeight(msgspec.Struct, frozen=True, array_like=True):
    catalogue: int
    since: str
    unit: UnitWeight


class _StoredConfidences(msgspec.Struct, frozen=True, array_like=True):
    catalogue: int
    planogram: int
    seen: Confidences


_encoder = msgspec.msgpack.Encoder()
_weight_decoder = msgspec.msgpack.Decoder(_StoredWeight)
_confidences_decoder = msgspec.msgpack.Decoder(_StoredConfidences)


def learned_rows(
    learned: Learned, held: Mapping[str, bytes], revisions: RevisionSet, now: str
) -> Iterator[tuple[str, bytes]]:
    """Yield the rows of what changed; a SKU keeps the instant of its first row in ``held``."""
    for sku, unit in learned.units.items():
        stored, _ = _weight(held.get(WEIGHT + sku, b""), revisions)
        since = now if stored is None else stored.since
        yield WEIGHT + sku, _encoder.encode(_StoredWeight(revisions.catalogue, since, unit))
    for shelf_id, seen in learned.confidences.items():
        stored_seen = _StoredConfidences(revisions.catalogue, revisions.planogram, seen)
        yield CONFIDENCE + shelf_id, _encoder.encode(stored_seen)


def learned_of(rows: Mapping[str, bytes], revisions: RevisionSet) -> tuple[Learned, tuple[str, ...]]:
    """Return what the rows hold for these revisions, and the names of those to drop; the log says why.

    Of another catalogue both are dropped, of another planogram the confidences: other products side by side are
    confused more, or less.
    """
    units: dict[str, UnitWeight] = {}
    confidences: dict[str, Confidences] = {}
    reasons: Counter[tuple[str, str]] = Counter()
    dropped: list[str] = []
    for name, value in rows.items():
        if name.startswith(WEIGHT):
            stored, reason = _weight(value, revisions)
            if stored is not None:
                units[name.removeprefix(WEIGHT)] = stored.unit
                continue
            reasons["unit weights", reason] += 1
        elif name.startswith(CONFIDENCE):
            seen, reason = _confidences(value, revisions)
            if seen is not None:
                confidences[name.removeprefix(CONFIDENCE)] = seen.seen
                continue
            reasons["confidences", reason] += 1
        else:
            continue
        dropped.append(name)
    for (what, reason), count in reasons.items():
        log.warning("learned %s dropped, begun anew rows=%d reason=%s", what, count, reason)
    return Learned(units, confidences), tuple(dropped)


def proposals_of(
    rows: Mapping[str, bytes], revisions: RevisionSet, gtins: Mapping[str, str]
) -> tuple[LearnedWeight, ...]:
    """Return the proposals that stand, by SKU, as `info` carries them."""
    found = []
    for name in sorted(name for name in rows if name.startswith(WEIGHT)):
        stored, _ = _weight(rows[name], revisions)
        if stored is not None and stored.unit.proposal is not None:
            sku, made = name.removeprefix(WEIGHT), stored.unit.proposal
            found.append(
                LearnedWeight(
                    sku=sku,
                    gtin=gtins.get(sku),
                    catalogue_g=made.catalogue_g,
                    learned_g=round(made.learned_g, 2),
                    sigma_g=round(made.sigma_g, 2),
                    events=made.events,
                    since=stored.since,
                )
            )
    return tuple(found)


def _weight(value: bytes, revisions: RevisionSet) -> tuple[_StoredWeight | None, str]:
    """Return a row that reads and is of this catalogue, or None and why not."""
    try:
        stored = _weight_decoder.decode(value)
    except msgspec.DecodeError as error:
        return None, f"unreadable: {error}"
    if stored.catalogue != revisions.catalogue:
        return None, f"of catalogue revision {stored.catalogue}, in force is {revisions.catalogue}"
    return stored, ""


def _confidences(value: bytes, revisions: RevisionSet) -> tuple[_StoredConfidences | None, str]:
    try:
        stored = _confidences_decoder.decode(value)
    except msgspec.DecodeError as error:
        return None, f"unreadable: {error}"
    if (stored.catalogue, stored.planogram) != (revisions.catalogue, revisions.planogram):
        were = f"catalogue revision {stored.catalogue} and planogram revision {stored.planogram}"
        return None, f"of {were}, in force are {revisions.catalogue} and {revisions.planogram}"
    return stored, ""
