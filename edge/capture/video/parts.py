"""Where recordings begin in a file that was put together of several, as `cat` does it.

FFmpeg reads some kinds of such files no further than their first or second part. Of the others it reads every part.
"""

from __future__ import annotations

import mmap
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_MAX_BOXES = 5_000_000
_MP4 = re.compile(rb"....(?:ftyp|moov|mdat|wide|free|skip)", re.DOTALL)
_EBML = b"\x1a\x45\xdf\xa3"
_MATROSKA = re.compile(re.escape(_EBML) + rb".{1,60}?\x42\x82[\x84\x88](?:webm|matroska)", re.DOTALL)
_SCANNED = {
    b"FLV\x01": re.compile(rb"FLV\x01[\x00\x01\x04\x05]\x00\x00\x00\x09\x00\x00\x00\x00"),
    b"\x30\x26\xb2\x75": re.compile(re.escape(bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"))),
    b"DKIF": re.compile(rb"DKIF\x00\x00\x20\x00[A-Z0-9]{4}"),
}
"""FLV, ASF and IVF say nowhere where they end, so the beginning of the next is searched for."""


def parts_of(path: Path) -> list[tuple[int, int | None]]:
    """Begin and end of each part in bytes; the end of the last is None. A file that is one recording has one part."""
    with path.open("rb") as file:
        head = file.read(16)
        if _MP4.match(head):
            begins = [0, *_mp4_parts(file)]
        elif head.startswith(_EBML):
            begins = [0, *_matroska_parts(file)]
        elif (begin := _SCANNED.get(head[:4])) is not None:
            begins = [0, *_found(file, begin, 1)]
        else:
            begins = [0]
    return list(zip(begins, [*begins[1:], None], strict=True))


def _found(file: BinaryIO, begin: re.Pattern[bytes], at: int) -> list[int]:
    """Every place from `at` on where a file of this kind begins."""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return [found.start() for found in begin.finditer(data, at)]


def _mp4_parts(file: BinaryIO) -> Iterator[int]:
    """Where a second file type stands, and a third: a recording names its type once (ISO/IEC 14496-12, 4.3)."""
    is_first = True
    for at, kind in _boxes(file):
        if kind == b"ftyp" and not is_first:
            yield at
        is_first = is_first and kind not in (b"moov", b"mdat", b"moof")


def _boxes(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Place and kind of the outermost boxes, as far as their lengths lead from one to the next."""
    at, end = 0, os.fstat(file.fileno()).st_size
    for _ in range(_MAX_BOXES):
        file.seek(at)
        head = file.read(16)
        if len(head) < 8:
            return
        yield at, head[4:8]
        length = int.from_bytes(head[:4])
        if length == 1 and len(head) == 16:
            length = int.from_bytes(head[8:])
        at += length
        if length < 8 or at >= end:
            return


def _matroska_parts(file: BinaryIO) -> Iterator[int]:
    """Further EBML headers (RFC 8794); searched for from an element on whose size was never written."""
    at, end = 0, os.fstat(file.fileno()).st_size
    for _ in range(_MAX_BOXES):
        file.seek(at)
        head = file.read(12)
        size_at = 9 - head[0].bit_length() if head and head[0] else 0
        width = 9 - head[size_at].bit_length() if 0 < size_at < len(head) and head[size_at] else 0
        if not 0 < size_at <= 4 or not width or len(head) < size_at + width:
            return
        if at and head.startswith(_EBML):
            yield at
        size = int.from_bytes(head[size_at : size_at + width]) & ((1 << 7 * width) - 1)
        if size == (1 << 7 * width) - 1:
            yield from _found(file, _MATROSKA, at + 1)
            return
        at += size_at + width + size
        if at >= end:
            return
