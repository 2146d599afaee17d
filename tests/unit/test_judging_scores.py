"""What the scores say of players whose worth is known beforehand."""

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.config.tree import PolicyConfig
from edge_agent.judging import hardware
from edge_agent.judging.bills import Bills
from edge_agent.judging.contestant import Answer, Evidence
from edge_agent.judging.habits import HABITS
from edge_agent.judging.hardware import Hardware, HardwareKind
from edge_agent.judging.match import CameraSkill, Played, Terms, Verdicts, play
from edge_agent.judging.references import LocationAndWeight, NearestWeight
from edge_agent.judging.report import html_report
from edge_agent.judging.scores import reliability, residual_errors, score, seen_over_foretold
from edge_agent.judging.suites import SUITES, Shelf
from edge_agent.scoring_engine import Engine


class Dice:
    """A contestant that throws dice."""

    name = "dice"
    calibrated = True

    def meet(self, shelf: Shelf, hardware: Hardware) -> None:
        del shelf, hardware

    def answer(self, evidence: Evidence) -> Answer:
        sku = int(np.random.default_rng(evidence.number).integers(12))
        return Answer(((sku, -1),), 1 / 12, ("dice",))


def terms(suite: str = "distinct", kind: HardwareKind = "platform", acts: int = 300) -> Terms:
    return Terms(suite, kind, acts, 5, HABITS, 0.99)


@pytest.mark.parametrize("kind", ["lane_cells", "platform"])
def test_the_oracle_regrets_nothing_and_dice_regret_nearly_everything(kind: HardwareKind) -> None:
    oracle, dice = score(play(terms(kind=kind), [Dice()]))
    assert oracle.regret == oracle.regret_share == oracle.regret_share_upper == 0
    assert dice.regret > 0.7
    assert dice.regret_share is not None
    assert dice.regret_share_upper is not None
    assert dice.regret_share_upper > dice.regret_share > 10
    assert dice.review_causes == {"dice": 300}


@pytest.mark.parametrize(("suite", "kind"), [("variants", "platform"), ("store", "platform"), ("store", "lane_cells")])
def test_the_oracle_is_calibrated(suite: str, kind: HardwareKind) -> None:
    """As many of its bills are wrong as its confidences foretell, within four standard deviations."""
    oracle = play(terms(suite, kind, 800), []).players[0]
    foretold = 1 - oracle.confidence
    assert abs(oracle.wrong.sum() - foretold.sum()) < 4 * np.sqrt((foretold * oracle.confidence).sum())


def test_a_perfect_scale_under_every_lane_is_never_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    perfect = replace(hardware.HARDWARE["lane_cells"], covariance_g2=np.eye(12) * 1e-18)
    monkeypatch.setitem(hardware.HARDWARE, "lane_cells", perfect)
    at_home = replace(terms(kind="lane_cells"), habits=replace(HABITS, misplaced_share=0.0))
    oracle, engine = score(play(at_home, [Engine(PolicyConfig(misplaced_prior=1e-6))]))
    assert oracle.accuracy == engine.accuracy == 1
    assert oracle.residual_error == {"0.001": None, "0.01": 0.0, "0.05": 0.0}, "a thousandth of 300 acts is none"


def test_the_same_seed_gives_the_same_answers_beside_whatever_rivals() -> None:
    alone = play(terms(acts=60), [Engine(PolicyConfig())])
    crowd = play(terms(acts=60), [NearestWeight(), Dice(), Engine(PolicyConfig())])
    assert (alone.players[0].confidence == crowd.players[0].confidence).all()
    assert (alone.players[1].confidence == crowd.players[3].confidence).all()


@pytest.mark.parametrize("suite", SUITES)
def test_nobody_beats_the_oracle_by_its_own_measure(suite: str) -> None:
    camera = CameraSkill(0.9, per_item=True)
    players = score(play(replace(terms(suite), camera=camera), [Engine(PolicyConfig()), LocationAndWeight()]))
    assert all(each.regret >= 0 for each in players)
    assert players[0].accuracy > players[2].accuracy


def test_reviewing_the_least_sure_leaves_the_sure_errors() -> None:
    wrong = np.array([1.0, 1.0, 0.0, 0.0, 1.0, *[0.0] * 95])
    confidence = np.array([0.3, 0.4, 0.5, 0.6, 0.999, *[0.99] * 95])
    assert residual_errors(wrong, confidence, (0.0, 0.02, 1.0 / 3)) == pytest.approx([0.03, 1 / 98, 1 / 67])


def test_errors_seen_are_set_against_those_foretold_only_where_there_is_one() -> None:
    assert seen_over_foretold(0, 0.02) is None, "a hundred sure acts without an error say nothing of honesty"
    assert seen_over_foretold(0, 2.0) == 0
    assert seen_over_foretold(3, 0.5) == 6, "errors that nothing foretold are told"
    assert seen_over_foretold(3, 0.0) is None


def test_what_is_billed_wrongly_is_a_share_of_all_acts() -> None:
    """Two of four are reviewed; of the two that are billed one is wrong."""
    played = play(terms(acts=4), [])
    right = np.array([True, False, False, True])
    half = Verdicts("half", True, right, np.full(4, 0.5), np.ones(4), ((), (), ("low",), ("low",)))
    (scored,) = score(replace(played, players=(half,)))
    assert (scored.billed_wrong, scored.billed_foretold, scored.billed_ratio) == (0.25, 0.25, 1.0)
    assert scored.regret_share_upper is None, "four acts are one shelf"


def test_confidences_are_grouped_and_every_answer_counted_once() -> None:
    bins = reliability(np.array([1.0, 0.0, 0.0, 1.0]), np.array([0.2, 0.5, 0.9995, 1.0]))
    assert sum(each.acts for each in bins) == 4
    assert (bins[0].acts, bins[0].observed_errors) == (1, 1)
    assert bins[0].expected_errors == pytest.approx(0.8)
    assert (bins[-1].acts, bins[-1].observed_errors) == (2, 1)


def test_the_published_rules_name_what_is_plain() -> None:
    shelf = Shelf("plain", np.linspace(100, 1200, 12), np.linspace(1, 12, 12), np.arange(12))
    for rule in (NearestWeight(), LocationAndWeight()):
        rule.meet(shelf, hardware.HARDWARE["lane_cells"])
        delta_g = np.zeros(12)
        delta_g[6] = -700.0
        assert rule.answer(Evidence(0, delta_g)).bill == ((6, -1),)


def test_the_page_needs_nothing_beside_it() -> None:
    played = play(terms(acts=60), [NearestWeight()])
    page = html_report([(played, score(played))])
    assert page.count("<svg") == 2
    assert "judge-1" in page
    assert "Frozen" in page
    assert "http" not in page
    assert "nan" not in page


def test_a_bill_is_told_with_its_direction() -> None:
    bills = Bills(3)
    assert bills.bill(bills.row([0, 0, 2]), -1) == ((0, -2), (2, -1))
    assert isinstance(play(terms(acts=1), []), Played)
