"""Between the pipeline and the outbox: an act that goes to review names the clip that was kept of it.

Here rather than in the pipeline, which waits for nobody and replays without a disk; and before the commit, because an
event is immutable: what it names must be known by then.
"""

from dataclasses import replace

from edge_agent.model import Decision, Output
from edge_agent.ports import EvidenceKeeper, Uplink
from edge_agent.vocabulary import Verdict


class EvidencedUplink:
    """An uplink that asks for a clip before it commits a decision that a person will settle."""

    def __init__(self, uplink: Uplink, keeper: EvidenceKeeper) -> None:
        self._uplink = uplink
        self._keeper = keeper

    def commit(self, decision: Decision) -> None:
        """Make a decision durable with the name of its clip, if there is one; raises what the uplink raises."""
        if decision.event.verdict is Verdict.REVIEW:
            digest = self._keeper.clip_of(decision.event)
            if digest is not None:
                decision = replace(decision, evidence=(f"sha256:{digest}",))
        self._uplink.commit(decision)

    def publish(self, output: Output) -> None:
        """Pass on what is no decision."""
        self._uplink.publish(output)
