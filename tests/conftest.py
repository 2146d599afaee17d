import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_mosquitto import RealMosquitto

pytest_plugins = ["unit_files_fixture", "bad_input_fixtures", "bad_input_table"]


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[RealMosquitto]:
    """A running broker; a test may kill and restart it. Without the program the test fails: it is not optional."""
    directory = tmp_path / "mosquitto"
    directory.mkdir()
    broker = RealMosquitto(directory)
    broker.start()
    yield broker
    broker.kill()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=4, help="how often the killed agent is killed")
    parser.addoption("--camera-kills", type=int, default=3, help="how often the camera's process is killed")
    parser.addoption("--rig-minutes", type=float, default=0.2, help="board time that the firmware runs in the soak")


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--kills"))


@pytest.fixture
def camera_kills(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--camera-kills"))


@pytest.fixture
def rig_minutes(request: pytest.FixtureRequest) -> float:
    return float(request.config.getoption("--rig-minutes"))


def pytest_configure() -> None:
    # `nohup make test &` starts with SIGINT ignored, and every program started here would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
