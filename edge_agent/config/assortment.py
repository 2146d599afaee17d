"""What the store sells and where it stands: the catalogue and the planogram, each a revisioned file."""

from edge_agent.config.table import Table, first_twice, require

GTIN_LENGTHS = (8, 12, 13, 14)


def gtin_check_digit(digits: str) -> int:
    """Return the GS1 check digit that completes ``digits`` (the GTIN without its last digit).

    Weights 3 and 1 alternate from the right (GS1 General Specifications, section 7.9).
    """
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return -total % 10


class LaneConfig(Table, frozen=True):
    """A lane of the planogram: which SKU is meant to stand where on which shelf."""

    lane_id: str
    shelf_id: str
    x_mm: tuple[float, float]
    sku: str
    capacity: int
    opening_count: int = 0

    def __post_init__(self) -> None:
        require(0 <= self.x_mm[0] < self.x_mm[1], f"x_mm = {list(self.x_mm)}: [left, right] with left < right")
        require(0 < self.capacity <= 1000, f"capacity = {self.capacity}: allowed 1-1000")
        fits = 0 <= self.opening_count <= self.capacity
        require(fits, f"opening_count = {self.opening_count}: allowed 0-{self.capacity} (capacity)")


class Planogram(Table, frozen=True):
    """planogram.toml, a revisioned file."""

    revision: int
    lanes: tuple[LaneConfig, ...]

    def __post_init__(self) -> None:
        require(self.revision >= 1, f"revision = {self.revision}: at least 1")
        lane_ids = [lane.lane_id for lane in self.lanes]
        require(
            len(set(lane_ids)) == len(lane_ids),
            f"lanes: lane_id {first_twice(lane_ids)!r} stands twice; give each lane its own",
        )

    def on_shelf(self, shelf_id: str) -> tuple[LaneConfig, ...]:
        """Return the shelf's lanes from left to right."""
        return tuple(sorted((lane for lane in self.lanes if lane.shelf_id == shelf_id), key=lambda lane: lane.x_mm))


class ItemConfig(Table, frozen=True):
    """A product of the catalogue. Weights are what the scale sees: packaging included."""

    sku: str
    gtin: str
    name: str
    unit_weight_g: float
    unit_sigma_g: float
    """Standard deviation of one item's weight, g; it bounds what weight can ever tell."""
    size_mm: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        digits = self.gtin.isascii() and self.gtin.isdigit()
        require(digits and len(self.gtin) in GTIN_LENGTHS, f"gtin = {self.gtin!r}: 8, 12, 13 or 14 digits")
        expected = gtin_check_digit(self.gtin[:-1])
        require(
            int(self.gtin[-1]) == expected,
            f"gtin = {self.gtin!r}: its check digit must be {expected}: a digit is mistyped",
        )
        require(
            self.size_mm is None or all(1 <= side <= 2000 for side in self.size_mm),
            f"size_mm = {self.size_mm}: allowed 1-2000 a side",
        )
        require(
            0 < self.unit_weight_g <= 100_000, f"unit_weight_g = {self.unit_weight_g}: allowed above 0 up to 100000"
        )
        allowed = 0 < self.unit_sigma_g <= self.unit_weight_g
        require(allowed, f"unit_sigma_g = {self.unit_sigma_g}: allowed above 0 up to unit_weight_g")


class Catalogue(Table, frozen=True):
    """catalogue.toml, a revisioned file shared by the store's units."""

    revision: int
    items: tuple[ItemConfig, ...]

    def __post_init__(self) -> None:
        require(self.revision >= 1, f"revision = {self.revision}: at least 1")
        skus = [item.sku for item in self.items]
        require(len(set(skus)) == len(skus), f"items: sku {first_twice(skus)!r} stands twice; give each item its own")

    def item(self, sku: str) -> ItemConfig:
        """Return the item with this SKU; KeyError if there is none."""
        for item in self.items:
            if item.sku == sku:
                return item
        raise KeyError(sku)
