"""Counts what lane scores are worth: run on rows that ``vision_table.py --rows`` wrote of development seeds.

Prints the tables of ``edge_agent/vision/change_calibration.py``: how often each bin of share and size came of a changed
lane and of an unchanged one, and each bin of lean and of height of each kind of change.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from edge_agent.vision.change_calibration import CLEAR_EDGES_MM2, EXTENT_EDGES_MM, LEAN_EDGES, SHARE_EDGES
from edge_agent.vision.front_change import BELOW_BOARD_MM


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path, nargs="+")
    rows = [row for file in parser.parse_args().rows for row in json.loads(file.read_text())]
    rows = [row for row in rows if all(patch[2] > BELOW_BOARD_MM for patch in row["patches"])]  # an arm was still there
    truth = np.concatenate([row["truth"] for row in rows])
    score = {name: np.concatenate([row["features"][name] for row in rows]) for name in rows[0]["features"]}
    share, area = np.digitize(score["share"], SHARE_EDGES), np.digitize(score["clear_mm2"], CLEAR_EDGES_MM2)
    table = np.zeros((2, len(SHARE_EDGES) + 1, len(CLEAR_EDGES_MM2) + 1), int)
    np.add.at(table, ((truth != 0).astype(int), share, area), 1)
    print(f"UNCHANGED = {table[0].tolist()}\nCHANGED = {table[1].tolist()}")
    seen = (score["share"] >= 0.5) & (truth != 0)
    lean = np.digitize(score["lean"], LEAN_EDGES)
    for name, sign in (("FEWER", -1), ("MORE", 1)):
        print(f"{name} = {np.bincount(lean[seen & (np.sign(truth) == sign)], minlength=len(LEAN_EDGES) + 1).tolist()}")
    extent = np.digitize(score["extent_mm"], EXTENT_EDGES_MM)
    by_number = [
        np.bincount(
            extent[seen & (np.minimum(np.abs(truth), 4) == number)], minlength=len(EXTENT_EDGES_MM) + 1
        ).tolist()
        for number in (1, 2, 3, 4)
    ]
    print(f"BY_NUMBER = {by_number}")
    print(f"{len(rows)} comparisons, {len(truth)} lanes, {np.count_nonzero(truth)} changed")


if __name__ == "__main__":
    main()
