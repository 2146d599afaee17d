"""The compiled firmware on the simulated board, seen through the unmodified bridge, and the rig itself."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rig_board import RigBoard
from rig_build import ROOT, RigError
from rig_host import linked, stacked
from rig_readings import conversions_of, longest_high_us

from firmware_bridge.events import AuxReport
from firmware_bridge.port import PortConfig


@pytest.mark.parametrize("channels", [4, 8])
def test_no_conversion_of_the_slowest_is_lost_and_every_surplus_one_is_counted(tmp_path: Path, channels: int) -> None:
    factors = np.linspace(0.96, 1.17, channels)
    with RigBoard(tmp_path, channels=channels) as board:
        for channel, factor in enumerate(factors):
            board.factor(channel, float(factor))
        board.walk_all()
        with linked(PortConfig(board.path)) as (_, host):
            host.rows(1)
            first = host.wait(AuxReport, after=host.mark())
            last = host.wait(AuxReport, lambda aux: aux.t_ns - first.t_ns > 2_500_000_000)
            blocks = [block for block in host.rows(1) if block.t_ns[0] < last.t_ns]
        chips = board.chips()
    counts, flags = stacked(blocks)
    conversions = conversions_of(counts)
    settled = (flags == 0).all(axis=1)
    start = int(np.argmax(settled))
    assert start <= 5
    assert settled[start:].all(), f"flags {sorted(set(flags[start:].flat))}"
    gaps = np.diff(conversions[start:], axis=0)
    assert np.all(gaps[:, 0] == 1), "the slowest converter lost a conversion"
    # Every value was a conversion's, none came twice, and none was left out but as surplus.
    assert gaps.min() == 1
    assert gaps.max() == 2
    t_ns = np.concatenate([block.t_ns for block in blocks])
    surplus = conversions - np.arange(len(conversions))[:, np.newaxis]
    between = surplus[np.searchsorted(t_ns, last.t_ns) - 1] - surplus[np.searchsorted(t_ns, first.t_ns) - 1]
    # One more may be counted of the row that is under way when AUX is put together.
    assert np.abs(np.subtract(last.skipped, first.skipped) - between).max() <= 1
    assert between[-1] > 30
    assert all((chip.lost, chip.torn, chip.empty_pulses, chip.excess_pulses) == (0, 0, 0, 0) for chip in chips)


@pytest.mark.parametrize("channels", [4, 8])
def test_sck_is_never_high_for_5_us_and_no_chip_powers_down(tmp_path: Path, channels: int) -> None:
    with (
        RigBoard(tmp_path, channels=channels, paused=True) as board,
        board.traced(tmp_path / "wires.vcd") as vcd,
    ):
        board.advance(3000)
        chips = board.chips()
    longest = {wire: us for wire, us in longest_high_us(vcd).items() if wire.startswith("sck")}
    print(f"{channels} channels: SCK high at most {max(longest.values()):.3f} µs")
    assert len(longest) == channels
    assert all(0.2 <= us < 5.0 for us in longest.values())
    assert all(chip.power_downs == 0 for chip in chips)
    assert all(chip.reads > 200 for chip in chips)


def test_a_board_that_is_started_alike_behaves_alike(tmp_path: Path) -> None:
    def run() -> list[tuple[int, int, float]]:
        with RigBoard(tmp_path, seed=7, paused=True) as board:
            board.set_counts(100_000)
            board.noise(40)
            board.advance(1000)
            return [(read.conversion, read.value, read.ready_us) for read in board.delivered(2)]

    assert run() == run()


def test_the_rig_ends_with_whoever_started_it_and_leaves_nothing_behind(tmp_path: Path) -> None:
    starter = (
        "import sys; from pathlib import Path; from rig_board import RigBoard; "
        f"board = RigBoard(Path({str(tmp_path)!r})).start(); print(board.pid, flush=True); sys.stdin.read()"
    )
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    with subprocess.Popen(
        [sys.executable, "-c", starter],
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        rig = int(parent.stdout.readline())
        ended = os.pidfd_open(rig)
        parent.send_signal(signal.SIGKILL)
        assert _readable(ended, 5.0), "the rig outlives its starter"
        os.close(ended)
    assert not list(tmp_path.iterdir())


def test_a_wrong_word_gets_one_clear_line(tmp_path: Path) -> None:
    with RigBoard(tmp_path, paused=True) as board:
        with pytest.raises(RigError, match="counts 9 1: counts: no such channel; usage: counts CH COUNTS"):
            board.say("counts", 9, 1)
        with pytest.raises(RigError, match="no such command: juggle"):
            board.say("juggle")


def test_a_firmware_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RigError, match=r"missing\.elf: cannot be read"):
        RigBoard(tmp_path, firmware=tmp_path / "missing.elf").start()


def _readable(fd: int, timeout_s: float) -> bool:
    return bool(select.select([fd], [], [], timeout_s)[0])
