"""Removes noise from colors, guided by a brightness that is already clean. Keeps the brightness."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.arrays import BgrImage
from edge.errors import ImageError
from edge.pixels.brightness import brightness

F32 = NDArray[np.float32]
RADIUS_PX = 4
FLATNESS = 4.0
"""Variance of brightness, in squared gray levels, below which a window counts as flat."""
NOISE_KNOWN = 1.0
"""Gray levels of noise in a color at which half of the filter's effect applies."""
_KERNEL = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_GAIN = 6.0 * 0.67449


def repaint(image: BgrImage, wanted: F32) -> BgrImage:
    """The picture with the brightness `wanted` and its own colors, freed from noise.

    Parameters
    ----------
    image : (H, W, 3) uint8 BGR, 0..255
        The noisy picture. Not changed.
    wanted : (H, W) float32, 0..255
        Its brightness without the noise: Y' of BT.601.

    Returns
    -------
    (H, W, 3) uint8 BGR
        A new array; gray stays gray.

    Notes
    -----
    Guided filter (He, Sun, Tang 2010, equations 5, 6 and 8) of B - Y and R - Y with `wanted` as the guide, so that
    colors keep the edges of brightness. The more noise a color has (Immerkaer's operator, median), the more of it is
    done; a picture without noise keeps its colors.
    """
    if wanted.shape != image.shape[:2]:
        raise ImageError(f"brightness has shape {wanted.shape}, the picture {image.shape}: pass one value per pixel")
    guide = np.clip(wanted, 0.0, 255.0).astype(np.float32)
    y = brightness(image)
    blue, red = (_led(image[:, :, channel] - y, guide) for channel in (0, 2))
    green = -(0.114 * blue + 0.299 * red) / 0.587
    out = guide[:, :, np.newaxis] + np.stack([blue, green, red], axis=-1) + np.float32(0.5)
    return np.asarray(np.clip(out, 0, 255), np.uint8)


def _led(color: F32, guide: F32) -> F32:
    noise = float(np.median(np.abs(cv2.filter2D(color, -1, _KERNEL)))) / _GAIN
    share = noise**2 / (noise**2 + NOISE_KNOWN**2)
    if share < 1e-4:
        return color
    mean_guide, mean_color = _mean(guide), _mean(color)
    slope = (_mean(guide * color) - mean_guide * mean_color) / (_mean(guide * guide) - mean_guide**2 + FLATNESS)
    smooth = _mean(slope) * guide + _mean(mean_color - slope * mean_guide)
    return np.asarray(color + np.float32(share) * (smooth - color), np.float32)


def _mean(plane: F32) -> F32:
    side = 2 * RADIUS_PX + 1
    return np.asarray(cv2.blur(plane, (side, side)), np.float32)
