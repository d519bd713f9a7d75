"""Where recordings begin in a file that was put together of several, as `cat` does it.

FFmpeg reads some kinds of such files no further than their first or second part. Of the others it reads every part.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from edge.capture.video.endings import boxes, elements

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
    for at, kind, _ in boxes(file):
        if kind == b"ftyp" and not is_first:
            yield at
        is_first = is_first and kind not in (b"moov", b"mdat", b"moof")


def _matroska_parts(file: BinaryIO) -> Iterator[int]:
    """Further EBML headers (RFC 8794); searched for from an element on whose size was never written."""
    for at, head, end in elements(file):
        if at and head.startswith(_EBML):
            yield at
        if end is None:
            yield from _found(file, _MATROSKA, at + 1)
