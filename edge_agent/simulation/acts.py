"""What a shopper means to do, before anybody does it."""

from dataclasses import dataclass
from enum import StrEnum


class Story(StrEnum):
    """The everyday stories of a shelf."""

    TAKE_ONE = "takes one"
    TAKE_SEVERAL = "takes several of one product"
    TAKE_TWO_PRODUCTS = "takes two products at once"
    PUT_BACK = "puts back in place"
    PUT_BACK_ELSEWHERE = "puts back in the wrong lane"
    TAKE_MISPLACED = "takes what stood in the wrong lane"
    PRESS = "presses without taking"
    TAKE_VARIANT = "takes one of two variants of the same weight"
    PUT_BACK_BETWEEN = "puts a variant back between the two lanes"
    LEAVE_FOREIGN = "leaves an own thing on the shelf"
    REMOVE_FOREIGN = "takes the own thing away"
    LIFT_SLOWLY = "lifts one slowly off the shelf"
    BUMP = "bumps into the shelf"
    CONDENSE = "lets water gather on the shelf"
    WIPE = "wipes water off the shelf"


@dataclass(frozen=True, slots=True)
class Movement:
    """Some items of one SKU onto (+) or off (−) one lane, one after the other.

    ``sku`` None is a foreign object of ``foreign_g``. ``x_mm`` puts the items down there instead of inside the lane.
    """

    lane_id: str
    quantity: int
    sku: str | None
    foreign_g: float = 0.0
    x_mm: float | None = None


@dataclass(frozen=True, slots=True)
class PlannedAct:
    """One act to come, at world time ``t_s``; several movements happen in the same reach of the hand.

    ``press_g`` is the peak with which the hand leans on the lane that it visits first (``press_lane_id`` where it
    moves nothing).
    """

    t_s: float
    story: Story
    movements: tuple[Movement, ...] = ()
    press_g: float = 0.0
    press_lane_id: str | None = None
