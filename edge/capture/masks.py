"""Privacy masks, painted over a frame in the capture child before anything else sees it.

A mask covers every pixel that it touches, so rounding never leaves a line uncovered; a polygon reaches up to three
pixels beyond its border, and covers what its sides enclose, also where they cross.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.arrays import BgrImage
from edge.capture.orders import Mask, Polygon

Span = tuple[slice, slice]


def mask_spans(masks: Sequence[Mask], height: int, width: int) -> list[Span]:
    """Row and column slices of each mask in a frame of that size."""
    return [
        (
            slice(math.floor(mask.y * height), min(height, math.ceil((mask.y + mask.height) * height))),
            slice(math.floor(mask.x * width), min(width, math.ceil((mask.x + mask.width) * width))),
        )
        for mask in masks
    ]


def paint_masks(image: BgrImage, masks: Sequence[Mask], polygons: Sequence[Polygon] = ()) -> None:
    """Paint `image` (H, W, 3) uint8 black under each mask. Changes `image`."""
    for rows, columns in mask_spans(masks, image.shape[0], image.shape[1]):
        image[rows, columns] = 0
    _fill(image, polygons, (0, 0, 0))


def visible_pixels(
    masks: Sequence[Mask], height: int, width: int, polygons: Sequence[Polygon] = ()
) -> NDArray[np.bool_]:
    """(H, W) bool, True where no mask lies."""
    visible = np.ones((height, width), np.uint8)
    for rows, columns in mask_spans(masks, height, width):
        visible[rows, columns] = 0
    _fill(visible, polygons, (0,))
    return visible.astype(np.bool_)


def _fill(image: NDArray[np.uint8], polygons: Sequence[Polygon], color: tuple[int, ...]) -> None:
    """Fill polygons, what their sides enclose, and a line of three pixels along their borders."""
    if not polygons:
        return
    height, width = image.shape[:2]
    # OpenCV draws into whole arrays only; a turned picture is a view.
    canvas = image if image.flags.c_contiguous else np.ascontiguousarray(image)
    for points in polygons:
        corners, holes = _outlines(tuple((float(x), float(y)) for x, y in points), width, height)
        # Each by itself: filled together, places in two of them would be outside by the even-odd rule.
        for outline in (corners, *holes):
            cv2.fillPoly(canvas, [outline], color)
        cv2.polylines(canvas, [corners], isClosed=True, color=color, thickness=3)
    if canvas is not image:
        image[:] = canvas


@lru_cache(maxsize=64)
def _outlines(points: Polygon, width: int, height: int) -> tuple[NDArray[np.int32], tuple[NDArray[np.int32], ...]]:
    """Corners in pixels, and the border of each place that the even-odd rule leaves out inside, as in a star."""
    corners = np.round(np.array(points) * (width, height) - 0.5).astype(np.int32)
    drawn = np.zeros((height, width), np.uint8)
    cv2.fillPoly(drawn, [corners], (1,))
    contours, levels = cv2.findContours(drawn, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    inner = () if levels is None else (one for one, level in zip(contours, levels[0], strict=True) if level[3] >= 0)
    return corners, tuple(np.asarray(one, np.int32) for one in inner)
