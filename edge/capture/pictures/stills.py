"""Reads still images with what `images` leaves out: alpha, whether they are gray, and notes on conversions."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.arrays import BgrImage
from edge.capture.pictures import apart
from edge.capture.pictures.headers import sniff_size
from edge.capture.pictures.images import alpha_here, decode_noted, is_apart, read_bytes


@dataclass(frozen=True, slots=True)
class Still:
    """A picture: (H, W, 3) uint8 BGR, (H, W) uint8 alpha or None, and notes on its conversion."""

    image: BgrImage = field(repr=False)
    alpha: NDArray[np.uint8] | None = field(repr=False)
    is_gray: bool
    notes: tuple[str, ...]


def read_still(path: Path) -> Still:
    """Read any still image file; raises ImageError as `images.read_image` does. Alpha is as upright as the picture."""
    data = read_bytes(path)
    image, notes, conversion = decode_noted(data, str(path))
    if is_apart(data):
        alpha, is_gray = apart.alpha_of(data, str(path), sniff_size(data) or (0, 0))
    else:
        alpha, is_gray = alpha_here(data, str(path))
    return Still(image, alpha, is_gray, (*conversion, *notes))
