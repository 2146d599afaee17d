"""How cells are mounted: one under each lane's plate, or four under one platform. Not to scale."""  # noqa: INP001

from sheet import ALUMINIUM, AMBER, BLACK, GOODS, PLATE, RED, STEEL, Point, Sheet

HOLE = "white"


def draw_lane() -> Sheet:
    """One cell per lane: side view along the beam, front view of three lanes."""
    sheet = Sheet((0.0, -9.4), (24.6, 17.4))
    sheet.text((0.3, 7.6), "Side view of one lane (front of the shelf on the left)", "left", 15)
    sheet.box((2.5, 0.0), (19.0, 0.6), STEEL)
    sheet.text((18.3, 0.3), "shelf: must not bend")
    for x, height in ((3.6, 1.9), (6.2, 2.4), (8.8, 1.9), (11.4, 2.4), (14.0, 1.9), (16.6, 2.4), (18.6, 1.9)):
        sheet.box((x, 4.0), (1.6, height), GOODS)
    _beam(sheet, (8.5, 1.6), 7.0)
    sheet.box((8.5, 0.6), (1.9, 1.0), STEEL)
    sheet.box((13.6, 2.7), (1.9, 0.9), STEEL)
    sheet.box((3.0, 3.6), (18.0, 0.4), PLATE)
    for x in (9.0, 9.9):
        _bolt(sheet, x, -0.1, 2.3)
    for x in (14.1, 15.0):
        _bolt(sheet, x, 1.9, 3.95)
    for x in (3.8, 20.2):
        sheet.box((x - 0.3, 0.6), (0.6, 2.65), STEEL)
    sheet.box((14.3, 0.6), (0.5, 0.72), STEEL)
    sheet.box((8.6, 2.7), (1.1, 0.3), AMBER)
    sheet.line([(8.5, 2.0), (7.6, 1.9), (7.1, 1.2), (6.5, 1.0), (5.9, 1.5), (5.3, 1.2), (5.0, 0.75)], RED, 2.2)
    sheet.box((4.8, 0.6), (0.4, 0.25), BLACK)
    sheet.arrow((12.0, 7.1), (12.0, 6.5), RED, 2.4)
    sheet.text((12.3, 6.95), "the lane's middle stands over the cell's middle", "left")

    sheet.callout("fixed end:\nspacer 3–5 mm,\ntwo bolts from below", (9.4, -1.6), (9.45, 1.1), "center")
    sheet.callout(
        "stop screw: free up to the cell's\ncapacity, touches above it", (14.55, -1.5), (14.55, 0.75), "center"
    )
    sheet.callout("cable: slack loop, tied to the\nshelf, never to the plate", (4.4, -1.5), (5.9, 1.25), "center")
    sheet.callout("tip stops below\nthe corners:\n1–2 mm of air", (21.3, 1.9), (20.55, 3.0))
    sheet.callout("temperature\nsensor on\nfixed end", (2.4, 1.7), (8.5, 2.9), "right")
    sheet.callout("free end: spacer,\nbolts from above", (16.4, 2.2), (15.6, 3.1))
    _lanes_from_the_front(sheet)
    return sheet


def _lanes_from_the_front(sheet: Sheet) -> None:
    base = -8.4
    sheet.text((0.3, -3.6), "Front view of three lanes", "left", 15)
    sheet.box((2.5, base), (19.0, 0.6), STEEL)
    for left in (2.8, 9.1, 15.4):
        middle = left + 2.9
        sheet.box((left, base + 2.4), (5.8, 0.4), PLATE)
        sheet.box((middle - 0.55, base + 1.0), (1.1, 0.9), ALUMINIUM)
        sheet.box((middle - 0.55, base + 0.6), (1.1, 0.4), STEEL)
        sheet.box((middle - 0.55, base + 1.9), (1.1, 0.5), STEEL)
        for x in (left + 0.9, left + 3.6):
            sheet.box((x, base + 2.8), (1.3, 1.5), GOODS)
        for x in (left + 0.3, left + 5.1):
            sheet.box((x, base + 0.6), (0.4, 1.45), STEEL)
    sheet.callout(
        "3–5 mm between plates and to the\nwalls, kept free of crumbs and labels",
        (18.2, -3.55),
        (15.15, base + 2.9),
        "center",
    )


def _beam(sheet: Sheet, corner: Point, length: float) -> None:
    """Draw a bar cell with its double hole in the middle."""
    x, y = corner
    middle, level = x + length / 2, y + 0.55
    sheet.box(corner, (length, 1.1), ALUMINIUM)
    for hole in (middle - 0.75, middle + 0.75):
        sheet.circle((hole, level), 0.36, HOLE)
    sheet.box((middle - 0.75, level - 0.14), (1.5, 0.28), HOLE, HOLE)
    sheet.text((middle, y + 0.55), "cell", px=12)


def _bolt(sheet: Sheet, x: float, low: float, high: float) -> None:
    sheet.line([(x, low), (x, high)], BLACK, 3.0)


def draw_platform() -> Sheet:
    """Four corner cells under one plate: front view and the places of the cells from above."""
    sheet = Sheet((0.0, -12.6), (24.6, 19.6))
    sheet.text((0.3, 6.6), "Front view of a platform", "left", 15)
    sheet.box((2.0, 0.0), (20.6, 0.6), STEEL)
    sheet.text((12.3, 0.3), "shelf: flat and level, four rigid seats")
    sheet.box((2.4, 3.9), (19.8, 0.5), PLATE)
    for x, height in ((4.2, 1.6), (6.4, 1.2), (9.8, 1.6), (12.0, 1.6), (15.6, 1.2), (18.4, 1.6)):
        sheet.box((x, 4.4), (1.8, height), GOODS)
    for fixed, free in ((7.6, 3.0), (17.0, 21.6)):
        low, high = min(fixed, free), max(fixed, free)
        _beam(sheet, (low, 1.5), high - low)
        seat = fixed - 1.5 if fixed > free else fixed
        sheet.box((seat, 0.6), (1.5, 0.9), STEEL)
        for x in (seat + 0.4, seat + 1.1):
            _bolt(sheet, x, -0.1, 2.2)
        foot = free + 0.5 if fixed > free else free - 0.5
        sheet.box((foot - 0.15, 2.3), (0.3, 1.1), STEEL)
        sheet.box((foot - 0.4, 2.6), (0.8, 0.25), STEEL)
        sheet.circle((foot, 3.55), 0.3, STEEL)
        sheet.box((foot - 0.25, 0.6), (0.5, 0.65), STEEL)
    sheet.callout("foot: screw, lock nut,\nrounded head", (4.8, 3.3), (3.85, 3.2))
    sheet.callout("overload stop below\neach free end", (21.1, -1.2), (21.1, 0.55), "center")
    sheet.callout("fixed end: spacer and two bolts", (15.2, 1.6), (16.9, 1.2), "right")
    sheet.callout("plate: stiff, sags less than 1 mm", (12.3, 3.2), (12.3, 3.85), "center")
    _platform_from_above(sheet)
    return sheet


def _platform_from_above(sheet: Sheet) -> None:
    left, low, width, depth = 4.0, -11.2, 16.0, 6.8
    sheet.text((0.3, -3.1), "From above (places as in config/shelves/dairy-platform.toml)", "left", 15)
    sheet.box((left, low), (width, depth), PLATE)
    right, high = left + width, low + depth
    corners = (
        (0, left + 0.8, low + 0.8, 1),
        (1, right - 0.8, low + 0.8, -1),
        (2, left + 0.8, high - 0.8, 1),
        (3, right - 0.8, high - 0.8, -1),
    )
    for channel, x, y, inward in corners:
        start = x if inward > 0 else x - 3.2
        sheet.box((start - 0.25, y - 0.35), (3.7, 0.7), ALUMINIUM)
        sheet.circle((x, y), 0.22, STEEL)
        sheet.text((x + inward * 1.7, y), f"cell {channel}", px=12)
    sheet.text((left + width / 2, low + 0.5), "front edge, 900 mm")
    words = {0: "round seat:\nholds the plate", 1: "slot along x", 2: "flat seat", 3: "flat seat"}
    for channel, x, y, inward in corners:
        above = 1.0 if channel < 2 else -1.0
        sheet.text((x + inward * 1.5, y + above), words[channel], px=12)
    for x, words_x in ((left + 0.8, "x 40"), (right - 0.8, "x 860")):
        sheet.line([(x, low - 0.5), (x, low + 0.5)], BLACK, 1.0, "--")
        sheet.text((x, low - 0.75), words_x, px=12)
    for y, words_y in ((low + 0.8, "y 40"), (high - 0.8, "y 360")):
        sheet.line([(left - 0.5, y), (left + 0.5, y)], BLACK, 1.0, "--")
        sheet.text((left - 0.6, y), words_y, "right", 12)
    sheet.text(
        (left + width / 2, low - 0.75), "a cell's x and y are its foot's, in mm from the front left corner", px=12
    )
    sheet.text(
        (left + width / 2, low + depth / 2),
        "3–5 mm of air all round; one seat holds the plate in x and y,\n"
        "one in y, two only carry: nothing binds when it grows warm",
    )
