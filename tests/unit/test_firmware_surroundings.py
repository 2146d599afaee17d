"""The firmware's smaller parts: temperature, contacts, ticks, the cause of a reset, what is kept."""

from __future__ import annotations

import ctypes
import math
from binascii import crc_hqx
from typing import Final

import pytest
from firmware_host.board import TICKS_PER_S, HostBoard, load

from firmware_bridge.frames import CommandKind, Hello

NO_TEMPERATURE: Final = -32768


@pytest.fixture
def c() -> ctypes.CDLL:
    library = load()
    library.ds18b20_cdeg.restype = ctypes.c_int16
    library.ntc_cdeg.restype = ctypes.c_int16
    library.ladder_inputs.restype = ctypes.c_uint8
    library.reset_cause_of.restype = ctypes.c_uint8
    library.host_ticks_extend.restype = ctypes.c_uint32
    return library


def set_sensor(c: ctypes.CDLL, name: str, value: int | bool) -> None:
    kind = ctypes.c_bool if isinstance(value, bool) else ctypes.c_int16
    kind.in_dll(c, name).value = value


# -- DS18B20 ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sixteenths", "cdeg"), [(0x0191, 2506), (0x07D0, 12500), (0, 0), (-8, -50), (-162, -1012), (-880, -5500)]
)
def test_a_sensor_by_the_cells_is_read_within_a_second(c: ctypes.CDLL, sixteenths: int, cdeg: int) -> None:
    set_sensor(c, "sensor_truth_sixteenths", sixteenths)
    c.ds18b20_start(0)

    c.sensor_run(0, TICKS_PER_S)

    assert c.ds18b20_cdeg() == cdeg
    assert ctypes.c_uint32.in_dll(c, "sensor_most_slots_a_step").value == 1, "a converter waits for one slot at most"


def test_a_sensor_that_is_pulled_off_or_garbled_gives_no_temperature_and_comes_back(c: ctypes.CDLL) -> None:
    set_sensor(c, "sensor_truth_sixteenths", 400)
    c.ds18b20_start(0)
    at = 0
    for name, broken in (("sensor_present", False), ("sensor_flips_a_bit", True), ("sensor_line_low", True)):
        set_sensor(c, name, broken)
        c.sensor_run(at, 3 * TICKS_PER_S)
        assert c.ds18b20_cdeg() == NO_TEMPERATURE, name
        set_sensor(c, name, not broken)
        c.sensor_run(at + 3 * TICKS_PER_S, 3 * TICKS_PER_S)
        assert c.ds18b20_cdeg() == 2500
        at += 6 * TICKS_PER_S


def test_the_power_on_reading_is_no_temperature(c: ctypes.CDLL) -> None:
    set_sensor(c, "sensor_truth_sixteenths", 0x0550)
    c.ds18b20_start(0)
    c.sensor_run(0, 2 * TICKS_PER_S)
    assert c.ds18b20_cdeg() == NO_TEMPERATURE


# -- NTC and contacts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("temperature_c", [-30, -10, 0, 4, 21.5, 25, 40, 60])
def test_the_ntc_follows_the_b_equation(c: ctypes.CDLL, temperature_c: float) -> None:
    resistance = 10e3 * math.exp(3950 * (1 / (temperature_c + 273.15) - 1 / 298.15))
    readings = round(16 * 1024 * resistance / (resistance + 10e3))

    allowed = 0.12 if temperature_c >= -10 else 0.8
    assert abs(c.ntc_cdeg(readings) / 100 - temperature_c) <= allowed


@pytest.mark.parametrize("readings", [0, 100, 16 * 1023])
def test_an_ntc_short_or_torn_off_is_no_temperature(c: ctypes.CDLL, readings: int) -> None:
    assert c.ntc_cdeg(readings) == NO_TEMPERATURE


def test_two_contacts_on_one_pin_are_told_apart_with_ten_percent_resistors(c: ctypes.CDLL) -> None:
    for closed, to_ground in ((0, math.inf), (1, 10e3), (2, 4.7e3), (3, 1 / (1 / 10e3 + 1 / 4.7e3))):
        for error in (0.91, 1.0, 1.09):
            pull = 10e3 * error
            reading = 1023 if math.isinf(to_ground) else round(1023 * to_ground / (to_ground + pull))
            assert c.ladder_inputs(reading) == closed


# -- time -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("overflows", "timer", "pending", "tick"),
    [
        (0, 0xFFFF, False, 0xFFFF),
        (0, 0x0003, True, 0x10003),  # it overflowed, the interrupt is still to come
        (0, 0xFFFE, True, 0xFFFE),  # it overflowed after the reading
        (0xFFFF, 0x0001, True, 0x1),  # the 32-bit wrap
        (1, 0x0001, False, 0x10001),
    ],
)
def test_sixteen_bits_become_thirty_two(c: ctypes.CDLL, overflows: int, timer: int, pending: bool, tick: int) -> None:
    assert c.host_ticks_extend(overflows, timer, pending) == tick


# -- starts -----------------------------------------------------------------------------------------------

UNKNOWN, POWER_ON, EXTERNAL, BROWN_OUT, WATCHDOG, SOFTWARE = range(6)


@pytest.mark.parametrize(
    ("mcusr", "r2", "asked", "cause"),
    [
        (0x01, 0x77, False, POWER_ON),
        (0x07, 0, False, POWER_ON),  # a slow supply raises all three
        (0x04, 0, False, BROWN_OUT),
        (0x02, 0, False, EXTERNAL),
        (0x08, 0, False, WATCHDOG),
        (0x00, 0x02, False, EXTERNAL),  # optiboot cleared MCUSR and left it in r2
        (0x00, 0x08, True, SOFTWARE),  # optiboot starts the firmware by its watchdog
        (0x00, 0x00, True, SOFTWARE),
        (0x02, 0x00, True, EXTERNAL),
        (0x00, 0xF3, False, UNKNOWN),  # r2 is anything
        (0x00, 0x00, False, UNKNOWN),
    ],
)
def test_the_cause_of_a_reset_survives_the_bootloaders(
    c: ctypes.CDLL, mcusr: int, r2: int, asked: bool, cause: int
) -> None:
    assert c.reset_cause_of(mcusr, r2, asked) == cause


# -- what is kept -----------------------------------------------------------------------------------------


def image(*, uid: bytes = bytes(range(1, 9)), channels: int = 3, gain: int = 64, rate_mhz: int = 10_000) -> bytes:
    body = b"\xa5" + uid + bytes((channels, gain)) + rate_mhz.to_bytes(4, "little")
    return body + crc_hqx(body, 0xFFFF).to_bytes(2, "little")


def started_with(kept: bytes) -> Hello:
    (hello,) = HostBoard(channels=4, image=kept).power_up()
    assert isinstance(hello, Hello)
    return hello


def test_a_board_comes_back_as_it_was_set() -> None:
    hello = started_with(image())
    assert (hello.board_uid, hello.channels, hello.gain, hello.rate_mhz) == ("0102030405060708", 3, 64, 10_000)


def test_what_is_kept_is_the_image_that_it_comes_back_from() -> None:
    board = HostBoard(channels=4)
    board.power_up()
    board.command(CommandKind.SET_GAIN, b"\x40")
    kept = ctypes.create_string_buffer(17)
    board.c.settings_pack(ctypes.byref(ctypes.c_uint8.in_dll(board.c, "host_saved")), kept)
    assert kept.raw == image(uid=b"\xff" * 8, channels=4, rate_mhz=80_000)


@pytest.mark.parametrize("at", range(17))
def test_a_torn_image_is_no_image(at: int) -> None:
    torn = bytearray(image())
    torn[at] ^= 0x10
    assert started_with(bytes(torn)).board_uid == "f" * 16


def test_an_image_of_a_bigger_board_keeps_its_name_and_what_fits() -> None:
    hello = started_with(image(channels=8, gain=16, rate_mhz=320_000))
    assert (hello.board_uid, hello.channels, hello.gain, hello.rate_mhz) == ("0102030405060708", 4, 128, 80_000)
