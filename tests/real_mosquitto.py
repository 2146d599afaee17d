"""A real mosquitto on a free port of 127.0.0.1, with a configuration, log and store of its own."""

import contextlib
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

SBIN = "/usr/sbin/mosquitto"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class RealMosquitto:
    """Started on demand, ended by its own handle."""

    def __init__(self, directory: Path, extra: str = "") -> None:
        self.program = shutil.which("mosquitto") or SBIN
        if not Path(self.program).exists():
            raise AssertionError("these tests need mosquitto: apt-get install mosquitto")
        self.port = free_port()
        self.directory = directory
        self._config = directory / "mosquitto.conf"
        self._process: subprocess.Popen[bytes] | None = None
        self.configure(extra)

    def configure(self, extra: str) -> None:
        access = "" if "allow_anonymous" in extra else "allow_anonymous true\n"
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\n{access}max_queued_messages 10000\nlog_dest none\nuser root\n{extra}\n"
        )

    def start(self) -> None:
        assert self._process is None
        self._process = subprocess.Popen(
            [self.program, "-c", str(self._config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
        )
        until_s = time.monotonic() + 10
        while time.monotonic() < until_s:
            assert self._process.poll() is None, f"mosquitto ended with {self._process.returncode}"
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise AssertionError("mosquitto did not listen within 10 s")

    @contextlib.contextmanager
    def busy(self, for_s: float) -> Iterator[None]:
        """Let it neither read nor answer for a moment."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        goes_on = threading.Timer(for_s, self._process.send_signal, (signal.SIGCONT,))
        goes_on.start()
        yield
        goes_on.join()

    def kill(self) -> None:
        """End it as a power cut would: no goodbye, nothing saved."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def restart(self) -> None:
        self.kill()
        self.start()

    def freeze(self) -> None:
        """Half-open: the connection stands and nobody answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.send_signal(signal.SIGCONT)
            self._process.wait(10)
            self._process = None
