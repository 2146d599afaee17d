"""The programmer avrdude as a child process: its progress, its failures in a technician's words, its end."""

import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from edge_agent.errors import BoardError, EdgeAgentError, FirmwareError
from edge_agent.flashing.intel_hex import write_intel_hex
from edge_agent.processes import uninterrupted

ATTEMPTS: Final = 2
"""How often avrdude asks a bootloader at one baud rate, 5 s each when nothing answers (avrdude 7.1, 2026-11)."""
SILENCE_S: Final = 30.0
"""Without a word from avrdude this long it hangs; it says something every 5 s (2026-11)."""
WHOLE_S: Final = 180.0
"""A full 30 kB at 57600 baud takes 25 s to write and verify (2026-11)."""
END_S: Final = 2.0
RUN_AGAIN: Final = "the board keeps its bootloader: run this again with --blank"
PAGE: Final = 128
"""Bytes that an ATmega328P's bootloader writes at once (datasheet, 64 words)."""
STAND_STILL: Final = b"\xff\xcf"
"""An AVR's jump to itself."""
STAGES: Final = 3
_BAR: Final = re.compile(r"(Writing|Reading) \| (#*)")
_FULL_BAR: Final = 50


@dataclass(frozen=True, slots=True)
class Programming:
    """What is asked of avrdude."""

    port: str
    baud: int
    part: str
    programmer: str = "arduino"


class BootloaderSilentError(BoardError):
    """No bootloader answered at this baud rate: another one may do."""


class Transcript:
    """What avrdude has said so far, read as it comes; the stages of `staged` one after the other."""

    def __init__(self) -> None:
        self.text = ""

    def take(self, chunk: bytes) -> None:
        """Add what it said."""
        self.text += chunk.decode("utf-8", "replace")

    @property
    def writing(self) -> bool:
        """Whether it has begun to change the flash."""
        return "Writing |" in self.text

    @property
    def verified(self) -> bool:
        """Whether it has read back what it wrote: whatever comes then, the image is whole."""
        return self.text.count(" of flash verified") >= STAGES

    @property
    def outcome(self) -> str:
        """What state the flash is in, and what to do."""
        if self.verified:
            return "the firmware is written and verified: see by board info that it runs"
        return f"the firmware may be half written; {RUN_AGAIN}" if self.writing else "nothing was written"

    def progress(self) -> str:
        """Return how far it is, in a few words."""
        bars = _BAR.findall(self.text)
        if not self.writing or not bars:
            return "asking the bootloader"
        phase, bar = bars[-1]
        stage = min(self.text.count("Writing |"), STAGES)
        done = f"{'writing' if phase == 'Writing' else 'verifying'} {100 * min(len(bar), _FULL_BAR) // _FULL_BAR} %"
        return f"{done} (part {stage} of {STAGES})"


def find_avrdude() -> str:
    """
    Return avrdude's path.

    Raises
    ------
    EdgeAgentError
        It is not installed.
    """
    found = shutil.which("avrdude")
    if found is None:
        raise EdgeAgentError("avrdude is not installed: sudo apt-get install avrdude")
    return found


def program(
    image: bytes,
    task: Programming,
    progress: Callable[[str], None],
    transcript: Transcript,
    port_fd: int | None = None,
) -> None:
    """
    Write an image and verify it.

    Parameters
    ----------
    image : bytes
        Flash from address zero.
    progress : callable
        Told in a few words, whenever there is news.
    transcript : Transcript
        Filled while avrdude talks; after an interrupt it says whether the flash was being changed.
    port_fd : int or None
        The port, open beside avrdude: it tells of a pulled cable at once, avrdude waits for half a minute.

    Raises
    ------
    BootloaderSilentError
        Nothing answered at this baud rate; nothing was written.
    BoardError, FirmwareError
        The board went away, has another chip, or reads back other bytes.
    """
    words = [
        *(find_avrdude(), "-c", task.programmer, "-p", task.part, "-P", task.port, "-b", str(task.baud)),
        *(("-x", f"attempts={ATTEMPTS}") if task.programmer == "arduino" else ()),
        "-D",
    ]
    with tempfile.TemporaryDirectory() as folder:
        for number, records in enumerate(staged(image)):
            # Copies: what was checked is what is written, and no path of the technician's needs quoting.
            stage = Path(folder) / f"{number}.hex"
            stage.write_text(records, encoding="ascii")
            words += ["-U", f"flash:w:{stage}:i"]
        with _running(words, transcript) as child:
            unplugged, status = _listen(child, task, progress, transcript, port_fd)
    if unplugged:
        # Only now has all been read that avrdude said.
        raise BoardError(f"{task.port}: the cable was pulled while {transcript.progress()}: {transcript.outcome}")
    if status != 0:
        raise _failure(transcript, task, status)
    if not transcript.verified:
        raise FirmwareError(f"{task.port}: avrdude ended without verifying: {_last_line(transcript.text)}")


def staged(image: bytes) -> tuple[str, str, str]:
    """
    Cut an image so that a board whose programming breaks off runs nothing at all.

    First a page that stands still is written over the one that a reset starts, then all but the first page, and the
    first page last. Torn firmware would do anything, with the settings too.

    Returns
    -------
    (str, str, str)
        Intel hex files, in the order of writing.
    """
    return (
        write_intel_hex(STAND_STILL.ljust(PAGE, b"\xff")),
        write_intel_hex(image[PAGE:], at=PAGE),
        write_intel_hex(image[:PAGE]),
    )


@contextmanager
def _running(words: list[str], transcript: Transcript) -> Iterator["subprocess.Popen[bytes]"]:
    interrupts = _InterruptsLater()
    # A session of its own: Ctrl-C reaches this program only, which then ends avrdude in its own time.
    try:
        child = subprocess.Popen(  # noqa: S603 - the words are fixed but for the port and a choice
            words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
        )
    except OSError:
        interrupts.let_through()
        raise
    try:
        interrupts.let_through()
        yield child
    finally:
        with uninterrupted():
            if child.poll() is None:
                child.terminate()
                with suppress(subprocess.TimeoutExpired):
                    child.wait(END_S)
                if child.poll() is None:
                    child.kill()
                    child.wait()
            if child.stderr is not None:
                _drain(child.stderr, transcript)
                child.stderr.close()


class _InterruptsLater:
    """Hold a Ctrl-C back until there is somebody to end the child that is just being started."""

    def __init__(self) -> None:
        self._came = False
        self._before: dict[int, object] = {}
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)

    def let_through(self) -> None:
        """Raise the interrupt that came meanwhile."""
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal() itself gave
        if self._came:
            raise KeyboardInterrupt

    def _note(self, _number: int, _frame: object) -> None:
        self._came = True


def _drain(stream: IO[bytes], transcript: Transcript) -> None:
    """Read the last words of an avrdude that has ended: they tell whether it had begun to write."""
    os.set_blocking(stream.fileno(), False)
    with suppress(BlockingIOError):  # somebody that it started holds the pipe open
        while chunk := os.read(stream.fileno(), 4096):
            transcript.take(chunk)


def _listen(
    child: "subprocess.Popen[bytes]",
    task: Programming,
    progress: Callable[[str], None],
    transcript: Transcript,
    port_fd: int | None,
) -> tuple[bool, int]:
    """Return whether the cable was pulled, and avrdude's exit status, which then means nothing."""
    stream = child.stderr
    if stream is None:
        raise RuntimeError("avrdude's stderr is not a pipe")
    waiting = select.poll()
    waiting.register(stream, select.POLLIN)
    if port_fd is not None:
        waiting.register(port_fd, 0)  # hang-ups are told unasked
    began_s = heard_s = time.monotonic()
    while True:
        ready = [fd for fd, _ in waiting.poll(1000)]
        now_s = time.monotonic()
        if port_fd in ready:
            return True, 0
        if ready:
            heard_s = now_s
            chunk = os.read(stream.fileno(), 4096)
            if not chunk:
                with suppress(subprocess.TimeoutExpired):
                    return False, child.wait(END_S)
                raise BoardError(f"{task.port}: avrdude fell silent while {transcript.progress()}: {RUN_AGAIN}")
            transcript.take(chunk)
            progress(transcript.progress())
        if now_s - heard_s > SILENCE_S or now_s - began_s > WHOLE_S:
            raise BoardError(
                f"{task.port}: avrdude hung while {transcript.progress()} and was ended after {now_s - began_s:.0f} s:"
                f" unplug the board and plug it in; {RUN_AGAIN}"
            )


def _failure(transcript: Transcript, task: Programming, status: int) -> EdgeAgentError:
    text = transcript.text
    chip = re.search(r"[Dd]evice signature = 0x([0-9a-f ]+)", text)
    if re.search(
        r"expected signature for|does not match -p|signature .* neither matches|differs in signature",
        text,
        re.IGNORECASE,
    ):
        found = chip[1].strip() if chip else "unknown"
        return FirmwareError(
            f"{task.port}: the chip there has the signature {found}, which is no {task.part}: nothing was written;"
            " take the image for that chip"
        )
    if re.search(r"verification (mismatch|error)|failed verification", text):
        return FirmwareError(
            f"{task.port}: reads back other bytes than were written: {RUN_AGAIN};"
            " if it repeats, the chip's flash is worn"
        )
    if transcript.writing:
        return BoardError(
            f"{task.port}: programming broke off while {transcript.progress()} ({_last_line(text)}): {RUN_AGAIN}"
        )
    if re.search(r"can't open device|unable to open port|No such file", text):
        return BoardError(f"{task.port}: avrdude cannot open it: {_last_line(text)}")
    if re.search(r"not in sync|not responding|unable to open programmer|stk500_getsync", text):
        return BootloaderSilentError(f"{task.port}: no bootloader answers at {task.baud} baud")
    return BoardError(f"{task.port}: avrdude failed with status {status}: {_last_line(text)}")


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip() and "Thank you" not in line]
    return lines[-1] if lines else "it said nothing"
