"""What a virtual board is, what its cells see and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from firmware_bridge.frames import PROTOCOL_MAJOR, PROTOCOL_MINOR, ResetCause, SampleFlag


class SampleSource(Protocol):
    """What the cells see."""

    def counts(self, sample_index: int, t_s: float) -> Sequence[int] | npt.NDArray[np.integer[Any]]:
        """
        ADC counts of one row.

        Parameters
        ----------
        sample_index : int
            Row since the board's boot.
        t_s : float
            Real time of data-ready, in seconds since tick zero of the model.

        Returns
        -------
        sequence of int, length channels
            Clamped to 24 bits as the converter does.
        """
        ...


class SteadySource:
    """
    The same counts for ever.

    Parameters
    ----------
    counts : sequence of int
        One a channel.
    """

    def __init__(self, counts: Sequence[int]) -> None:
        self._counts = tuple(counts)

    def counts(self, sample_index: int, t_s: float) -> Sequence[int]:  # noqa: ARG002
        """Give the constant row."""
        return self._counts


@dataclass(frozen=True, slots=True)
class BoardSetup:
    """
    What a virtual board is.

    Parameters
    ----------
    channels : int
        1 … 64, as set when it leaves the works.
    most_channels : int or None
        Converters on the board; as many as channels by default.
    rate_hz : float
        Nominal rows a second, as HELLO says it.
    rate_error : float
        The converter's own oscillator: true rate over nominal, 0.96 … 1.17 on an HX711.
    tick_rate_hz, ppm : int, float
        Nominal tick rate, and how far the board's crystal runs fast.
    tick_start : int
        Tick counter at the first power-up; near 2**32 to see it wrap.
    rows_per_frame : int or None
        None chooses so that no row waits more than 12.5 ms.
    supported_rates_hz : tuple of float
        What SET_RATE accepts.
    protocol : (int, int)
        Version told in HELLO; with minor 0 the board knows nothing that came with 1.1.
    bootloader_s : float
        How long the bootloader waits for a programmer; one second is what optiboot waits (2026-11).
    """

    board_uid: str
    channels: int = 4
    rate_hz: float = 80.0
    rate_error: float = 1.0
    tick_rate_hz: int = 2_000_000
    ppm: float = 0.0
    tick_start: int = 0
    rows_per_frame: int | None = None
    supported_rates_hz: tuple[float, ...] = (10.0, 80.0)
    gain: int = 128
    firmware_hash: int = 0x5EED0001
    boot_counter: int = 1
    reset_cause: ResetCause = ResetCause.POWER_ON
    protocol: tuple[int, int] = (PROTOCOL_MAJOR, PROTOCOL_MINOR)
    aux_period_s: float = 1.0
    temperatures_cdeg: tuple[int, ...] = (2150,)
    supply_mv: int = 5000
    most_channels: int | None = None
    firmware_version: tuple[int, int] = (1, 0)
    chip_signature: bytes = bytes(3)
    bootloader_s: float = 1.0

    @property
    def inputs(self) -> int:
        """The most channels that it converts."""
        return self.channels if self.most_channels is None else self.most_channels


@dataclass(slots=True)
class Faults:
    """
    What is wrong with the board or its wire; changed at any time.

    Parameters
    ----------
    byte_loss, byte_corruption : float
        Probability for each byte sent.
    drop_sample_frames : int
        How many of the next SAMPLES frames vanish on the wire.
    drop_rows : int
        How many of the next rows the board itself drops and counts as overflow.
    silence : bool
        Nothing is sent.
    deaf : bool
        Commands are not heard.
    channel_flags : dict
        Flags set on a channel's conversions.
    glitch_rows : dict
        Counts that replace a row's, by sample index.
    noise : bytes
        Sent once, between two frames.
    receive_overruns : int
        How many of the next bytes from the host are lost for want of time, and counted.
    """

    byte_loss: float = 0.0
    byte_corruption: float = 0.0
    drop_sample_frames: int = 0
    drop_rows: int = 0
    silence: bool = False
    deaf: bool = False
    channel_flags: dict[int, SampleFlag] = field(default_factory=dict)
    glitch_rows: Mapping[int, Sequence[int]] = field(default_factory=dict)
    noise: bytes = b""
    receive_overruns: int = 0
