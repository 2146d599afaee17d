"""Two plain ways to know a product again, run beside ours on the same photographs.

*Whole picture*: histograms of gradients (Dalal and Triggs 2005) with colour histograms in 4 × 4 cells and linear
least-squares classifiers. *Nearest neighbour*: RootSIFT of the strongest features with naive-Bayes nearest neighbour
(Boiman et al. 2008), as many bytes a product as our templates.
"""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from edge_agent.appearance_trial import Answers, Product, Say, candidates, enrolled_of, folds
from edge_agent.vision.appearance_features import Numbers
from edge_agent.vision.frames import ColourPicture

SIDE_PX = 128
CELL_PX = 8
DIRECTIONS = 9
RIDGE = 0.05
"""Of the linear classifiers, on vectors of length √2 (2026-12)."""
SIFT_FEATURES = 300
SIFT_A_PRODUCT = 1600
"""RootSIFT vectors of 128 bytes in 210 kB."""

Scored = Mapping[str, Numbers]


def whole_picture(products: Sequence[Product], by: str, held: Sequence[int], number: int, seed: int) -> Answers:
    """Return the answers of linear classifiers on whole pictures."""
    vectors = {each.name: np.array([_whole(picture) for picture in each.pictures]) for each in products}
    names = [each.name for each in products]
    right: list[bool] = []
    for part in held:
        fold = {each.name: folds(each, by, seed) for each in products}
        enrolled = {each.name: vectors[each.name][enrolled_of(each, fold[each.name], part, by)] for each in products}
        known = np.concatenate([enrolled[name] for name in names])
        label = np.repeat(np.arange(len(names)), [len(enrolled[name]) for name in names])
        middle = known.mean(axis=0)
        target = np.where(label[:, None] == np.arange(len(names)), 1.0, -1 / max(len(names) - 1, 1))
        inner = (known - middle) @ (known - middle).T + RIDGE * np.eye(len(known))
        weights = (known - middle).T @ np.linalg.solve(inner, target)
        for each in products:
            for row in np.flatnonzero(fold[each.name] == part).tolist():
                score = dict(zip(names, ((vectors[each.name][row] - middle) @ weights).tolist(), strict=True))
                asked = candidates(names, each.name, number, (seed, part, row))
                right.append(score[asked[0]] > max(score[name] for name in asked[1:]))
    return Answers(np.array(right), np.full(len(right), np.nan))


def nearest_neighbour(
    products: Sequence[Product],
    by: str,
    held: Sequence[int],
    number: int,
    seed: int,
    say: Say = lambda _text: None,
) -> Answers:
    """Return the answers of naive-Bayes nearest neighbour on RootSIFT."""
    right: list[bool] = []
    found = {each.name: [_root_sift(picture) for picture in each.pictures] for each in products}
    names = [*found]
    for part in held:
        fold = {each.name: folds(each, by, seed) for each in products}
        known: dict[str, Numbers] = {}
        for each in products:
            use = enrolled_of(each, fold[each.name], part, by)
            share = max(SIFT_A_PRODUCT // len(use), 1)
            known[each.name] = np.concatenate([found[each.name][row][:share] for row in use])
        for each in products:
            say(f"nearest neighbour, held out by {by}, part {part + 1}: {each.name}")
            for row in np.flatnonzero(fold[each.name] == part).tolist():
                asked = candidates(names, each.name, number, (seed, part, row))
                seen = found[each.name][row]
                apart = [
                    float((2 - 2 * (seen @ known[name].T).max(axis=1)).sum()) if len(seen) else 0 for name in asked
                ]
                right.append(apart[0] < min(apart[1:]))
    return Answers(np.array(right), np.full(len(right), np.nan))


def _whole(picture: ColourPicture) -> Numbers:
    small: Numbers = cv2.resize(picture, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    gradients, colours = _gradients(small), _colours(small)
    return np.concatenate([gradients / np.linalg.norm(gradients), colours / np.linalg.norm(colours)])


def _gradients(small: ColourPicture) -> Numbers:
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    right, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0, ksize=1), cv2.Sobel(grey, cv2.CV_32F, 0, 1, ksize=1)
    steep, turn = np.hypot(right, down), (np.arctan2(down, right) % np.pi) / np.pi * DIRECTIONS
    low = np.floor(turn).astype(int)
    rows, columns = np.indices(grey.shape)
    each = np.zeros((*grey.shape, DIRECTIONS), np.float32)
    each[rows, columns, low % DIRECTIONS] += steep * (1 - (turn - low))
    each[rows, columns, (low + 1) % DIRECTIONS] += steep * (turn - low)
    side = SIDE_PX // CELL_PX
    cells = each.reshape(side, CELL_PX, side, CELL_PX, DIRECTIONS).sum(axis=(1, 3))
    blocks = np.concatenate([cells[:-1, :-1], cells[1:, :-1], cells[:-1, 1:], cells[1:, 1:]], axis=-1)
    blocks = np.minimum(blocks / (np.linalg.norm(blocks, axis=-1, keepdims=True) + 20), 0.2)
    whole: Numbers = (blocks / (np.linalg.norm(blocks, axis=-1, keepdims=True) + 1e-3)).ravel() + 1e-9
    return whole


def _colours(small: ColourPicture) -> Numbers:
    hsv = cv2.cvtColor(small, cv2.COLOR_RGB2HSV)
    side = SIDE_PX // 4
    cells = hsv.reshape(4, side, 4, side, 3).swapaxes(1, 2).reshape(16, -1, 3).astype(float)
    limits = ((0, 180), (0, 256), (0, 256))
    counts = [np.histogramdd(cell, bins=(8, 3, 3), range=limits)[0].ravel() for cell in cells]
    whole: Numbers = np.sqrt(np.concatenate(counts))
    return whole


def _root_sift(picture: ColourPicture) -> Numbers:
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    keypoints, found = cv2.SIFT.create(nfeatures=SIFT_FEATURES).detectAndCompute(grey, None)
    if not keypoints:
        return np.zeros((0, 128), np.float32)
    root: Numbers = np.sqrt(found / np.maximum(found.sum(axis=1, keepdims=True), 1e-6))
    return root
