"""What the cameras' processes cost with nobody at the shelf: memory and share of a core.

``python tests/benchmarks/camera_at_rest.py [--cameras 2] [--seconds 30] [--rate 15]``: real processes, the simulated
driver, the real mask and eye. The driver's own drawing is counted in.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from watched_unit import commission

from edge_agent.camera_process.supervisor import CameraSupervisor
from edge_agent.camera_process.words import Setup
from edge_agent.config import CameraConfig
from edge_agent.config.assortment import LaneConfig
from edge_agent.model import CameraCondition, Message

WIDTH_MM = 900.0
SETTLED_S = 5.0
"""Start and first backdrop are over."""


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cameras", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=15.0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        setups = [_setup(Path(directory), place, chosen.rate) for place in range(chosen.cameras)]
        cameras = CameraSupervisor(setups)
        cameras.start(_tell)
        try:
            time.sleep(SETTLED_S)
            pids = [seat.child.process.pid for seat in cameras._seats if seat.child is not None]
            before_s, began_s, frames = sum(map(_busy_s, pids)), time.monotonic(), _frames(cameras)
            time.sleep(chosen.seconds)
            share = (sum(map(_busy_s, pids)) - before_s) / (time.monotonic() - began_s)
            seen = _frames(cameras) - frames
            print(f"{len(pids)} cameras, {seen:.0f} frames in {chosen.seconds:g} s, {100 * share:.1f} % of a core")
            for pid in pids:
                memory = _memory_mb(pid)
                print(f"  pid {pid}: RSS {memory['Rss']:.1f} MB, USS {memory['Private']:.1f} MB")
        finally:
            cameras.stop()
    return 0


def _tell(message: Message) -> None:
    if isinstance(message, CameraCondition):
        print(f"  {message.camera_id}: {message.code} {'raised' if message.raised else 'over'}: {message.detail}")


def _setup(state_dir: Path, place: int, rate_hz: float) -> Setup:
    camera = CameraConfig(shelf_id=f"s{place}", driver="simulated", camera_id=f"camera{place}", rate_hz=rate_hz)
    commission(state_dir, camera, WIDTH_MM)
    lanes = tuple(
        LaneConfig(
            lane_id=f"A{lane}",
            shelf_id=f"s{place}",
            x_mm=(150.0 * lane, 150.0 * lane + 150.0),
            sku=f"sku{lane}",
            capacity=8,
        )
        for lane in range(6)
    )
    return Setup(camera, lanes, WIDTH_MM, str(state_dir))


def _frames(cameras: CameraSupervisor) -> float:
    return sum(count for name, count in cameras.counters().items() if name.endswith(":frames"))


def _busy_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_mb(pid: int) -> dict[str, float]:
    found = {"Rss": 0.0, "Private": 0.0}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "Rss" or name.startswith(("Private_C", "Private_D")):
            found["Rss" if name == "Rss" else "Private"] += int(value.split()[0]) / 1000
    return found


if __name__ == "__main__":
    sys.exit(main())
