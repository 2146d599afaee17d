"""A colour that stands for a passer-by is painted beside the shelf: it is nowhere that anybody could look later.

A real agent's parts: the camera's process with its mask, ring and clips, supervisor, loop, recording, outbox.
"""

import logging
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from clip_reading import pictures_of, shows
from stand_in_camera import COMMAND, GOODS, SENTINEL

from edge_agent.camera_process.supervisor import CameraSupervisor
from edge_agent.camera_process.words import Setup
from edge_agent.clock import SystemClock
from edge_agent.config import CameraConfig, ClipsConfig
from edge_agent.config.files import load_site
from edge_agent.delivery.outbox import Outbox
from edge_agent.delivery.unit import Unit
from edge_agent.demo.unit_files import seed_directory
from edge_agent.evidenced_uplink import EvidencedUplink
from edge_agent.model import Baseline, CameraProgress, Decision, ItemEvent, Message, MonotonicNs, Output, Revisions
from edge_agent.recording.codec import encode
from edge_agent.vocabulary import EventKind, Mode, Verdict

DEADLINE_S = 30.0
SITE = load_site(seed_directory() / "agent.toml")
SHELF = SITE.shelves[0].shelf_id


class Committed:
    """An uplink that ends at the outbox, whose rows are what MQTT would carry."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self.decisions: list[Decision] = []

    def commit(self, decision: Decision) -> None:
        self.decisions.append(decision)
        self.outbox.commit(decision)

    def publish(self, output: Output) -> None:
        assert output is not None


class Heard:
    """Keeps what the camera says, as a recording would."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.seen = threading.Event()

    def deliver(self, message: Message) -> None:
        self.messages.append(message)
        if isinstance(message, CameraProgress):
            self.seen.set()


def an_act(act_id: str, verdict: Verdict) -> Decision:
    now_ns = time.monotonic_ns()
    event = ItemEvent(
        act_id=act_id, shelf_id=SHELF, kind=EventKind.UNKNOWN, mode=Mode.SELLING, verdict=verdict,
        reasons=("low_confidence",), items=(), confidence=0.5, alternatives=(), delta_g=-100.0, sigma_g=1.0,
        position_mm=None, position_sigma_mm=None, t_start_ns=MonotonicNs(now_ns - 1_000_000_000),
        t_end_ns=MonotonicNs(now_ns), hands=1, witnesses=("weight",), witnesses_missing=(), stock_before={},
        stock_after={}, revisions=Revisions(1, 1, {}, "test"),
    )  # fmt: skip
    return Decision(event, {}, (Baseline(SHELF, np.zeros(6), np.ones(6)),))


def test_who_passes_beside_the_shelf_is_in_no_file_log_recording_or_payload(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    camera = CameraConfig(
        shelf_id=SHELF, driver="simulated", source="steady", width_px=640, height_px=480,
        clips=ClipsConfig(enabled=True),
    )  # fmt: skip
    outbox = Outbox(tmp_path, Unit.of_site(SITE, "test"), max_rows=1000, clock=SystemClock())
    heard, committed = Heard(), Committed(outbox)
    cameras = CameraSupervisor([Setup(camera, (), 1000.0, str(tmp_path))], command=COMMAND)
    uplink = EvidencedUplink(committed, cameras)
    cameras.start(heard.deliver)
    try:
        assert heard.seen.wait(DEADLINE_S)
        until_s = time.monotonic() + DEADLINE_S
        while not (committed.decisions and committed.decisions[-1].evidence):
            assert time.monotonic() < until_s, "no clip was ever ready in time"
            uplink.commit(an_act(f"act-{len(committed.decisions)}", Verdict.REVIEW))
        uplink.commit(an_act("billed", Verdict.AUTO))
    finally:
        cameras.stop()
    assert committed.decisions[-1].evidence == (), "what the evidence decides needs no clip"
    payloads = [bytes(row.payload) for row in outbox.unconfirmed(0, 1000)]
    outbox.close()

    named = [each for each in committed.decisions if each.evidence]
    (clip,) = (tmp_path / "clips" / "camera0").glob(f"{named[-1].event.act_id}-*.html")
    digest = named[-1].evidence[0].removeprefix("sha256:")
    assert clip.name.endswith(f"-{digest[:12]}.html")
    assert any(f'"evidence":["sha256:{digest}"]'.encode() in payload for payload in payloads), "the event names it"
    for picture in pictures_of(clip):
        assert shows(picture, GOODS)
        assert not shows(picture, SENTINEL)
    pixels = bytes(SENTINEL), bytes(SENTINEL[::-1]), str(list(SENTINEL)).encode(), str(SENTINEL).encode()
    told = [*payloads, caplog.text.encode(), *(encode(each) for each in heard.messages)]
    told += [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    for three in pixels:
        assert not any(three * 2 in each for each in told)
    pictures = [path for path in tmp_path.rglob("*") if path.is_file() and b"\xff\xd8\xff" in path.read_bytes()]
    assert pictures == [], "no picture lies anywhere but in a clip's page"
