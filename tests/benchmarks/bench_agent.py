"""The running agent as a whole: memory, start-up and CPU, against virtual boards on real pseudo-terminals."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from bench_row import Row

from edge_agent.config.files import load_site
from edge_agent.demo.child import Child
from edge_agent.demo.unit_files import seed_directory, write_unit
from edge_agent.demo.virtual_shop import VirtualShop

HEAVY_STACK = "import scipy.signal, scipy.stats, pydantic, sqlalchemy"
"""What an agent of this kind usually imports; the peer of the memory and start rows."""
RUNS = 3


def rows() -> list[Row]:
    """Measure three runs of the agent with two boards, ten channels at 80 rows a second."""
    figures = [_one_run() for _ in range(RUNS)]
    ports_s, ready_s, rss_mb, cpu = (median(run[place] for run in figures) for place in range(4))
    stack_s, stack_mb = _heavy_stack()
    peer = "importing scipy.signal, scipy.stats, pydantic, sqlalchemy"
    return [
        Row("agent: memory without camera", rss_mb, "MB resident", peer, stack_mb, "≤ 64 MB"),
        Row("agent: start until ports are open", ports_s, "s", peer, stack_s, "≤ 0.3 s"),
        Row("agent: start until event-ready", ready_s, "s", peer, stack_s, "≤ 2 s"),
        Row("agent: CPU, nobody at the shelf", 100 * cpu, "% of a core", goal="≤ 2 %"),
    ]


def _one_run() -> tuple[float, float, float, float]:
    with tempfile.TemporaryDirectory() as directory:
        unit = write_unit(seed_directory(), Path(directory), broker_port=1, protocol="5")
        site = load_site(unit.agent_toml)
        log = Path(directory) / "agent.log"
        with VirtualShop(site, 1, [board.port for board in site.agent.boards]) as shop:
            first_heard: list[float] = []
            _listen(shop, first_heard)
            started = time.monotonic()
            agent = Child(["run", "--config", str(unit.agent_toml), "--state-dir", str(unit.state_dir)], log)
            try:
                assert agent.await_output("ready:", 30)
                ready_s = time.monotonic() - started
                cpu_before = _cpu_s(agent.process.pid)
                time.sleep(5)
                cpu = (_cpu_s(agent.process.pid) - cpu_before) / 5
                status = Path(f"/proc/{agent.process.pid}/status").read_text()
                rss_mb = int(status.split("VmRSS:")[1].split()[0]) / 1024
            finally:
                agent.stop()
        return first_heard[0] - started, ready_s, rss_mb, cpu


def _listen(shop: VirtualShop, first_heard: list[float]) -> None:
    """Note when a board first hears the agent: its port is open then."""
    for board in shop.boards:
        receive = board.model.receive

        def noting(octets: bytes, receive: object = receive) -> bytes:
            if not first_heard:
                first_heard.append(time.monotonic())
            return receive(octets)  # type: ignore[operator,no-any-return]

        board.model.receive = noting  # type: ignore[method-assign]


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _heavy_stack() -> tuple[float, float]:
    script = f"{HEAVY_STACK}\nprint(open('/proc/self/status').read().split('VmRSS:')[1].split()[0])"
    seconds, megabytes = [], []
    for _ in range(RUNS):
        started = time.monotonic()
        printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
        seconds.append(time.monotonic() - started)
        megabytes.append(int(printed) / 1024)
    return median(seconds), median(megabytes)
