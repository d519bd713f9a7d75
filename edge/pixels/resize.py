"""Making a picture another size. Nothing here knows what a face is; shrinking for a network is `geometry.letterbox`."""

from __future__ import annotations

import cv2
import numpy as np

from edge.arrays import BgrImage, require_bgr
from edge.errors import ImageError


def resize(image: BgrImage, height: int, width: int) -> BgrImage:
    """The picture in another size.

    Parameters
    ----------
    image : (H, W, 3) uint8 BGR, 0..255
        Never written to.
    height, width : px, at least 1

    Returns
    -------
    (height, width, 3) uint8 BGR
        A new array; area averages when the picture shrinks (no aliasing), cubic when it grows.

    Raises
    ------
    ImageError
        Not a BGR picture, or a size below 1.
    """
    require_bgr(image)
    if height < 1 or width < 1:
        raise ImageError(f"a picture can't be made {width} x {height} px: pass at least 1 x 1")
    smaller = height * width < image.shape[0] * image.shape[1]
    out = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)
    return np.asarray(out, np.uint8)
