"""What a picture's header says before anything is decoded: its size, and the work that decoding will be.

Nothing is decoded here. Whether a decoder keeps to its header is another matter: see `apart`.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator

from edge.capture.pictures import heif

MAX_SEGMENTS = 4096
"""Segments before the picture itself that a JPEG may have; cameras write some dozens."""
SCANS_PER_PASS = 10
"""Scans of a progressive JPEG, each over all pixels, that count as decoding it once; cameras write ten."""

Size = tuple[int, int]


def decoding_work(data: bytes) -> int:
    """Pixels that decoding has to go through, as far as the header tells: those of all scans; 0 for no image."""
    width, height = sniff_size(data) or (0, 0)
    scans = data.count(b"\xff\xda") if data.startswith(b"\xff\xd8") else 1
    return max(width, 0) * max(height, 0) * max(1, -(-scans // SCANS_PER_PASS))


def holds_several(data: bytes) -> bool:
    """Whether a picture file holds further pictures, as animations and scanned pages do; decoders give the first alone.

    A smaller copy of the same picture, as thumbnails in a TIFF, does not count.
    """
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            at = data.find(b"acTL", 0, max(0, data.find(b"IDAT")))
            return at > 0 and int(struct.unpack_from(">I", data, at + 4)[0]) > 1
        if data[:4] == b"RIFF" and data[8:16] == b"WEBPVP8X":
            return bool(data[20] & 0x02) and data.count(b"ANMF") > 1
        if data[:4] in (b"II*\x00", b"MM\x00*"):
            return any(_other_pages(data))
        if data.startswith((b"GIF87a", b"GIF89a")):
            return _num_gif_pictures(data) > 1
    except (struct.error, IndexError):
        return False
    return data[4:12] in (b"ftypavis", b"ftypmsf1", b"ftyphevc", b"ftyphevx")


def _num_gif_pictures(data: bytes) -> int:
    """Pictures that begin in a GIF, counted to two (GIF89a, 20 and 23 to 26)."""
    at, found = 13 + (3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0), 0
    while found < 2 and data[at] in (0x21, 0x2C):
        if data[at] == 0x2C:
            found += 1
            at += 11 + (3 << (data[at + 9] & 7) + 1 if data[at + 9] & 0x80 else 0)
        else:
            at += 2
        while data[at]:  # blocks of data, each behind its length
            at += 1 + data[at]
        at += 1
    return found


def _other_pages(data: bytes) -> Iterator[bool]:
    """For each directory of a TIFF behind the first, whether it is a page of its own (TIFF 6.0, NewSubfileType)."""
    order, at, seen = "<" if data[:2] == b"II" else ">", 4, set[int]()
    is_first = True
    while (here := int(struct.unpack_from(order + "I", data, at)[0])) and here not in seen:
        seen.add(here)
        count = struct.unpack_from(order + "H", data, here)[0]
        entries = [struct.unpack_from(order + "HHII", data, here + 2 + 12 * index) for index in range(count)]
        if not is_first:
            yield not any(tag == 254 and value & 1 for tag, _, _, value in entries)
        is_first, at = False, here + 2 + 12 * count


def sniff_size(data: bytes) -> Size | None:
    """(width, height) as the header of a known image format says; None where it is no such format or too short."""
    for magic, read_size in _FORMATS:
        if re.match(magic, data[:16], re.DOTALL):
            try:
                return read_size(data)
            except (struct.error, IndexError, KeyError, ValueError):
                return None
    return None


def _png(data: bytes) -> Size:
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _gif(data: bytes) -> Size:
    width, height = struct.unpack_from("<HH", data, 6)
    return width, height


def _bmp(data: bytes) -> Size:
    if struct.unpack_from("<I", data, 14)[0] == 12:
        width, height = struct.unpack_from("<HH", data, 18)
    else:
        width, height = struct.unpack_from("<ii", data, 18)
    return abs(width), abs(height)


def unusual_jpeg(data: bytes) -> str | None:
    """What a JPEG is where it is of a kind that OpenCV doesn't decode: more than 8 bits, or lossless (T.81, B.2.2)."""
    try:
        at = start_of_frame(data)
        if data[at] & 3 == 3:
            return "a lossless JPEG"
        return None if data[at + 3] == 8 else f"a JPEG of {data[at + 3]} bits per channel"
    except (ValueError, IndexError, struct.error):
        return None


def _jpeg(data: bytes) -> Size:
    height, width = struct.unpack_from(">HH", data, start_of_frame(data) + 4)
    return width, height


def start_of_frame(data: bytes) -> int:
    """Where the second byte of a JPEG's first start of frame is, which holds precision and size; else ValueError."""
    at = 2
    for _ in range(MAX_SEGMENTS):
        found = _MARKER.search(data, at)
        if found is None:
            break
        marker, at = data[found.end() - 1], found.end() - 1
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return at
        at += 1 if marker == 0x01 or 0xD0 <= marker <= 0xD8 else 1 + struct.unpack_from(">H", data, at + 1)[0]
    raise ValueError("no start of frame")


def _webp(data: bytes) -> Size:
    kind = data[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF


def _tiff(data: bytes) -> Size:
    """First directory's ImageWidth (256) and ImageLength (257), or its tiles' (322, 323) where those are larger.

    A tile is unpacked whole, however little of it is shown. Of a tag that is there twice the larger value counts, since
    a decoder takes the first; a size is a SHORT or a LONG, as other kinds point to where it may be anything.
    """
    order = "<" if data[:2] == b"II" else ">"
    at = struct.unpack_from(order + "I", data, 4)[0]
    found: dict[int, int] = {}
    for index in range(struct.unpack_from(order + "H", data, at)[0]):
        entry = at + 2 + 12 * index
        tag, kind = struct.unpack_from(order + "HH", data, entry)
        if tag not in (256, 257, 322, 323):
            continue
        if kind not in (3, 4):
            raise ValueError(kind)  # a size is a whole number
        value = struct.unpack_from(order + ("H" if kind == 3 else "I"), data, entry + 8)[0]
        found[tag] = max(found.get(tag, 0), value)
    width, height = found[256], found[257]
    if min(width, height) < 1:
        return width, height
    return max(width, found.get(322, 0)), max(height, found.get(323, 0))


def _pnm(data: bytes) -> Size:
    """Netpbm: magic, width, height, with comment lines between."""
    words = re.sub(rb"#[^\n]*(\n|\Z)", b" ", data[:4096]).split(maxsplit=3)
    return int(words[1]), int(words[2])


_MARKER = re.compile(rb"\xff+[^\xff]", re.DOTALL)
_FORMATS: tuple[tuple[bytes, Callable[[bytes], Size]], ...] = (
    (rb"\x89PNG\r\n\x1a\n", _png),
    (rb"\xff\xd8\xff", _jpeg),
    (rb"GIF8[79]a", _gif),
    (rb"BM", _bmp),
    (rb"RIFF....WEBP", _webp),
    (rb"II\*\x00|MM\x00\*", _tiff),
    (rb"P[2356]\s", _pnm),
    (rb"....ftyp", heif.size_of),
)
