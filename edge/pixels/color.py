"""Whether a picture has color; its channels apart."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.arrays import BgrImage, require_bgr

GRAY_SPREAD = 6.0
"""Spread of the channels, 0..255, below which a picture is from a gray or infrared camera; JPEG leaves 1 to 3."""


def is_gray(image: BgrImage) -> bool:
    """Whether a picture has no color: its channels, averaged over blocks of 8 px, lie within `GRAY_SPREAD`.

    Blocks, because sensor noise of a dark color picture is colored, and a colorless picture with noise is still gray.
    The median block decides; at least 8 x 8 px, (H, W, 3) uint8 BGR, not changed.
    """
    require_bgr(image)
    height, width = image.shape[0] // 8 * 8, image.shape[1] // 8 * 8
    if not height or not width:
        return False
    whole = image[:height, :width].astype(np.float32)  # sums of 64 bytes are exact in it
    blocks = cv2.resize(whole, (width // 8, height // 8), interpolation=cv2.INTER_AREA)
    return bool(np.median(np.ptp(blocks, axis=2)) < GRAY_SPREAD)


def is_exactly_gray(image: BgrImage) -> bool:
    """Whether the three channels are equal everywhere, as in a picture that was read from a gray file."""
    blue, green, red = image[:, :, 0], image[:, :, 1], image[:, :, 2]
    return bool(np.array_equal(blue, green) and np.array_equal(green, red))


def split_channels(image: BgrImage) -> tuple[NDArray[np.uint8], ...]:
    """Blue, green and red of a picture, each a new contiguous (H, W) uint8 array, 0..255.

    (H, W, 3) uint8 BGR, not changed; ImageError for anything else. To convert these takes half the time that it takes
    to convert every third byte of the picture.
    """
    require_bgr(image)
    return tuple(np.asarray(channel, np.uint8) for channel in cv2.split(image))
