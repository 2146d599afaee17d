"""A shop whose catalogue is wrong, from the readings of its cells to what the store hears of it."""

from pathlib import Path

import msgspec
import pytest

from edge_agent.config import Site
from edge_agent.config.assortment import Catalogue
from edge_agent.config.files import load_site
from edge_agent.config.tree import PolicyConfig
from edge_agent.demo.unit_files import seed_directory
from edge_agent.learned import Learned
from edge_agent.model import Decision, HealthTransition, InitialState
from edge_agent.pipeline import Pipeline
from edge_agent.recording.replay import replay
from edge_agent.recording.writer import RecordingWriter
from edge_agent.simulation.offline import samples
from edge_agent.simulation.world import ShelfWorld
from edge_agent.vocabulary import Verdict

LANE, SKU = "A2", "spaghetti-500"


@pytest.fixture(scope="module")
def site() -> Site:
    site = load_site(seed_directory() / "agent.toml")
    policy = PolicyConfig(tolerated_error=0.001, tolerated_review=0.01)
    return msgspec.structs.replace(site, agent=msgspec.structs.replace(site.agent, policy=policy))


def wrong_by_a_tenth(site: Site) -> Site:
    items = tuple(
        msgspec.structs.replace(item, unit_weight_g=round(1.1 * item.unit_weight_g, 1)) if item.sku == SKU else item
        for item in site.catalogue.items
    )
    return msgspec.structs.replace(site, catalogue=Catalogue(site.catalogue.revision, items))


def run(site: Site, agents: Site, path: Path, learned: Learned) -> tuple[list[Decision], list[HealthTransition]]:
    """Let shoppers take from the lane and from others; record it, and see that the recording replays alike."""
    world = ShelfWorld(site, 11)
    for number in range(7):
        world.take(LANE, 5.0 + 12 * number, quantity=2 if number == 3 else 1)
        world.take("A1", 11.0 + 12 * number)
    initial = InitialState(agents.opening_stock(), learned=learned)
    pipeline = Pipeline(agents, initial)
    decisions, transitions = [], []
    with RecordingWriter(path, agents, initial) as tap:
        for message in samples(world, world.truths[-1].t_release_s + 5):
            tap.consumed(message)
            for output in pipeline.step(message):
                tap.produced(output)
                if isinstance(output, Decision):
                    decisions.append(output)
                elif isinstance(output, HealthTransition):
                    transitions.append(output)
    again = replay(path)
    assert again.payloads == again.recorded
    assert len(again.payloads) == len(decisions) == len(world.truths)
    assert again.transitions == transitions
    return decisions, transitions


def test_a_weight_wrong_by_a_tenth_sends_a_lane_to_review_and_is_proposed_once_over_a_restart(
    site: Site, tmp_path: Path
) -> None:
    agents = wrong_by_a_tenth(site)
    decisions, transitions = run(site, agents, tmp_path / "first.mcap", Learned())
    of_lane = [each.event for each in decisions if abs(each.event.delta_g + 250) > 30]
    assert {each.verdict for each in of_lane} == {Verdict.REVIEW}
    (said,) = transitions
    assert (said.subject, said.code) == (f"sku:{SKU}", "catalogue_weight")

    units = {sku: unit for each in decisions for sku, unit in each.learned.units.items()}
    made = units[SKU].proposal
    assert made is not None
    true_g = site.catalogue.item(SKU).unit_weight_g
    assert made.learned_g == pytest.approx(true_g, abs=max(4 * made.sigma_g, 2.0))
    assert made.catalogue_g == pytest.approx(1.1 * true_g, abs=0.1)

    confidences = {shelf: seen for each in decisions for shelf, seen in each.learned.confidences.items()}
    assert confidences.keys() == {"*", "ambient-lanes"}
    _, again = run(site, agents, tmp_path / "second.mcap", Learned(units, confidences))
    assert [(each.subject, each.detail) for each in again] == [(said.subject, said.detail)], "it stands, no second one"


def test_the_right_catalogue_is_not_contradicted(site: Site, tmp_path: Path) -> None:
    decisions, transitions = run(site, site, tmp_path / "right.mcap", Learned())
    assert transitions == []
    assert {each.event.verdict for each in decisions} == {Verdict.AUTO}
