"""Where an HX711 module's RATE pin is, and how it is freed."""  # noqa: INP001

from sheet import ALUMINIUM, AMBER, BLACK, RED, STEEL, Sheet

NEAR = ("1 VSUP", "2 BASE", "3 AVDD", "4 VFB", "5 AGND", "6 VBG", "7 INA−", "8 INA+")
FAR = ("16 DVDD", "15 RATE", "14 XI", "13 XO", "12 DOUT", "11 PD_SCK", "10 INB+", "9 INB−")
"""The data sheet's pins, SOP-16, from the dot's end."""


def draw_rate() -> Sheet:
    """Return the picture: as sold, and wired to the board."""
    sheet = Sheet((0.0, -7.6), (24.6, 9.4))
    sheet.text((0.5, 1.2), "As sold: RATE tied to ground, 10 SPS", "left", 15)
    sheet.text((13.0, 1.2), "For this board: RATE from D12", "left", 15)
    _chip(sheet, 3.0)
    _chip(sheet, 15.5)
    _tie(sheet, 3.0, cut=False)
    _tie(sheet, 15.5, cut=True)
    return sheet


def _chip(sheet: Sheet, left: float) -> None:
    sheet.box((left, -6.6), (3.6, 6.9), ALUMINIUM)
    sheet.circle((left + 0.35, -0.05), 0.14, BLACK)
    sheet.text((left + 1.8, 0.0), "HX711")
    for number, (near, far) in enumerate(zip(NEAR, FAR, strict=True)):
        y = -0.75 - 0.75 * number
        sheet.box((left - 0.7, y - 0.15), (0.7, 0.3), STEEL)
        sheet.box((left + 3.6, y - 0.15), (0.7, 0.3), STEEL)
        sheet.text((left + 0.12, y), near, "left", 11)
        sheet.text((left + 3.48, y), far, "right", 11, RED if far.endswith("RATE") else BLACK)


def _tie(sheet: Sheet, left: float, *, cut: bool) -> None:
    """Draw the copper from RATE to the chip's XI and ground."""
    pins, copper = left + 4.3, left + 5.4
    rate, ground = -1.5, -2.25
    sheet.line([(pins, ground), (copper + 0.9, ground)], BLACK, 3.0)
    sheet.text((copper + 1.0, ground), "GND", "left", 12)
    if not cut:
        sheet.line([(pins, rate), (copper, rate), (copper, ground)], RED, 3.0)
        sheet.text((copper + 0.2, -1.35), "bridge or 0 Ω", "left", 12, RED)
        return
    sheet.line([(copper, ground), (copper, ground + 0.2)], RED, 3.0)
    sheet.line([(copper - 0.25, -2.1), (copper + 0.25, -1.75)], RED, 2.0)
    sheet.line([(copper - 0.25, -1.75), (copper + 0.25, -2.1)], RED, 2.0)
    sheet.line([(pins, rate), (copper + 0.9, rate)], AMBER, 3.0)
    sheet.text((copper + 1.0, rate), "to D12", "left", 12, AMBER)
    sheet.text(
        (pins + 0.4, -4.0),
        "1 cut or lift only 15;\n14 stays on GND\n2 measure: no contact\nbetween 15 and GND\n3 solder the wire",
        "left",
        12,
    )
