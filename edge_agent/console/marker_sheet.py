"""The sheet of markers that a technician prints, cuts and sticks to a shelf: one A4 page in true scale."""

from collections.abc import Sequence

from fpdf import FPDF

from edge_agent.vision.markers import CELLS, MARKER_MM, PLACES, margin_mm, marker_cells

PAGE_MM = (210.0, 297.0)
EDGE_MM = 15.0
"""Around the page: more than any office printer leaves white (2026-12)."""
RULER_MM = 100
GREY = 120
STEPS = (
    (
        'Print this page at 100 % ("actual size", not "fit to page") on white matt paper. Measure the ruler: it must be'
        " 100 mm long, to half a millimetre. If it is not, print again."
    ),
    "Cut out the four pieces along the dashed lines. The white margin belongs to a marker: leave it on.",
    (
        "Stick each piece flat to the front of the shelf at the corner that it names, as in the picture below. Lower"
        " pieces: upper edge level with the top of the board that the goods stand on. Upper pieces: lower edge level"
        " with the opening's upper edge, opening_mm above that board. Outer side flush with the shelf's end. One"
        " millimetre off is well; three are not."
    ),
    "The small writing on each piece stands upright. Turn the camera so that it sees all four pieces. Then run:",
)


def sheet_pdf(marker_mm: float = MARKER_MM) -> bytes:
    """Return the sheet as PDF.

    Parameters
    ----------
    marker_mm : float
        Side of a marker's black square, `MARKER_RANGE_MM`.
    """
    pdf = FPDF(orientation="portrait", unit="mm", format="A4")
    pdf.set_auto_page_break(auto=False)
    pdf.set_title("Markers for a shelf camera")
    pdf.add_page()
    _heading(pdf)
    _steps(pdf, marker_mm)
    top = pdf.get_y() + 3
    _shelf_picture(pdf, EDGE_MM, top)
    _ruler(pdf, EDGE_MM + 79, top + 26)
    _pieces(pdf, marker_mm, top + 48)
    return bytes(pdf.output())


def _heading(pdf: FPDF) -> None:
    pdf.set_xy(EDGE_MM, EDGE_MM - 3)
    pdf.set_font("Helvetica", "B", 15)
    pdf.cell(0, 8, "Markers for a shelf camera", new_x="LMARGIN", new_y="NEXT")


def _steps(pdf: FPDF, marker_mm: float) -> None:
    command = "edge-agent camera commission" + ("" if marker_mm == MARKER_MM else f" --marker-mm {marker_mm:g}")
    for number, step in enumerate(STEPS, 1):
        top = pdf.get_y()
        pdf.set_font("Helvetica", "B", 9.5)
        pdf.set_xy(EDGE_MM, top)
        pdf.cell(6, 4.3, f"{number}.")
        pdf.set_font("Helvetica", "", 9.5)
        pdf.set_xy(EDGE_MM + 6, top)
        pdf.multi_cell(PAGE_MM[0] - 2 * EDGE_MM - 6, 4.3, step, align="L", new_x="LMARGIN", new_y="NEXT")
        pdf.set_y(pdf.get_y() + 0.8)
    pdf.set_font("Courier", "B", 10)
    pdf.set_x(EDGE_MM + 6)
    pdf.cell(0, 5, command, new_x="LMARGIN", new_y="NEXT")


def _shelf_picture(pdf: FPDF, left: float, top: float) -> None:
    """Draw a shelf from the front with its four pieces, not to scale."""
    wide, high, board, piece = 72.0, 26.0, 6.0, 6.0
    pdf.set_draw_color(0)
    pdf.set_line_width(0.25)
    pdf.set_fill_color(225)
    for y in (top, top + board + high):
        pdf.rect(left, y, wide, board, style="DF")
    pdf.set_fill_color(200)
    for place, (across, up) in enumerate(((8, 13), (20, 17), (32, 11), (44, 15), (55, 12))):
        pdf.rect(left + across, top + board + high - up, 8 if place % 2 else 9, up, style="F")
    pdf.set_font("Helvetica", "B", 8)
    for number, name in enumerate(PLACES):
        x = left if "left" in name else left + wide - piece
        y = top if "upper" in name else top + board + high
        pdf.set_fill_color(255)
        pdf.rect(x, y, piece, piece, style="DF")
        pdf.set_xy(x, y)
        pdf.cell(piece, piece, str(number), align="C")
    pdf.set_font("Helvetica", "", 7.5)
    pdf.set_text_color(GREY)
    _caption(pdf, left, top + (board - 4) / 2, wide, "front edge of the board above")
    _caption(pdf, left, top + board + 2, wide, "opening")
    _caption(pdf, left, top + board + high + (board - 4) / 2, wide, "front edge of the board, with its price rail")
    pdf.set_text_color(0)


def _caption(pdf: FPDF, left: float, top: float, wide: float, text: str) -> None:
    pdf.set_xy(left, top)
    pdf.cell(wide, 4, text, align="C")


def _ruler(pdf: FPDF, left: float, top: float) -> None:
    pdf.set_font("Helvetica", "", 8)
    pdf.set_line_width(0.2)
    pdf.line(left, top, left + RULER_MM, top)
    for mm in range(RULER_MM + 1):
        length = 5.0 if mm % 10 == 0 else 3.5 if mm % 5 == 0 else 2.0
        pdf.line(left + mm, top, left + mm, top - length)
        if mm % 20 == 0:
            pdf.set_xy(left + mm - 5, top + 0.5)
            pdf.cell(10, 4, str(mm), align="C")
    pdf.set_xy(left, top - 13)
    pdf.cell(RULER_MM, 4, f"This ruler must measure {RULER_MM} mm on the printed page.", align="C")


def _pieces(pdf: FPDF, marker_mm: float, top: float) -> None:
    """Draw the four pieces, upper ones above, each with its name beside the cutting line."""
    piece = marker_mm + 2 * margin_mm(marker_mm)
    gap = min((PAGE_MM[0] - 2 * EDGE_MM - 2 * piece) / 3, 40.0)
    start = (PAGE_MM[0] - 2 * piece - gap) / 2
    rows: Sequence[tuple[int, int]] = ((3, 2), (0, 1))
    for row, numbers in enumerate(rows):
        for column, number in enumerate(numbers):
            _piece(pdf, number, start + column * (piece + gap), top + 5 + row * (piece + 12), marker_mm)


def _piece(pdf: FPDF, number: int, left: float, top: float, marker_mm: float) -> None:
    margin = margin_mm(marker_mm)
    piece = marker_mm + 2 * margin
    pdf.set_draw_color(GREY)
    pdf.set_line_width(0.15)
    pdf.set_dash_pattern(dash=1.5, gap=1.5)
    pdf.rect(left, top, piece, piece)
    pdf.set_dash_pattern()
    pdf.set_draw_color(0)
    pdf.set_font("Helvetica", "B", 9)
    pdf.set_xy(left - 15, top - 5)
    pdf.cell(piece + 30, 5, f"{number}  {PLACES[number]}", align="C")
    cell = marker_mm / CELLS
    black = marker_cells(number) == 0
    pdf.set_fill_color(0)
    pdf.rect(left + margin, top + margin, marker_mm, marker_mm, style="F")
    pdf.set_text_color(GREY)  # small and pale: the margin must stay white to a camera
    pdf.set_font("Helvetica", "", 5)
    pdf.set_xy(left, top + piece - margin)
    pdf.cell(piece, margin, f"{number}  {PLACES[number]}", align="C")
    pdf.set_text_color(0)
    pdf.set_fill_color(255)  # white cells on one black square: no seams between black ones
    for v in range(CELLS):
        for u in range(CELLS):
            if not black[v, u]:
                pdf.rect(left + margin + u * cell, top + margin + v * cell, cell, cell, style="F")
