"""Finds a face again in the next picture by correlation: cheap, and it says how sure it is."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.arrays import is_plane, require_bgr

FACE_PX = 24
"""Shorter side of a face as it is compared; more costs more and finds no more."""
REACH = 0.5
"""How far around its last place a face is looked for, in box sides."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Patch:
    """A face as it looked in one picture: `box` in px of the picture, `pixels` (h, w) uint8 gray at `scale`."""

    box: Box
    scale: float
    pixels: NDArray[np.uint8] = field(repr=False)


def cut_patch(image: NDArray[np.uint8], box: Box) -> Patch | None:
    """The face in `box`, xyxy px; None where less than half of the box lies in the picture.

    `image` is (H, W, 3) uint8 BGR or (H, W) uint8 luma and is not changed; raises ImageError if it is neither.
    """
    height, width = (image if is_plane(image) else require_bgr(image)).shape[:2]
    left, top = max(round(box[0]), 0), max(round(box[1]), 0)
    right, bottom = min(round(box[2]), width), min(round(box[3]), height)
    area = (box[2] - box[0]) * (box[3] - box[1])
    if right - left < 4 or bottom - top < 4 or (right - left) * (bottom - top) < area / 2:
        return None
    scale = min(1.0, FACE_PX / min(right - left, bottom - top))
    pixels = _shrunk(image[top:bottom, left:right], scale)
    return Patch((float(left), float(top), float(right), float(bottom)), scale, pixels)


def find_patch(
    image: NDArray[np.uint8], patch: Patch, near: tuple[float, float] = (0.0, 0.0)
) -> tuple[float, float, float]:
    """Where the face of a patch is in a later picture.

    Parameters
    ----------
    image : (H, W, 3) uint8 BGR or (H, W) uint8 luma, of the kind and size that the patch was cut from
        Not changed. Correlation doesn't depend on what of luma is black and white.
    near : (x, y) px
        How far the face is expected to have moved.

    Returns
    -------
    x, y : px the face has moved, with a precision of a pixel of the patch
    score : -1..1, normalised correlation there; -1 where its place lies outside the picture
    """
    height, width = image.shape[:2]
    x1, y1, x2, y2 = patch.box
    reach_x, reach_y = REACH * (x2 - x1), REACH * (y2 - y1)
    left, top = max(int(x1 + near[0] - reach_x), 0), max(int(y1 + near[1] - reach_y), 0)
    right, bottom = min(int(x2 + near[0] + reach_x), width), min(int(y2 + near[1] + reach_y), height)
    if right <= left or bottom <= top:
        return near[0], near[1], -1.0
    around = _shrunk(image[top:bottom, left:right], patch.scale)
    if around.shape[0] < patch.pixels.shape[0] or around.shape[1] < patch.pixels.shape[1]:
        return near[0], near[1], -1.0
    likeness = np.asarray(cv2.matchTemplate(around, patch.pixels, cv2.TM_CCOEFF_NORMED), np.float32)
    _, score, _, (column, row) = cv2.minMaxLoc(likeness)
    score = score if np.isfinite(score) else -1.0
    across = _peak(likeness[row], column) / patch.scale
    down = _peak(likeness[:, column], row) / patch.scale
    return left + across - x1, top + down - y1, float(score)


def _peak(line: NDArray[np.float32], at: int) -> float:
    """The place of the maximum between samples, by a parabola through it and its neighbours."""
    if not 0 < at < len(line) - 1:
        return float(at)
    before, here, after = (float(value) for value in line[at - 1 : at + 2])
    bend = before - 2 * here + after
    return at + (0.5 * (before - after) / bend if bend < 0 else 0.0)


def _shrunk(part: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """A part of a picture in gray, by area of four samples a pixel: reading every pixel costs three times as much."""
    size = (max(round(part.shape[1] * scale), 1), max(round(part.shape[0] * scale), 1))
    sampled = (2 * size[0], 2 * size[1])
    if sampled[0] < part.shape[1] and sampled[1] < part.shape[0]:
        part = np.asarray(cv2.resize(part, sampled, interpolation=cv2.INTER_NEAREST), np.uint8)
    small = part if scale >= 1 else cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    return np.asarray(small if small.ndim == 2 else cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)
