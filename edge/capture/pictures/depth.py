"""Pictures of more than 8 bits per channel as 8: white lies where the file says, else where its values end.

Cameras and scanners of 9 to 15 bits write their numbers into 16 as they are: read as 16 bits they are nearly black.
"""

from __future__ import annotations

import re
import struct
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge.capture.pictures import tiff

FULL = 65_535
_PNG_BITS_AT, _PNG_SBIT = 24, b"sBIT"
_DEPTHS = (8, 10, 12, 14)
_ODD_DEPTHS = (9, 11, 13, 15)
SIXTEEN = "16 bits per channel were converted to 8"
_LEAST_MAX = 32
"""A picture whose values end below is black, or no picture but a map of numbers."""


class _Stated(NamedTuple):
    """What a file of more than 8 bits says of its values; `white` None: nothing beyond 16 bits."""

    white: int | None
    """`FULL`, where it is not sure, is what many programs write of any picture."""
    is_sure: bool
    """Whether values can't have been stretched to 16 bits all the same."""


def stated(data: bytes) -> _Stated | None:
    """What a file says of its depth; None where no channel has more than 8 bits, or it is of a kind that is scaled."""
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            return _of_png(data) if data[_PNG_BITS_AT] == 16 else None
        if tiff.is_tiff(data):
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
    return _Stated((1 << bits) - 1 if 1 <= bits <= 16 else None, False)


def _of_tiff(data: bytes) -> _Stated | None:
    """TIFF 6.0: BitsPerSample, and MaxSampleValue, of which the bits count, since it may be the largest value there."""
    fields = tiff.fields(data, (tiff.BITS, tiff.MAX_SAMPLE))
    bits = fields.get(tiff.BITS, 1)
    if bits <= 8 or tiff.comes_as_bytes(data):
        return None
    if bits < 16:
        return _Stated((1 << bits) - 1, True)
    most = fields.get(tiff.MAX_SAMPLE, 0)
    return _Stated((1 << most.bit_length()) - 1 if 0 < most <= FULL else None, False)


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
    return tiff.is_tiff(data) and tiff.fields(data, (tiff.PHOTOMETRIC,)).get(tiff.PHOTOMETRIC, 1) == 0


def scaled(values: NDArray[Any], steps: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`steps[values]` as a new array, bit by bit: indexing a whole picture takes eight bytes a value."""
    made = np.empty(values.shape, np.uint8)
    flat, out = values.reshape(-1), made.reshape(-1)
    for at in range(0, flat.size, _AT_ONCE):
        out[at : at + _AT_ONCE] = steps[flat[at : at + _AT_ONCE]]
    return made


def _white(values: NDArray[Any], said: _Stated | None) -> tuple[int, str, str]:
    """The value that is white, how it was found, and what was guessed."""
    counts = _counts(values)
    marked = counts[_LEAST_MARK:].sum() / max(1, values.size)
    if 0 < marked <= _MOST_MARKED and not counts[_MOST_BELOW_MARKS:_LEAST_MARK].any():
        counts[_LEAST_MARK:] = 0  # drawn over a picture whose own values end far below
    levels = np.flatnonzero(counts)
    most = int(levels.max(initial=0))
    is_sure, stated_white = said is not None and said.is_sure, None if said is None else said.white
    if stated_white is not None and most <= stated_white and (is_sure or stated_white < FULL):
        if is_sure or not _is_stretched(levels, (stated_white.bit_length(),)):
            is_whole = stated_white & (stated_white + 1) == 0
            depth = f"{stated_white.bit_length()} bits per channel" if is_whole else f"values up to {stated_white}"
            return stated_white, f"{depth}, as the file says, were converted to 8 bits", ""
        return FULL, SIXTEEN, ""
    bits = _guessed_bits(levels, may_be_odd=stated_white != FULL)
    if is_sure or _is_stretched(levels, _DEPTHS if bits is None else (*_DEPTHS, bits)):
        return FULL, SIXTEEN, ""
    if bits is None:
        return FULL, SIXTEEN, _nearly_black(counts)
    return (
        (1 << bits) - 1,
        SIXTEEN,
        (
            f"its values end at {most} of {FULL}, so it was taken for a picture of {bits} bits per channel in 16, and "
            "brightened; if it is too bright now, save it with 8 bits per channel"
        ),
    )


def _counts(values: NDArray[Any]) -> NDArray[np.int64]:
    """How often each value up to `FULL` is there."""
    counts, flat = np.zeros(FULL + 1, np.int64), values.reshape(-1)
    for at in range(0, flat.size, _AT_ONCE):
        counts += np.bincount(flat[at : at + _AT_ONCE], minlength=FULL + 1)
    return counts


def _guessed_bits(levels: NDArray[np.intp], *, may_be_odd: bool = True) -> int | None:
    """Bits per channel of a picture that has these values; an odd number only where they come up to its end.

    Few cameras have an odd number, many pictures are underexposed, and pictures of 8 bits are moved up to an even one.
    """
    most = int(levels.max(initial=0))
    if most < _LEAST_MAX:
        return None
    even = next((bits for bits in _DEPTHS if most < 1 << bits), None)
    odd = next((bits for bits in _ODD_DEPTHS if _NEAR_THE_END << bits <= most * 100 < 100 << bits), None)
    if odd is None or not may_be_odd or (even is not None and even - _unused_bits(levels) == 8):
        return even
    return odd


def _unused_bits(levels: NDArray[np.intp]) -> int:
    """How many of the lower bits are 0 in all of them."""
    used = int(np.bitwise_or.reduce(levels))
    return max(0, (used & -used).bit_length() - 1)


def _nearly_black(counts: NDArray[np.int64]) -> str:
    """A sentence where nearly all values are so low that they may be those of fewer bits."""
    most, darker = 1 << 12, int(counts[: 1 << 12].sum())
    if not counts[_LEAST_MAX:].any() or not _NEARLY_ALL * counts.sum() <= darker < counts.sum():
        return ""
    return (
        f"nearly all of its values are below {most} of {FULL}, which is nearly black; if they are of fewer bits, save "
        "it with 8 bits per channel"
    )


def _is_stretched(levels: NDArray[np.intp], depths: tuple[int, ...]) -> bool:
    """Whether all levels are those of one of so many bits moved up to 16, the lower ones 0 or the upper once more."""
    if _is_raised(levels):
        return False
    for bits in depths:
        lower = 16 - bits
        top, rest = levels >> lower, levels & ((1 << lower) - 1)
        if not rest.any() or np.array_equal(rest, top >> max(bits - lower, 0)):
            return True
    return False


def _is_raised(levels: NDArray[np.intp]) -> bool:
    """Whether the lower bits are 0 because a picture of 8 bits was moved up to 9 to 15, or one of 9 to 11 to 10 or 12.

    One stretched to 16 that ends as early is so dark that it is brightened, too: nothing is clipped by that.
    """
    most, unused = int(levels.max(initial=0)), _unused_bits(levels)
    bits = next((bits for bits in _DEPTHS if most < 1 << bits), 16)
    own = bits - unused
    if 8 <= own < bits <= 14 and (own == 8 or bits <= 12):
        return True
    guessed = _guessed_bits(levels)
    return guessed in _ODD_DEPTHS and guessed - unused == 8


_AT_ONCE = 1 << 18
_LEAST_MARK, _MOST_BELOW_MARKS, _MOST_MARKED = 0xFF00, 1 << 15, 0.02
"""Marks that a program drew in white: from where on, above which other values, and what share of all they may be."""
_NEAR_THE_END = 97
"""In percent."""
_NEARLY_ALL = 0.98
_PNM = re.compile(rb"P[2356]\s(?:\s*(?:#[^\n]*\n\s*)*\d+\s+){2}(?:#[^\n]*\n\s*)*(\d+)\s")
