"""How the ports of a machine are named and searched."""

import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from edge_agent.adapters import port_search
from firmware_bridge.port import PortConfig


def test_a_port_is_named_by_id_only_when_its_adapter_has_a_number_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for device, by_id in (("ttyUSB0", "usb-clone"), ("ttyACM0", "usb-arduino-75")):
        for folder, name in (("by-id", by_id), ("by-path", f"pci-{device}")):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / device).touch()
            (tmp_path / folder / name).symlink_to(tmp_path / device)
    comports = [
        SimpleNamespace(device=str(tmp_path / "ttyUSB0"), serial_number=None),
        SimpleNamespace(device=str(tmp_path / "ttyACM0"), serial_number="75"),
        SimpleNamespace(device=str(tmp_path / "ttyS0"), serial_number=None),
    ]
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: comports)
    assert port_search.machine_ports(tmp_path) == [
        str(tmp_path / "by-id" / "usb-arduino-75"),
        str(tmp_path / "by-path" / "pci-ttyUSB0"),
        str(tmp_path / "ttyS0"),
    ]
    assert port_search.machine_ports(tmp_path / "none")[0] == str(tmp_path / "ttyACM0")


def test_a_driver_that_hangs_holds_a_search_up_once_and_not_for_each_late_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    never = threading.Event()

    def ask(port: PortConfig, patience_s: float) -> port_search.Probed:
        never.wait(None if port.path == "hangs" else patience_s * float(port.path))
        return port_search.Probed(port, detail="answered")

    monkeypatch.setattr(port_search, "_ask", ask)
    monkeypatch.setattr(port_search, "STUCK_S", 0.0)
    ports = [PortConfig(path) for path in ("hangs", "0.5", "0.0")]
    began_s = time.monotonic()
    found = port_search.probe(ports, lambda _: None, patience_s=2.0)
    assert time.monotonic() - began_s < 2.8
    assert [each.detail for each in found] == ["hangs: its driver hangs: unplug the adapter", "answered", "answered"]
    never.set()
