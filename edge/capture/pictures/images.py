"""Still images from bytes and files: sized by their header before anything is decoded, then decoded by OpenCV.

No video and no network here. OpenCV has a pixel limit of its own (set by the package), but it reads that once, when it
is loaded, perhaps before us; so the header is asked first.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from edge.arrays import MAX_PIXELS, BgrImage
from edge.capture.pictures import heif
from edge.capture.video.kinds import unreadable_kind
from edge.errors import ImageError
from edge.names import printable

MAX_SEGMENTS = 4096
"""Segments before the picture itself that a JPEG may have; cameras write some dozens."""
FREE_PIXELS = 2_000_000
PIXELS_PER_BYTE = 200
"""Pixels that each byte of a foreign file may unpack to, beyond `FREE_PIXELS`; photos have 3 to 50."""
MAX_WORK = 2 * MAX_PIXELS
"""Pixels that decoding may go through, however many bytes there are."""
SCANS_PER_PASS = 10
"""Scans of a progressive JPEG, each over all pixels, that count as decoding it once; cameras write ten."""

IMAGE_SUFFIXES = (
    ".jpg",
    ".jpeg",
    ".jfif",
    ".png",
    ".bmp",
    ".webp",
    ".gif",
    ".tif",
    ".tiff",
    ".pgm",
    ".ppm",
    ".avif",
    ".heic",
    ".heif",
)
MAX_FILE_BYTES = 256_000_000

Size = tuple[int, int]


def read_image(path: Path) -> BgrImage:
    """Read one still image file as (H, W, 3) uint8 BGR, turned upright as its EXIF says; raises ImageError."""
    return decode_image(read_bytes(path), printable(path))


def read_bytes(path: Path) -> bytes:
    """Bytes of an image file of a sane size; raises ImageError."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            size = path.stat().st_size
            raise ImageError(f"{printable(path)}: {size} bytes are too many for an image; make it smaller")
        return path.read_bytes()
    except OSError as error:
        told = f"can't be read ({error.strerror}); check the path and its permissions"
        raise ImageError(f"{printable(path)}: {told}") from None


def decode_foreign(data: bytes, name: str) -> BgrImage:
    """`decode_image` for bytes that somebody sent: the work must be in proportion to their number.

    Raises ImageError, before anything is decoded, also for a file of few bytes that unpacks to very many pixels.
    """
    allowed = min(FREE_PIXELS + PIXELS_PER_BYTE * len(data), MAX_WORK)  # bytes that mean nothing can be added to a file
    if (work := decoding_work(data)) > allowed:
        raise ImageError(
            f"{name}: {len(data)} bytes would take the work of {work} pixels, more than the {allowed} of a photo of "
            "that many bytes; save the picture again as a plain JPEG"
        )
    return decode_image(data, name)


def decoding_work(data: bytes) -> int:
    """Pixels that decoding has to go through, as far as the header tells: those of all scans; 0 for no image."""
    width, height = sniff_size(data) or (0, 0)
    scans = data.count(b"\xff\xda") if data.startswith(b"\xff\xd8") else 1
    return max(width, 0) * max(height, 0) * max(1, -(-scans // SCANS_PER_PASS))


def decode_image(data: bytes, name: str) -> BgrImage:
    """Decode JPEG, PNG, BMP, WebP, GIF (first picture), TIFF, PGM, PPM, AVIF or, with the extra `heif`, HEIC bytes.

    Parameters
    ----------
    data : bytes
        The whole file. Not changed.
    name : str
        What to call it in an error.

    Returns
    -------
    (H, W, 3) uint8, blue-green-red, 0..255. Gray becomes three equal channels, alpha is dropped, 16 bits become 8,
    and the EXIF orientation is applied.

    Raises
    ------
    ImageError
        Empty, not an image, cut off, or more than `MAX_PIXELS` pixels (told by its header, before it is decoded).
    """
    if not data:
        raise ImageError(f"{name}: is empty (0 bytes); copy the file again")
    if (kind := unreadable_kind(data)) is not None:
        raise ImageError(f"{name}: is {kind}, which can't be read here; save it as JPEG or PNG")
    size = sniff_size(data)
    if size is None:
        raise ImageError(
            f"{name}: is not an image that can be read here; give a JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF or HEIC file"
        )
    width, height = size
    if width < 1 or height < 1:
        raise ImageError(f"{name}: its header says {width} x {height} pixels; the file is damaged, copy it again")
    if width * height > MAX_PIXELS:
        raise ImageError(f"{name}: {width} x {height} pixels are more than {MAX_PIXELS}; make the image smaller")
    kind = heif.kind_of(data[:512])
    if kind == "HEIC":
        return heif.decode_heic(data, name)
    try:
        image = cv2.imdecode(np.frombuffer(_without_texts(data), np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        image = None
    if image is None and kind == "AVIF" and not _reads_avif():
        raise ImageError(f"{name}: is an AVIF picture, and OpenCV was built without AVIF here; save it as JPEG")
    if image is None:
        raise ImageError(f"{name}: is damaged or cut off ({len(data)} bytes); copy the file again")
    return np.ascontiguousarray(image, dtype=np.uint8)


def _reads_avif() -> bool:
    return re.search(r"AVIF:\s+(?!NO)\S", cv2.getBuildInformation()) is not None


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


def _jpeg(data: bytes) -> Size:
    """Walk the segments to the first start-of-frame, which holds the size."""
    at = 2
    for _ in range(MAX_SEGMENTS):
        found = _MARKER.search(data, at)
        if found is None:
            break
        marker, at = data[found.end() - 1], found.end() - 1
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 4)
            return width, height
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
    """First directory's ImageWidth (256) and ImageLength (257)."""
    order = "<" if data[:2] == b"II" else ">"
    at = struct.unpack_from(order + "I", data, 4)[0]
    found: dict[int, int] = {}
    for index in range(struct.unpack_from(order + "H", data, at)[0]):
        entry = at + 2 + 12 * index
        tag, kind = struct.unpack_from(order + "HH", data, entry)
        found[tag] = struct.unpack_from(order + ("H" if kind == 3 else "I"), data, entry + 8)[0]
    return found[256], found[257]


def _pnm(data: bytes) -> Size:
    """Netpbm: magic, width, height, with comment lines between."""
    words = re.sub(rb"#[^\n]*(\n|\Z)", b" ", data[:4096]).split(maxsplit=3)
    return int(words[1]), int(words[2])


def _without_texts(data: bytes) -> bytes:
    """A PNG without the chunks that have no part in the picture: packed texts cost libpng quadratic time."""
    if not data.startswith(_PNG_MAGIC):
        return data
    whole, kept, at = memoryview(data), [_PNG_MAGIC], len(_PNG_MAGIC)
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(whole[at : at + 4])
        if bytes(whole[at + 4 : at + 8]) in _PNG_CHUNKS:
            kept.append(bytes(whole[at:end]))
        at = end
    return b"".join(kept)


_MARKER = re.compile(rb"\xff+[^\xff]", re.DOTALL)
_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_PNG_CHUNKS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"eXIf"})
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
