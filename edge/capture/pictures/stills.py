"""Reads still images with what `images` leaves out: alpha, whether they are gray, and notes on conversions."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.arrays import BgrImage
from edge.capture.pictures import apart
from edge.capture.pictures.headers import sniff_size
from edge.capture.pictures.images import decode_image, is_apart, read_bytes, without_texts


@dataclass(frozen=True, slots=True)
class Still:
    """A picture: (H, W, 3) uint8 BGR, (H, W) uint8 alpha or None, and notes on its conversion."""

    image: BgrImage = field(repr=False)
    alpha: NDArray[np.uint8] | None = field(repr=False)
    is_gray: bool
    notes: tuple[str, ...]


def read_still(path: Path) -> Still:
    """Read any still image file; raises ImageError as `images.read_image` does.

    16 bits become 8, and a note says so. Files without alpha are turned upright as their EXIF says.
    """
    data = read_bytes(path)
    image = decode_image(data, str(path))
    if is_apart(data):
        raw = apart.decode_unchanged(data, str(path), sniff_size(data) or (0, 0))
    else:
        raw = cv2.imdecode(np.frombuffer(without_texts(data), np.uint8), cv2.IMREAD_UNCHANGED)
    if raw is None:
        return Still(image, None, False, ())
    notes = [f"{raw.dtype.itemsize * 8} bits per channel were converted to 8"] if raw.dtype != np.uint8 else []
    if raw.ndim == 2:
        return Still(image, None, True, tuple(notes))
    if raw.shape[2] != 4:
        return Still(image, None, False, tuple(notes))
    alpha = _to_bytes(raw[:, :, 3])
    colors = np.ascontiguousarray(_to_bytes(raw[:, :, :3]))
    return Still(colors, alpha, False, tuple(notes))


def _to_bytes(plane: NDArray[np.generic]) -> NDArray[np.uint8]:
    """The upper 8 bits, as OpenCV's own conversion does."""
    if plane.dtype == np.uint16:
        return np.asarray(plane >> 8, np.uint8)  # type: ignore[operator]
    if plane.dtype == np.uint8:
        return np.ascontiguousarray(plane, np.uint8)
    return np.asarray(np.clip(np.nan_to_num(plane.astype(np.float64)), 0, 1) * 255 + 0.5, np.uint8)
