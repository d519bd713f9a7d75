"""Whether a recording was cut off, as far as its last bytes tell, or a length that it states of itself.

A programme stream and streams without a container state none: cut between two pictures, they are whole to anybody.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_MAX_BOXES = 5_000_000
_MAX_HEAD = 16
_TAIL_BYTES = 64_000
_SYNC, _TS_BYTES, _TS_STRIDES, _LEAST_PACKETS = 0x47, 188, (188, 192, 204), 8
_OGG_LAST, _OGG_HEADER, _FLV_HEADER = 4, 27, 11
_MP4 = re.compile(rb"....(?:ftyp|moov|mdat|wide|free|skip)", re.DOTALL)
_BOXES = frozenset(b"ftyp styp moov moof mdat mfra sidx ssix free skip wide uuid meta udta pdin emsg prft pnot".split())
"""Kinds of the outermost boxes; what bears another name may be what a recorder wrote behind the last box."""
_EBML = b"\x1a\x45\xdf\xa3"
_ELEMENTS = (_EBML, b"\x18\x53\x80\x67", b"\xec")
"""Header, segment and void: what the outermost elements of a Matroska file are."""


def is_cut(path: Path) -> bool:
    """Whether bytes are surely missing at the end; False also where nobody can tell, or the file has gone."""
    try:
        return _is_cut(path)
    except OSError:
        return False


def _is_cut(path: Path) -> bool:
    with path.open("rb") as file:
        head, size = file.read(_MAX_HEAD), os.fstat(file.fileno()).st_size
        if _MP4.match(head):
            return _is_short((box for box in boxes(file) if box[1] in _BOXES), size)
        if head.startswith(_EBML):
            return _is_short((one for one in elements(file) if one[1].startswith(_ELEMENTS)), size)
        if head[:4] == b"RIFF":
            return _is_short(_chunks(file), size)
        if head.startswith(b"FLV\x01"):
            return not _ends_as_flv(file, size)
        file.seek(max(0, size - _TAIL_BYTES))
        tail = file.read()
    if head[:4] == b"GIF8":
        return not tail.rstrip(b"\x00").endswith(b"\x3b")
    return not _ends_as_ogg(tail) if head.startswith(b"OggS") else _ends_in_packet(tail)


def _is_short(parts: Iterator[tuple[int, bytes, int | None]], size: int) -> bool:
    """Whether one of these parts of a file, each with its place, name and end, ends beyond the file."""
    return any(end is not None and end > size for _, _, end in parts)


def boxes(file: BinaryIO) -> Iterator[tuple[int, bytes, int | None]]:
    """Place, kind and end of the outermost boxes of an MP4, as far as their lengths lead from one to the next.

    The end is None where a box takes all the rest (ISO/IEC 14496-12, 4.2).
    """
    at, end = 0, os.fstat(file.fileno()).st_size
    for _ in range(_MAX_BOXES):
        file.seek(at)
        head = file.read(16)
        if len(head) < 8:
            return
        length = int.from_bytes(head[:4])
        if length == 1 and len(head) == 16:
            length = int.from_bytes(head[8:])
        yield at, head[4:8], at + length if length >= 8 else None
        at += length
        if length < 8 or at >= end:
            return


def elements(file: BinaryIO) -> Iterator[tuple[int, bytes, int | None]]:
    """Place, first bytes and end of the outermost elements of a Matroska file (RFC 8794); None: never written."""
    at, end = 0, os.fstat(file.fileno()).st_size
    for _ in range(_MAX_BOXES):
        file.seek(at)
        head = file.read(12)
        size_at = 9 - head[0].bit_length() if head and head[0] else 0
        width = 9 - head[size_at].bit_length() if 0 < size_at < len(head) and head[size_at] else 0
        if not 0 < size_at <= 4 or not width or len(head) < size_at + width:
            return
        size, unknown = int.from_bytes(head[size_at : size_at + width]) & ((1 << 7 * width) - 1), (1 << 7 * width) - 1
        yield at, head, at + size_at + width + size if size != unknown else None
        at += size_at + width + size
        if size == unknown or at >= end:
            return


def _chunks(file: BinaryIO) -> Iterator[tuple[int, bytes, int | None]]:
    """Place, kind and end of the parts of an AVI, which has several if it is large; a length of 0 was never written."""
    at = 0
    for _ in range(_MAX_BOXES):
        file.seek(at)
        head = file.read(8)
        length = int.from_bytes(head[4:8], "little")
        if head[:4] != b"RIFF" or not 0 < length < 0xFFFF_FFFF:
            return
        yield at, head[:4], at + 8 + length
        at += 8 + length + length % 2


def _ends_as_ogg(tail: bytes) -> bool:
    """Whether the last page is whole and says that it is the last (RFC 3533, 6)."""
    at = tail.rfind(b"OggS")
    if at < 0 or len(tail) < at + _OGG_HEADER or not tail[at + 5] & _OGG_LAST:
        return False
    lengths = tail[at + _OGG_HEADER : at + _OGG_HEADER + tail[at + _OGG_HEADER - 1]]
    return at + _OGG_HEADER + len(lengths) + sum(lengths) <= len(tail)


def _ends_as_flv(file: BinaryIO, size: int) -> bool:
    """Whether the last number is the length of a tag that lies before it, as behind each of them."""
    file.seek(max(0, size - 4))
    length = int.from_bytes(file.read(4))
    if not _FLV_HEADER <= length <= size - 4:
        return length == 0
    file.seek(size - 4 - length)
    return int.from_bytes(file.read(4)[1:]) + _FLV_HEADER == length


def _ends_in_packet(tail: bytes) -> bool:
    """Whether these are packets of a transport stream, the last of which is not whole (ISO/IEC 13818-1, 2.4.3)."""
    if tail.count(_SYNC) > len(tail) // 2:
        return False
    for stride in _TS_STRIDES:
        for phase in range(min(stride, len(tail))):
            starts = tail[phase::stride]
            if tail[phase] == _SYNC and len(starts) >= _LEAST_PACKETS and starts.count(_SYNC) == len(starts):
                return len(tail) - phase - (len(starts) - 1) * stride < _TS_BYTES
    return False
