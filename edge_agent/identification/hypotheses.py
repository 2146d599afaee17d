"""Explanations of one act as arrays that every witness scores at once."""

from dataclasses import dataclass

from edge_agent.identification.observation_model import Region
from edge_agent.identification.region_units import SeenUnits
from edge_agent.model import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Hypotheses:
    """The explanations of one act that were kept, with their priors.

    Attributes
    ----------
    skus, lane_ids : tuple of str
        What ``sku_index`` and ``lane_index`` point into.
    channels : (channels,) int
        The shelf's channels that the table speaks about: readable ones, in the regions that changed.
    mean_g : (hypotheses, channels)
        Predicted change.
    covariance_g2 : (hypotheses, channels, channels)
        Of the prediction, without the measurement's own.
    sku_index, lane_index, spot_index : (hypotheses, terms) int
        Which SKU moved, in which lane, and in which spot of its region, −1 for none.
    quantity : (hypotheses, terms) int
        Signed, positive onto the shelf; 0 for none.
    unknown : (hypotheses,) bool
        Whether something that the shelf does not sell, or nothing at all, explains the act or a part of it.
    regions : tuple of Region
        The shelf's regions that changed; each has its own block of terms, in this order.
    foreign : (hypotheses, regions) bool
        Whether something that the shelf does not sell came to, or left, that region.
    load_taken : (hypotheses, regions) int
        Which remembered load was taken away again from that region, −1 for none.
    log_prior : (hypotheses,)
        Nats, up to a constant.
    log_cut : float
        Log of prior times likelihood of the shelf's totals, summed over the explanations that were left out.
    log_screen : (hypotheses,)
        The same quantity for each one that was kept.
    units : tuple of SeenUnits
        What one item at a spot does to the channels, per region that changed.
    """

    skus: tuple[str, ...]
    lane_ids: tuple[str, ...]
    channels: IntArray
    mean_g: FloatArray
    covariance_g2: FloatArray
    sku_index: IntArray
    lane_index: IntArray
    spot_index: IntArray
    quantity: IntArray
    unknown: BoolArray
    regions: tuple[Region, ...]
    foreign: BoolArray
    load_taken: IntArray
    log_prior: FloatArray
    log_cut: float
    log_screen: FloatArray
    units: tuple[SeenUnits, ...]

    def __len__(self) -> int:
        """Return the number of hypotheses."""
        return len(self.log_prior)
