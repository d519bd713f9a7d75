"""Images to file bytes. `capture.pictures` decodes, because only capture knows where the bytes came from."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.arrays import BgrImage, require_bgr
from edge.errors import ImageError

ENHANCED_SUFFIXES: dict[str, list[int]] = {
    ".png": [cv2.IMWRITE_PNG_COMPRESSION, 3],
    ".jpg": [cv2.IMWRITE_JPEG_QUALITY, 95],
    ".jpeg": [cv2.IMWRITE_JPEG_QUALITY, 95],
    ".webp": [cv2.IMWRITE_WEBP_QUALITY, 101],
    ".bmp": [],
    ".tif": [],
    ".tiff": [],
}
"""Formats that pictures are written in, with the encoder's options; WebP and TIFF lossless."""


def to_png(image: BgrImage, comment: str | None = None) -> bytes:
    """Return `image`, (H, W, 3) uint8 BGR, as PNG bytes: lossless, the same bytes for the same pixels and comment."""
    data = _encode(require_bgr(image), ".png", [cv2.IMWRITE_PNG_COMPRESSION, 3])
    return data if comment is None else with_comment(data, comment)


def with_comment(png: bytes, text: str) -> bytes:
    """PNG bytes with a `tEXt` chunk after the header (PNG specification, 11.3.4.3); Latin-1 text."""
    body = b"tEXt" + b"Comment\0" + text.encode("latin-1", "replace")
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    end_of_header = 8 + 25  # the signature, and IHDR with its length, type and checksum
    return png[:end_of_header] + chunk + png[end_of_header:]


def to_jpeg(image: BgrImage, quality: int = 92) -> bytes:
    """Return `image`, (H, W, 3) uint8 BGR, as baseline JPEG bytes; `quality` is 1..100."""
    return _encode(require_bgr(image), ".jpg", [cv2.IMWRITE_JPEG_QUALITY, quality])


def encode_still(
    image: BgrImage,
    suffix: str,
    *,
    alpha: NDArray[np.uint8] | None = None,
    gray: bool = False,
    comment: str | None = None,
) -> bytes:
    """File bytes of a picture in the format of a file name's ending.

    Parameters
    ----------
    image : (H, W, 3) uint8 BGR
    suffix : one of `ENHANCED_SUFFIXES`, in any case
    alpha : (H, W) uint8 or None
        Kept where the format can: not in JPEG.
    gray : whether one channel is enough
    comment : told inside PNG and JPEG files

    Raises
    ------
    ImageError
        Another ending, or a picture that the format can't hold.
    """
    kind = suffix.lower()
    if kind not in ENHANCED_SUFFIXES:
        raise ImageError(f"a picture can't be written as {suffix!r}; choose one of {', '.join(ENHANCED_SUFFIXES)}")
    pixels: NDArray[np.uint8] = require_bgr(image)
    if gray and alpha is None:
        pixels = np.ascontiguousarray(pixels[:, :, 0])
    elif alpha is not None and kind not in (".jpg", ".jpeg", ".bmp"):
        pixels = np.dstack([pixels, alpha])
    data = _encode(pixels, kind, ENHANCED_SUFFIXES[kind])
    if comment is None or kind not in (".png", ".jpg", ".jpeg"):
        return data
    return with_comment(data, comment) if kind == ".png" else _with_jpeg_comment(data, comment)


def _with_jpeg_comment(jpeg: bytes, text: str) -> bytes:
    """JPEG bytes with a COM segment after the start marker."""
    body = text.encode("latin-1", "replace")
    return jpeg[:2] + b"\xff\xfe" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def _encode(image: NDArray[np.uint8], extension: str, options: list[int]) -> bytes:
    done, data = cv2.imencode(extension, image, options)
    if not done:
        raise ImageError(f"an image of shape {image.shape} can't be written as {extension}; check its size")
    return data.tobytes()
