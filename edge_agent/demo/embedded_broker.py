"""A broker for one demonstration: mosquitto where it is installed, else the one that pip brings."""

import asyncio
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from edge_agent.errors import BrokerError

LOOPBACK = "127.0.0.1"
START_TIMEOUT_S = 10.0
"""amqtt imports for 1-2 s on a slow machine before it listens (2026-11)."""
SBIN = "/usr/sbin:/usr/local/sbin"
"""Where Debian puts mosquitto, outside a user's PATH."""


class EmbeddedBroker:
    """A broker of its own port on the loopback, ended with its owner.

    Parameters
    ----------
    directory : Path
        For its configuration and log.
    name : str, optional
        ``mosquitto`` or ``amqtt``; by default mosquitto where it is installed.

    Raises
    ------
    BrokerError
        When it does not listen within ten seconds; the message quotes its log.
    """

    def __init__(self, directory: Path, name: str | None = None) -> None:
        self.host = LOOPBACK
        self.port = free_port()
        mosquitto = None if name == "amqtt" else shutil.which("mosquitto") or shutil.which("mosquitto", path=SBIN)
        if name == "mosquitto" and mosquitto is None:
            raise BrokerError("mosquitto is not installed: apt-get install mosquitto, or use amqtt")
        self.name = "mosquitto" if mosquitto else "amqtt"
        self._log = directory / "broker.log"
        if mosquitto:
            settings = directory / "mosquitto.conf"
            settings.write_text(f"listener {self.port} {LOOPBACK}\nallow_anonymous true\nmax_queued_messages 0\n")
            command = [mosquitto, "-c", str(settings)]
        else:
            command = [sys.executable, "-m", "edge_agent.demo.embedded_broker", str(self.port)]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)  # noqa: S603
        try:
            self._await_listener()
        except BrokerError:
            self.stop()
            raise

    def stop(self) -> None:
        """End the broker and wait for it."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=3)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _await_listener(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                socket.create_connection((self.host, self.port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        said = self._log.read_text(errors="replace").strip()[-400:]
        raise BrokerError(f"{self.name} does not listen on {self.host}:{self.port}; it said: {said or 'nothing'}")


def free_port() -> int:
    """Return a TCP port on the loopback that was free just now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


async def _serve_amqtt(port: int) -> None:
    from amqtt.broker import Broker  # noqa: PLC0415 - 60 MB that only a machine without mosquitto should pay

    listeners = {"default": {"type": "tcp", "bind": f"{LOOPBACK}:{port}", "max_connections": 50}}
    plugins = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
    broker = Broker({"listeners": listeners, "plugins": plugins})
    await broker.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve_amqtt(int(sys.argv[1])))
