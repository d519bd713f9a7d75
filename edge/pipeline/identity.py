"""What a hit says of its two faces: which one the match rests on, whether they disagree, what was left out and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edge.enhance import Enhancer
from edge.records import Quality


def told(found_on: str, alike: Sequence[float] | None, limit: float) -> dict[str, Any]:
    """JSON-ready. `alike` holds the similarities of the best shot as captured and as shown; None: nothing was changed.

    The two disagree where they differ by more than `limit`, which 1 in 100 faces of known people does.
    """
    difference = None if alike is None else alike[1] - alike[0]
    return {
        "found_on": found_on,
        "disagrees": difference is not None and abs(difference) > limit,
        "difference": None if difference is None else round(difference, 4),
        "limit": round(limit, 4),
    }


def recognition_plan(quality: Quality, enhancer: Enhancer) -> dict[str, Any]:
    """JSON-ready: the steps that recognition takes of a face of this quality, and why it takes no other."""
    plan = enhancer.plan(quality, for_recognition=True)
    return {
        "purpose": "recognition",
        "steps": [step.name for step in plan.steps],
        "skipped": [{"name": step.name, "reason": step.reason} for step in plan.skipped],
    }
