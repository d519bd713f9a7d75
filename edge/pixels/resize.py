"""Making pictures smaller and padding them, with the scale that maps coordinates back. Nothing here knows what a face is."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.arrays import BgrImage, require_bgr
from edge.errors import ImageError


def shrink(image: BgrImage, max_side_px: int) -> tuple[BgrImage, NDArray[np.float32]]:
    """Shrink so that the longer side is at most `max_side_px`; never enlarges.

    Parameters
    ----------
    image : (H, W, 3) uint8 BGR, 0..255
    max_side_px : px, at least 1

    Returns
    -------
    image : (h, w, 3) uint8 BGR; `image` itself where it is small enough, else a new array averaged over areas
    scale : (2,) float32, (w / W, h / H): a coordinate of the result divided by it is a coordinate of `image`

    Raises
    ------
    ImageError
        Not a BGR picture, or `max_side_px` below 1.
    """
    require_bgr(image)
    if max_side_px < 1:
        raise ImageError(f"max_side_px is {max_side_px}: pass at least 1")
    height, width = image.shape[:2]
    if max(height, width) <= max_side_px:
        return image, np.ones(2, np.float32)
    ratio = max_side_px / max(height, width)
    new_width, new_height = max(1, round(width * ratio)), max(1, round(height * ratio))
    small = cv2.resize(image, (new_width, new_height), interpolation=cv2.INTER_AREA)
    return small, np.array([new_width / width, new_height / height], np.float32)


def pad_right_bottom(image: BgrImage, height: int, width: int) -> BgrImage:
    """Black below and to the right, so that coordinates stay as they are; a new array unless the size is right already.

    Parameters
    ----------
    image : (H, W, 3) uint8 BGR, 0..255
    height, width : px, not below H and W

    Raises
    ------
    ImageError
        Not a BGR picture, or larger than the wanted size.
    """
    require_bgr(image)
    have_height, have_width = image.shape[:2]
    if have_height > height or have_width > width:
        raise ImageError(
            f"a {have_width} x {have_height} picture can't be padded to {width} x {height}: shrink it first"
        )
    if (have_height, have_width) == (height, width):
        return image
    out = np.zeros((height, width, 3), np.uint8)
    out[:have_height, :have_width] = image
    return out


def resize(image: BgrImage, height: int, width: int) -> BgrImage:
    """(H, W, 3) uint8 BGR to a new (height, width, 3): area average when shrinking, cubic when enlarging."""
    require_bgr(image)
    if height < 1 or width < 1:
        raise ImageError(f"a picture can't be made {width} x {height} px: pass at least 1 x 1")
    smaller = height * width < image.shape[0] * image.shape[1]
    out: BgrImage = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)
    return out
