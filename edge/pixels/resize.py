"""Making a picture another size. Nothing here knows what a face is; shrinking for a network is `geometry.letterbox`."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

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


def resize_plane(plane: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """A single (H, W) uint8 plane, such as alpha, in another size, as `resize` does it; itself where it fits."""
    if plane.shape == (height, width):
        return plane
    smaller = height * width < plane.shape[0] * plane.shape[1]
    out = cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)
    return np.asarray(out, np.uint8)
