"""
The simulated board for tests: the compiled firmware on a simulated chip, behind a real terminal (tests/rig/README.md).

A `RigBoard` is one process. It ends by its own handle, and by itself when this one dies, for it lives as long as
its end of a socket pair is open; it leaves no file behind.
"""

from __future__ import annotations

import itertools
import socket
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from rig_build import RigError, build_firmware, build_rig, eeprom_image
from rig_readings import WALK_STEP, Chip, Read, parse_chip, parse_read, walk_start

UID: Final = "28a50000000000a1"
ALL: Final = "all"
T = TypeVar("T")
ANSWER_S: Final = 60.0
"""A command waits for at most a slice of board time, except `advance`, which may run for minutes of it."""


class RigBoard:
    """
    One simulated board.

    Parameters
    ----------
    directory : Path
        Where the symbolic link to its terminal is made, as udev makes one under /dev/serial/by-id.
    channels : int
        Converters soldered to it.
    firmware : Path or None
        .elf or .hex; the reference firmware for as many channels by default. With a `bootloader` it may be left out
        by `bare=True`.
    uid : str or None
        Written to EEPROM before power-on; None leaves EEPROM blank.
    gain : int
        Written beside it.
    speed : float
        Board seconds a second; 0 is as fast as the machine and the reader allow.
    seed : int
        Noise, phases of the oscillators, faults of the line.
    auto_reset : str or None
        "open": an external reset whenever the port is opened; "dtr": only when that raises DTR.
    any_baud : bool
        Have the line work at whatever speed the host has set.
    """

    def __init__(
        self,
        directory: Path,
        *,
        channels: int = 4,
        firmware: Path | None = None,
        bootloader: Path | None = None,
        bare: bool = False,
        name: str = "board",
        uid: str | None = UID,
        gain: int = 128,
        baud: int = 115_200,
        speed: float = 1.0,
        seed: int = 1,
        auto_reset: str | None = None,
        any_baud: bool = False,
        unplugged: bool = False,
        paused: bool = False,
    ) -> None:
        self.channels = channels
        self.link_path = directory / name
        self._arguments = ["--channels", str(channels), "--link", str(self.link_path)]
        self._arguments += ["--speed", str(speed), "--seed", str(seed)]
        if not bare:
            self._arguments += ["--firmware", str(firmware or build_firmware(channels, baud))]
        if bootloader is not None:
            self._arguments += ["--bootloader", str(bootloader)]
        if uid is not None:
            self._arguments += ["--eeprom", eeprom_image(uid, channels, gain).hex()]
        if auto_reset is not None:
            self._arguments += ["--auto-reset", auto_reset]
        for flag, on in (("--any-baud", any_baud), ("--unplugged", unplugged), ("--paused", paused)):
            self._arguments += [flag] * on
        self._process: subprocess.Popen[str] | None = None

    # -- life ---------------------------------------------------------------------------------------------

    def start(self) -> Self:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [str(build_rig()), *self._arguments, "--control-fd", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
        ours.settimeout(ANSWER_S)
        self._socket = ours
        self._answers = ours.makefile("r", encoding="ascii", newline="\n")
        try:
            self.say("hello")
        except RigError:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        self._answers.close()
        self._socket.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stderr:
            process.stderr.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def path(self) -> str:
        """Port to open."""
        return str(self.link_path)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    # -- protocol -----------------------------------------------------------------------------------------

    def say(self, *words: object) -> list[str]:
        """Give one command; the lines of its answer."""
        line = " ".join(str(word) for word in words)
        try:
            self._socket.sendall(f"{line}\n".encode("ascii"))
            answer = self._answers.readline()
        except OSError as error:
            raise RigError(f"{line}: the rig does not answer ({error}): {self._last_words()}") from error
        if not answer:
            raise RigError(f"{line}: the rig has ended: {self._last_words()}")
        verdict, _, rest = answer.rstrip("\n").partition(" ")
        if verdict != "ok":
            raise RigError(f"{line}: {rest}")
        if not rest.startswith("lines="):
            return [rest]
        return [self._answers.readline().rstrip("\n") for _ in range(int(rest.removeprefix("lines=")))]

    def say_all(self, lines: Iterable[str]) -> None:
        """Give many commands that answer with ok, a hundred on the way at a time."""
        for some in batched(lines, 100):
            self._socket.sendall("".join(f"{line}\n" for line in some).encode("ascii"))
            for line in some:
                answer = self._answers.readline().rstrip("\n")
                if answer.partition(" ")[0] != "ok":
                    raise RigError(f"{line}: {answer or self._last_words()}")

    def ask(self, *words: object) -> dict[str, str]:
        """Give one command; the name=value pairs of its answer. The last may hold blanks."""
        pairs: dict[str, str] = {}
        name = ""
        for word in self.say(*words)[0].split(" "):
            key, equals, value = word.partition("=")
            if equals:
                name = key
                pairs[name] = value
            elif name:
                pairs[name] += f" {word}"
        return pairs

    def _last_words(self) -> str:
        assert self._process is not None
        assert self._process.stderr is not None
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            return "it closed its socket"
        return f"status {self._process.returncode}: {self._process.stderr.read().strip()}"

    # -- the cells ----------------------------------------------------------------------------------------

    def set_counts(self, *counts: int) -> None:
        """Load the cells; one value for all channels or one each. Exact unless there is noise."""
        for channel, value in enumerate(counts):
            self.say("counts", ALL if len(counts) == 1 else channel, value)

    def load(self, channel: int | str, t_s: float, counts: float, *, ramp: bool = False) -> None:
        """From a board time on, step or ramp to a load; in the order of the times."""
        self.say("load", channel, t_s, counts, *(["ramp"] if ramp else []))

    def walk(self, channel: int, start: int, step: int) -> None:
        """Have conversion k give start + k·step, wrapped to 24 bits: each value names its conversion."""
        self.say("walk", channel, start, step)

    def walk_all(self) -> None:
        """Have every channel walk: `rig_readings.conversions_of` turns values into conversions."""
        for channel in range(self.channels):
            self.walk(channel, walk_start(channel), WALK_STEP)

    def noise(self, sigma_counts: float, channel: int | str = ALL) -> None:
        self.say("noise", channel, sigma_counts)

    def factor(self, channel: int | str, factor: float) -> None:
        """Have an oscillator run so much faster than nominal; HX711 in the field: 0.96 … 1.17."""
        self.say("factor", channel, factor)

    # -- faults of converters -----------------------------------------------------------------------------

    def stick(self, channel: int | str, level: str) -> None:
        """DOUT held "low" or "high"; "off" frees it."""
        self.say("stick", channel, level)

    def rail(self, channel: int | str, which: str) -> None:
        """Conversions at the "low" or "high" rail; "off" ends it."""
        self.say("rail", channel, which)

    def burst(self, channel: int | str, sigma_counts: float, ms: float) -> None:
        self.say("burst", channel, sigma_counts, ms)

    def spike(self, channel: int | str, counts: int, conversions: int = 1) -> None:
        self.say("spike", channel, counts, conversions)

    def slip(self, channel: int | str, reads: int) -> None:
        """In the next reads the chip sees a clock too many; negative: too few."""
        self.say("slip", channel, reads)

    def chip_supply(self, channel: int | str, *, on: bool) -> None:
        self.say("chip-supply", channel, "on" if on else "off")

    # -- faults of the CPU --------------------------------------------------------------------------------

    def reset(self, cause: str = "external", *, bytes_into_frame: int | None = None) -> None:
        """ "external", "brown-out" or "power-on"; at once or with so many bytes of a frame sent."""
        self.say("reset", cause, *([] if bytes_into_frame is None else [bytes_into_frame]))

    def hang(self, *, interrupts: bool = False) -> None:
        """Have the CPU do nothing more, or only interrupts, until the watchdog bites."""
        self.say("hang", *(["main"] if interrupts else []))

    def freeze(self, us: float) -> None:
        """Have no instruction carried out for a time, as in an interrupt that takes too long."""
        self.say("freeze", us)

    # -- the serial line ----------------------------------------------------------------------------------

    def corrupt(self, probability: float, direction: str = "both") -> None:
        self.say("corrupt", direction, probability)

    def lose(self, probability: float, direction: str = "both") -> None:
        self.say("lose", direction, probability)

    def wrong_baud(self, ratio: float | None) -> None:
        """Have the host listen and talk at another speed than it has set; None ends it."""
        self.say("baud", "off" if ratio is None else ratio)

    def inject(self, octets: bytes, direction: str) -> None:
        self.say("inject", direction, octets.hex())

    def rush(self, n: int, factor: float) -> None:
        """Have the next bytes to the board come faster than the line can carry them."""
        self.say("rush", n, factor)

    def unplug(self, *, keep_power: bool = False) -> None:
        self.say("unplug", *(["powered"] if keep_power else []))

    def plug(self) -> None:
        self.say("plug")

    # -- inputs -------------------------------------------------------------------------------------------

    def contact(self, which: str, *, closed: bool) -> None:
        """ "door" or "key"."""
        self.say("contact", which, "closed" if closed else "open")

    def temperature(self, c: float | None) -> None:
        """Of whichever sensor the board has; None takes it off."""
        if self.channels > 6:
            self.say("ntc", "open" if c is None else c)
        else:
            self.say("ds18b20", "off" if c is None else c)

    def supply(self, mv: int) -> None:
        self.say("supply", mv)

    # -- time ---------------------------------------------------------------------------------------------

    def speed(self, factor: float) -> None:
        self.say("speed", factor)

    def pause(self) -> None:
        self.say("pause")

    def resume(self) -> None:
        self.say("resume")

    def advance(self, ms: float) -> None:
        """Run so much board time at once, as fast as it goes."""
        self.say("advance", ms)

    # -- what came of it ----------------------------------------------------------------------------------

    def state(self) -> dict[str, str]:
        return self.ask("state")

    def board_time_s(self) -> float:
        """Board time since the rig started; it goes on through resets."""
        return float(self.state()["us"]) / 1e6

    def line(self) -> dict[str, str]:
        """Counters of the serial line."""
        return self.ask("line")

    def chips(self) -> list[Chip]:
        return [parse_chip(line) for line in self.say("chips")]

    def delivered(self, channel: int, since: int = 0) -> list[Read]:
        """Every read of a converter from read number `since` on."""
        return [parse_read(line) for line in self.say("reads", channel, since) if line]

    def forget(self) -> None:
        """Set the counters of `chips` to zero, conversions and reads excepted."""
        self.say("forget", ALL)

    def sck_high_max_us(self) -> float:
        return max(chip.sck_high_max_us for chip in self.chips())

    def power_downs(self) -> int:
        return sum(chip.power_downs for chip in self.chips())

    def eeprom(self, offset: int, n: int) -> bytes:
        return bytes.fromhex(self.say("memory", "eeprom", offset, n)[0])

    def write_eeprom(self, offset: int, octets: bytes) -> None:
        self.say("memory", "eeprom", offset, "write", octets.hex())

    def flash(self, offset: int, n: int) -> bytes:
        return bytes.fromhex(self.say("memory", "flash", offset, n)[0])

    @contextmanager
    def traced(self, path: Path) -> Iterator[Path]:
        """Record SCK and DOUT of every converter as a value change dump."""
        self.say("vcd", path)
        try:
            yield path
        finally:
            self.say("vcd", "off")


def batched(items: Iterable[T], count: int) -> Iterator[list[T]]:
    """Cut into lists of at most so many (itertools has it from Python 3.12 on)."""
    rest = iter(items)
    while some := list(itertools.islice(rest, count)):
        yield some
