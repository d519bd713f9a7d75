"""Images to file bytes. Decoding is `capture.images`' work, since only there do we know where the bytes came from."""

from __future__ import annotations

import hashlib

import cv2

from edge.arrays import BgrImage, require_bgr
from edge.errors import ImageError


def to_png(image: BgrImage) -> bytes:
    """Return `image`, (H, W, 3) uint8 BGR, as PNG bytes: lossless, the same bytes for the same pixels."""
    return _encode(image, ".png", [cv2.IMWRITE_PNG_COMPRESSION, 3])


def to_jpeg(image: BgrImage, quality: int = 92) -> bytes:
    """Return `image`, (H, W, 3) uint8 BGR, as baseline JPEG bytes; `quality` is 1..100."""
    return _encode(image, ".jpg", [cv2.IMWRITE_JPEG_QUALITY, quality])


def file_sha256(data: bytes) -> str:
    """Return the lower-case hexadecimal SHA-256 of file bytes: the name a kept picture goes by."""
    return hashlib.sha256(data).hexdigest()


def _encode(image: BgrImage, extension: str, options: list[int]) -> bytes:
    done, data = cv2.imencode(extension, require_bgr(image), options)
    if not done:
        raise ImageError(f"an image of shape {image.shape} can't be written as {extension}; check its size")
    return data.tobytes()
