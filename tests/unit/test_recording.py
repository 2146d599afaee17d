"""A technician's recording comes back exactly, and a damaged or foreign one is named."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from mcap.writer import Writer

from edge_agent.errors import RecordingError
from edge_agent.model import (
    NO_PLACE_MM,
    AdcSamples,
    AuxReading,
    Baseline,
    BoardDown,
    BoardUid,
    BoardUp,
    CameraCondition,
    CameraProgress,
    InitialState,
    LinkQuality,
    Message,
    ModeChange,
    MonotonicNs,
    TimePassed,
    VisionObservation,
)
from edge_agent.recording.codec import MESSAGE_TYPES, decode_message, encode
from edge_agent.recording.csv_import import ImportSettings, imported_site, log_messages, read_log
from edge_agent.recording.reader import RecordingReader
from edge_agent.recording.writer import RecordingWriter
from edge_agent.vocabulary import Mode

UID = BoardUid("00000000000000aa")


def instant(seconds: float) -> MonotonicNs:
    return MonotonicNs(round(seconds * 1e9))


def one_of_each() -> list[Message]:
    extremes = np.array([[-(2**23), 2**23 - 1], [0, -1]], dtype=np.int32)
    return [
        BoardUp(instant(1), UID, 2, 80.0, 128, 7, "cafe0001"),
        AdcSamples(UID, 5, np.array([10, 12], np.int64), extremes, np.array([[0, 15], [1, 2]], np.uint8), 3),
        AuxReading(instant(2), UID, (21.5, None), 4980, 2, (0, 65535)),
        ModeChange(instant(3), Mode.STAFF),
        TimePassed(instant(4)),
        VisionObservation(
            "o1", "s", instant(4), instant(5), 120.5, 8.0, "hand", -1, 3, None, ("a",), np.array([-0.5, -3.0]), "c1"
        ),
        VisionObservation(
            "o2",
            "s",
            instant(4),
            instant(5),
            0.0,
            NO_PLACE_MM,
            "lanes",
            0,
            -1,
            None,
            (),
            np.zeros(0),
            "lanes-1",
            ("l1", "l2"),
            np.arange(18.0).reshape(2, 9),
        ),
        CameraProgress(instant(5), "camera0", "s", 1, instant(4)),
        CameraCondition(instant(6), "camera0", "s", "camera_blocked", True, "a bag hangs in front of it"),
        LinkQuality(instant(6), UID, True, "/dev/ttyUSB0: in the last second rows lost on the way × 4"),
        BoardDown(instant(7), None, "unplugged", "/dev/ttyUSB0: cable pulled"),
    ]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "scale.csv"
    path.write_text("ts,c0,c1,grams\n" + "".join(f"{10 + 0.1 * i:.1f},{100 + i},{-i},1.0\n" for i in range(40)))
    return path


@pytest.fixture
def recording(tmp_path: Path, log: Path) -> Path:
    readings = read_log(log, 365.0)
    site = imported_site(readings, ImportSettings())
    path = tmp_path / "scale.mcap"
    with RecordingWriter(path, site, InitialState(stock={"a1": {"imported-item": 1}})) as writer:
        for message in log_messages(readings, "00000000000000aa"):
            writer.consumed(message)
    return path


def test_every_kind_of_message_comes_back_exactly() -> None:
    messages = one_of_each()
    assert {type(each).__name__ for each in messages} == set(MESSAGE_TYPES), "a message type is missing here"
    for message in messages:
        again = decode_message(type(message).__name__, encode(message))
        assert encode(again) == encode(message)
        if isinstance(message, AdcSamples):
            assert isinstance(again, AdcSamples)
            assert again.counts.dtype == np.int32
            assert again.flags.dtype == np.uint8
            np.testing.assert_array_equal(again.counts, message.counts)


def test_what_was_known_at_the_start_comes_back_with_unseen_channels_as_nan(tmp_path: Path, log: Path) -> None:
    site = imported_site(read_log(log, 365.0), ImportSettings())
    baseline = Baseline("imported", np.array([np.nan, 12.25]), np.array([np.nan, 0.5]))
    path = tmp_path / "start.mcap"
    with RecordingWriter(path, site, InitialState({"a1": {"x": 2}}, (baseline,), Mode.STAFF)):
        pass
    start = RecordingReader(path).start
    assert start.site == site
    assert start.initial.mode is Mode.STAFF
    assert start.initial.stock == {"a1": {"x": 2}}
    np.testing.assert_array_equal(start.initial.baselines[0].level_g, baseline.level_g)


def test_messages_come_back_in_the_order_of_consumption_even_when_time_ran_otherwise(tmp_path: Path, log: Path) -> None:
    site = imported_site(read_log(log, 365.0), ImportSettings())
    path = tmp_path / "order.mcap"
    with RecordingWriter(path, site, InitialState()) as writer:
        for seconds in (5.0, 3.0, 4.0):
            writer.consumed(TimePassed(instant(seconds)))
    times = [each.t_ns for each in RecordingReader(path) if isinstance(each, TimePassed)]
    assert times == [instant(5), instant(3), instant(4)]


def test_a_second_recording_never_overwrites_the_first(recording: Path, log: Path) -> None:
    before = recording.read_bytes()
    with pytest.raises(RecordingError, match="exists already"):
        RecordingWriter(recording, imported_site(read_log(log, 365.0), ImportSettings()), InitialState())
    assert recording.read_bytes() == before


def test_a_recording_cut_by_a_power_failure_is_refused_and_read_on_request(recording: Path, tmp_path: Path) -> None:
    whole = list(RecordingReader(recording))
    cut = tmp_path / "cut.mcap"
    cut.write_bytes(recording.read_bytes()[:-400])
    with pytest.raises(RecordingError, match=r"cut\.mcap: ends .* in the middle.*--partial"):
        list(RecordingReader(cut))
    partial = RecordingReader(cut, partial=True)
    assert len(list(partial)) <= len(whole)
    assert partial.truncated


def foreign_files(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    text = tmp_path / "notes.mcap"
    text.write_text("this is a shopping list, not a recording\n" * 20)
    yield text, "is no MCAP recording"
    empty = tmp_path / "empty.mcap"
    empty.write_bytes(b"")
    yield empty, "is no MCAP recording"
    other = tmp_path / "robot.mcap"
    with other.open("wb") as stream:
        writer = Writer(stream)
        writer.start()
        schema = writer.register_schema("pose", "jsonschema", b"{}")
        writer.add_message(writer.register_channel("/pose", "json", schema), 1, b"{}", 1)
        writer.finish()  # type: ignore[no-untyped-call]
    yield other, "of another program"
    later = tmp_path / "later.mcap"
    with later.open("wb") as stream:
        writer = Writer(stream)
        writer.start()
        writer.add_metadata("edge-agent/start", {"format": "99"})
        writer.finish()  # type: ignore[no-untyped-call]
    yield later, "recording format 99, this version reads 1"
    yield tmp_path / "absent.mcap", "cannot be read: No such file"


def test_what_is_no_recording_of_ours_is_named(tmp_path: Path) -> None:
    for path, complaint in foreign_files(tmp_path):
        with pytest.raises(RecordingError, match=complaint) as caught:
            list(RecordingReader(path))
        assert str(path) in str(caught.value)
        assert caught.value.exit_status == 9


def test_a_log_with_gaps_keeps_its_indices_so_that_lost_rows_are_known(tmp_path: Path) -> None:
    path = tmp_path / "gap.csv"
    seconds = [0.0, 0.1, 0.2, 1.5, 1.6, 1.6, 1.7]
    path.write_text("".join(f"{1000 + each},{3150.5}\n" for each in seconds))
    readings = read_log(path, 365.0)
    assert readings.dropped_rows == 1, "the instant that stands twice"
    blocks = [each for each in log_messages(readings, UID) if isinstance(each, AdcSamples)]
    assert [block.lost_rows for block in blocks] == [0, 0, 0, 12, 0, 0]
    assert blocks[3].first_index == 15
    assert blocks[0].counts[0, 0] == round(3150.5 * 365)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "0 readings"),
        ("1,2\n2,3\n", "2 readings"),
        ("ts,c0\n1,2\n2,x\n3,4\n", "line 3"),
        ("ts,c0\n1,2\n2,nan\n3,4\n", "not finite"),
        ("time,weight\n1,2\n2,3\n3,4\n", "names no cell columns"),
        ("1,2\n2\n3,4\n", "line 2"),
    ],
)
def test_a_log_that_is_none_is_refused_with_its_line(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(RecordingError, match=complaint) as caught:
        read_log(path, 365.0)
    assert "bad.csv" in str(caught.value)
