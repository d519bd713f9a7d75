"""Scenes that are turned after the teacher has seen them: it misses most faces that lean by more than forty degrees."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.train.material.two_sizes import grid

F32 = NDArray[np.float32]
Image = NDArray[np.uint8]

SHARE = 0.25
"""Of the scenes that are turned."""
SPREAD_DEG, MOST_DEG = 30.0, 60.0
"""Standard deviation and limit of the turn."""


def draw_degrees(rng: np.random.Generator) -> float:
    """By how much a scene is turned; most are not."""
    return float(np.clip(rng.normal(0, SPREAD_DEG), -MOST_DEG, MOST_DEG)) if rng.random() < SHARE else 0.0


def turned(image: Image, degrees: float) -> Image:
    """A square picture, (S, S, 3) u8, turned clockwise about its middle; its border is repeated outwards."""
    size = (image.shape[1], image.shape[0])
    matrix = _matrix(image.shape[0], degrees)
    how = {"flags": cv2.INTER_LINEAR, "borderMode": cv2.BORDER_REPLICATE}
    return np.asarray(cv2.warpAffine(image, matrix, size, **how), np.uint8)  # type: ignore[call-overload]


def turned_lesson(lesson: F32, side: int, degrees: float) -> F32:
    """What `two_sizes.lesson` says of a scene of `side` px, (cells, 15) float32, for that scene turned as by `turned`.

    A new array. Each cell takes what the cell says that lay there before the turn: its score, the size of the box, and
    where the middle of the box and the points are now. What came in at the corners is no face.
    """
    strides, at = grid(side)
    stride = strides[:, np.newaxis]
    matrix = _matrix(side, degrees)
    back = np.asarray(cv2.invertAffineTransform(matrix), np.float64)
    before = ((at + 0.5) * stride) @ back[:, :2].T + back[:, 2]
    columns = np.floor(before / stride).astype(np.int64)
    per_row = np.rint(side / strides).astype(np.int64)
    is_inside = (columns >= 0).all(axis=1) & (columns < per_row[:, np.newaxis]).all(axis=1)
    first = np.zeros(len(strides), np.int64)
    for one in np.unique(strides):
        first[strides == one] = int(np.flatnonzero(strides == one)[0])
    source = np.where(is_inside, first + columns[:, 1] * per_row + columns[:, 0], 0)
    result = lesson[source].copy()
    result[~is_inside, 0] = 0.0
    middle = (at[source] + result[:, 1:3]) * stride
    points = (result[:, 5:].reshape(-1, 5, 2) + at[source][:, np.newaxis]) * stride[:, np.newaxis]
    result[:, 1:3] = (middle @ matrix[:, :2].T + matrix[:, 2]) / stride - at
    moved = (points @ matrix[:, :2].T + matrix[:, 2]) / stride[:, np.newaxis] - at[:, np.newaxis]
    result[:, 5:] = moved.reshape(-1, 10)
    return np.asarray(result, np.float32)


def _matrix(side: int, degrees: float) -> NDArray[np.float64]:
    middle = (side - 1) / 2
    return np.asarray(cv2.getRotationMatrix2D((middle, middle), -degrees, 1.0), np.float64)
