"""What the families of faults share: rounding, a smooth random surface, noise."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


def to_u8(values: NDArray[np.floating[Any]]) -> Image:
    """Rounded and clipped to 0..255."""
    return np.asarray(np.clip(values + 0.5, 0, 255), dtype=np.uint8)


def smooth_field(image: Image, cells: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """(H, W) f32, 0..1: a smooth random surface."""
    small = rng.random((cells, cells), dtype=np.float32)
    size = (image.shape[1], image.shape[0])
    field = np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_CUBIC), dtype=np.float32)
    return np.clip(field, 0, 1)


def with_noise(values: NDArray[np.float32], sigma: float, rng: np.random.Generator) -> Image:
    """Normal noise of standard deviation `sigma` codes added, then as `to_u8`."""
    if sigma > 0:
        values = values + rng.standard_normal(values.shape, dtype=np.float32) * np.float32(sigma)
    return to_u8(values)
