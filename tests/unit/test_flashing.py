"""Images as files, what may be written where, and what avrdude's words mean; nothing here is written anywhere."""

import os
import re
import signal
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import serial
from flashable_board import firmware_memory, hash_of, intel_hex

from edge_agent.errors import BoardError, EdgeAgentError, FirmwareError
from edge_agent.flashing import avrdude
from edge_agent.flashing.admission import Leave, admit, part_of
from edge_agent.flashing.avrdude import BootloaderSilentError, Programming, Transcript, program, staged
from edge_agent.flashing.firmware_image import FirmwareImage, built_firmware, read_firmware
from edge_agent.flashing.intel_hex import read_intel_hex
from edge_agent.flashing.port_reset import let_dtr_fall
from firmware_bridge.frames import Hello

HELLO = Hello("28a50000000000a1", 1, 1, 1, 2_000_000, 4, 128, 80_000, 1, 1, (1, 0), 4, b"\x1e\x95\x0f")
TASK = Programming("/dev/ttyX", 57_600, "m328p")


@pytest.fixture
def image_file(tmp_path: Path) -> Path:
    path = tmp_path / "loadcell-4ch-115200.hex"
    path.write_text(intel_hex(firmware_memory((1, 2))))
    return path


@pytest.fixture
def image(image_file: Path) -> FirmwareImage:
    return read_firmware(image_file)


def test_an_image_tells_version_inputs_chip_and_hash_before_it_is_written(image: FirmwareImage) -> None:
    assert (image.version, image.protocol, image.inputs) == ((1, 2), (1, 1), 4)
    assert (image.chip_signature, image.firmware_hash) == (b"\x1e\x95\x0f", hash_of(firmware_memory((1, 2))))
    assert (image.size, image.baud, image.named) == (1900, 115_200, f"1.2 ({image.firmware_hash:08x})")
    assert part_of(image) == "m328p"


def test_hex_records_of_every_kind_give_one_memory() -> None:
    lines = [
        ":020000040000FA",  # upper address 0
        ":0400000001020304F2",
        "",
        ":020000020001FB",  # segment 0x10
        ":02000000AABB99",
        ":0400000300000000F9",  # where to start: of no use to flash
        ":00000001FF",
    ]
    memory = read_intel_hex("\r\n".join(lines), "x.hex")
    assert memory == b"\1\2\3\4" + b"\xff" * 12 + b"\xaa\xbb"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "without an end record"),
        (":0400000001020304F2", "without an end record"),
        (":00000001FF", "holds no bytes"),
        ("hello", "line 1: not a record"),
        (":04000000010203F2\n:00000001FF", "line 1: not a record"),
        (":zz", "line 1: not a record"),
        (":0400000001020304F3\n:00000001FF", "line 1: wrong checksum"),
        (":0100000601F8\n:00000001FF", "record type 6"),
        (":0100000401FA\n:00000001FF", "record type 4 of 1 bytes"),
        (":0400000001020304F2\n:0400000001020304F2\n:00000001FF", "line 2: address 0x0 is given twice"),
        (":02000004FFFFFC\n:0100000001FE\n:00000001FF", "line 2: address 0xffff0000 is in no AVR"),
    ],
)
def test_a_damaged_hex_file_is_refused_by_line(text: str, words: str) -> None:
    with pytest.raises(FirmwareError, match=r"^x\.hex: ") as refused:
        read_intel_hex(text, "x.hex")
    assert words in str(refused.value)


def test_a_file_that_is_no_firmware_of_ours_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "blink.hex"
    for content, words in (
        (b"\x7fELF\xff\xfe", "name the .hex"),
        (intel_hex(bytes(200)).encode(), "not firmware of a load-cell board"),
        (intel_hex(firmware_memory()[: 950 + 12]).encode(), "inside its marker"),
        (b" " * (1 << 20) + b" ", "larger than"),
    ):
        path.write_bytes(content)
        with pytest.raises(FirmwareError, match=words):
            read_firmware(path)
    with pytest.raises(FirmwareError, match=r"none\.hex: cannot be read: No such file"):
        read_firmware(tmp_path / "none.hex")


def test_the_image_of_a_checkout_is_found_by_inputs_and_baud_rate(tmp_path: Path, image_file: Path) -> None:
    assert built_firmware(4, 115_200, tmp_path) == image_file
    with pytest.raises(FirmwareError, match=r"make firmware CHANNELS=8 BAUD=115200 .*; built: loadcell-4ch-115200.hex"):
        built_firmware(8, 115_200, tmp_path)


@pytest.mark.parametrize(
    ("hello", "leave", "words"),
    [
        (replace(HELLO, firmware_version=(1, 3)), Leave(), "older than the 1.3"),
        (replace(HELLO, firmware_version=(2, 0)), Leave(fewer_inputs=True), "--force-downgrade"),
        (replace(HELLO, chip_signature=b"\x1e\x95\x14"), Leave(downgrade=True), "is 1e 95 14"),
        (replace(HELLO, chip_signature=bytes(3)), Leave(downgrade=True), "not an AVR"),
        (replace(HELLO, channels=6, inputs=8), Leave(downgrade=True), "serves 4 inputs, but .* uses 6"),
    ],
)
def test_a_board_is_spared_the_wrong_image(image: FirmwareImage, hello: Hello, leave: Leave, words: str) -> None:
    with pytest.raises(FirmwareError, match=words):
        admit(image, hello, leave)


def test_what_is_allowed_passes(image: FirmwareImage) -> None:
    admit(image, HELLO, Leave())
    admit(image, replace(HELLO, firmware_version=(9, 9)), Leave(downgrade=True))
    admit(image, replace(HELLO, channels=6), Leave(fewer_inputs=True))
    admit(image, replace(HELLO, protocol_minor=0, firmware_version=None, inputs=None, chip_signature=b""), Leave())


def test_an_image_that_this_host_could_not_talk_to_or_program_is_refused(image: FirmwareImage) -> None:
    with pytest.raises(FirmwareError, match=r"speaks protocol 2.0, this host 1.x: update the host"):
        part_of(replace(image, protocol=(2, 0)))
    with pytest.raises(FirmwareError, match="chip 1e 93 07, which is not known"):
        part_of(replace(image, chip_signature=b"\x1e\x93\x07"))
    with pytest.raises(FirmwareError, match="into the bootloader from 0x7800"):
        part_of(replace(image, memory=bytes(0x8000)))


def fake_avrdude(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a program of this name before the real one."""
    path = folder / "avrdude"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


@pytest.mark.parametrize(
    ("said", "error", "words"),
    [
        ("avrdude error: programmer is not responding", BootloaderSilentError, "no bootloader answers at 57600"),
        ("avrdude error: unable to open port /dev/ttyX", BoardError, "cannot open it"),
        ("Writing | #########", BoardError, r"broke off while writing 18 % .*run this again with --blank"),
        ("something new", BoardError, r"failed with status 1: something new"),
        (":", BoardError, "failed with status 1"),
    ],
)
def test_avrdudes_failures_become_words_for_a_technician(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, error: type[EdgeAgentError], words: str
) -> None:
    fake_avrdude(tmp_path, monkeypatch, f"echo '{said}' >&2\nexit 1")
    with pytest.raises(error, match=words):
        program(b"", TASK, lambda _: None, Transcript())


def test_an_avrdude_that_did_not_verify_has_not_succeeded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_avrdude(tmp_path, monkeypatch, "echo 'Writing | ###' >&2")
    with pytest.raises(FirmwareError, match="without verifying"):
        program(b"", TASK, lambda _: None, Transcript())


def test_an_avrdude_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(avrdude, "SILENCE_S", 0.5)
    monkeypatch.setattr(avrdude, "END_S", 0.2)
    pid = tmp_path / "pid"
    fake_avrdude(tmp_path, monkeypatch, f"trap '' TERM\necho $$ > {pid}\nprintf 'Writing | #' >&2\nexec sleep 60 <&-")
    with pytest.raises(BoardError, match="hung while writing 2 % \\(part 1 of 3\\) and was ended"):
        program(b"", TASK, lambda _: None, Transcript())
    assert not Path(f"/proc/{pid.read_text().strip()}").exists()


@contextmanager
def ctrl_c_when(*files: Path) -> Iterator[None]:
    """Interrupt this program each time that another of the files has appeared."""

    def press() -> None:
        for file in files:
            while not file.exists():
                time.sleep(0.01)
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    thread = threading.Thread(target=press, daemon=True)
    thread.start()
    yield
    thread.join()


def test_ctrl_c_pressed_twice_leaves_no_avrdude_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(avrdude, "END_S", 0.5)
    begun, told = tmp_path / "begun", tmp_path / "told"
    fake_avrdude(tmp_path, monkeypatch, f"trap 'touch {told}' TERM\necho $$ > {begun}\nwhile :; do sleep 0.02; done")
    with ctrl_c_when(begun, told), pytest.raises(KeyboardInterrupt):
        program(b"", TASK, lambda _: None, Transcript())
    assert not Path(f"/proc/{begun.read_text().strip()}").exists()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize(
    ("last_words", "outcome"),
    [
        ("", "nothing was written"),
        ("Writing | ##", "half written; .*run this again with --blank"),
        ("Writing | ##\nReading | ##\n128 bytes of flash verified", "half written; .*run this again with --blank"),
        (3 * "Writing | ##\nReading | ##\n600 bytes of flash verified\n", "written and verified: see by board info"),
    ],
)
def test_what_avrdude_says_at_its_very_end_decides_what_an_interrupt_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last_words: str, outcome: str
) -> None:
    begun = tmp_path / "begun"
    ends = f"printf '{last_words}' >&2; exit 1"
    fake_avrdude(tmp_path, monkeypatch, f'trap "{ends}" TERM\necho $$ > {begun}\nwhile :; do sleep 0.02; done')
    transcript = Transcript()
    with ctrl_c_when(begun), pytest.raises(KeyboardInterrupt):
        program(b"", TASK, lambda _: None, transcript)
    assert re.search(outcome, transcript.outcome)


def test_the_settings_of_a_port_that_another_program_took_are_left_alone() -> None:
    master, slave = os.openpty()
    path = os.ttyname(slave)
    try:
        with serial.Serial(path, exclusive=True) as agent:
            before = termios.tcgetattr(agent.fileno())
            with pytest.raises(BoardError, match="another program took the port just now: stop the agent first"):
                let_dtr_fall(path)
            assert termios.tcgetattr(agent.fileno()) == before
        let_dtr_fall(path)
        assert termios.tcgetattr(slave)[2] & termios.HUPCL
    finally:
        os.close(master)
        os.close(slave)


def test_a_missing_avrdude_is_named_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EdgeAgentError, match="sudo apt-get install avrdude"):
        program(b"", TASK, lambda _: None, Transcript())


def test_an_image_with_a_hole_or_a_changed_byte_is_refused_whatever_its_checksums_say(tmp_path: Path) -> None:
    memory = firmware_memory((1, 2))
    holed = tmp_path / "holed.hex"
    lines = intel_hex(memory).splitlines()
    holed.write_text("\n".join(lines[:20] + lines[36:]))
    changed = tmp_path / "changed.hex"
    changed.write_text(intel_hex(memory[:100] + bytes((memory[100] ^ 1,)) + memory[101:]))
    short = tmp_path / "short.hex"
    short.write_text("\n".join([*lines[:-8], lines[-1]]))
    for path in (holed, changed, short):
        with pytest.raises(FirmwareError, match="a part is missing or changed; copy it again"):
            read_firmware(path)


def test_a_board_whose_programming_breaks_off_has_nothing_that_it_could_run() -> None:
    memory = firmware_memory()
    first, rest, last = (read_intel_hex(stage, "stage") for stage in staged(memory))
    assert (first[:2], set(first[2:]), len(first)) == (b"\xff\xcf", {0xFF}, 128), "a jump to itself, on its page alone"
    assert set(rest[:128]) == {0xFF}, "not given: the page that a reset starts stays the standing one"
    assert rest[128:] == memory[128:]
    assert last == memory[:128], "what starts the firmware comes when all else is there"
