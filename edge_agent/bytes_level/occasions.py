"""Acts of several shoppers that overlap: told together or apart, only all of them together can be judged."""

from collections.abc import Sequence
from dataclasses import replace

from edge_agent.simulation.truth import ActKind, ActTruth

TOGETHER = "two shoppers at once"


def occasions(truths: Sequence[ActTruth]) -> list[ActTruth]:
    """Return acts, in order of their start, with those joined to one that overlap on one shelf."""
    joined: list[ActTruth] = []
    for truth in truths:
        if joined and joined[-1].shelf_id == truth.shelf_id and truth.t_start_s < joined[-1].t_release_s:
            joined[-1] = _both(joined[-1], truth)
        else:
            joined.append(truth)
    return joined


def _both(first: ActTruth, second: ActTruth) -> ActTruth:
    kinds = {each.kind for each in (first, second)} - {ActKind.PRESS}
    kind = ActKind.PRESS if not kinds else kinds.pop() if len(kinds) == 1 else ActKind.EXCHANGE
    return replace(
        first,
        story=TOGETHER,
        kind=kind,
        t_release_s=max(first.t_release_s, second.t_release_s),
        moves=tuple(sorted((*first.moves, *second.moves), key=lambda move: move.t_s)),
        ambiguous=first.ambiguous or second.ambiguous,
    )
