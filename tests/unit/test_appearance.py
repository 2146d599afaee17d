import dataclasses

import numpy as np
import pytest
from drawn_products import label, photograph, photographs

from edge_agent.enrolment import enrol
from edge_agent.errors import CameraError
from edge_agent.vision.appearance import AppearanceModel
from edge_agent.vision.appearance_calibration import PHOTOGRAPHS
from edge_agent.vision.held_product import held_product
from edge_agent.vision.templates import SkuTemplate

SKUS = ("milk", "juice", "soup", "tea")
FRONTS = {sku: label(number) for number, sku in enumerate(SKUS)}


@pytest.fixture(scope="module")
def templates() -> dict[str, SkuTemplate]:
    return {sku: enrol(sku, photographs(FRONTS[sku], 100 * number, 10), []).template for number, sku in enumerate(SKUS)}


@pytest.fixture(scope="module")
def model(templates: dict[str, SkuTemplate]) -> AppearanceModel:
    return AppearanceModel.of_templates(templates.values())


def test_what_a_hand_holds_is_known_turned_half_covered_and_in_another_light(model: AppearanceModel) -> None:
    for number, sku in enumerate(SKUS):
        for shot in range(4):
            nats = model.log_likelihood(photograph(FRONTS[sku], 5000 + 10 * number + shot), SKUS)
            assert nats.shape == (len(SKUS) + 1,)
            assert int(nats.argmax()) == number


def test_a_small_cutting_of_a_shelf_camera_is_known_mostly_and_never_takes_the_word_for_sure(
    model: AppearanceModel,
) -> None:
    said = [
        (number, model.log_likelihood(photograph(FRONTS[sku], 6000 + 10 * number + shot, side_px=110), SKUS))
        for number, sku in enumerate(SKUS)
        for shot in range(3)
    ]
    assert np.mean([int(nats.argmax()) == number for number, nats in said]) >= 0.75
    assert all(nats.max() - nats.min() <= PHOTOGRAPHS.most_nats for _, nats in said)


def test_a_package_that_nobody_enrolled_is_none_of_them(model: AppearanceModel) -> None:
    stranger = label(77)
    said = [model.log_likelihood(photograph(stranger, 7000 + shot), SKUS) for shot in range(4)]
    assert sum(int(nats.argmax()) == len(SKUS) for nats in said) >= 3


def test_a_black_picture_says_nothing(model: AppearanceModel) -> None:
    assert model.log_likelihood(np.zeros((90, 60, 3), np.uint8), SKUS).tolist() == [0.0] * 5


def test_a_sku_without_a_template_is_neither_favoured_nor_ruled_out(model: AppearanceModel) -> None:
    nats = model.log_likelihood(photograph(FRONTS["milk"], 5000), ("milk", "bread", "juice"))
    assert nats[0] > nats[1] > nats[2]
    alone = model.log_likelihood(photograph(FRONTS["milk"], 5000), ("bread",))
    assert alone.tolist() == [0.0, 0.0]


def test_the_same_picture_gives_the_same_nats_whatever_the_order_of_the_question(model: AppearanceModel) -> None:
    picture = photograph(FRONTS["soup"], 8000)
    once, again = model.log_likelihood(picture, SKUS), model.log_likelihood(picture, SKUS)
    assert once.tolist() == again.tolist()
    turned = model.log_likelihood(picture, SKUS[::-1])
    assert turned[:-1][::-1] == pytest.approx(once[:-1])


def test_a_calibration_is_named_by_its_numbers() -> None:
    other = dataclasses.replace(PHOTOGRAPHS, temperature=PHOTOGRAPHS.temperature + 0.1)
    assert other.calibration_id != PHOTOGRAPHS.calibration_id


def test_two_packages_of_one_design_in_two_colours_are_told_apart(templates: dict[str, SkuTemplate]) -> None:
    blue = label(0, (40, 60, 200))
    result = enrol("skimmed milk", photographs(blue, 900, 10), [templates["milk"]])
    assert result.told_from["milk"] >= 0.9
    assert result.looks_like == {}


def test_a_package_enrolled_under_two_names_from_other_pictures_is_flagged(templates: dict[str, SkuTemplate]) -> None:
    result = enrol("milk again", photographs(FRONTS["milk"], 950, 10), [*templates.values()])
    assert list(result.looks_like) == ["milk"]


def test_the_same_photographs_under_another_name_are_refused_even_saved_again(
    templates: dict[str, SkuTemplate],
) -> None:
    same = photographs(FRONTS["milk"], 0, 10)
    with pytest.raises(CameraError, match="photographs of cream are those that milk was enrolled with"):
        enrol("cream", same, [*templates.values()])
    resaved = [(name, np.ascontiguousarray(picture // 2 * 2)) for name, picture in same]
    with pytest.raises(CameraError, match="photographs of cream are those that milk was enrolled with"):
        enrol("cream", resaved, [*templates.values()])


def test_photographs_that_teach_little_are_remarked_on() -> None:
    one = photograph(FRONTS["tea"], 42)
    same = enrol("tea", [(f"{each}.png", one) for each in range(4)], [])
    assert any("all 4 photographs show the same" in each for each in same.remarks)
    small = enrol("tea", [*photographs(FRONTS["tea"], 60, 3), ("s.png", photograph(FRONTS["tea"], 70, side_px=90))], [])
    assert any(each.startswith("s.png: small, 90 px") for each in small.remarks)
    assert any("are few" in each for each in small.remarks)


def test_blank_photographs_are_an_error_that_says_what_to_do() -> None:
    with pytest.raises(CameraError, match="nothing stands out in the photographs of tea: take them sharp"):
        enrol("tea", [("blank.png", np.full((200, 200, 3), 128, np.uint8))], [])


def test_a_product_held_before_the_shelf_is_cut_out_and_an_empty_shelf_gives_nothing() -> None:
    colour = np.full((480, 640, 3), 90, np.uint8)
    empty = np.full((240, 320), 90, np.uint8)
    assert held_product(empty, empty, colour) is None
    grey = empty.copy()
    grey[60:160, 100:160] = 200
    colour[120:320, 200:320] = 200
    cutting = held_product(empty, grey, colour)
    assert cutting is not None
    assert cutting.shape[0] == pytest.approx(220, abs=20)
    assert cutting.shape[1] == pytest.approx(132, abs=20)
