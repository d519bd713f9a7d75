"""How far one picture is from another: PSNR and SSIM."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.arrays import BgrImage, require_bgr
from edge.errors import ImageError

_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def psnr(image: BgrImage, reference: BgrImage) -> float:
    """Return the peak signal-to-noise ratio in dB over all channels.

    Parameters
    ----------
    image, reference : (H, W, 3) uint8 BGR, 0..255, of one shape. Neither is changed.

    Returns
    -------
    float
        dB, higher is closer; `inf` for equal images.

    Raises
    ------
    ImageError
        The shapes differ or an array is no BGR image.
    """
    _require_pair(image, reference)
    error = float(np.mean((image.astype(np.float64) - reference.astype(np.float64)) ** 2))
    return float("inf") if error == 0 else float(10 * np.log10(255.0**2 / error))


def ssim(image: BgrImage, reference: BgrImage) -> float:
    """Return the mean structural similarity of the lumas, -1..1 (1: equal).

    Parameters
    ----------
    image, reference : (H, W, 3) uint8 BGR, 0..255, of one shape, at least 11 x 11. Neither is changed.

    Raises
    ------
    ImageError
        The shapes differ, are smaller than the window, or an array is no BGR image.

    Notes
    -----
    Wang, Bovik, Sheikh, Simoncelli (2004), section III-B: 11 x 11 Gaussian window, sigma 1.5, K1 = .01, K2 = .03,
    averaged where the window lies wholly inside the picture.
    """
    _require_pair(image, reference)
    if min(image.shape[:2]) < 11:
        raise ImageError(f"SSIM needs at least 11 x 11 px, got shape {image.shape}")
    a, b = (cv2.cvtColor(x, cv2.COLOR_BGR2GRAY).astype(np.float64) for x in (image, reference))
    mean_a, mean_b = _window(a), _window(b)
    var_a, var_b = _window(a * a) - mean_a**2, _window(b * b) - mean_b**2
    covariance = _window(a * b) - mean_a * mean_b
    top = (2 * mean_a * mean_b + _C1) * (2 * covariance + _C2)
    return float(np.mean(top / ((mean_a**2 + mean_b**2 + _C1) * (var_a + var_b + _C2))))


def _window(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(cv2.GaussianBlur(x, (11, 11), 1.5)[5:-5, 5:-5], dtype=np.float64)


def _require_pair(image: BgrImage, reference: BgrImage) -> None:
    require_bgr(image)
    require_bgr(reference, "reference")
    if image.shape != reference.shape:
        raise ImageError(f"image {image.shape} and reference {reference.shape} must have one shape")
