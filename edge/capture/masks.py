"""Privacy masks, painted over a frame in the capture child before anything else sees it.

A mask covers every pixel that it touches, so rounding never leaves a line uncovered.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge.arrays import BgrImage
from edge.config import MaskConfig

Span = tuple[slice, slice]


def mask_spans(masks: Sequence[MaskConfig], height: int, width: int) -> list[Span]:
    """Row and column slices of each mask in a frame of that size."""
    return [
        (
            slice(math.floor(mask.y * height), min(height, math.ceil((mask.y + mask.height) * height))),
            slice(math.floor(mask.x * width), min(width, math.ceil((mask.x + mask.width) * width))),
        )
        for mask in masks
    ]


def paint_masks(image: BgrImage, masks: Sequence[MaskConfig]) -> None:
    """Paint `image` (H, W, 3) uint8 black under each mask. Changes `image`."""
    for rows, columns in mask_spans(masks, image.shape[0], image.shape[1]):
        image[rows, columns] = 0


def visible_pixels(masks: Sequence[MaskConfig], height: int, width: int) -> NDArray[np.bool_]:
    """(H, W) bool, True where no mask lies."""
    visible = np.ones((height, width), np.bool_)
    for rows, columns in mask_spans(masks, height, width):
        visible[rows, columns] = False
    return visible
