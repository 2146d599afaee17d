"""The schematic of the four-channel board: Nano, four HX711 modules, cells, inputs and supply."""  # noqa: INP001

import schemdraw.elements as elm
from sheet import AMBER, BLACK, BLUE, GREEN, RED, WHITE_WIRE, Sheet

DOUT = ("D2", "D3", "D4", "D5")
SCK = ("A0", "A1", "A2", "A3")
PORT = {
    **{f"D{n}": f"PD{n}" for n in range(8)},
    **{f"D{n + 8}": f"PB{n}" for n in range(6)},
    **{f"A{n}": f"PC{n}" for n in range(6)},
}
PITCH = 4.1
NANO_LEFT, NANO_RIGHT = 6.0, 9.8
RATE_X, SUPPLY_X, GROUND_X = 11.6, 12.2, 12.8
MODULE_LEFT, MODULE_RIGHT = 13.8, 17.4
CELL_X = 22.0


def draw_board() -> Sheet:
    """Return the picture."""
    bottom = -3 * PITCH - 5.3
    sheet = Sheet((0.0, bottom - 0.3), (24.6, 2.0 - bottom))
    sheet.box((NANO_LEFT, bottom), (NANO_RIGHT - NANO_LEFT, 1.4 - bottom), "#eef4fb")
    middle = (NANO_LEFT + NANO_RIGHT) / 2
    sheet.text((middle, 0.95), "Arduino Nano", px=15)
    sheet.text((middle, 0.4), "ATmega328P 16 MHz", px=12)
    for channel in range(4):
        _module(sheet, channel, -channel * PITCH)
    _stars(sheet)
    _inputs(sheet)
    return sheet


def _pin(sheet: Sheet, name: str, y: float, side: str) -> None:
    x = NANO_LEFT + 0.12 if side == "left" else NANO_RIGHT - 0.12
    sheet.text((x, y), f"{name} · {PORT[name]}" if name in PORT else name, side, 12)


def _module(sheet: Sheet, channel: int, top: float) -> None:
    """One converter: GND, DT, SCK, VCC and RATE on the left, the cell on the right."""
    sheet.box((MODULE_LEFT, top - 3.3), (MODULE_RIGHT - MODULE_LEFT, 3.4), "#eaf5ea")
    sheet.text(((MODULE_LEFT + MODULE_RIGHT) / 2 + 0.15, top - 1.6), f"HX711\nmodule {channel}")
    rows = {"GND": top - 0.35, "DT": top - 0.95, "SCK": top - 1.55, "VCC": top - 2.15, "RATE": top - 2.85}
    for name, y in rows.items():
        sheet.text((MODULE_LEFT + 0.12, y), name, "left", 12)
    for name, pin, color in (("DT", DOUT[channel], BLACK), ("SCK", SCK[channel], BLUE)):
        sheet.line([(NANO_RIGHT, rows[name]), (MODULE_LEFT, rows[name])], color)
        _pin(sheet, pin, rows[name], "right")
    for name, x, color in (("GND", GROUND_X, BLACK), ("VCC", SUPPLY_X, RED), ("RATE", RATE_X, AMBER)):
        sheet.line([(x, rows[name]), (MODULE_LEFT, rows[name])], color)
        sheet.dot((x, rows[name]), color)
    _cell(sheet, channel, top)


def _cell(sheet: Sheet, channel: int, top: float) -> None:
    """Full bridge with the usual colours."""
    middle, half = top - 1.6, 1.25
    north, south = (CELL_X, middle + half), (CELL_X, middle - half)
    west, east = (CELL_X - half, middle), (CELL_X + half, middle)
    for start, end in ((north, west), (west, south), (south, east), (east, north)):
        sheet.drawing += elm.Resistor().scale(0.55).at(start).to(end).linewidth(1.4)
    sheet.text((CELL_X, middle), f"cell {channel}", px=12)
    below, beside = top - 3.2, CELL_X + half + 0.4
    wires = (
        ("E+", RED, "red", [(MODULE_RIGHT, north[1]), north]),
        ("A+", GREEN, "green", [(MODULE_RIGHT, middle + 0.35), (19.9, middle + 0.35), (19.9, middle), west]),
        (
            "A−",
            WHITE_WIRE,
            "white",
            [
                (MODULE_RIGHT, middle - 0.35),
                (19.9, middle - 0.35),
                (19.9, below),
                (beside, below),
                (beside, middle),
                east,
            ],
        ),
        ("E−", BLACK, "black", [(MODULE_RIGHT, south[1]), south]),
    )
    for name, color, word, path in wires:
        y = path[0][1]
        sheet.text((MODULE_RIGHT - 0.12, y), name, "right", 12)
        sheet.line(path, color)
        sheet.text((MODULE_RIGHT + 0.25, y + 0.2), word, "left", 11, color)


def _stars(sheet: Sheet) -> None:
    """Supply, ground and RATE: one point each, from which every module has its own wire."""
    last = -3 * PITCH
    rate_y, supply_y, ground_y = last - 3.6, last - 4.2, last - 4.8
    for name, x, first, y, color in (
        ("5V", SUPPLY_X, -2.15, supply_y, RED),
        ("GND", GROUND_X, -0.35, ground_y, BLACK),
    ):
        sheet.line([(x, first), (x, y), (NANO_RIGHT, y)], color, 2.0)
        _pin(sheet, name, y, "right")
    sheet.line([(RATE_X, -2.85), (RATE_X, rate_y)], AMBER)
    sheet.drawing += elm.Resistor().scale(0.6).at((NANO_RIGHT, rate_y)).to((RATE_X, rate_y)).color(AMBER).linewidth(1.4)
    sheet.text(((NANO_RIGHT + RATE_X) / 2, rate_y + 0.35), "R1 220 Ω", px=12)
    _pin(sheet, "D12", rate_y, "right")
    for x, words, electrolytic in ((14.4, "C1 100 µF", True), (16.9, "C2 100 nF", False)):
        capacitor = elm.Capacitor2() if electrolytic else elm.Capacitor()
        sheet.drawing += capacitor.scale(0.5).at((x, supply_y)).to((x, ground_y)).linewidth(1.4)
        sheet.dot((x, supply_y), RED)
        sheet.dot((x, ground_y))
        sheet.text((x + 0.35, supply_y - 0.3), words, "left", 12)
    sheet.line([(SUPPLY_X, supply_y), (16.9, supply_y)], RED, 2.0)
    sheet.line([(GROUND_X, ground_y), (16.9, ground_y)], BLACK, 2.0)
    sheet.text((19.4, supply_y - 0.3), "wire it as a star: two\nwires a module from C1, C2", "left", 12)
    sheet.dot((SUPPLY_X, supply_y), RED)
    sheet.dot((GROUND_X, ground_y))


def _inputs(sheet: Sheet) -> None:
    """USB, temperature, door and staff key, all on the Nano's left."""
    usb, temperature, door, key = -0.95, -5.0, -9.4, -11.7
    sheet.line([(NANO_LEFT, usb), (4.0, usb)], BLACK, 3.0)
    sheet.text((3.9, usb), "USB, 1 m or less,\nto the host", "right", 12)
    _pin(sheet, "USB", usb, "left")

    sheet.box((0.3, temperature - 0.9), (2.6, 1.8), "#fdf3e3")
    sheet.text((0.95, temperature), "DS18\nB20")
    _pin(sheet, "D10", temperature, "left")
    for name, y in (("VDD", temperature + 0.6), ("DQ", temperature), ("GND", temperature - 0.6)):
        sheet.text((2.8, y), name, "right", 12)
    sheet.line([(2.9, temperature), (NANO_LEFT, temperature)])
    sheet.line([(2.9, temperature + 0.6), (3.5, temperature + 0.6), (3.5, temperature + 2.0)], RED)
    sheet.drawing += elm.Vdd().at((3.5, temperature + 2.0)).label("5V", fontsize=12).color(RED)
    sheet.drawing += elm.Resistor().scale(0.6).at((4.6, temperature + 1.6)).to((4.6, temperature)).linewidth(1.4)
    sheet.line([(3.5, temperature + 1.6), (4.6, temperature + 1.6)], RED)
    sheet.dot((3.5, temperature + 1.6), RED)
    sheet.dot((4.6, temperature))
    sheet.text((4.85, temperature + 0.8), "R2\n4.7 kΩ", "left", 12)
    sheet.line([(2.9, temperature - 0.6), (3.5, temperature - 0.6), (3.5, temperature - 1.1)])
    sheet.drawing += elm.Ground().at((3.5, temperature - 1.1))

    for pin, y, words in (("D8", door, "door reed contact"), ("D9", key, "staff key")):
        _pin(sheet, pin, y, "left")
        sheet.drawing += elm.Switch().scale(0.7).at((2.6, y)).to((4.6, y)).linewidth(1.4)
        sheet.line([(4.6, y), (NANO_LEFT, y)])
        sheet.line([(2.6, y), (2.2, y), (2.2, y - 0.5)])
        sheet.drawing += elm.Ground().at((2.2, y - 0.5))
        sheet.text((3.6, y + 0.95), words)
