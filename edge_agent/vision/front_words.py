"""How a technician is told of markers: by number and place, in pixels of the picture and millimetres of the shelf."""

from edge_agent.model import FloatArray
from edge_agent.vision.front_suspects import Offset, Sizes
from edge_agent.vision.marker_order import Hanging
from edge_agent.vision.markers import PLACES, Sightings

STICK = "`edge-agent camera commission --sheet FILE.pdf` prints them and says where each goes"
TOLD_SIZE = 0.02
"""Relative; a size that seems wrong by less is not spoken of (rule, 2026-12)."""
SAME_RATIO = 0.01
"""Width and opening within it are off by the same ratio: then it is the markers' own size."""


def called(number: int) -> str:
    """Return how a marker is called: by its number and its place."""
    return f"marker {number} ({PLACES[number]})"


def at_px(point: FloatArray) -> str:
    """Return a place in the picture in words."""
    return f"({point[0]:.0f}, {point[1]:.0f}) px"


def listed(numbers: list[int]) -> str:
    """Return several markers' names as in a sentence."""
    names = [called(number) for number in numbers]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def seen_instead(sightings: Sightings) -> str:
    """Return which markers a picture shows, with their places."""
    seen = [f"{called(each.marker_id)} at {at_px(each.middle_px)}" for each in sightings.seen if each.marker_id < 4]
    foreign = [
        f"a foreign marker {each.marker_id} at {at_px(each.middle_px)}"
        for each in sightings.seen
        if each.marker_id >= 4
    ]
    return f"seen: {', '.join([*seen, *foreign])}" if sightings.seen else "no marker is seen at all"


def hung(each: Hanging) -> str:
    """Return where and how a marker hangs."""
    turned = ("", "turned a quarter to the right", "upside down", "turned a quarter to the left")[each.quarters]
    place = f"hangs at the {PLACES[each.place]}" if each.place != each.marker_id else "hangs"
    return f"{called(each.marker_id)} {place} {turned}".rstrip()


def sizes_told(sizes: Sizes, width_mm: float, opening_mm: float, marker_mm: float) -> str:
    """Return which size the markers contradict: all in one ratio is the print, else the shelf's own."""
    wide, high = sizes.width_mm / width_mm, sizes.opening_mm / opening_mm
    if abs(wide / high - 1) < SAME_RATIO:
        return (
            f"the markers look {marker_mm / wide:.1f} mm large, not {marker_mm:g}: measure the sheet's ruler; print it"
            " at 100 %, not fitted to the page, or say --marker-mm"
        )
    told = []
    if abs(wide - 1) > TOLD_SIZE:
        told.append(f"the shelf looks {sizes.width_mm:.0f} mm wide, its file says width_mm = {width_mm:g}")
    if abs(high - 1) > TOLD_SIZE:
        told.append(f"its opening looks {sizes.opening_mm:.0f} mm high, agent.toml says opening_mm = {opening_mm:g}")
    return f"{'; '.join(told)}: measure, and correct the number or where the markers hang"


def way(offset: Offset) -> str:
    """Return in which direction a marker is off."""
    across = f"{abs(offset.right_mm):.0f} mm to the {'right' if offset.right_mm > 0 else 'left'}"
    up = f"{abs(offset.up_mm):.0f} mm {'up' if offset.up_mm > 0 else 'down'}"
    return f"{across}, {up}"


def edges_beyond(place_px: FloatArray, shape: tuple[int, ...]) -> list[str]:
    """Return which edges of the picture a marker there would lie beyond, wholly or in part."""
    rows, columns = shape[:2]
    (left, top), (right, bottom) = place_px.min(axis=0), place_px.max(axis=0)
    beyond = {"left": left < 0, "right": right > columns - 1, "upper": top < 0, "lower": bottom > rows - 1}
    return [edge for edge, yes in beyond.items() if yes]
