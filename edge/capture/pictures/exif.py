"""How a picture is to be turned, as its EXIF says: for what OpenCV leaves as it lies in the file."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.capture.pictures import tiff

_ORIENTATION = 274


def orientation_of(data: bytes) -> int:
    """EXIF orientation, 1..8, of a PNG or WebP; 1 where it says nothing, and for other kinds of file."""
    block = b""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        block = _chunk(data, 8, b"eXIf", ">", is_png=True)
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        block = _chunk(data, 12, b"EXIF", "<", is_png=False).removeprefix(b"Exif\x00\x00")
    try:
        found = tiff.fields(block, (_ORIENTATION,)).get(_ORIENTATION, 1)
    except (struct.error, IndexError):
        return 1
    return found if 1 <= found <= 8 else 1


def _chunk(data: bytes, at: int, name: bytes, order: str, *, is_png: bool) -> bytes:
    """The content of the first chunk of that name; empty where there is none."""
    while at + 8 <= len(data):
        size = int(struct.unpack_from(order + "I", data, at if is_png else at + 4)[0])
        if (data[at + 4 : at + 8] if is_png else data[at : at + 4]) == name:
            return data[at + 8 : at + 8 + size]
        at += 12 + size if is_png else 8 + size + size % 2
    return b""


def upright(plane: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Rows and columns, (H, W, ...), turned and mirrored as an EXIF orientation asks for (EXIF 2.32, 4.6.4 A)."""
    if orientation >= 5:
        plane = plane.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        plane = plane[::-1]
    if orientation in (2, 3, 6, 7):
        plane = plane[:, ::-1]
    return np.ascontiguousarray(plane)
