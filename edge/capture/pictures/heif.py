"""HEIC and AVIF: pictures in the boxes of a video file (ISO/IEC 23008-12): which one, its size, HEIC's pixels.

OpenCV decodes AVIF, and we turn it. HEIC needs `pillow-heif`, the extra `heif`; without it such a picture is refused by
name.
"""

from __future__ import annotations

import importlib
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.arrays import MAX_PIXELS
from edge.errors import ImageError

_AVIF = frozenset({b"avif", b"avis"})
_HEIC = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"})
MAX_HEADER_BYTES = 1_000_000
MAX_BRANDS = 32


def kind_of(head: bytes) -> str | None:
    """`HEIC` or `AVIF` where a file begins as such a picture, else None; a video has neither brand."""
    if head[4:8] != b"ftyp":
        return None
    end = min(int.from_bytes(head[:4]), len(head), 16 + 4 * MAX_BRANDS)
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))}
    return "AVIF" if brands & _AVIF else "HEIC" if brands & _HEIC else None


def size_of(data: bytes) -> tuple[int, int]:
    """(width, height) px of the largest picture the header names; ValueError where it names none."""
    if kind_of(data[:512]) is None:
        raise ValueError("neither HEIC nor AVIF")
    sizes, header = [], data[:MAX_HEADER_BYTES]
    at = header.find(b"\x00\x00\x00\x14ispe")
    while at >= 0:
        sizes.append(struct.unpack_from(">II", header, at + 12))
        at = header.find(b"\x00\x00\x00\x14ispe", at + 20)
    if not sizes:
        raise ValueError("no size")
    width, height = max(sizes, key=lambda size: size[0] * size[1])
    return int(width), int(height)


def decode_heic(data: bytes, name: str) -> NDArray[np.uint8]:
    """Pixels of the file's main picture, (H, W, 3) uint8 BGR, or (H, W, 4) with alpha behind, turned upright as its
    boxes say; raises ImageError."""
    heif = _library()
    if heif is None:
        raise ImageError(
            f"{name}: is a HEIC picture, and this installation can't read those; install "
            "pillow-heif (`pip install pillow-heif`), or save the picture as JPEG"
        )
    try:
        opened = heif.open_heif(data, convert_hdr_to_8bit=True, bgr_mode=True)
        width, height = opened.size
        if width * height > MAX_PIXELS:
            raise ImageError(f"{name}: {width} x {height} pixels are more than {MAX_PIXELS}; make the image smaller")
        image = np.asarray(opened)
    except (ValueError, RuntimeError, OSError, EOFError, SyntaxError) as error:
        told = " ".join(str(error).split())
        raise ImageError(f"{name}: is damaged or cut off ({len(data)} bytes; {told}); copy the file again") from None
    planes = image if image.ndim == 3 else np.repeat(image[:, :, np.newaxis], 3, axis=2)
    return np.ascontiguousarray(planes, dtype=np.uint8)


def turned(image: NDArray[np.uint8], data: bytes) -> NDArray[np.uint8]:
    """An AVIF's pixels, (H, W, ...), turned and mirrored as its boxes `irot` and `imir` say; OpenCV leaves it to us."""
    header = data[:MAX_HEADER_BYTES]
    if (at := header.find(b"\x00\x00\x00\x09irot")) >= 0:
        image = np.rot90(image, header[at + 8] & 3)
    if (at := header.find(b"\x00\x00\x00\x09imir")) >= 0:
        image = image[:, ::-1] if header[at + 8] & 1 else image[::-1]
    return np.ascontiguousarray(image)


def _library() -> Any:
    """`pillow_heif`, or None where the extra is not installed."""
    try:
        return importlib.import_module("pillow_heif")
    except ImportError:
        return None
