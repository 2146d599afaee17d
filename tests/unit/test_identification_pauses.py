"""What a pause between two items tells: a shopper who takes one thing after the other is understood better."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from identification_shop import HARDWARE, WEIGHTS_G, Kind, Shopping, bills

from edge_agent.model import ItemEvent, MonotonicNs, SubStep, WeightStep
from edge_agent.vocabulary import Verdict

HAND_G = 25.0


def in_parts(shop: Shopping, *parts: tuple[str, float], hand_g: float = 0.0) -> WeightStep:
    """Return one act whose weight paused after every part; a hand pressed with ``hand_g`` meanwhile."""
    whole = shop.step(*parts)
    channels = len(whole.delta_g)
    doubt = np.eye(channels) * HAND_G**2 / channels
    ends = [shop.step(*parts[: number + 1]).delta_g for number in range(len(parts))]
    for each in ends[:-1]:
        each[:] = each + hand_g / channels
    steps = np.diff(np.array([np.zeros(channels), *ends]), axis=0)
    known = [doubt] * (len(parts) - 1) + [whole.covariance_g2]
    return replace(
        whole,
        sub_steps=tuple(
            SubStep(MonotonicNs(whole.t_start_ns + 100 * number), step, covariance, covariance)
            for number, (step, covariance) in enumerate(zip(steps, known, strict=True))
        ),
    )


def taken(first: str, second: str, hand_g: float = 0.0) -> tuple[ItemEvent, ItemEvent]:
    """Return the event of two products taken without a pause seen, and with one."""
    parts = [(sku.upper(), -WEIGHTS_G[sku]) for sku in (first, second)]
    shop = Shopping("platform")
    return shop.resolve(shop.step(*parts)), shop.resolve(in_parts(shop, *parts, hand_g=hand_g))


@pytest.mark.parametrize("hand_g", [0.0, 30.0])
def test_two_products_taken_one_after_the_other_are_billed_more_often(hand_g: float) -> None:
    automatic = [0, 0]
    for first, second in combinations(WEIGHTS_G, 2):
        for place, event in enumerate(taken(first, second, hand_g)):
            if event.verdict is Verdict.AUTO:
                automatic[place] += 1
                assert bills(event)[0] == {first: -1, second: -1}
    assert automatic[1] >= automatic[0] + 3, automatic


@pytest.mark.parametrize("kind", HARDWARE)
def test_three_of_one_product_taken_one_by_one_are_three(kind: Kind) -> None:
    shop = Shopping(kind)
    event = shop.resolve(in_parts(shop, *[("SOUP", -WEIGHTS_G["soup"])] * 3))
    assert (event.verdict, bills(event)[0]) == (Verdict.AUTO, {"soup": -3})


@pytest.mark.parametrize("kind", HARDWARE)
def test_a_hand_that_leaned_between_does_not_make_one_heavy_item_two(kind: Kind) -> None:
    shop = Shopping(kind)
    step = in_parts(shop, ("RICE", -200.0), ("RICE", -WEIGHTS_G["rice"] + 200.0))
    event = shop.resolve(step)
    assert bills(event)[0] == {"rice": -1}


def test_a_put_back_and_a_take_with_a_pause_between_are_an_exchange() -> None:
    shop = Shopping("lane_cells")
    shop.act(("SOUP", -WEIGHTS_G["soup"]))
    event = shop.resolve(in_parts(shop, ("SOUP", WEIGHTS_G["soup"]), ("RICE", -WEIGHTS_G["rice"])))
    assert (event.verdict, bills(event)[0]) == (Verdict.AUTO, {"soup": 1, "rice": -1})


def test_more_parts_than_the_tables_list_items_are_heard_without_harm() -> None:
    shop = Shopping("platform")
    event = shop.resolve(in_parts(shop, *[("GUM", -WEIGHTS_G["gum"])] * 10))
    assert {"gum": -10} in bills(event)
