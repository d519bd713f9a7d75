"""From colours to brightness. What a picture's brightness means is `quality`'s business."""

from __future__ import annotations

import numpy as np

from edge.arrays import BgrImage, Luma, require_bgr

BT601 = np.array([0.114, 0.587, 0.299], np.float32) / np.float32(255)
"""Weights of blue, green and red in Y' of ITU-R BT.601, from 0..255 to 0..1."""


def luma(image: BgrImage) -> Luma:
    """Brightness of each pixel.

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
    weighted = require_bgr(image).astype(np.float32) @ BT601
    return np.minimum(weighted, np.float32(1), out=weighted)
