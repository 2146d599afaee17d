"""A command of this program as a process of its own, as a technician starts it, and what it leaves behind."""

import os
import shlex
import signal
import subprocess
import sysconfig
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

PROGRAM = Path(sysconfig.get_path("scripts")) / "edge-agent"
HANG_S = 20.0
"""A command that should end by itself and has not by now hangs."""
STOP_HANG_S = 5.0
"""The same for a command that was told to stop: 2 s are promised, a busy machine is forgiven."""
LOG = ("DEBUG ", "INFO ", "WARNING ", "ERROR ", "recording to ", "watching ", "broker ", "raised ")
"""How the lines begin that a command may write to stderr beside its error."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended.

    Attributes
    ----------
    seconds : float
        Since its start or, where it was told to stop, since then.
    left_behind : tuple of str
        Processes that outlived it, and what it left in the directory for temporary files.
    """

    words: str
    status: int
    out: str
    err: str
    seconds: float
    left_behind: tuple[str, ...]

    @property
    def message(self) -> str:
        """The error as printed: the last line of stderr."""
        return self.err.strip().rpartition("\n")[2]

    def assert_refused(self, status: int, *words: str) -> None:
        """It ended by one line that names the error, with this status, and left nothing behind."""
        assert self.status == status, self
        assert self.message.startswith("edge-agent: "), self
        missing = [word for word in words if word not in self.message]
        assert not missing, f"{self.message!r} does not say {missing}"
        self._assert_orderly(self.err.splitlines()[:-1])

    def assert_stopped(self) -> None:
        """It did as it was told, soon and without a word of complaint."""
        assert self.status == 0, self
        assert self.seconds < STOP_HANG_S, self
        self._assert_orderly([])
        assert "\nedge-agent: " not in self.err, self

    def _assert_orderly(self, log: list[str]) -> None:
        assert "Traceback" not in self.err + self.out, self
        assert not self.left_behind, self
        assert all(line.startswith(LOG) for line in log), self


class Running:
    """``edge-agent WORDS``, started in ``directory``; ended with its owner if not before."""

    def __init__(self, words: str, directory: Path) -> None:
        self.words = words
        own = Path(tempfile.mkdtemp(prefix="command-", dir=directory))
        self._scratch = own / "tmp"
        self._scratch.mkdir()
        self._streams = {own / "out": 0, own / "err": 0}
        with (own / "out").open("wb") as out, (own / "err").open("wb") as err:
            # A session of its own, as in a terminal: Ctrl-C goes to all of it, and what stays of it can be found.
            self.process = subprocess.Popen(
                [PROGRAM, *shlex.split(words)],
                cwd=directory,
                env=os.environ | {"TMPDIR": str(self._scratch)},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        self._since_s = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.told(signal.SIGKILL)

    def awaits(self, *words: str, within_s: float = HANG_S) -> str:
        """Wait for a line that it has not been asked for yet and that says all words; return the line."""
        until_s = time.monotonic() + within_s
        while True:
            ended = self.process.poll() is not None
            for stream, known in self._streams.items():
                lines = stream.read_text(errors="replace").splitlines(keepends=True)
                for number, line in enumerate(lines[known:], known + 1):
                    if line.endswith("\n") and all(word in line for word in words):
                        self._streams[stream] = number
                        return line.strip()
            said = "".join(stream.read_text(errors="replace") for stream in self._streams)
            assert not ended, f"`edge-agent {self.words}` ended before it said {words}; it said:\n{said}"
            assert time.monotonic() < until_s, f"`edge-agent {self.words}` never said {words}; it said:\n{said}"
            time.sleep(0.02)

    def presses_ctrl_c(self) -> Ended:
        """Interrupt it as a terminal does: whatever it started hears it too."""
        os.killpg(self.process.pid, signal.SIGINT)
        self._since_s = time.monotonic()
        return self.ended(STOP_HANG_S)

    def told(self, number: signal.Signals) -> Ended:
        """Send it a signal, as systemd does, and wait for its end."""
        self.process.send_signal(number)
        self._since_s = time.monotonic()
        return self.ended(STOP_HANG_S)

    def ended(self, within_s: float = HANG_S) -> Ended:
        """Wait for its end; a command that does not end is killed and fails the test."""
        try:
            status = self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            status = None
            self.process.kill()
            self.process.wait()
        seconds = time.monotonic() - self._since_s
        left = _end_session(self.process.pid) + [f"file {path.name}" for path in self._scratch.iterdir()]
        out, err = (stream.read_text(errors="replace") for stream in self._streams)
        assert status is not None, (
            f"`edge-agent {self.words}` hung for {within_s} s and was killed; it said:\n{out}{err}"
        )
        return Ended(self.words, status, out, err, seconds, tuple(left))


def edge_agent(words: str, directory: Path) -> Ended:
    """Run a command to its end."""
    with Running(words, directory) as running:
        return running.ended()


def _end_session(session: int) -> list[str]:
    """Return what still runs of a session, and end it."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text(errors="replace")
            words = (entry / "cmdline").read_text(errors="replace").replace("\0", " ")
        except OSError:
            continue  # it ended meanwhile
        state, _parent, _group, of_session, *_ = stat.rpartition(")")[2].split()
        if int(of_session) == session and state != "Z":
            os.kill(int(entry.name), signal.SIGKILL)
            found.append(f"process {entry.name}: {words}")
    return found
