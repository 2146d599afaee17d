"""Draws the pictures of docs/hardware.md anew.

    python docs/hardware/draw.py

writes them beside this file, or into the folder named as argument. Needs schemdraw from the `dev` extra.
"""  # noqa: INP001

import sys
from pathlib import Path

from draw_board import draw_board
from draw_inputs import draw_inputs
from draw_mounting import draw_lane, draw_platform
from draw_rate import draw_rate

PICTURES = {
    "board.svg": draw_board,
    "inputs-8ch.svg": draw_inputs,
    "lane-cell.svg": draw_lane,
    "platform.svg": draw_platform,
    "rate-pin.svg": draw_rate,
}


def main() -> None:
    """Write every picture."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    for name, draw in PICTURES.items():
        draw().write(folder / name)


if __name__ == "__main__":
    main()
