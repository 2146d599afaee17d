"""What the deployer copies to /etc/systemd/system starts a command that exists."""

from configparser import ConfigParser
from pathlib import Path

from edge_agent.cli import build_parser, command_module

UNIT = Path(__file__).parents[2] / "systemd" / "edge-agent.service"


def test_the_unit_starts_a_command_that_exists_with_options_that_exist() -> None:
    # systemd allows a key more than once; what is tested here stands once.
    unit = ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(UNIT)
    service = unit["Service"]
    program, command, *options = service["ExecStart"].split()
    assert Path(program).name == "edge-agent"
    arguments = build_parser(command, command_module(command)).parse_args(options)
    assert arguments.config == Path("/etc/edge-agent/agent.toml")
    assert service["Restart"] == "always"
    assert unit["Unit"]["StartLimitIntervalSec"] == "0", "a unit in a shop never gives up"


def test_the_state_directory_of_the_unit_is_the_one_of_the_seed_configuration() -> None:
    seed = (UNIT.parents[1] / "config" / "agent.toml").read_text()
    assert 'state_dir = "/var/lib/edge-agent"' in seed
    assert "StateDirectory=edge-agent" in UNIT.read_text()


def test_a_system_call_that_the_unit_does_not_list_fails_and_does_not_kill() -> None:
    unit = UNIT.read_text()
    assert "SystemCallErrorNumber=EPERM" in unit
    for needed in ("clock_adjtime", "adjtimex"):  # clock quality on every event; outside of @system-service
        assert needed in unit
    assert "~@resources" not in unit, "numpy's linear algebra calls mbind when it is imported"
    assert "ProtectClock=yes" not in unit, "it would deny clock_adjtime"
