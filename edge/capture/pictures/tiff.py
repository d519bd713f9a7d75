"""TIFF: fields of its first directory, and alpha, which OpenCV treats otherwise than that of other pictures.

OpenCV multiplies the colors of some by their alpha, leaves others multiplied, and drops the alpha of gray ones.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

BITS, PHOTOMETRIC, MAX_SAMPLE = 258, 262, 281
_SAMPLES, _PLANES, _EXTRA = 277, 284, 338
_SHORT, _LONG = 3, 4
_UNSPECIFIED, _MULTIPLIED, _STRAIGHT = 0, 1, 2
"""What an extra sample is (TIFF 6.0, section 18, ExtraSamples)."""
_RGB = 2
_ROWS_AT_ONCE = 64


def is_tiff(data: bytes) -> bool:
    """Whether a file begins as a TIFF does."""
    return data[:4] in (b"II*\x00", b"MM\x00*")


def fields(data: bytes, wanted: tuple[int, ...]) -> dict[int, int]:
    """First value of each of these fields of whole numbers in the first directory of a TIFF (TIFF 6.0, section 2)."""
    return {tag: int(struct.unpack_from(form, data, place)[0]) for tag, form, place in _places(data, wanted)}


def _places(data: bytes, wanted: tuple[int, ...]) -> Iterator[tuple[int, str, int]]:
    """Tag, form and place of the first value of these fields."""
    order = "<" if data[:2] == b"II" else ">"
    at = struct.unpack_from(order + "I", data, 4)[0]
    for index in range(struct.unpack_from(order + "H", data, at)[0]):
        entry = at + 2 + 12 * index
        tag, kind, count = struct.unpack_from(order + "HHI", data, entry)
        if tag not in wanted or kind not in (_SHORT, _LONG):
            continue
        size = 2 if kind == _SHORT else 4
        place = entry + 8 if count * size <= 4 else struct.unpack_from(order + "I", data, entry + 8)[0]
        yield tag, order + ("H" if kind == _SHORT else "I"), place


def comes_as_bytes(data: bytes) -> bool:
    """Whether OpenCV gives 8 bits of a TIFF that has more: where colors lie one behind another, or gray has alpha."""
    found = _found(data, (BITS, _PLANES))
    return found.get(BITS, 1) > 8 and (found.get(_PLANES) == 2 or is_gray_with_alpha(data))


def is_gray_with_alpha(data: bytes) -> bool:
    """Whether it is a gray TIFF with alpha, of which OpenCV gives the gray alone."""
    found = _found(data, (PHOTOMETRIC, _SAMPLES))
    return found.get(PHOTOMETRIC, _RGB) < _RGB and found.get(_SAMPLES, 1) > 1


def loses_alpha(data: bytes) -> bool:
    """Whether it has alpha that OpenCV doesn't give, or gives wrongly: of gray, and of colors that come as bytes."""
    return is_gray_with_alpha(data) or (comes_as_bytes(data) and _EXTRA in _found(data, (_EXTRA,)))


def holds_multiplied(data: bytes) -> bool:
    """Whether its colors were multiplied by alpha before they were written, and OpenCV gives that alpha."""
    return _found(data, (_EXTRA,)).get(_EXTRA) == _MULTIPLIED and not loses_alpha(data)


def as_it_lies(data: bytes) -> bytes | bytearray:
    """The same file where OpenCV leaves its colors as they are, else a copy that doesn't tell what its alpha is for."""
    if _found(data, (_EXTRA,)).get(_EXTRA) != _STRAIGHT:
        return data
    copy = bytearray(data)
    for _, form, place in _places(data, (_EXTRA,)):
        struct.pack_into(form, copy, place, _UNSPECIFIED)
    return copy


def straighten(values: NDArray[Any]) -> None:
    """Divide colors by their alpha in place, (H, W, 4) uint8 or uint16; where one exceeds it, they weren't multiplied.

    Where alpha is 0 there is no color left, and it stays black.
    """
    parts = [values[at : at + _ROWS_AT_ONCE] for at in range(0, values.shape[0], _ROWS_AT_ONCE)]
    if any((part[:, :, :3] > part[:, :, 3:]).any() for part in parts):
        return
    white = np.iinfo(values.dtype).max
    for part in parts:
        alpha = np.maximum(part[:, :, 3:], 1).astype(np.float32)
        part[:, :, :3] = np.minimum(part[:, :, :3] * (white / alpha) + 0.5, white).astype(values.dtype)


def _found(data: bytes, wanted: tuple[int, ...]) -> dict[int, int]:
    """As `fields`; empty where it is no TIFF, or a broken one."""
    try:
        return fields(data, wanted) if is_tiff(data) else {}
    except (struct.error, IndexError):
        return {}
