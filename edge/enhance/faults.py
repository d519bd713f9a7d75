"""Turns measured numbers into faults with levels 1..5, on the scale of the degradations of the same kind."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping

from edge.records import Quality

MAX_DIRECTEDNESS = 0.17
"""Above this a blur has a direction: moving faces have .25 and more, faces out of focus .05."""

# Where each level begins: midway between the medians of 120 faces at neighbouring levels. Noise, blocks and direction
# are those of the face as captured; light and sharpness those of the aligned crop.
NOISE = (0.012, 0.027, 0.040, 0.052, 0.064)
LUMA = (0.36, 0.27, 0.21, 0.16, 0.12)
BLUR = (0.64, 0.53, 0.44, 0.37, 0.33)
MOTION = (0.66, 0.58, 0.52)  # beyond 13 px sharpness falls no further
BLOCKS = (0.25, 0.51, 0.78, 1.16, 1.79)
SMALL_PX = (24.0, 18.0, 12.0, 9.0, 6.0)  # eye distance

FAULTS = ("noise", "dark", "motion", "blur", "blocks", "small")


def grade(quality: Quality) -> Mapping[str, int]:
    """Level of each fault, 0 where there is none; an eye distance of 0 was not measured."""
    directed = quality.directedness >= MAX_DIRECTEDNESS
    small = quality.eye_distance_px
    return {
        "noise": bisect_right(NOISE, quality.noise),
        "dark": _below(LUMA, quality.luma),
        "motion": _below(MOTION, quality.sharpness) if directed else 0,
        "blur": 0 if directed else _below(BLUR, quality.sharpness),
        "blocks": bisect_right(BLOCKS, quality.blockiness),
        "small": _below(SMALL_PX, small) if small > 0 else 0,
    }


def _below(falling: tuple[float, ...], value: float) -> int:
    """How many of the falling limits `value` lies below."""
    return sum(value < limit for limit in falling)
