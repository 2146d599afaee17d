"""The estimator's tuned numbers, each with its unit and where it is from."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EstimationSettings:
    """What a deployer never needs to touch; what he does stands in the shelf file's limits.

    Origins (2026-11): *simulated* is the false-alarm simulation of tests/property/test_estimation_filters.py;
    *Cambridge* are the four recordings of 5 kg cells in real use; *rule* follows from a definition.
    """

    detection_threshold: float = 5.93
    """GLR threshold, standard deviations. One false alarm a week per channel at 80 Hz over 7 windows, two-sided, by
    the union bound: p = 1 / (80 · 604800 · 7 · 2) per tail (rule; simulated runs are longer, so it is cautious)."""
    tracker_time_constant_s: float = 20.0
    """How slowly the Kalman level forgets: well above the GLR's longest window at 80 Hz, 0.8 s (rule)."""
    batch_rows: int = 16
    """Rows gathered before a board at rest is computed, at most `batch_s` of them; a disturbed one never waits."""
    batch_s: float = 0.2
    """Longest such wait, s: a fifth of what a rest must last anyway (rule). At 16 rows a channel-sample costs 0.19 µs
    from the wire on, at 8 rows 0.22, one by one 0.57 (measured, 2026-11)."""
    look_s: float = 0.1
    """How often a rest is looked for while a shelf moves, s: a tenth of a rest (rule)."""

    glitch_sigmas: float = 8.5
    """Jump between neighbouring rows that is looked at, white-noise σ; 6 σ of a difference (rule)."""
    glitch_spread: float = 6.0
    """Distance from the median of 5 that makes a glitch, in their median absolute deviation: 4 σ (rule)."""

    rest_s: float = 1.0
    """Shortest rest that counts as settled, s. Cambridge: plateaus between two presses last half a second."""
    noisy_rest_s: float = 1.5
    """The same for a load that sloshes, s: a hand that holds still for a second sways in the next half (Cambridge:
    pots stood 4 s and more)."""
    rest_rows: int = 6
    """Fewest rows of a rest, for boards slower than 6 Hz (rule: halves of 3)."""
    rest_max_s: float = 2.5
    """A noisy rest is averaged this long, s. Cambridge: pots stood 4 s at 14–19 g of slosh."""
    rest_looks: int = 20
    """A rest is looked for this often in the time that it must last: 50 ms of 1 s late at most (rule)."""
    glance_s: float = 0.3
    """Rest behind a provisional step, s (rule: the 0.3 s gate that is customary)."""
    ring_s: float = 0.3
    """Free ringing or stillness, at the quiet noise's size, behind a final step, s; 0 waits for a rest each time
    (simulated, 2026-11: 0.25 s was premature in 4 % of releases, 0.3 s in none of 4,000)."""
    ring_look_s: float = 0.025
    """How often it is looked for while a shelf moves, s: two rows at 80 Hz (rule)."""
    rest_spread_share: float = 0.01
    """Spread that a load may keep while at rest, share of the load. Cambridge: 19 g at 3.4 kg, with a margin of 1.8."""
    moment_spread_share: float = 0.04
    """The same for a platform's moments: slosh swings the centre of mass (Cambridge: 70 g, once 130 g, at 3.4 kg)."""
    rest_roughness: float = 0.8
    """Least von Neumann ratio (successive over total variance, 2 for white noise) of a spread that is noise and not
    a movement: 5 % quantile for 8 batches (rule); Cambridge presses stay below 0.5."""

    significance_sigmas: float = 5.0
    """A change below this many σ is nobody's item (rule)."""
    press_share: float = 0.0002
    """σ of what a press leaves behind, share of its peak: hysteresis and repeatability of 0.05 % are its limits
    (cells' data sheets)."""
    span_share: float = 0.0005
    """σ of a channel's change, share of it: hysteresis and nonlinearity of 0.05 % make small loads weigh a little less
    than large ones (cells' data sheets)."""
    moment_press_share: float = 0.01
    """The same for a platform's moments (Cambridge: 10 kg presses moved them by under 100 g)."""
    twist_share: float = 0.06
    """σ of a platform cell along the twist mode, share of the cell's capacity. Cambridge: 300 g of 5 kg, with no
    change of the total."""
    zero_drift_share: float = 0.0005
    """Zero shift while away that is nobody's item, share of the cell's capacity: 2.5 g of 5 kg per 10 °C."""
    zero_tracking_share_per_s: float = 2e-6
    """Fastest drift the baseline follows, share of capacity per second: 36 g/h of 5 kg, above creep's 22 g/h."""

    silent_periods: float = 4.0
    silent_s: float = 2.0
    """A channel without a valid sample for longer than both is silent (Cambridge: gaps of 1.8 s and of 3.7 periods)."""
    stuck_rows: int = 64
    stuck_s: float = 2.0
    """A reading unchanged for longer than both is stuck: 24 bits of a live cell never repeat ten times (HX711: noise
    of 20–37 counts)."""
    noisy_share: float = 0.01
    """σ at rest above this share of the capacity is a fault: 50 g of 5 kg (Cambridge: worst healthy cell 4 g)."""
    lasting_noise_share: float = 0.002
    """The same where it is noise of the wires and lasts: 10 g of 5 kg, more than twice the worst healthy cell's."""
    glitch_rate: float = 0.15
    """Share of rejected samples that is a fault (Cambridge: 5 % at worst)."""
    unsettled_s: float = 60.0
    """A shelf that moves for longer is reported (rule: nobody shops at one shelf without a second's rest)."""


INVALID_VARIANCE_G2 = 1e10
"""Variance of a channel without evidence: σ = 100 kg, more than any shelf bears."""

SAME_SIGMAS = 2.5
"""Rests closer than this, in σ of their difference, are taken for the same load (rule: 99 % of equal ones are)."""
