"""Hashes of a picture: of its pixels, whatever the file format, and of its file."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray


def pixel_sha256(image: NDArray[np.generic]) -> str:
    """SHA-256 of an array's shape, type and values.

    Parameters
    ----------
    image : any shape, any fixed-size dtype
        Not changed. Views and their copies have one hash; byte order is always little-endian.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    plain = np.ascontiguousarray(image, dtype=image.dtype.newbyteorder("<"))
    digest = hashlib.sha256(f"{image.shape} {image.dtype.name} ".encode())
    digest.update(plain.tobytes())
    return digest.hexdigest()


def file_sha256(data: bytes) -> str:
    """Return the lower-case hexadecimal SHA-256 of file bytes: the name a kept picture goes by."""
    return hashlib.sha256(data).hexdigest()
