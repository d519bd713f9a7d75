"""What a hit tells of captured and enhanced face: which one the match rests on, and whether they disagree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edge.arrays import BgrImage, Boxes, Landmarks
from edge.enhance import Enhancer, Plan, PlannedStep, recipe_to_json
from edge.enhance.scoring import input_of
from edge.recipes import Recipe


def two_faces_json(found_on: str, similarities: Sequence[float] | None, limit: float) -> dict[str, Any]:
    """JSON-ready. `similarities` are those of the best shot as captured and as shown; None: nothing was changed.

    The two disagree where they differ by more than `limit`, which 1 in 100 faces of known people does.
    """
    difference = None if similarities is None else similarities[1] - similarities[0]
    return {
        "found_on": found_on,
        "disagrees": difference is not None and abs(difference) > limit,
        "difference": None if difference is None else round(difference, 4),
        "limit": round(limit, 4),
    }


def recognition_recipe(
    found: BgrImage, landmarks: Landmarks, box: Boxes, done: Recipe, enhancer: Enhancer
) -> dict[str, Any]:
    """JSON-ready: the steps that were done to a shot for recognition, and why no others were.

    The frame's pixels are gone once the hit is kept, so the hashes are those of the same steps on the picture that is
    kept (`found`; landmarks and box in its pixels): on it they can be done again.
    """
    if not done.steps:
        return recipe_to_json(done, "recognition")
    plan = Plan(tuple(PlannedStep(step.name, step.params) for step in done.steps), done.skipped)
    start = input_of(plan.steps, found, landmarks, box)
    return recipe_to_json(enhancer.apply(start, plan)[1], "recognition")
