"""What the eye sees of rendered shelves, as a table: run ``python tests/benchmarks/vision_table.py --seeds 100-107``.

Seeds below 100 are for development: the calibration was fitted on them. Definitions:

- *hands*: busy frames are those with one or two hands' fingertips seen before the opening and no body between; one is
  counted right when the eye's number is the truth of that instant or of one up to two frames earlier or later.
- *lane top-1*: of the comparisons over which goods changed in exactly one lane, the share in which that lane's word for
  a change is the strongest. *Seen*: some lane's is for a change at all.
- *reliability*: for every lane of every comparison, the chance of a change that its word and the share of changed lanes
  claim, against how often it changed.
"""

import argparse
import dataclasses
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any, get_args

import cv2
import numpy as np
import rendered_shelf as shelf
from rendered_shelf import Watched, rendered, seconds, watch

from edge_agent.judging.hardware import HardwareKind
from edge_agent.model import LANE_CHANGES, CameraCondition, FloatArray, VisionObservation
from edge_agent.simulation.scene import SceneLook

NONE = LANE_CHANGES.index(0)
TOLERANCE_FRAMES = 2
RESTLESS = SceneLook(steps_per_hour=240.0, step=0.4, flicker=0.15, drift=0.15)


def hands_right(seen: Watched) -> tuple[int, int, int, int]:
    """Return (right, busy) frames without a body before the shelf, then with one too."""
    truly, bodies = np.array(seen.truly), np.array(seen.bodies)
    right = np.zeros(len(truly), bool)
    for shift in range(-TOLERANCE_FRAMES, TOLERANCE_FRAMES + 1):
        right |= np.array(seen.counted) == np.roll(truly, shift)
    busy = (truly >= 1) & (truly <= 2)
    clear = busy & (bodies == 0)
    return int((right & clear).sum()), int(clear.sum()), int((right & busy).sum()), int(busy.sum())


def phantom_frames(seen: Watched) -> int:
    """Return frames in which hands were counted though none was there two frames before or after."""
    truly = np.array(seen.truly)
    near = sum(np.roll(truly, shift) for shift in range(-TOLERANCE_FRAMES, TOLERANCE_FRAMES + 1))
    return int(((near == 0) & (np.array(seen.counted) > 0)).sum())


def lane_truth(seen: Watched, word: VisionObservation) -> FloatArray:
    """Return by how many items each lane's goods changed over a comparison."""
    before, after = (
        Counter(item.lane_id for item in seen.scene.standing_at(at))
        for at in (seconds(word.t_start_ns) - 0.2, seconds(word.t_end_ns))
    )
    return np.array([after[lane] - before[lane] for lane in word.lane_ids], dtype=np.float64)


def moved_x_mm(seen: Watched, word: VisionObservation) -> list[list[float]]:
    """Return (x, y) of every item that came or went over a comparison."""
    before, after = (
        {item.number: item for item in seen.scene.standing_at(at)}
        for at in (seconds(word.t_start_ns) - 0.2, seconds(word.t_end_ns))
    )
    changed = [before[n] for n in before.keys() - after.keys()] + [after[n] for n in after.keys() - before.keys()]
    return [[item.x_mm, item.y_mm] for item in changed]


def comparisons(seen: Watched) -> list[dict[str, Any]]:
    """Return every comparison as (truth, nats, scores)."""
    rows = []
    for word, scores in zip(seen.words, seen.word_scores, strict=True):
        visible = [i for i, lane in enumerate(seen.scene.lanes) if lane.lane_id in word.lane_ids]
        rows.append(
            {
                "t_s": seconds(word.t_end_ns),
                "truth": lane_truth(seen, word).tolist(),
                "moved_x_mm": moved_x_mm(seen, word),
                "patches": [dataclasses.astuple(patch) for patch in scores.patches],
                "nats": word.lane_log_likelihood.tolist(),
                "features": {name: np.asarray(value)[visible].tolist() for name, value in scores.by_lane().items()},
            }
        )
    return rows


def change_nats(row: dict[str, Any]) -> FloatArray:
    """Return, per lane, ln of the mean likelihood of a change over that of none."""
    nats = np.array(row["nats"])
    others = np.delete(nats, NONE, axis=1)
    return np.asarray(np.log(np.exp(others).mean(axis=1)) - nats[:, NONE])


def lane_table(rows: list[dict[str, Any]]) -> list[str]:
    """Return the lines on lanes."""
    single = [row for row in rows if np.count_nonzero(row["truth"]) == 1]
    named = sum(bool(np.array(row["truth"])[int(change_nats(row).argmax())]) for row in single)
    nothing = [row for row in rows if not any(row["truth"])]
    false = sum(change_nats(row).max() > 0 for row in nothing)
    truth = np.concatenate([row["truth"] for row in rows])
    nats = np.concatenate([change_nats(row) for row in rows])
    all_nats = np.concatenate([np.array(row["nats"]) for row in rows])
    changed = truth != 0
    base = changed.mean()
    claimed = 1 / (1 + np.exp(-(nats + np.log(base / (1 - base)))))
    fewer = np.log(np.exp(all_nats[:, :NONE]).mean(axis=1)) - np.log(np.exp(all_nats[:, NONE + 1 :]).mean(axis=1))
    sign = ((fewer > 0) == (truth < 0))[changed]
    lines = [
        f"lane of change top-1   {named}/{len(single)} = {named / max(len(single), 1):.1%} of those with one changed",
        f"changed lanes seen     {(nats[changed] > 0).mean():.1%} of {changed.sum()}; sign right {sign.mean():.1%}",
        f"unchanged lanes        {(nats[~changed] > 0).mean():.2%} of {(~changed).sum()} called changed",
        f"nothing changed        {false}/{len(nothing)} comparisons with a lane called changed",
        "claimed   seen    lanes",
    ]
    for low, high in (
        (0, 0.01),
        (0.01, 0.05),
        (0.05, 0.2),
        (0.2, 0.5),
        (0.5, 0.8),
        (0.8, 0.95),
        (0.95, 0.99),
        (0.99, 1.01),
    ):
        inside = (claimed >= low) & (claimed < high)
        if inside.any():
            lines.append(f"{claimed[inside].mean():7.3f} {changed[inside].mean():7.3f} {inside.sum():6d}")
    return lines


def seeds_of(text: str) -> list[int]:
    """Return the seeds of '100-107' or '3'."""
    low, _, high = text.partition("-")
    return list(range(int(low), int(high or low) + 1))


def main() -> None:
    """Watch, count, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="100-107")
    parser.add_argument("--kinds", default=",".join(get_args(HardwareKind)))
    parser.add_argument("--acts", type=int, default=12)
    parser.add_argument("--pictures", type=Path, default=shelf.ICONIC, help="folder of product pictures; drawn without")
    parser.add_argument("--restless-light", action="store_true", help="lamps switched every 15 s, flicker, drift")
    parser.add_argument("--rows", type=Path, help="write every comparison here as JSON, for the calibration")
    asked = parser.parse_args()
    cv2.setNumThreads(1)  # what a frame costs, it costs this thread
    shelf.ICONIC = asked.pictures
    rows: list[dict[str, Any]] = []
    counts, phantoms, quiet, busy = np.zeros(4, int), 0, list[float](), list[float]()
    conditions: Counter[str] = Counter()
    for kind in asked.kinds.split(","):
        for seed in seeds_of(asked.seeds):
            seen = watch(*rendered(seed, kind, asked.acts, look=RESTLESS if asked.restless_light else None))
            own = np.array(hands_right(seen))
            counts += own
            phantoms += phantom_frames(seen)
            quiet += seen.quiet_ms
            busy += seen.busy_ms
            conditions.update(each.code for each in seen.said if isinstance(each, CameraCondition) and each.raised)
            each_row = comparisons(seen)
            rows += [{"kind": kind, "seed": seed, **row} for row in each_row]
            missed = [
                f"{row['t_s']:.1f}"
                for row in each_row
                if np.count_nonzero(row["truth"]) == 1 and not row["truth"][int(change_nats(row).argmax())]
            ]
            sys.stderr.write(f"{kind} {seed}: hands {own[0]}/{own[1]} ({own[2]}/{own[3]}), lanes missed at {missed}\n")
    right, clear, right_all, all_busy = (int(each) for each in counts)
    print(
        f"hands counted right    {right}/{clear} = {right / clear:.1%} of busy frames without a body before the shelf"
    )
    print(
        f"                       {right_all}/{all_busy} = {right_all / all_busy:.1%} of all; phantom frames {phantoms}"
    )
    for kind in asked.kinds.split(","):
        print(f"--- {kind}")
        print("\n".join(lane_table([row for row in rows if row["kind"] == kind])))
    print("--- all kinds")
    print("\n".join(lane_table(rows)))
    for name, costs in (("quiet", quiet), ("busy", busy)):
        mean, p50, p99 = np.mean(costs), np.median(costs), np.quantile(costs, 0.99)
        print(f"{name} frame            mean {mean:.2f} ms, median {p50:.2f}, 99 % {p99:.2f} ({len(costs)} frames)")
    print(f"conditions raised      {dict(conditions) or 'none'}")
    if asked.rows:
        asked.rows.write_text(json.dumps(rows))


if __name__ == "__main__":
    main()
