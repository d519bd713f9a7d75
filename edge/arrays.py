"""Array aliases and the checks that turn a wrong array into a clear `ImageError`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import ImageError

BgrImage = NDArray[np.uint8]
"""(H, W, 3) uint8, blue-green-red, 0..255."""

Luma = NDArray[np.float32]
"""(H, W) float32, 0..1."""

Boxes = NDArray[np.float32]
"""(N, 4) float32 xyxy, pixels of the frame."""

Landmarks = NDArray[np.float32]
"""(5, 2) float32 px: subject's right eye, left eye, nose tip, right mouth corner, left mouth corner."""

Embedding = NDArray[np.float32]
"""(D,) float32, L2-normalised."""

MAX_PIXELS = 64_000_000
"""Larger images are refused before they are decoded (a 747 kB PNG can unpack to 768 MB)."""


ALIGNED_PX = 112
"""Side of an aligned crop, which embedders take."""


def is_aligned(image: Any) -> bool:
    """Whether `image` is of the shape and type of an aligned crop, (112, 112, 3) uint8."""
    return isinstance(image, np.ndarray) and image.shape == (ALIGNED_PX, ALIGNED_PX, 3) and image.dtype == np.uint8


def require_bgr(image: Any, what: str = "image") -> BgrImage:
    """Return `image` unchanged if it is (H, W, 3) uint8 with at least one pixel, else raise `ImageError`."""
    if not isinstance(image, np.ndarray):
        raise ImageError(f"{what} is {type(image).__name__}, not an array: pass an (H, W, 3) uint8 BGR array")
    if image.ndim != 3 or image.shape[2] != 3:
        raise ImageError(f"{what} has shape {image.shape}: pass an (H, W, 3) BGR array")
    if image.dtype != np.uint8:
        raise ImageError(f"{what} has dtype {image.dtype}: pass uint8, 0..255")
    if image.shape[0] == 0 or image.shape[1] == 0:
        raise ImageError(f"{what} has no pixels (shape {image.shape})")
    return image


def is_plane(image: Any) -> bool:
    """Whether `image` is one plane of uint8 with at least one pixel, (H, W), such as the luma of a frame."""
    return isinstance(image, np.ndarray) and image.ndim == 2 and image.dtype == np.uint8 and image.size > 0


def require_landmarks(landmarks: Any) -> Landmarks:
    """Return `landmarks` as (5, 2) float32 if it is finite and of that shape, else raise `ImageError`."""
    points = np.asarray(landmarks, dtype=np.float32)
    if points.shape != (5, 2) or not np.isfinite(points).all():
        raise ImageError(f"landmarks must be five finite (x, y) points, got shape {points.shape}")
    return points
