"""What delivery must know of the shelf unit it speaks for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from edge_agent.config import Site
from edge_agent.delivery.topics import Topics, stream_source
from edge_agent.delivery.wire import RevisionSet


@dataclass(frozen=True, slots=True)
class Unit:
    """One agent of one store.

    Attributes
    ----------
    shelves : mapping shelf_id → lane ids
        Which lanes a shelf's stock belief lists.
    gtins : mapping sku → GTIN
        Written beside each SKU on the wire.
    """

    store_id: str
    agent_id: str
    shelves: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    gtins: Mapping[str, str] = field(default_factory=dict)
    revisions: RevisionSet = field(default_factory=lambda: RevisionSet(0, 0, {}, "unknown"))

    @classmethod
    def of_site(cls, site: Site, software: str) -> Self:
        """Return the unit that a checked configuration describes."""
        revisions = RevisionSet(
            planogram=site.planogram.revision,
            catalogue=site.catalogue.revision,
            calibration={each.board_uid: each.revision for each in site.calibrations},
            software=software,
        )
        return cls(
            store_id=site.agent.store_id,
            agent_id=site.agent.agent_id,
            shelves={
                shelf.shelf_id: tuple(lane.lane_id for lane in site.planogram.on_shelf(shelf.shelf_id))
                for shelf in site.shelves
            },
            gtins={item.sku: item.gtin for item in site.catalogue.items},
            revisions=revisions,
        )

    @property
    def topics(self) -> Topics:
        """Return the MQTT topics of this agent."""
        return Topics(self.store_id, self.agent_id)

    def source(self, stream_id: str) -> str:
        """Return the CloudEvents source of this agent's stream."""
        return stream_source(self.store_id, self.agent_id, stream_id)
