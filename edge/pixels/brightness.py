"""Changes a picture's brightness and keeps its colors. The caller computes the new brightness."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.arrays import BgrImage, require_bgr
from edge.errors import ImageError

F32 = NDArray[np.float32]
WEIGHTS = (0.114, 0.587, 0.299)
"""Of blue, green and red in Y' of ITU-R BT.601."""
BAND_PX = 256


def brightness(image: BgrImage) -> F32:
    """(H, W) float32, 0..255: Y' of BT.601 of an (H, W, 3) uint8 BGR picture; a new array."""
    weights = np.array([WEIGHTS], np.float32)
    return np.asarray(cv2.transform(require_bgr(image).astype(np.float32), weights), np.float32).reshape(
        image.shape[:2]
    )


def with_brightness(image: BgrImage, wanted: F32) -> BgrImage:
    """The picture with another brightness and its own colors.

    Parameters
    ----------
    image : (H, W, 3) uint8 BGR, 0..255
        Not changed.
    wanted : (H, W) float32
        Y' of BT.601, 0..255; what lies beyond is clipped.

    Returns
    -------
    (H, W, 3) uint8 BGR
        A new array. The same amount is added to the three channels of a pixel, which leaves Cb and Cr alone except
        where a channel is clipped; a gray pixel stays gray.
    """
    if wanted.shape != image.shape[:2]:
        raise ImageError(f"brightness has shape {wanted.shape}, the picture {image.shape}: pass one value per pixel")
    out = np.empty_like(image)
    for top in range(0, len(image), BAND_PX):  # in bands, or a large picture needs many times its own memory
        band = np.ascontiguousarray(image[top : top + BAND_PX])
        added = np.clip(wanted[top : top + BAND_PX], 0.0, 255.0) - brightness(band)
        out[top : top + BAND_PX] = np.clip(band + added[:, :, np.newaxis] + np.float32(0.5), 0, 255)
    return out


def is_exactly_gray(image: BgrImage) -> bool:
    """Whether the three channels are equal everywhere, as in a picture that was read from a gray file."""
    blue, green, red = image[:, :, 0], image[:, :, 1], image[:, :, 2]
    return bool(np.array_equal(blue, green) and np.array_equal(green, red))
