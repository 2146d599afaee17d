"""The analogue inputs of a board with seven or eight converters, which have taken all digital pins."""  # noqa: INP001

import schemdraw.elements as elm
from sheet import BLACK, RED, Point, Sheet


def draw_inputs() -> Sheet:
    """Return the picture: temperature at A6, door and staff key at A7."""
    sheet = Sheet((0.0, -6.6), (24.6, 9.2))
    sheet.box((10.4, -5.4), (3.6, 7.2), "#eef4fb")
    sheet.text((12.2, 1.3), "Arduino Nano", px=15)
    sheet.text((10.55, -1.6), "A6", "left", 12)
    sheet.text((13.85, -1.6), "A7", "right", 12)

    sheet.line([(10.4, -1.6), (5.0, -1.6)])
    _from_supply(sheet, (5.0, -1.6), "R3 10 kΩ")
    _to_ground(sheet, (5.0, -1.6), None, "NTC 10 kΩ, B 3950,\nby the cells")

    sheet.line([(14.0, -1.6), (21.0, -1.6)])
    _from_supply(sheet, (16.0, -1.6), "R4 10 kΩ")
    _to_ground(sheet, (16.0, -1.6), "door reed", "R5 10 kΩ")
    _to_ground(sheet, (21.0, -1.6), "staff key", "R6 4.7 kΩ")
    return sheet


def _from_supply(sheet: Sheet, at: Point, words: str) -> None:
    x, y = at
    sheet.drawing += elm.Resistor().scale(0.7).at((x, y + 2.4)).to((x, y)).linewidth(1.4)
    sheet.drawing += elm.Vdd().at((x, y + 2.4)).label("5V", fontsize=12).color(RED)
    sheet.text((x + 0.35, y + 1.2), words, "left", 12)
    sheet.dot(at)


def _to_ground(sheet: Sheet, at: Point, switch: str | None, words: str) -> None:
    x, y = at
    symbol = elm.Resistor() if switch else elm.Thermistor()
    sheet.drawing += symbol.scale(0.7).at((x, y)).to((x, y - 2.0)).linewidth(1.4)
    sheet.text((x + 0.5, y - 1.0), words, "left", 12)
    if switch:
        sheet.drawing += elm.Switch().scale(0.7).at((x, y - 2.0)).to((x, y - 3.8)).linewidth(1.4)
        sheet.text((x + 0.6, y - 2.9), switch, "left", 12)
        sheet.drawing += elm.Ground().at((x, y - 3.8))
    else:
        sheet.line([(x, y - 2.0), (x, y - 3.8)], BLACK)
        sheet.drawing += elm.Ground().at((x, y - 3.8))
