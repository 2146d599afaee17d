"""How well products are told apart by photographs that were held out: the trial behind `edge-agent lab appearance`.

Photographs of one burst are on the same side. Held out by *bursts*, other photographs of the same visit to the shop are
still among the enrolled ones; held out by *sittings*, whole sets that look alike (one place, one light, one side of the
package) are, and whatever is still like a held-out photograph is left out of the enrolment too: nearer to a camera in
a shop that nobody has photographed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from edge_agent.vision.appearance_bursts import bursts, likeness, sittings
from edge_agent.vision.appearance_calibration import PHOTOGRAPHS
from edge_agent.vision.appearance_enrolment import Photograph, Shared, photograph, shared_features, template_of
from edge_agent.vision.appearance_features import Numbers, features
from edge_agent.vision.appearance_scores import scores
from edge_agent.vision.frames import ColourPicture
from edge_agent.vision.templates import SkuTemplate

FOLDS = 5
ONE_SITTING = 0.3
"""Mean correlation down to which photographs are one sitting (2026-12)."""
STILL_LIKE = 0.55
"""Correlation with a held-out photograph from which one of another sitting is left out of the enrolment (2026-12)."""
FEWEST_ENROLLED = 5
BINS = 10
CHANCES = 200

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class Product:
    """A product's photographs, compared with each other once."""

    name: str
    pictures: tuple[ColourPicture, ...]
    photographs: tuple[Photograph, ...]
    alike: Numbers
    shared: Shared


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Answers on held-out photographs.

    Attributes
    ----------
    right : (n,) bool
    sure : (n,)
        Probability that the answer gave itself, every candidate as likely beforehand.
    """

    right: Numbers
    sure: Numbers

    @property
    def share(self) -> float:
        """Return the share of right answers."""
        return float(self.right.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """Return the 95 % interval of the share (Wilson 1927)."""
        number, share, z = len(self.right), self.share, 1.96
        middle = (share + z * z / (2 * number)) / (1 + z * z / number)
        half = z * np.sqrt(share * (1 - share) / number + z * z / (4 * number**2)) / (1 + z * z / number)
        return float(middle - half), float(middle + half)

    def reliability(self) -> list[tuple[int, float, float]]:
        """Return (answers, mean probability, share right) of ten equal bins of probability, empty ones left out."""
        bin_of = np.minimum((self.sure * BINS).astype(int), BINS - 1)
        rows = [np.flatnonzero(bin_of == each) for each in range(BINS)]
        return [(len(row), float(self.sure[row].mean()), float(self.right[row].mean())) for row in rows if len(row)]

    @property
    def calibration_error(self) -> float | None:
        """Return the expected calibration error: the mean gap of the bins, weighted by their answers.

        None of answers that give themselves no probability.
        """
        if np.isnan(self.sure).any():
            return None
        gaps = [number * abs(sure - right) for number, sure, right in self.reliability()]
        return float(sum(gaps) / len(self.right))

    def chance_error(self, seed: int) -> float:
        """Return the calibration error that answers right exactly as often as they say would show, on average.

        It falls with the root of their number: an error below it is no better than one at it.
        """
        rng = np.random.default_rng(seed)
        drawn = [Answers(rng.random(len(self.sure)) < self.sure, self.sure).calibration_error for _ in range(CHANCES)]
        return float(np.mean([each for each in drawn if each is not None]))


def looked_at_once(name: str, pictures: Sequence[ColourPicture]) -> Product:
    """Return a product of its photographs."""
    photographs = tuple(photograph(each) for each in pictures)
    alike = likeness([each.small for each in photographs])
    return Product(name, tuple(pictures), photographs, alike, shared_features(photographs, alike))


def folds(product: Product, by: str, seed: int) -> Numbers:
    """Return the fold of each photograph, (n,): whole bursts or sittings, spread evenly, drawn by the seed and name."""
    sets = bursts(product.alike) if by == "bursts" else sittings(product.alike, ONE_SITTING, FOLDS)
    rng = np.random.default_rng([seed, *product.name.encode()])
    names = rng.permutation(np.unique(sets)).tolist()
    names.sort(key=lambda each: -np.count_nonzero(sets == each))
    order, filled = rng.permutation(FOLDS), np.zeros(FOLDS)
    fold = np.zeros(len(sets), np.int32)
    for each in names:
        emptiest = order[filled[order].argmin()]
        fold[sets == each] = emptiest
        filled[emptiest] += np.count_nonzero(sets == each)
    return fold


def enrolled_of(product: Product, fold: Numbers, held: int, by: str) -> list[int]:
    """Return which photographs of a product are enrolled while a fold is held out."""
    others = np.flatnonzero(fold != held)
    if by == "bursts" or not (fold == held).any():
        return [int(each) for each in others]
    like = product.alike[:, fold == held].max(axis=1)[others]
    far = others[like < STILL_LIKE]
    if len(far) < FEWEST_ENROLLED:
        far = others[np.argsort(like, kind="stable")[:FEWEST_ENROLLED]]
    return [int(each) for each in far]


def templates_without(products: Sequence[Product], by: str, held: int, seed: int) -> dict[str, SkuTemplate]:
    """Return the products' templates while a fold is held out."""
    return {
        each.name: template_of(
            each.name, each.photographs, shared=each.shared, use=enrolled_of(each, folds(each, by, seed), held, by)
        )
        for each in products
    }


def candidates(names: Sequence[str], true: str, number: int, draw: Sequence[int]) -> list[str]:
    """Return the true product and ``number`` − 1 others, drawn."""
    others = [each for each in sorted(names) if each != true]
    drawn = np.random.default_rng([*draw, *true.encode()]).permutation(len(others))[: number - 1]
    return [true, *(others[each] for each in drawn.tolist())]


def answers(
    products: Sequence[Product],
    by: str,
    held: Sequence[int],
    numbers: Sequence[int],
    seed: int,
    height_px: int | None = None,
    say: Say = lambda _text: None,
) -> Mapping[int, Answers]:
    """Return the answers on held-out photographs, per number of candidates.

    Parameters
    ----------
    by : str
        ``bursts`` or ``sittings``.
    held : sequence of int
        Folds to hold out in turn, 0 to FOLDS − 1.
    numbers : sequence of int
        Candidates a question has, the true product among them.
    height_px : int, optional
        Height to which a held-out photograph is reduced beforehand, as a shelf's camera would see it.
    """
    right: dict[int, list[bool]] = {each: [] for each in numbers}
    sure: dict[int, list[float]] = {each: [] for each in numbers}
    for part in held:
        templates = templates_without(products, by, part, seed)
        for product in products:
            for each in np.flatnonzero(folds(product, by, seed) == part).tolist():
                say(f"held out by {by}, part {part + 1} of {FOLDS}: {product.name}")
                seen = product.photographs[each].seen
                if height_px is not None:
                    seen = features(_reduced(product.pictures[each], height_px))
                for number in numbers:
                    asked = candidates([*templates], product.name, number, (seed, part, each))
                    nats = PHOTOGRAPHS.log_likelihood(scores(seen, [templates[name] for name in asked]))[:-1]
                    weight = np.exp(nats - nats.max())
                    right[number].append(bool(nats[0] > nats[1:].max()))
                    sure[number].append(float(weight.max() / weight.sum()))
    return {each: Answers(np.array(right[each]), np.array(sure[each])) for each in numbers}


def _reduced(picture: ColourPicture, height_px: int) -> ColourPicture:
    size = (max(round(picture.shape[1] * height_px / picture.shape[0]), 1), height_px)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
