"""A face for recognition: always the original, and beside it the enhanced one where that was shown to help."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from edge.arrays import BgrImage, Boxes, Landmarks
from edge.enhance.enhancer import Enhancer
from edge.enhance.planner import PlannedStep
from edge.enhance.steps import kind_of
from edge.pixels.faces.geometry import align, enlarged_points
from edge.pixels.measures.quality import measure, measure_picture
from edge.recipes import Recipe, Step
from edge.records import Quality

MARGIN = 0.5
"""How far the part that is enhanced reaches beyond the box, in box sizes. The aligned crop of a narrow box reaches
beyond .3: its corners were black then.
"""


@dataclass(frozen=True, slots=True)
class Scored:
    """The aligned original, and the aligned enhanced face or None. `quality` is the original's, with every fault."""

    original: BgrImage
    enhanced: BgrImage | None
    quality: Quality
    recipe: Recipe


def score_face(
    image: BgrImage,
    landmarks: Landmarks,
    box: Boxes,
    enhancer: Enhancer,
    known: tuple[BgrImage, Quality] | None = None,
) -> Scored:
    """Align a face of a frame, and again after the steps that help recognition with its faults.

    Parameters
    ----------
    image : (H, W, 3) uint8 BGR
        The frame. Not changed.
    landmarks : (5, 2) float32 px of the frame
    box : (4,) xyxy px of the frame
    known : the aligned crop and its quality, where the caller has them already
    """
    crop = align(image, landmarks) if known is None else known[0]
    quality = measure(crop, landmarks, box) if known is None else known[1]
    part, corner = cut(image, box)
    quality = as_captured(quality, part, corner)
    plan = enhancer.plan(quality, for_recognition=True, num_pixels=part.shape[0] * part.shape[1])
    if not plan.steps:
        return Scored(crop, None, quality, Recipe((), plan.skipped))
    if are_aligned(plan.steps):
        done, recipe = enhancer.apply(crop, plan)
        return Scored(crop, done, quality, recipe)
    done, recipe = enhancer.apply(part, plan)
    ratio = done.shape[1] / part.shape[1]
    points = enlarged_points(landmarks - np.array(corner, np.float32), ratio)
    return Scored(crop, align(done, points), quality, recipe)


def are_aligned(steps: Iterable[PlannedStep | Step]) -> bool:
    """Whether steps for recognition start from the aligned crop and not from the face as captured."""
    return all(kind_of(step.name).aligned for step in steps)


def input_of(steps: Iterable[PlannedStep | Step], image: BgrImage, landmarks: Landmarks, box: Boxes) -> BgrImage:
    """Return the input of steps for recognition: the aligned crop of a face in `image`, or the part around its box."""
    return align(image, landmarks) if are_aligned(steps) else cut(image, box)[0]


def as_captured(quality: Quality, part: BgrImage, corner: tuple[int, int]) -> Quality:
    """A crop's quality with the faults that alignment hides, measured where the face was cut from the frame."""
    seen = measure_picture(part, corner)
    return replace(
        quality,
        noise=seen.noise,
        directedness=seen.directedness,
        blur_deg=seen.blur_deg,
        blockiness=seen.blockiness,
    )


def cut(image: BgrImage, box: Boxes, margin: float = MARGIN) -> tuple[BgrImage, tuple[int, int]]:
    """A copy of the face with a margin, and the (x, y) px of its corner."""
    x1, y1, x2, y2 = (float(edge) for edge in box)
    dx, dy = (x2 - x1) * margin, (y2 - y1) * margin
    height, width = image.shape[:2]
    left, top = min(max(int(x1 - dx), 0), width - 1), min(max(int(y1 - dy), 0), height - 1)
    right, bottom = min(int(x2 + dx) + 1, width), min(int(y2 + dy) + 1, height)
    return np.ascontiguousarray(image[top : max(bottom, top + 1), left : max(right, left + 1)]), (left, top)
