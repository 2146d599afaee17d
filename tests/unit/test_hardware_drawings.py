"""docs/hardware.md as a technician would hold it against the board: pins, sums, reasons and pictures all agree."""

import math
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from edge_agent import board_alarms
from edge_agent.estimation import channel_health, transitions
from firmware_bridge.events import DownReason

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
FIRMWARE = ROOT / "firmware_bridge" / "firmware"
BOARD_VERBS = ("list", "flash", "set", "identify", "info", "self-test", "diagnose")
PIN_SOURCES = ("pins.h", "pins.c", "onewire.h", "onewire.c", "adc.c")
PAGE = (DOCS / "hardware.md").read_text(encoding="utf-8")
PICTURES = sorted(path.name for path in (DOCS / "hardware").glob("*.svg"))


def section(title: str) -> str:
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def table(title: str, first_head: str) -> list[list[str]]:
    """Return the rows of the section's table whose first column has this head."""
    lines = [line.strip() for line in section(title).splitlines()]
    start = next(n for n, line in enumerate(lines) if line.startswith(f"| {first_head} |"))
    rows: list[list[str]] = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def spread(cell: str) -> list[str]:
    """Return what "PD2 … PD7" or "RX, TX" stands for."""
    if "…" not in cell:
        return [word.strip() for word in cell.split(",")]
    first, last = (word.strip() for word in cell.split("…"))
    stem, low, high = first.rstrip("0123456789"), re.search(r"\d+$", first), re.search(r"\d+$", last)
    assert low
    assert high
    return [f"{stem}{n}" for n in range(int(low[0]), int(high[0]) + 1)]


def pins_of_the_page() -> dict[str, tuple[str, str]]:
    """Return port and Nano name by function: {"DOUT 0": ("PD2", "D2"), …}."""
    pins: dict[str, tuple[str, str]] = {}
    for function, port, nano, _ in table("Wiring", "Function"):
        for name, one_port, one_nano in zip(spread(function), spread(port), spread(nano), strict=True):
            pins[name] = (one_port, one_nano)
    return pins


def nano_name(port: str) -> str:
    """Return what the Nano's print calls a pin of the chip."""
    if port.startswith("ADC"):
        return f"A{port[3:]}"
    letter, bit = port[1], int(port[2:])
    return {"D": f"D{bit}", "B": f"D{bit + 8}", "C": f"A{bit}"}[letter]


def test_every_pin_of_the_chip_has_the_name_that_the_nano_prints_beside_it() -> None:
    for function, (port, nano) in pins_of_the_page().items():
        assert nano == nano_name(port), function


def test_no_two_functions_of_a_board_share_a_pin() -> None:
    for channels in range(1, 9):
        taken: dict[str, str] = {}
        for function, port, _, when in table("Wiring", "Function"):
            allowed = [int(number) for number in re.findall(r"\d+", when)]
            if len(allowed) == 2 and "…" in when:
                allowed = list(range(allowed[0], allowed[1] + 1))
            if allowed and channels not in allowed:
                continue
            for one_port in spread(port):
                assert one_port not in taken, f"{channels} channels: {function} and {taken.get(one_port)}"
                taken[one_port] = function


def test_the_pins_are_those_of_the_firmware() -> None:
    source = "".join((FIRMWARE / "avr328p" / name).read_text(encoding="utf-8") for name in PIN_SOURCES)
    defined = dict(re.findall(r"#define (\w+) (\w+)", source))
    on_port_d, dout_bit, sck_bit = (int(defined[name]) for name in ("ON_PORT_D", "DOUT0_BIT", "SCK6_BIT"))
    firmware = {
        "RATE": defined["RATE_PIN"],
        "LED": defined["LED_PIN"],
        "door reed": defined["DOOR_PIN"],
        "staff key": defined["STAFF_KEY_PIN"],
    }
    for channel in range(8):
        beyond = channel - on_port_d
        firmware[f"DOUT {channel}"] = f"PD{channel + dout_bit}" if beyond < 0 else f"PB{beyond}"
        firmware[f"SCK {channel}"] = f"PC{channel}" if beyond < 0 else f"PB{beyond + sck_bit}"
    firmware["DS18B20"] = defined["ONEWIRE_PIN"]
    adc_inputs = dict(re.findall(r"#define (\w+)_INPUT \(AVCC_REFERENCE \| (\d)\)", source))
    firmware["NTC"], firmware["door and key ladder"] = (f"ADC{adc_inputs[name]}" for name in ("NTC", "LADDER"))
    page = {function: port for function, (port, _) in pins_of_the_page().items() if function not in {"RX", "TX"}}
    assert page == firmware


@pytest.mark.parametrize("channel", range(4))
def test_the_schematic_wires_each_channel_to_the_table_s_pins(channel: int) -> None:
    drawn = (DOCS / "hardware" / "board.svg").read_text(encoding="utf-8")
    for function in (f"DOUT {channel}", f"SCK {channel}", "RATE", "DS18B20", "door reed", "staff key"):
        port, nano = pins_of_the_page()[function]
        assert f"{nano} · {port}" in drawn, function


def test_the_bill_adds_up() -> None:
    *parts, total = table("What to buy", "Number")
    for number, part, each, together in parts:
        assert int(number) * float(each) == pytest.approx(float(together)), part
    assert sum(float(row[3]) for row in parts) == pytest.approx(float(total[3].strip("*")))


def test_counts_range_and_noise_of_each_cell_follow_from_the_converter() -> None:
    for capacity, output, counts_per_g, share, noise in table("Which cell", "Capacity"):
        capacity_g, output_mv_v = 1000 * float(capacity.split()[0]), float(output.split()[0])
        full_scale_counts = 2**24 * 128 * output_mv_v / 1000
        assert float(counts_per_g) == pytest.approx(full_scale_counts / capacity_g, abs=0.05)
        assert float(share.split()[0]) == pytest.approx(100 * full_scale_counts / 2**23, abs=0.5)
        assert float(noise.split()[0]) == pytest.approx(90e-6 / (output_mv_v * 4.3) * capacity_g, abs=0.006)
    assert "3.9 mV/V" in section("Which cell")
    end_of_range_mv_v = 1000 * 2**23 / (2**24 * 128)
    assert end_of_range_mv_v == pytest.approx(3.9, abs=0.05)


def test_the_ladder_s_four_voltages_follow_from_its_resistors() -> None:
    for door, key, share, volts in table("Wiring", "Door contact"):
        conductance = (1 / 10e3 if door == "closed" else 0.0) + (1 / 4.7e3 if key == "closed" else 0.0)
        expected = (1 / 10e3) / (1 / 10e3 + conductance)
        assert float(share) == pytest.approx(expected, abs=0.0005)
        assert float(volts) == pytest.approx(5 * expected, abs=0.005)


def test_the_firmware_tells_the_ladder_s_four_states_apart_with_room_for_poor_resistors() -> None:
    source = (FIRMWARE / "common" / "ladder.c").read_text(encoding="utf-8")
    limits = sorted(int(number) for number in re.findall(r"#define \w+_ABOVE (\d+)", source))
    readings = sorted(1023 * float(share) for _, _, share, _ in table("Wiring", "Door contact"))
    assert len(limits) == 3
    for limit, below, above in zip(limits, readings, readings[1:], strict=False):
        assert below + 30 < limit < above - 30  # resistors of 5 % move a reading by 26 at most


def test_small_sums_in_the_text_are_right() -> None:
    excitation_v = 1.25 * (20 + 8.2) / 8.2
    assert excitation_v == pytest.approx(4.3, abs=0.01)
    four_of_1_kohm_ma = 4 * (excitation_v + 1.5) + 25
    assert four_of_1_kohm_ma == pytest.approx(48, abs=0.5)
    eight_of_350_ohm_ma = 8 * (excitation_v / 0.35 + 1.5) + 25
    assert eight_of_350_ohm_ma == pytest.approx(135, abs=0.5)
    forgotten_rate_bridge_ma = 5000 / 220
    assert forgotten_rate_bridge_ma == pytest.approx(23, abs=0.5)
    hz_at_1_mm_of_sag = math.sqrt(9.81 / 1e-3) / (2 * math.pi)
    assert hz_at_1_mm_of_sag == pytest.approx(15.8, abs=0.05)


def test_every_reason_that_the_agent_gives_is_explained() -> None:
    reasons = {row[1] for row in table("What can go wrong", "What is seen")}
    explained = set(re.findall(r"`([a-z_]+)`", " ".join(reasons)))
    raised = {
        *channel_health.TEXTS,
        *transitions.BOARD_TEXTS,
        "board_settings",
        "channel_missing",
        "unsettled",
        board_alarms.CODE,
        board_alarms.POOR_LINK,
    }
    raised.remove("board_unannounced")  # of recordings, not of hardware
    assert raised - explained == set()
    findings = (ROOT / "edge_agent" / "calibration" / "complaints.py").read_text(encoding="utf-8")
    diagnosed = set(re.findall(r'Complaint\(\s*"([a-z_]+)"', findings))
    assert explained - raised - diagnosed == set()
    assert diagnosed - explained == {"too_few"}  # a matter of patience
    words = " ".join(reasons)
    assert {reason.value for reason in DownReason if reason.value not in words} == set()


def test_every_command_and_option_on_the_page_is_in_the_command_reference() -> None:
    reference = (DOCS / "commands.md").read_text(encoding="utf-8")
    commands = re.findall(r"`(edge-agent (?:board [a-z-]+|[a-z]+))([^`]*)`", PAGE)
    assert {command for command, _ in commands} >= {f"edge-agent board {verb}" for verb in BOARD_VERBS}
    for command, options in commands:
        found = re.search(rf"^## {command}\n(.*?)(?=^## |\Z)", reference, re.MULTILINE | re.DOTALL)
        assert found, command
        for option in re.findall(r"--[a-z-]+", options):
            assert f"`{option}" in found[1], f"{command} {option}"


def test_every_link_and_picture_of_the_page_is_there() -> None:
    headings = {
        re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall("^#+ (.*)$", PAGE, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        if target.startswith("#"):
            assert target[1:] in headings, target
        else:
            assert (DOCS / target).exists(), target
    assert {f"hardware/{name}" for name in PICTURES} == set(re.findall(r"!\[[^]]+\]\(([^)]+)\)", PAGE))


@pytest.mark.parametrize("name", PICTURES)
def test_no_words_of_a_picture_leave_the_sheet(name: str) -> None:
    root = ET.parse(DOCS / "hardware" / name).getroot()  # noqa: S314 -- our own file
    left, top, width, height = (float(number) for number in root.attrib["viewBox"].split())
    for text in root.iter("{http://www.w3.org/2000/svg}text"):
        for line in text:
            x, size = float(line.attrib["x"]), float(text.attrib["font-size"])
            length = 0.62 * size * len(line.text or "")  # DejaVu Sans, widest of the fonts asked for
            start = x - {"start": 0.0, "middle": length / 2, "end": length}[text.attrib["text-anchor"]]
            assert left <= start, line.text
            assert start + length <= left + width, line.text
            assert top <= float(text.attrib["y"]) <= top + height, line.text


def test_the_pictures_are_what_their_code_draws(tmp_path: Path) -> None:
    script = DOCS / "hardware" / "draw.py"
    subprocess.run([sys.executable, script, tmp_path], check=True, timeout=60)
    assert sorted(path.name for path in tmp_path.iterdir()) == PICTURES
    for name in PICTURES:
        drawn, kept = tmp_path / name, DOCS / "hardware" / name
        assert drawn.read_bytes() == kept.read_bytes(), f"{name}: run python docs/hardware/draw.py"
