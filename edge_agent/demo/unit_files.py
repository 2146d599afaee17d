"""The seed configuration made runnable in a directory of its own: other ports, another broker, another state."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from edge_agent.config import BoardConfig
from edge_agent.errors import ConfigError

SERIAL = "/dev/serial/by-id/"
PACKAGED_SEED = Path(__file__).parents[1] / "seed_config"
CHECKOUT_SEED = Path(__file__).parents[2] / "config"


@dataclass(frozen=True, slots=True)
class UnitFiles:
    """One unit's files in a scratch directory."""

    agent_toml: Path
    state_dir: Path
    serial_dir: Path

    def port_of(self, board: BoardConfig) -> Path:
        """Return where the unit expects a board's serial port."""
        return Path(board.port)


def seed_directory() -> Path:
    """Return the seed configuration: the checkout's, or the one inside an installed package.

    Raises
    ------
    ConfigError
        When neither is there.
    """
    for place in (CHECKOUT_SEED, PACKAGED_SEED):
        if (place / "agent.toml").is_file():
            return place
    raise ConfigError(f"no seed configuration in {CHECKOUT_SEED} nor {PACKAGED_SEED}; name one by --config")


def write_unit(seed: Path, directory: Path, *, broker_port: int, protocol: str) -> UnitFiles:
    """Copy ``seed`` and point it at a broker on the loopback and at serial ports inside ``directory``."""
    directory.mkdir(parents=True, exist_ok=True)
    config, serial = directory / "config", directory / "serial"
    shutil.copytree(seed, config)
    serial.mkdir()
    agent_toml = config / "agent.toml"
    text = agent_toml.read_text().replace(SERIAL, f"{serial}/")
    # A unit's own keys win over the store's file, so appending is enough.
    text += f'\n[broker]\nhost = "127.0.0.1"\nport = {broker_port}\nprotocol = "{protocol}"\n'
    agent_toml.write_text(text)
    return UnitFiles(agent_toml, directory / "state", serial)
