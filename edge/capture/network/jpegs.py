"""Finds the JPEG pictures of a byte stream by their own marks. Knows nothing of HTTP, boundaries or lengths.

Cameras name wrong boundaries and lengths, or none; a JPEG says itself where it begins and ends (ITU-T T.81, B.1.1).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

MAX_PICTURE_BYTES = 32_000_000
_CHUNK_BYTES = 65_536
_BEGIN = re.compile(rb"\xff\xd8\xff[\xc0-\xff]")
_MARK_IN_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""Within coded data a mark; FF00 is a plain FF, and FFD0 to FFD7 are restarts."""
_PART_HEADER = re.compile(rb"^content-(?:type|length):", re.IGNORECASE | re.MULTILINE)
_OTHER_PART = re.compile(rb"^content-type:\s*(?:text|application|audio)/", re.IGNORECASE | re.MULTILINE)
"""Some cameras send what they measure between the pictures."""
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_PICTURE_AFTER_HEADER = re.compile(rb"content-(?:type|length)[^\xff]{0,400}?\r?\n\r?\n\xff\xd8\xff", re.IGNORECASE)
_START_OF_SCAN, _END = 0xDA, b"\xff\xd9"


@dataclass(frozen=True, slots=True)
class Piece:
    """A picture, or what is left of one that came damaged."""

    data: bytes
    is_whole: bool


def read_jpegs(read_some: Callable[[int], bytes]) -> Iterator[Piece]:
    """Pictures until `read_some` returns nothing, each as soon as its last byte is here.

    Cut off pictures, and parts with a header of their own that hold none, come as pieces that are not whole.
    """
    held = bytearray()
    between = bytearray()

    def fill() -> bool:
        more = read_some(_CHUNK_BYTES)
        held.extend(more)
        return bool(more)

    while True:
        has_picture = _find_begin(held, between, fill)
        yield from (Piece(b"", False) for _ in range(_num_parts_without_picture(bytes(between), has_picture)))
        between.clear()
        if not has_picture:
            return
        end, is_whole = _find_end(held, fill)
        if end == 0:
            yield Piece(bytes(held), False)
            return
        yield Piece(bytes(held[:end]), is_whole)
        del held[:end]


def _find_begin(held: bytearray, between: bytearray, fill: Callable[[], bool]) -> bool:
    """Move what stands before the next picture to `between`; False where the stream ends first."""
    while (found := _BEGIN.search(held)) is None:
        keep = 3
        between += held[: max(0, len(held) - keep)]
        del between[:-_CHUNK_BYTES]
        del held[: max(0, len(held) - keep)]
        if not fill():
            between += held
            return False
    between += held[: found.start()]
    del held[: found.start()]
    return True


def _num_parts_without_picture(between: bytes, has_picture: bool) -> int:
    """How many parts of a multipart stream ended in these bytes without a picture."""
    blocks = [block for block in _BLANK_LINE.split(between)[:-1] if _PART_HEADER.search(block)]
    blocks = [block for block in blocks if not _OTHER_PART.search(block)]
    return max(0, len(blocks) - 1) if has_picture else 0


def _find_end(held: bytearray, fill: Callable[[], bool]) -> tuple[int, bool]:
    """Bytes of the picture that `held` begins with, and whether it is whole; 0 where the stream ends within it."""
    at, is_in_scan = 2, False
    while len(held) <= MAX_PICTURE_BYTES:
        if is_in_scan:
            found = _MARK_IN_SCAN.search(held, at)
            at, is_in_scan = (found.start(), False) if found else (max(2, len(held) - 1), True)
        if is_in_scan or (len(held) < at + 4 and held[at : at + 2] != _END):
            if not fill():
                return _next_picture(held, len(held), 0), False
            continue
        mark = held[at + 1]
        if held[at : at + 2] == _END:
            end = _next_picture(held, at, at + 2)
            return end, end == at + 2
        if held[at] != 0xFF or mark in (0x00, 0xD8):
            return _next_picture(held, at, at), False
        if mark == 0xFF:  # a mark may be filled up with any number of FF
            at += 1
        elif mark == 0x01 or 0xD0 <= mark <= 0xD7:
            at += 2
        else:
            at += 2 + max(2, int.from_bytes(held[at + 2 : at + 4], "big"))
            is_in_scan = mark == _START_OF_SCAN
    return len(held), False


def _next_picture(held: bytearray, until: int, otherwise: int) -> int:
    """Where to go on after a damaged picture: a segment that was cut off may reach into the next picture."""
    found = _PICTURE_AFTER_HEADER.search(held, 2, until + 3)
    return found.end() - 3 if found else otherwise
