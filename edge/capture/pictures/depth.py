"""Pictures of more than 8 bits per channel as 8: white lies where the file says, else where its values end.

Cameras and scanners of 10, 12 or 14 bits write their numbers into 16 as they are: read as 16 bits they are nearly
black.
"""

from __future__ import annotations

import re
import struct
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

FULL = 65_535
_PNG_BITS_AT, _PNG_SBIT = 24, b"sBIT"
_TIFF_BITS, _TIFF_PHOTOMETRIC, _TIFF_MAX_SAMPLE, _TIFF_PLANES = 258, 262, 281, 284
_DEPTHS = (8, 10, 12, 14)
SIXTEEN = "16 bits per channel were converted to 8"
_LEAST_MAX = 32
"""A picture whose values end below is black, or no picture but a map of numbers."""


class _Stated(NamedTuple):
    """What a file of more than 8 bits says of its values; `white` None: nothing beyond 16 bits."""

    white: int | None
    is_sure: bool
    """Whether values can't have been stretched to 16 bits all the same."""


def stated(data: bytes) -> _Stated | None:
    """What a file says of its depth; None where no channel has more than 8 bits, or it is of a kind that is scaled."""
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            return _of_png(data) if data[_PNG_BITS_AT] == 16 else None
        if data[:4] in (b"II*\x00", b"MM\x00*"):
            return _of_tiff(data)
        if found := _PNM.match(data):
            white, is_text = int(found[1]), data[1:2] in b"23"
            if is_text and white <= 255:  # OpenCV stretches these, and no others
                return None
            return _Stated(white, True) if 1 <= white <= FULL and white != 255 else None
    except (struct.error, IndexError):
        return None
    return None


def _of_png(data: bytes) -> _Stated:
    """PNG 1.2, 4.2.6: sBIT says how many bits there were; whether they were stretched, the values tell."""
    at = data.find(_PNG_SBIT, 0, max(0, data.find(b"IDAT")))
    if at < 0:
        return _Stated(None, False)
    bits = max(data[at + 4 : at + 4 + int.from_bytes(data[at - 4 : at])][:3], default=16)
    return _Stated((1 << bits) - 1 if 1 <= bits < 16 else None, False)


def _of_tiff(data: bytes) -> _Stated | None:
    """TIFF 6.0: BitsPerSample, and MaxSampleValue, of which the bits count, since it may be the largest value there."""
    fields = tiff_fields(data, (_TIFF_BITS, _TIFF_MAX_SAMPLE))
    bits = fields.get(_TIFF_BITS, 1)
    if bits <= 8 or has_deep_planes(data):
        return None
    if bits < 16:
        return _Stated((1 << bits) - 1, True)
    most = fields.get(_TIFF_MAX_SAMPLE, FULL)
    return _Stated((1 << most.bit_length()) - 1 if 0 < most < FULL else None, False)


def has_deep_planes(data: bytes) -> bool:
    """Whether the colors of a TIFF of more than 8 bits lie one behind another: OpenCV reads no more than 8 of those."""
    if data[:4] not in (b"II*\x00", b"MM\x00*"):
        return False
    try:
        fields = tiff_fields(data, (_TIFF_BITS, _TIFF_PLANES))
    except (struct.error, IndexError):
        return False
    return fields.get(_TIFF_PLANES) == 2 and fields.get(_TIFF_BITS, 1) > 8


def tiff_fields(data: bytes, wanted: tuple[int, ...]) -> dict[int, int]:
    """First value of each of these fields of whole numbers in the first directory of a TIFF (TIFF 6.0, section 2)."""
    order = "<" if data[:2] == b"II" else ">"
    at = struct.unpack_from(order + "I", data, 4)[0]
    found: dict[int, int] = {}
    for index in range(struct.unpack_from(order + "H", data, at)[0]):
        entry = at + 2 + 12 * index
        tag, kind, count = struct.unpack_from(order + "HHI", data, entry)
        if tag not in wanted or kind not in (3, 4):
            continue
        size = 2 if kind == 3 else 4
        place = entry + 8 if count * size <= 4 else struct.unpack_from(order + "I", data, entry + 8)[0]
        found[tag] = int(struct.unpack_from(order + ("H" if kind == 3 else "I"), data, place)[0])
    return found


def to_bytes(values: NDArray[Any], data: bytes) -> tuple[NDArray[np.uint8], tuple[str, ...], tuple[str, ...]]:
    """The values as 8 bits; a sentence on how, if they had more; and one if that was a guess.

    Parameters
    ----------
    values : uint8 or uint16 array, C-contiguous, of any shape
        As they are in the file. Not changed; returned itself where it is uint8 and white is 255.
    data : bytes
        The file they come from.
    """
    said = stated(data)
    if values.dtype == np.uint8:
        if said is None or said.white is None or said.white >= 255:
            return np.asarray(values, np.uint8), (), ()
        white, told, guess = said.white, "", ""
    else:
        white, told, guess = _white(values, said)
    most = np.iinfo(values.dtype).max
    steps = np.arange(most + 1) >> 8 if white == FULL else np.minimum(np.arange(most + 1) * 255 / white + 0.5, 255)
    if values.dtype != np.uint8 and _is_white_zero(data):
        steps = 255 - steps
    return scaled(values, steps.astype(np.uint8)), (told,) if told else (), (guess,) if guess else ()


def _is_white_zero(data: bytes) -> bool:
    """Whether a TIFF counts from white to black; OpenCV heeds that up to 8 bits alone (PhotometricInterpretation)."""
    if data[:4] not in (b"II*\x00", b"MM\x00*"):
        return False
    return tiff_fields(data, (_TIFF_PHOTOMETRIC,)).get(_TIFF_PHOTOMETRIC, 1) == 0


def scaled(values: NDArray[Any], steps: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`steps[values]` as a new array, bit by bit: indexing a whole picture takes eight bytes a value."""
    made = np.empty(values.shape, np.uint8)
    flat, out = values.reshape(-1), made.reshape(-1)
    for at in range(0, flat.size, _AT_ONCE):
        out[at : at + _AT_ONCE] = steps[flat[at : at + _AT_ONCE]]
    return made


def _white(values: NDArray[Any], said: _Stated | None) -> tuple[int, str, str]:
    """The value that is white, how it was found, and what was guessed."""
    most = int(values.max(initial=0))
    if said is not None and said.white is not None and most <= said.white:
        if said.is_sure or not _is_stretched(values, (said.white.bit_length(),)):
            is_whole = said.white & (said.white + 1) == 0
            depth = f"{said.white.bit_length()} bits per channel" if is_whole else f"values up to {said.white}"
            return said.white, f"{depth}, as the file says, were converted to 8 bits", ""
        return FULL, SIXTEEN, ""
    bits = next((bits for bits in _DEPTHS if _LEAST_MAX <= most < 1 << bits), None)
    if bits is None or (said is not None and said.is_sure) or _is_stretched(values, _DEPTHS):
        return FULL, SIXTEEN, ""
    return (
        (1 << bits) - 1,
        SIXTEEN,
        (
            f"its values end at {most} of {FULL}, so it was taken for a picture of {bits} bits per channel in 16, and "
            "brightened; if it is too bright now, save it with 8 bits per channel"
        ),
    )


def _is_stretched(values: NDArray[Any], depths: tuple[int, ...]) -> bool:
    """Whether all values are those of one of so many bits moved up to 16, the lower ones 0 or the upper once more."""
    if _is_raised(values):
        return False
    flat, left = values.reshape(-1), {(bits, again) for bits in depths for again in (False, True)}
    for at in range(0, flat.size, _AT_ONCE):
        part = flat[at : at + _AT_ONCE]
        for bits, again in tuple(left):
            lower = 16 - bits
            top, rest = part >> lower, part & ((1 << lower) - 1)
            if not np.array_equal(rest, top >> max(bits - lower, 0)) if again else rest.any():
                left.discard((bits, again))
        if not left:
            return False
    return True


def _is_raised(values: NDArray[Any]) -> bool:
    """Whether the lower bits are 0 because a picture of 8 bits was moved up to 10, 12 or 14, or one of 10 to 12.

    One stretched to 16 that ends as early is so dark that it is brightened, too: nothing is clipped by that.
    """
    used = int(np.bitwise_or.reduce(values, axis=None))
    bits = next((bits for bits in _DEPTHS if used < 1 << bits), 16)
    own = bits - max(0, (used & -used).bit_length() - 1)
    return 8 <= own < bits <= 14 and (own == 8 or bits <= 12)


_AT_ONCE = 1 << 18
_PNM = re.compile(rb"P[2356]\s(?:\s*(?:#[^\n]*\n\s*)*\d+\s+){2}(?:#[^\n]*\n\s*)*(\d+)\s")
