"""Removes noise from colors, guided by a luma that is already clean. Keeps the luma."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.arrays import BgrImage
from edge.pixels.luma import WEIGHTS, luma_255, require_luma_of
from edge.pixels.measures.noise import noise

F32 = NDArray[np.float32]
RADIUS_PX = 4
FLATNESS = 4.0
"""Variance of luma, in squared gray levels, below which a window counts as flat."""
HALF_NOISE = 1.0
"""Gray levels of noise in a color at which half of the filter's effect applies."""


def repaint(image: BgrImage, wanted: F32) -> BgrImage:
    """The picture with the luma `wanted` and its own colors, freed from noise.

    Parameters
    ----------
    image : (H, W, 3) uint8 BGR, 0..255
        The noisy picture. Not changed.
    wanted : (H, W) float32, 0..255
        Its luma without the noise: Y' of BT.601.

    Returns
    -------
    (H, W, 3) uint8 BGR
        A new array; gray stays gray.

    Raises
    ------
    ImageError
        `image` is no BGR picture, or `wanted` is of another size.

    Notes
    -----
    Guided filter (He, Sun, Tang 2010, equations 5, 6 and 8) of B - Y and R - Y with `wanted` as the guide, so that
    colors keep the edges of luma. The more noise a color has (`measures.noise`), the more of it is done; a picture
    without noise keeps its colors.
    """
    require_luma_of(image, wanted)
    guide = np.clip(wanted, 0.0, 255.0).astype(np.float32)
    y = luma_255(image)
    blue, red = (_filtered(image[:, :, channel] - y, guide) for channel in (0, 2))
    green = -(WEIGHTS[0] * blue + WEIGHTS[2] * red) / WEIGHTS[1]
    out = guide[:, :, np.newaxis] + np.stack([blue, green, red], axis=-1) + np.float32(0.5)
    return np.asarray(np.clip(out, 0, 255), np.uint8)


def _filtered(color: F32, guide: F32) -> F32:
    """A color difference after the guided filter, as far as its noise asks for it."""
    level = noise(color)
    share = level**2 / (level**2 + HALF_NOISE**2)
    if share < 1e-4:
        return color
    mean_guide, mean_color = _mean(guide), _mean(color)
    slope = (_mean(guide * color) - mean_guide * mean_color) / (_mean(guide * guide) - mean_guide**2 + FLATNESS)
    smooth = _mean(slope) * guide + _mean(mean_color - slope * mean_guide)
    return np.asarray(color + np.float32(share) * (smooth - color), np.float32)


def _mean(plane: F32) -> F32:
    side = 2 * RADIUS_PX + 1
    return np.asarray(cv2.blur(plane, (side, side)), np.float32)
