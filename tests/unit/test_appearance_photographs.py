"""Appearance on photographs of packages taken in shops, against the share that the camera must reach."""

from pathlib import Path

import numpy as np
import pytest

from edge_agent.appearance_trial import Product, answers, enrolled_of, folds, looked_at_once
from edge_agent.product_photographs import products_in, read_photograph

PHOTOGRAPHS = Path(__file__).parents[3] / "shared" / "data" / "grocery" / "photos"
ASKED = (
    "Arla-Standard-Milk", "Arla-Medium-Fat-Milk", "Arla-Ecological-Medium-Fat-Milk", "Garant-Ecological-Standard-Milk",
    "Oatly-Oat-Milk", "Oatly-Natural-Oatghurt", "Alpro-Vanilla-Soyghurt", "Alpro-Fresh-Soy-Milk",
    "Yoggi-Vanilla-Yoghurt", "Bravo-Apple-Juice", "Tropicana-Juice-Smooth", "Tropicana-Mandarin-Morning",
)  # fmt: skip
"""Twelve, most of them of one weight, several of one design."""
EACH = 12
"""Photographs of each, so that it takes half a minute at most."""
HELD_OUT = 4

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(not PHOTOGRAPHS.is_dir(), reason="no photographs at ../shared/data/grocery/photos"),
]


@pytest.fixture(scope="module")
def products() -> list[Product]:
    found = products_in(PHOTOGRAPHS)
    return [looked_at_once(name, [read_photograph(path) for path in found[name][:EACH]]) for name in ASKED]


def test_no_burst_and_no_sitting_is_on_both_sides(products: list[Product]) -> None:
    for product in products:
        fold = folds(product, "bursts", 1)
        held, enrolled = np.flatnonzero(fold == HELD_OUT), enrolled_of(product, fold, HELD_OUT, "bursts")
        assert not set(held.tolist()) & set(enrolled)
        if len(held):
            assert product.alike[np.ix_(held, np.array(enrolled))].max() <= 0.65


def test_five_in_six_are_known_of_twelve_and_it_is_as_sure_as_it_is_right(products: list[Product]) -> None:
    found = answers(products, "bursts", [HELD_OUT, 0], [12], seed=1)[12]
    assert len(found.right) >= 40
    assert found.share >= 0.85
    low, high = found.interval
    assert low - 0.03 <= found.sure.mean() <= high + 0.03
