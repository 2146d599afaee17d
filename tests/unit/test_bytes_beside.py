"""Who stands beside the engine at the level of bytes, and where what it lost was lost."""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from edge_agent.bytes_level.beside import ON_IDEAL_STEPS, REFERENCES, Beside, HeardAs, stand_beside
from edge_agent.bytes_level.ideal import Ground, felt_habits, stocks_before
from edge_agent.bytes_level.line import START_NS
from edge_agent.bytes_level.match import BytesPlayed, BytesTerms, Told, play_bytes
from edge_agent.bytes_level.regret import as_judged, split_regret
from edge_agent.bytes_level.report import BytesResult, bytes_report
from edge_agent.bytes_level.scenarios import SCENARIOS, ScenarioScore, play_scenario
from edge_agent.bytes_level.shop import shop_of
from edge_agent.cli import main
from edge_agent.config import Site
from edge_agent.config.files import load_site
from edge_agent.config.tree import PolicyConfig
from edge_agent.demo.unit_files import seed_directory
from edge_agent.judging.habits import HABITS
from edge_agent.judging.hardware import HARDWARE
from edge_agent.judging.plots import bars
from edge_agent.judging.suites import draw_shelf
from edge_agent.model import ItemChange, ItemEvent, MonotonicNs, Revisions
from edge_agent.simulation.acts import Movement, PlannedAct, Story
from edge_agent.simulation.scoreboard import Heard, Scored, judge
from edge_agent.simulation.truth import ActTruth
from edge_agent.simulation.world import ShelfWorld
from edge_agent.vocabulary import EventKind, Mode, Verdict

POLICY = PolicyConfig()


@cache
def shop() -> Site:
    return shop_of(draw_shelf("distinct", 2, 0), HARDWARE["lane_cells"], POLICY)


def two_takes() -> tuple[ActTruth, ActTruth]:
    """One item of lane 1, and five seconds later one of lane 7."""
    world = ShelfWorld(shop(), 4)
    return world.take("L01", 6.0), world.take("L07", 11.0)


def said(start_s: float, end_s: float, *skus: str) -> Heard:
    event = ItemEvent(
        act_id=f"a{start_s}",
        shelf_id="shelf",
        kind=EventKind.TAKE,
        mode=Mode.SELLING,
        verdict=Verdict.AUTO,
        reasons=(),
        items=tuple(ItemChange(sku, -1, None) for sku in skus),
        confidence=0.999,
        alternatives=(),
        delta_g=-500,
        sigma_g=1,
        position_mm=None,
        position_sigma_mm=None,
        t_start_ns=MonotonicNs(START_NS + round(start_s * 1e9)),
        t_end_ns=MonotonicNs(START_NS + round(end_s * 1e9)),
        hands=None,
        witnesses=("weight",),
        witnesses_missing=(),
        stock_before={},
        stock_after={},
        revisions=Revisions(1, 1, {}, "0"),
    )
    return Heard(event, end_s)


def heard_beside(*told: tuple[ActTruth, Sequence[Heard]]) -> list[Beside]:
    scored = [judge(truth, tuple(heard)) for truth, heard in told]
    return [
        each for each in stand_beside(shop(), scored, START_NS, POLICY, felt_habits(HABITS), (2, 0)) if each is not None
    ]


def during(truth: ActTruth, *skus: str) -> Heard:
    return said(truth.t_start_s, truth.t_release_s, *skus)


def test_what_is_told_right_of_each_act_loses_nothing() -> None:
    first, second = two_takes()
    for each in heard_beside((first, [during(first, "sku-01")]), (second, [during(second, "sku-07")])):
        assert each.heard_as is HeardAs.ONE
        assert each.merits[0] == each.said_merit > 0.99


def test_two_acts_told_as_one_event_get_of_its_items_what_suits_them() -> None:
    """The shop loses nothing by the bill, so neither act is blamed: but both count as merged."""
    first, second = two_takes()
    whole = said(first.t_start_s, second.t_release_s, "sku-01", "sku-07")
    for each in heard_beside((first, [whole]), (second, [])):
        assert each.heard_as is HeardAs.MERGED
        assert each.merits[0] == each.said_merit > 0.99
    half = said(first.t_start_s, second.t_release_s, "sku-07")
    kept, lost = sorted(each.said_merit for each in heard_beside((first, []), (second, [half])))
    assert kept == 0
    assert lost > 0.99


def test_an_act_of_which_nothing_was_said_loses_all_of_it() -> None:
    first, second = two_takes()
    silent, told = heard_beside((first, []), (second, [during(second, "sku-07")]))
    assert (silent.heard_as, silent.said_merit) == (HeardAs.UNHEARD, 0.0)
    assert told.heard_as is HeardAs.ONE


def test_an_act_told_in_parts_is_judged_by_their_sum() -> None:
    world = ShelfWorld(shop(), 4)
    both = (Movement("L01", -1, "sku-01"), Movement("L07", -1, "sku-07"))
    truth = world.perform(PlannedAct(6.0, Story.TAKE_TWO_PRODUCTS, both))
    parts = [said(6.0, 6.5, "sku-01"), said(6.6, truth.t_release_s, "sku-07")]
    (whole,) = heard_beside((truth, parts))
    assert (whole.heard_as, whole.said_merit) == (HeardAs.SEVERAL, whole.merits[0])
    (doubled,) = heard_beside((truth, [*parts, said(7.0, 7.1, "sku-07")]))
    assert doubled.said_merit < 0.01


def test_the_oracle_has_no_word_for_what_its_acts_do_not_do() -> None:
    world = ShelfWorld(shop(), 4)
    world.take("L01", 6.0)
    both_ways = (Movement("L01", 1, "sku-01"), Movement("L02", -1, "sku-02"))
    ground = Ground.of(shop(), "shelf")
    strange = [
        world.perform(PlannedAct(11.0, Story.TAKE_TWO_PRODUCTS, both_ways)),
        world.press("L03", 16.0, 3_000.0),
        world.leave_foreign("L04", 21.0, 300.0),
        world.take("L05", 26.0, 5),
    ]
    assert [ground.act(each) for each in strange] == [None] * 4


def test_nobody_takes_what_does_not_stand_there() -> None:
    """An equally heavy neighbour whose lane is empty is no explanation, and what is gone is remembered."""
    site = shop_of(draw_shelf("variants", 2, 0), HARDWARE["platform"], POLICY)
    ground = Ground.of(site, "shelf")
    left = int(np.flatnonzero(np.diff(ground.shelf.weight_g) == 0)[0])
    world = ShelfWorld(site, 4)
    truths = [world.take(f"L{left:02d}", 6.0, 4), world.take(f"L{left + 1:02d}", 12.0)]
    before = stocks_before(site.opening_stock(), truths)
    assert [stock[f"L{left:02d}"][f"sku-{left:02d}"] for stock in before] == [4, 0]
    act = ground.act(truths[1])
    assert act is not None
    delta_g = ground.hardware.weigh(act, np.random.default_rng(1))
    oracle = ground.oracle(felt_habits(HABITS))
    posterior = oracle.posterior(delta_g, ground.standing(before[1]))
    assert posterior.sum() == pytest.approx(1)
    assert oracle.merit(posterior, ((left, -1),), -1) == 0
    assert oracle.choice(posterior, -1)[0] == act.bill == ((left + 1, -1),)


@cache
def played() -> BytesPlayed:
    return play_bytes(BytesTerms("variants", "platform", 10, 11, HABITS, POLICY))


def test_the_parts_of_the_regret_sum_to_it_and_every_act_is_heard_somehow() -> None:
    split = split_regret(played())
    parts = (split.identification, split.estimation, split.segmentation)
    assert sum(part.regret for part in parts) == pytest.approx(split.total.regret)
    assert sum(part.share or 0 for part in parts) == pytest.approx(split.total.share)
    assert split.identification.regret >= 0
    assert split.total.regret >= 0
    assert sum(split.heard_as.values()) == len([each for each in played().told if each.beside is not None])


def test_a_match_in_which_nothing_was_heard_is_lost_by_segmentation() -> None:
    def unheard(told: Told) -> Told:
        scored = Scored(told.scored.truth, told.scored.outcome, (), None, None)
        beside = None if told.beside is None else replace(told.beside, said_merit=0.0, heard_as=HeardAs.UNHEARD)
        return Told(scored, None, beside)

    silent = replace(played(), told=tuple(unheard(each) for each in played().told))
    split = split_regret(silent)
    assert split.estimation.regret == 0
    assert split.segmentation.regret > 0.5
    assert "unheard" in as_judged(silent).players[1].reasons[0]


def test_the_players_of_a_match_are_scored_as_those_of_ideal_acts() -> None:
    result = BytesResult.of(played())
    assert [each.name for each in result.players] == [REFERENCES[0], "engine", ON_IDEAL_STEPS, *REFERENCES[2:]]
    assert result.players[0].regret == 0
    assert result.players[1].regret == pytest.approx(result.split.total.regret)
    assert result.players[1].accuracy == pytest.approx(result.score.accuracy)


def test_the_page_has_table_and_plots_and_needs_nothing_beside_it() -> None:
    page = bytes_report([BytesResult.of(played())])
    assert page.count("<svg") == 4
    for words in ("Regret by stage", "segmentation", "Reliability", "Delay after the release", "by number of items"):
        assert words in page
    assert "http" not in page
    assert "nan" not in page


def test_bars_reach_as_high_as_they_count() -> None:
    drawn = bars("Weather", "day", ["Monday", "Tuesday"], [("sun", [0.5, 0.0]), ("rain", [0.25, 1.0])])
    assert drawn.count("<rect") == 4
    assert 'height="0.0"' in drawn
    assert drawn.count('height="266.0"') == 1, "only the whole is as high as the picture"
    assert "<rect" not in bars("Nothing", "day", [], [])


def test_the_command_writes_the_page_and_tells_the_parts_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "bytes.html"
    words = ["lab", "score", "--level", "bytes", "--suite", "distinct", "--hardware", "platform", "--acts", "3"]
    assert main([*words, "--json", "--html", str(page)]) == 0
    (match,) = json.loads(capsys.readouterr().out)["matches"]
    assert set(match["regret"]) == {"identification", "estimation", "segmentation", "total", "heard_as"}
    assert match["players"][0]["name"] == "oracle"
    assert page.read_text().count("<svg") == 4


def example(name: str, times: int = 1) -> ScenarioScore:
    return play_scenario(name, SCENARIOS[name], load_site(seed_directory() / "agent.toml"), times, seed=3)


def test_what_no_weight_can_tell_the_oracle_leaves_to_a_person_too() -> None:
    border = example("on the border")
    assert (border.reviewed, border.oracle_reviewed) == (1.0, 1.0)
    assert border.clears_the_bar


def test_of_a_case_that_the_oracle_does_not_know_nothing_is_claimed() -> None:
    press = example("press only")
    assert press.oracle_reviewed is None
    assert press.clears_the_bar
    assert not replace(press, right=0).clears_the_bar


def test_more_review_than_need_be_misses_the_bar() -> None:
    score = ScenarioScore("any", 100, 94, 6, 0, 0, 0, reviews=6, oracle_reviews=1)
    assert score.clears_the_bar
    assert not replace(score, right=93, rightly_reviewed=7, reviews=7).clears_the_bar
    assert not replace(score, rightly_reviewed=3, wrong=3).clears_the_bar
