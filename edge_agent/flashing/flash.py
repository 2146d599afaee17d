"""From one firmware to the next: ask the board, judge the image, hand over to the bootloader, write, and ask again."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from edge_agent.adapters.board_naming import random_uid, require_uid, write_uid
from edge_agent.adapters.connected_board import STOP_THE_AGENT, ConnectedBoard, NoBoardError
from edge_agent.errors import BoardError, FirmwareError
from edge_agent.flashing.admission import Leave, admit, part_of
from edge_agent.flashing.avrdude import BootloaderSilentError, Programming, Transcript, find_avrdude, program
from edge_agent.flashing.firmware_image import FirmwareImage, built_firmware, read_firmware
from edge_agent.flashing.port_reset import held, let_dtr_fall
from firmware_bridge.answers import UNWRITTEN_UID
from firmware_bridge.events import DownReason
from firmware_bridge.frames import CommandKind, Hello
from firmware_bridge.port import PortConfig

BOOTLOADER_BAUDS: Final = (57_600, 115_200)
"""Of a Nano with the old bootloader; of an Uno and a newer Nano."""
BACK_S: Final = 12.0
"""A board is back after its bootloader's 2 s; one try of the link takes 3 s and two may be lost (2026-11)."""
USUAL_INPUTS: Final = 4
"""What docs/hardware.md builds: the image for a board that cannot say how many inputs it has."""
UNANSWERED: Final = (DownReason.SILENT, DownReason.NOT_A_BOARD, DownReason.PROTOCOL_MISMATCH, DownReason.CLOCK_DEAD)


@dataclass(frozen=True, slots=True)
class Order:
    """
    What the technician asked for.

    Parameters
    ----------
    image : Path or None
        None takes what the checkout has built for this board.
    inputs : int or None
        Of the checkout's images, the one for so many; None for as many as the board says, else `USUAL_INPUTS`.
    uid : str or None
        Spare any other board.
    blank : bool
        Write also where no board answers: a new chip, or one whose programming was interrupted.
    again : bool
        Write also what the board has already.
    bootloader_baud : int or None
        None tries the usual ones.
    """

    port: PortConfig
    image: Path | None = None
    inputs: int | None = None
    uid: str | None = None
    leave: Leave = field(default_factory=Leave)
    blank: bool = False
    again: bool = False
    bootloader_baud: int | None = None
    programmer: str = "arduino"


@dataclass(frozen=True, slots=True)
class Flashed:
    """
    How it ended.

    Parameters
    ----------
    before : Hello or None
        None when nothing answered.
    written : bool
        False when the board had this very firmware already.
    inputs_assumed : bool
        Nobody said for how many inputs the image should be.
    """

    image: FirmwareImage
    before: Hello | None
    after: Hello
    written: bool
    inputs_assumed: bool = False


def flash(order: Order, progress: Callable[[str], None], transcript: Transcript) -> Flashed:
    """
    Give a board firmware.

    Raises
    ------
    FirmwareError
        The image is damaged, not for this board, or read back wrong.
    BoardError
        The port is held, the board or its bootloader does not answer, or it went away meanwhile.
    EdgeAgentError
        avrdude is not installed.
    """
    find_avrdude()
    image = None if order.image is None else read_firmware(order.image)
    progress("asking the board")
    try:
        with ConnectedBoard(order.port) as board:
            before: Hello | None = board.hello
            name: str | None = board.uid
            require_uid(board, order.uid)
            image = image or _built(order, board.hello)
            part = part_of(image)
            admit(image, board.hello, order.leave)
            if (image.firmware_hash, image.version) == (
                board.hello.firmware_hash,
                board.hello.firmware_version,
            ) and not (order.again or order.blank):
                return Flashed(image, board.hello, board.hello, written=False)
            _enter_bootloader(board)
    except NoBoardError as error:
        if error.reason not in UNANSWERED:
            raise
        if not order.blank:
            raise BoardError(f"{error}; to write firmware without asking the board, add --blank") from error
        before, name = None, error.board_uid  # a board whose protocol is strange still says its UID
        if order.uid not in (None, name):
            raise BoardError(f"{error}; so it cannot be told whether it is {order.uid}: leave out --uid") from error
        image = image or _built(order, None)
        part = part_of(image)
    _write(order, image, part, before, progress, transcript)
    progress("waiting for the board")
    assumed = before is None and order.image is None and order.inputs is None
    return Flashed(image, before, _back(order, image, name), written=True, inputs_assumed=assumed)


def _built(order: Order, hello: Hello | None) -> FirmwareImage:
    inputs = order.inputs
    if inputs is None:
        inputs = USUAL_INPUTS if hello is None else hello.channels if hello.inputs is None else hello.inputs
    return read_firmware(built_firmware(inputs, order.port.baud))


def _enter_bootloader(board: ConnectedBoard) -> None:
    if board.hello.protocol_minor:
        # Without an answer the reset line may do; the programmer finds out.
        with suppress(BoardError):
            board.ask(CommandKind.BOOTLOADER)


def _write(
    order: Order,
    image: FirmwareImage,
    part: str,
    before: Hello | None,
    progress: Callable[[str], None],
    transcript: Transcript,
) -> None:
    bauds = BOOTLOADER_BAUDS if order.bootloader_baud is None else (order.bootloader_baud,)
    path = order.port.path
    for number, baud in enumerate(bauds):
        if number and before is not None:
            # The bootloader gave up waiting and started the firmware again.
            with suppress(BoardError), ConnectedBoard(order.port) as board:
                _enter_bootloader(board)
        let_dtr_fall(path)
        try:
            with held(path) as port_fd:
                task = Programming(path, baud, part, order.programmer)
                program(image.memory, task, progress, transcript, port_fd)
        except BootloaderSilentError:
            continue
        return
    raise BoardError(
        f"{path}: no bootloader answers at {' or '.join(map(str, bauds))} baud; nothing was written: press the board's"
        " reset button just after starting this; a chip without bootloader needs an ISP programmer (docs/hardware.md)"
    )


def _back(order: Order, image: FirmwareImage, name: str | None) -> Hello:
    """Ask the board anew; what it was called it is called again, and who had no name gets one."""
    port = PortConfig(order.port.path, image.baud or order.port.baud)
    try:
        with ConnectedBoard(port, patience_s=BACK_S, persistent=True) as board:
            hello = board.hello
            if (hello.firmware_hash, hello.firmware_version) != (image.firmware_hash, image.version):
                raise FirmwareError(
                    f"{port.path}: {image.named} was written and verified, but the board says it runs"
                    f" {hello.firmware_version} ({hello.firmware_hash:08x}): press its reset button and run board info"
                )
            if hello.board_uid == UNWRITTEN_UID:
                write_uid(board, random_uid() if name in (None, UNWRITTEN_UID) else name)
                board.stores()
            return board.hello
    except NoBoardError as error:
        if error.reason is DownReason.PORT_BUSY:
            raise BoardError(
                f"{port.path}: {image.named} was written and verified, but another program took the port before the"
                f" board could be asked: {STOP_THE_AGENT}, then run board info"
            ) from error
        raise BoardError(
            f"{image.named} was written and verified, but the board does not answer at {port.baud} baud:"
            f" press its reset button, then run board info --baud with the image's own baud rate ({error})"
        ) from error
