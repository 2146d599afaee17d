from collections.abc import Iterator
from pathlib import Path

import pytest
from real_mosquitto import RealMosquitto


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[RealMosquitto]:
    """A running broker; a test may kill and restart it."""
    directory = tmp_path / "mosquitto"
    directory.mkdir()
    broker = RealMosquitto(directory)
    broker.start()
    yield broker
    broker.kill()
