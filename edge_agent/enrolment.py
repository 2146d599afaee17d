"""Enrolment of a SKU: its template, what is to be said of its photographs, and what it will be mistaken for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from edge_agent.errors import CameraError
from edge_agent.vision.appearance_bursts import SAME_BURST, likeness, sittings
from edge_agent.vision.appearance_calibration import PHOTOGRAPHS
from edge_agent.vision.appearance_enrolment import Photograph, Shared, photograph, shared_features, template_of
from edge_agent.vision.appearance_features import Numbers, looked_at
from edge_agent.vision.appearance_scores import scores
from edge_agent.vision.frames import ColourPicture
from edge_agent.vision.templates import SkuTemplate

FEW_PHOTOGRAPHS = 8
"""Below, sides and lights are missing (rule, 2026-12)."""
FEW_VIEWS = 3
THE_SAME = 0.9
"""Correlation of every two photographs from which the technician never moved (rule, 2026-12)."""
SMALL_PX = 160
"""A photograph's shorter side: enrolment should see more than the shelf's camera does."""
SHARP = 130.0
"""Variance of the Laplacian of a sharp photograph 348 px wide: of photographs by phone 1 in 100 has less (2026-12)."""
FEW_FEATURES = 60
HELD_OUT = 3
"""Parts in which photographs are held out in turn."""
ALIKE_BELOW = 0.9
"""Share of photographs told apart, below which two SKUs look alike (rule, 2026-12)."""
SAME_GREY = 3.0
"""Mean difference of two small grey pictures, of 255, up to which they are one photograph saved twice (2026-12)."""
SAME_SHARE = 0.5

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class Enrolment:
    """What came of a SKU's photographs.

    Attributes
    ----------
    template : SkuTemplate
    remarks : tuple of str
        On the photographs, for the technician; empty when nothing is to be said.
    told_from : dict
        Other enrolled SKU → share of held-out photographs that fit this SKU better; empty where there was too little.
    """

    template: SkuTemplate
    remarks: tuple[str, ...]
    told_from: dict[str, float]

    @property
    def looks_like(self) -> dict[str, float]:
        """Return the SKUs that this one is mistaken for, the worst first."""
        alike = {sku: share for sku, share in self.told_from.items() if share < ALIKE_BELOW}
        return dict(sorted(alike.items(), key=lambda each: each[1]))


def enrol(
    sku: str,
    pictures: Sequence[tuple[str, ColourPicture]],
    others: Sequence[SkuTemplate],
    *,
    version: int = 1,
    say: Say = lambda _text: None,
) -> Enrolment:
    """Make a SKU's template of named photographs, and compare it with the other enrolled SKUs.

    Raises
    ------
    CameraError
        Nothing stands out in any photograph, or another SKU was enrolled with the same ones.
    """
    photographs: list[Photograph] = []
    remarks: list[str] = []
    for number, (name, picture) in enumerate(pictures, 1):
        say(f"looking at photograph {number} of {len(pictures)}")
        photographs.append(photograph(picture))
        remarks += _remarks_on(name, picture, photographs[-1])
    alike = likeness([each.small for each in photographs])
    groups = sittings(alike, SAME_BURST, 1)
    remarks += _remarks_on_all(alike, len(np.unique(groups)))
    say("comparing the photographs with each other")
    shared = shared_features(photographs, alike)
    try:
        template = template_of(sku, photographs, version=version, shared=shared)
    except ValueError as error:
        raise CameraError(f"{error}: take them sharp, lit, and with the package filling the picture") from error
    for other in others:
        _require_other_photographs(template, other)
    told = _told_from(photographs, shared, groups, template, others, say)
    return Enrolment(template, tuple(remarks), told)


def _remarks_on(name: str, picture: ColourPicture, seen: Photograph) -> list[str]:
    short = min(picture.shape[:2])
    if short < SMALL_PX:
        return [f"{name}: small, {short} px; {SMALL_PX} px and more show what a label says"]
    grey = cv2.cvtColor(looked_at(picture), cv2.COLOR_RGB2GRAY)
    if len(seen.seen) < FEW_FEATURES:
        return [f"{name}: little stands out in it ({len(seen.seen)} features): dark, blurred, or a plain side"]
    if cv2.Laplacian(grey, cv2.CV_64F).var() < SHARP:
        return [f"{name}: blurred; hold still, or give it more light"]
    return []


def _remarks_on_all(alike: Numbers, groups: int) -> list[str]:
    number = len(alike)
    if number > 1 and alike.min() > THE_SAME:
        return [f"all {number} photographs show the same: turn the product, move, and take it from other sides"]
    if number < FEW_PHOTOGRAPHS or groups < FEW_VIEWS:
        few = (
            f"{number} photographs of {groups} views are few: {FEW_PHOTOGRAPHS} and more, in the shop's light and from"
        )
        return [f"{few} the sides that a shopper shows the camera, make it surer"]
    return []


def _require_other_photographs(template: SkuTemplate, other: SkuTemplate) -> None:
    """Raise where another SKU was enrolled with these photographs: then nothing could tell the two apart."""
    same = len(set(template.source_digests) & set(other.source_digests))
    grey = template.small.reshape(len(template.small), -1).astype(np.float32)
    theirs = other.small.reshape(len(other.small), -1).astype(np.float32)
    apart = np.abs(grey[:, None] - theirs[None]).mean(axis=2).min(axis=1)
    resaved = int((apart < SAME_GREY).sum())
    if same or resaved >= max(SAME_SHARE * len(grey), 1):
        raise CameraError(
            f"{max(same, resaved)} of the photographs of {template.sku} are those that {other.sku} was enrolled with:"
            f" one of the two folders is the wrong one; if {other.sku}'s was, enrol or --remove that first"
        )


def _told_from(
    photographs: Sequence[Photograph],
    shared: Shared,
    groups: Numbers,
    template: SkuTemplate,
    others: Sequence[SkuTemplate],
    say: Say,
) -> dict[str, float]:
    """Return, per other SKU, the share of photographs that fit a template made without their own group better."""
    if not others or len(photographs) < 2:
        return {}
    part = _parts(groups)
    better: list[Numbers] = []
    for held in np.unique(part).tolist():
        use = np.flatnonzero(part != held).tolist()
        if not any(len(photographs[each].seen) for each in use):
            continue
        own = template_of(template.sku, photographs, shared=shared, use=use)
        for each in np.flatnonzero(part == held).tolist():
            say(f"told from {len(others)} others: photograph {len(better) + 1} of {len(photographs)}")
            nats = PHOTOGRAPHS.log_likelihood(scores(photographs[each].seen, [own, *others]))
            better.append(nats[0] > nats[1:-1])
    share = np.mean(better, axis=0).tolist() if better else []
    return {other.sku: float(each) for other, each in zip(others, share, strict=bool(better))}


def _parts(groups: Numbers) -> Numbers:
    """Return the part of each photograph, (n,), about `HELD_OUT` of one size: groups together, unless they fill a part.

    A group of more than that is taken apart: a template of the few others would say nothing of the one that is kept.
    """
    number = len(groups)
    part = np.zeros(number, np.int32)
    filled = np.zeros(min(HELD_OUT, number), np.int32)
    for members in sorted((np.flatnonzero(groups == each) for each in np.unique(groups)), key=lambda each: -len(each)):
        together = [members] if len(members) * len(filled) <= number else np.split(members, len(members))
        for each in together:
            part[each] = filled.argmin()
            filled[filled.argmin()] += len(each)
    return part
