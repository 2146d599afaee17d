"""Reads a unit's configuration from disk: agent.toml and every file that it names, checked against each other.

::

    agent.toml ──┬─ store (optional; shared by the store's units, the unit's own keys win)
                 ├─ shelves[]            one file a shelf
                 ├─ planogram            seed ┐
                 ├─ catalogue            seed ├─ the active revision lies in the state directory
                 └─ calibration_dir/UID  seed ┘

Paths, those of state_dir, password_file and the TLS files included, are relative to agent.toml.
"""

import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from edge_agent.config import AgentConfig, BoardCalibration, BrokerConfig, ShelfConfig, Site
from edge_agent.config.assortment import Catalogue, Planogram
from edge_agent.config.checks import Whereabouts, errors_of
from edge_agent.config.documents import Document, decode, explain, read_document, value_at
from edge_agent.config.revisions import (
    ACTIVE,
    Activation,
    AnyActivation,
    R,
    Revisioned,
    Standing,
    activate,
    active_path,
    plan_activation,
)
from edge_agent.errors import CalibrationError, ConfigError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SiteReading:
    """Everything that was read, before it is judged.

    Attributes
    ----------
    site : Site
        Built of what is in force.
    errors : tuple of ConfigError
        What contradicts between the files; the agent starts only when there is none.
    activations : tuple of Activation
        One for each revisioned file.
    """

    site: Site
    files: Whereabouts
    activations: tuple[AnyActivation, ...]
    errors: tuple[ConfigError, ...]

    def checked(self) -> Site:
        """Return the site, or raise the first contradiction and say how many more there are."""
        if self.errors:
            first, more = self.errors[0], len(self.errors) - 1
            if more:
                raise type(first)(f"{first} (and {more} more: `edge-agent check` lists them)")
            raise first
        return self.site


def load_site(agent_toml: Path, *, state_dir: Path | None = None, adopt: bool = False) -> Site:
    """Read, check and return a unit's configuration.

    Parameters
    ----------
    agent_toml : Path
        The unit's own file.
    state_dir : Path, optional
        Where the active revisions live; replaces the configuration's own. Without it the seeds alone count, unless
        ``adopt``.
    adopt : bool
        Use the state directory (the configuration's own when ``state_dir`` is not given), and write to it the seeds
        that are new or of a higher revision, once everything has been checked.

    Raises
    ------
    ConfigError, CalibrationError
        One line: file, key, value, and the allowed range or the fix.
    """
    if adopt and state_dir is None:
        state_dir = Path(read_agent(agent_toml).state_dir)
    reading = read_site(agent_toml, state_dir=state_dir)
    site = reading.checked()
    if adopt and state_dir is not None:
        adopt_seeds(reading, state_dir)
    return site


def adopt_seeds(reading: SiteReading, state_dir: Path) -> None:
    """Write to the state directory the seeds that are new or of a higher revision, and log what came of each."""
    activate(reading.activations, state_dir)
    for each in reading.activations:
        _log(each)


def read_site(agent_toml: Path, *, state_dir: Path | None = None, calibrated: bool = True) -> SiteReading:
    """Read everything and check it, without writing and without stopping at contradictions between files.

    Parameters
    ----------
    agent_toml, state_dir : Path
        As for `load_site`.
    calibrated : bool
        False leaves the calibrations out, for what is asked before any board is there.

    Raises
    ------
    ConfigError, CalibrationError
        A file by itself is missing, broken or out of range.
    """
    agent = read_agent(agent_toml)
    if state_dir is not None:
        agent = msgspec.structs.replace(agent, state_dir=str(state_dir))
    base = agent_toml.parent
    named = f"{agent_toml}:"
    shelf_paths = tuple(base / name for name in agent.shelves)
    shelves = tuple(
        decode(read_document(path, f"{named} shelves[{place}]"), ShelfConfig) for place, path in enumerate(shelf_paths)
    )
    planogram = _revisioned("planogram.toml", base / agent.planogram, f"{named} planogram", Planogram, state_dir)
    catalogue = _revisioned("catalogue.toml", base / agent.catalogue, f"{named} catalogue", Catalogue, state_dir)
    calibration_dir = base / agent.calibration_dir
    calibrations = {
        board.uid: found
        for board in (agent.boards if calibrated else ())
        if (found := _calibration(calibration_dir, board.uid, state_dir)) is not None
    }
    site = Site(
        agent=agent,
        shelves=shelves,
        planogram=planogram.in_force.value,
        catalogue=catalogue.in_force.value,
        calibrations=tuple(each.in_force.value for each in calibrations.values()),
    )
    files = Whereabouts(
        agent=agent_toml,
        shelves=shelf_paths,
        planogram=planogram.in_force.document.path,
        catalogue=catalogue.in_force.document.path,
        calibrations={uid: each.in_force.document.path for uid, each in calibrations.items()},
        calibration_dir=calibration_dir,
    )
    errors = [each for each in errors_of(site, files) if calibrated or not isinstance(each, CalibrationError)]
    return SiteReading(site, files, (planogram, catalogue, *calibrations.values()), tuple(errors))


def read_agent(agent_toml: Path) -> AgentConfig:
    """Read agent.toml alone, with the store file merged under it; all its paths absolute or relative to here.

    Raises
    ------
    ConfigError
        Either file is missing, broken or out of range.
    """
    own = read_document(agent_toml)
    store_name = own.table.get("store")
    documents = [own]
    if isinstance(store_name, str):
        store = read_document(agent_toml.parent / store_name, f"{agent_toml}: store")
        if "store" in store.table:
            raise ConfigError(f"{store.path}: store: a store file names no other; remove this key")
        documents.append(store)
    table = merged(documents[-1].table, own.table)
    try:
        agent = msgspec.convert(table, AgentConfig)
    except msgspec.ValidationError as error:
        fault = explain(str(error), table, AgentConfig)
        raise ConfigError(f"{_origin(fault, documents)}: {fault}") from error
    return msgspec.structs.replace(
        agent,
        state_dir=str(agent_toml.parent / agent.state_dir),
        broker=_broker_paths(agent.broker, agent_toml.parent),
    )


def file_of(agent_toml: Path, key: str) -> Path:
    """Return the file in which a key of the unit's configuration stands, or belongs where neither sets it.

    That is the unit's own file where it sets the key, else the store's if there is one.

    Raises
    ------
    ConfigError
        The unit's own file is missing or broken.
    """
    own = read_document(agent_toml).table
    store_name = own.get("store")
    return agent_toml if value_at(own, key) is not None or store_name is None else agent_toml.parent / store_name


def _log(activation: AnyActivation) -> None:
    """Say once, at start-up, which files changed and which seeds were passed over."""
    revision = activation.in_force.value.revision
    if activation.writes:
        log.info("configuration adopted file=%s revision=%d", activation.name, revision)
    elif activation.standing in (Standing.SEED_OLDER, Standing.CONFLICT) and activation.seed is not None:
        seed = activation.seed
        log.warning(
            "seed ignored file=%s seed_revision=%d active_revision=%d: see `edge-agent check`",
            seed.document.path,
            seed.value.revision,
            revision,
        )


def readable_state_dir(state_dir: Path) -> tuple[Path | None, list[str]]:
    """Return the state directory if there is one that this user may read, else None and what to say about it.

    For commands that look at a unit without being its agent.
    """
    try:
        if ACTIVE in {entry.name for entry in state_dir.iterdir()}:
            next((state_dir / ACTIVE).iterdir(), None)
    except FileNotFoundError:
        return None, []
    except OSError as error:
        fix = "run as the agent's user to compare with what is active"
        return None, [f"{state_dir}: {error.strerror}, so only the seeds were checked; {fix}"]
    return state_dir, []


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``under`` with ``over`` laid on top: tables merge key by key, everything else is replaced whole."""
    result = dict(under)
    for key, value in over.items():
        below = result.get(key)
        result[key] = merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return result


def _broker_paths(broker: BrokerConfig, base: Path) -> BrokerConfig:
    def absolute(name: str | None) -> str | None:
        return None if name is None else str(base / name)

    tls = broker.tls
    if tls is not None:
        tls = msgspec.structs.replace(
            tls, ca_file=str(base / tls.ca_file), cert_file=absolute(tls.cert_file), key_file=absolute(tls.key_file)
        )
    return msgspec.structs.replace(broker, password_file=absolute(broker.password_file), tls=tls)


def _origin(fault: str, documents: list[Document]) -> Path:
    """Return the file that holds the key with which a message begins; the unit's own when none does."""
    key = re.split(" =|:", fault, maxsplit=1)[0]
    return next((each.path for each in documents if value_at(each.table, key) is not None), documents[0].path)


def _revisioned(name: str, path: Path, named_by: str, kind: type[R], state_dir: Path | None) -> Activation[R]:
    document = read_document(path, named_by)
    seed = Revisioned(document, decode(document, kind))
    return plan_activation(name, seed, _active(name, kind, state_dir), with_state=state_dir is not None)


def _calibration(calibration_dir: Path, uid: str, state_dir: Path | None) -> Activation[BoardCalibration] | None:
    name = f"calibration/{uid}.toml"
    path = calibration_dir / f"{uid}.toml"
    try:
        seed = _bound_to(uid, read_document(path)) if os.path.lexists(path) else None
        active = _active(name, BoardCalibration, state_dir)
        if active is not None:
            active = _bound_to(uid, active.document)
    except CalibrationError:
        raise
    except ConfigError as error:
        raise CalibrationError(str(error)) from error
    if seed is None and active is None:
        return None
    return plan_activation(name, seed, active, with_state=state_dir is not None)


def _bound_to(uid: str, document: Document) -> Revisioned[BoardCalibration]:
    calibration = decode(document, BoardCalibration)
    if calibration.board_uid != uid:
        raise CalibrationError(
            f"{document.path}: board_uid = {calibration.board_uid!r}: the file is named for board {uid};"
            " a calibration belongs to the board it was made on: calibrate this board, or rename the file"
        )
    return Revisioned(document, calibration)


def _active(name: str, kind: type[R], state_dir: Path | None) -> Revisioned[R] | None:
    if state_dir is None or not os.path.lexists(path := active_path(state_dir, name)):
        return None
    try:
        document = read_document(path)
        return Revisioned(document, decode(document, kind))
    except ConfigError as error:
        raise ConfigError(f"{error} (active file: restore it from {state_dir}/revisions or delete it)") from error
