"""Measures the noise of a plane of a picture by Immerkaer's operator. What is done about noise is decided elsewhere.

J. Immerkaer, "Fast Noise Variance Estimation", Computer Vision and Image Understanding 64(2), 1996: the difference of
two Laplacians leaves noise and hardly any of the picture. Deviation: its median takes the place of its mean, so that
edges count less.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
WHOLE = (slice(None), slice(None))
GAIN = 6.0 * 0.67449
"""Median magnitude of the operator on Gaussian noise of deviation 1: its norm, and the median of |N(0, 1)|."""
_OPERATOR = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)


def noise(plane: F32, region: tuple[slice, slice] = WHOLE) -> float:
    """Standard deviation of the noise in a region of a plane, in the plane's unit.

    Parameters
    ----------
    plane : (H, W) float32, finite, any range
        Luma, or a difference of color. Not changed.
    region : slices of rows and of columns
        At least one pixel; the operator looks one px beyond.
    """
    return _median_size(cv2.filter2D(plane, -1, _OPERATOR)[region]) / GAIN


def _median_size(values: NDArray[Any]) -> float:
    """The median of magnitudes, of finite values, at least one: `numpy.median` sorts a second time for its NaNs."""
    sizes = np.abs(values).ravel()
    middle = sizes.size // 2
    sizes.partition(middle)
    if sizes.size % 2:
        return float(sizes[middle])
    return float((sizes[:middle].max() + sizes[middle]) / np.float32(2))
