"""Luma of a picture, Y' of ITU-R BT.601: computed in two scales, and changed while the colors stay."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.arrays import BgrImage, Luma, require_bgr
from edge.errors import ImageError

F32 = NDArray[np.float32]
WEIGHTS = (0.114, 0.587, 0.299)
"""Of blue, green and red in Y' of BT.601."""
UNIT_WEIGHTS = np.array(WEIGHTS, np.float32) / np.float32(255)
"""The same, from channels of 0..255 to a luma of 0..1."""
BAND_PX = 256


def luma(image: BgrImage) -> Luma:
    """Luma of each pixel in the scale that measurements have, 0..1.

    Parameters
    ----------
    image : (H, W, 3) uint8 BGR, 0..255, sRGB
        Not changed.

    Returns
    -------
    (H, W) float32, 0..1
        A new array: Y' of BT.601, of the gamma-coded values.

    Raises
    ------
    ImageError
        `image` is no BGR image.
    """
    weighted = require_bgr(image).astype(np.float32) @ UNIT_WEIGHTS
    return np.minimum(weighted, np.float32(1), out=weighted)


def luma_255(image: BgrImage) -> F32:
    """Luma of each pixel in the scale of the channels, as networks take it.

    (H, W) float32, 0..255, of an (H, W, 3) uint8 BGR picture; a new array. Raises ImageError for any other picture.
    """
    weights = np.array([WEIGHTS], np.float32)
    return np.asarray(cv2.transform(require_bgr(image).astype(np.float32), weights), np.float32).reshape(
        image.shape[:2]
    )


def with_luma_255(image: BgrImage, wanted: F32) -> BgrImage:
    """The picture with another luma and its own colors.

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

    Raises
    ------
    ImageError
        `wanted` is of another size.
    """
    require_luma_of(image, wanted)
    out = np.empty_like(image)
    for top in range(0, len(image), BAND_PX):  # in bands, or a large picture needs many times its own memory
        band = np.ascontiguousarray(image[top : top + BAND_PX])
        added = np.clip(wanted[top : top + BAND_PX], 0.0, 255.0) - luma_255(band)
        out[top : top + BAND_PX] = np.clip(band + added[:, :, np.newaxis] + np.float32(0.5), 0, 255)
    return out


def require_luma_of(image: BgrImage, wanted: F32) -> None:
    """Raise ImageError unless `wanted` has one value for each pixel of `image`."""
    if wanted.shape != image.shape[:2]:
        raise ImageError(f"luma has shape {wanted.shape}, the picture {image.shape}: pass one value per pixel")
