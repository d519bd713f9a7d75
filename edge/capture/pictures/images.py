"""Still images from bytes and files: sized by their header before anything is decoded, then decoded by OpenCV.

No video and no network here. OpenCV has a pixel limit of its own (set by the package), but it reads that once, when it
is loaded, perhaps before us; so the header is asked first. What a header can't be trusted for is decoded `apart`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.arrays import MAX_PIXELS, BgrImage
from edge.capture.pictures import apart, depth, heif, tiff
from edge.capture.pictures.damage import DAMAGED, is_damaged_jpeg
from edge.capture.pictures.exif import orientation_of, upright
from edge.capture.pictures.headers import Size, decoding_work, holds_several, sniff_size, unusual_jpeg
from edge.capture.video.kinds import is_video, unreadable_kind
from edge.errors import ImageError
from edge.names import printable

FREE_PIXELS = 2_000_000
PIXELS_PER_BYTE = 200
"""Pixels that each byte of a foreign file may unpack to, beyond `FREE_PIXELS`; photos have 3 to 50."""
MAX_WORK = 2 * MAX_PIXELS
"""Pixels that decoding may go through, however many bytes there are."""
MAX_FOREIGN_PIXELS = 12_000_000
"""What somebody sent is shrunk to so many: a face that is enrolled has pixels enough, and the service memory."""

MAX_FILE_BYTES = 256_000_000


SEVERAL = "holds several pictures, and only the first was looked at; save each as a file of its own, or give a video"


class Decoded(NamedTuple):
    """A picture, (H, W, 3) uint8 BGR, notes for people on what of the file it leaves out or guesses, and how more than
    8 bits became 8."""

    image: BgrImage
    notes: tuple[str, ...] = ()
    conversion: tuple[str, ...] = ()


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


def require_proportion(data: bytes, name: str) -> None:
    """Raise ImageError for a file of few bytes that unpacks to very many pixels; nothing is decoded."""
    allowed = min(FREE_PIXELS + PIXELS_PER_BYTE * len(data), MAX_WORK)  # bytes that mean nothing can be added to a file
    if (work := decoding_work(data)) > allowed:
        raise ImageError(
            f"{name}: {len(data)} bytes would take the work of {work} pixels, more than the {allowed} of a photo of "
            "that many bytes; save the picture again as a plain JPEG"
        )


def decode_foreign(data: bytes, name: str) -> Decoded:
    """`decode_noted` for bytes that somebody sent: the work must be in proportion to their number.

    At most `MAX_FOREIGN_PIXELS` are returned: a larger picture is decoded and shrunk in a process of its own. Raises
    ImageError, before anything is decoded, also for a file of few bytes that unpacks to very many pixels.
    """
    require_proportion(data, name)
    return _decode(data, name, MAX_FOREIGN_PIXELS)


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
    (H, W, 3) uint8, blue-green-red, 0..255. Gray becomes three equal channels, alpha is dropped, 16 bits become 8 as
    `depth` finds them, and the EXIF orientation, of HEIC and AVIF that of their boxes, is applied.

    Raises
    ------
    ImageError
        Empty, not an image, cut off, more than `MAX_PIXELS` pixels or the work of more than `MAX_WORK` (told by its
        header, before it is decoded), or more memory or time than a picture of its size takes (TIFF, AVIF and HEIC,
        which are decoded in a process of their own).
    """
    return decode_noted(data, name).image


def decode_noted(data: bytes, name: str) -> Decoded:
    """`decode_image`, with notes."""
    return _decode(data, name, None)


def _decode(data: bytes, name: str, max_pixels: int | None) -> Decoded:
    size = _require_readable(data, name)
    if is_apart(data) or (max_pixels is not None and size[0] * size[1] > max_pixels):
        done = Decoded(*apart.decode(data, name, size, max_pixels=max_pixels))
    else:
        done = decode_here(data, name)
    return done._replace(notes=(*done.notes, SEVERAL)) if holds_several(data) else done


def is_apart(data: bytes) -> bool:
    """Whether a picture is of a kind whose header doesn't bound what its decoder does: TIFF, AVIF, HEIC."""
    return _APART.match(data[:16]) is not None


def _require_readable(data: bytes, name: str) -> Size:
    """(width, height) as the header says; raises ImageError for what is not decoded at all."""
    if not data:
        raise ImageError(f"{name}: is empty (0 bytes); copy the file again")
    if (kind := unreadable_kind(data)) is not None:
        raise ImageError(f"{name}: is {kind}, which can't be read here; save it as JPEG or PNG")
    if is_video(data[:1024]) and not data.startswith(b"GIF8"):
        raise ImageError(f"{name}: is a video, not a picture; name it as one, such as .mp4, and give it as a file")
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
    if (work := decoding_work(data)) > MAX_WORK:
        raise ImageError(
            f"{name}: its scans would take the work of {work} pixels, more than {MAX_WORK}; save the picture again "
            "as a plain JPEG"
        )
    return size


def decode_here(data: bytes, name: str) -> Decoded:
    """`decode_noted` without a look at size, work or further pictures, in this process: for whom has looked."""
    kind = heif.kind_of(data[:512])
    if kind == "HEIC":
        return Decoded(np.ascontiguousarray(heif.decode_heic(data, name)[:, :, :3]))
    is_damaged = data.startswith(b"\xff\xd8") and is_damaged_jpeg(data)
    flags = cv2.IMREAD_COLOR if depth.stated(data) is None else cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH
    values = _from_opencv(data, cv2.IMREAD_UNCHANGED if tiff.holds_multiplied(data) else flags)
    if values is None and kind == "AVIF" and not _reads_avif():
        raise ImageError(f"{name}: is an AVIF picture, and OpenCV was built without AVIF here; save it as JPEG")
    if values is None and data.startswith(b"\xff\xd8") and (unusual := unusual_jpeg(data)) is not None:
        raise ImageError(f"{name}: is {unusual}, which can't be read here; save it as JPEG or PNG")
    if values is None:
        raise ImageError(f"{name}: is damaged or cut off ({len(data)} bytes); copy the file again")
    if tiff.comes_as_bytes(data) and values.max(initial=0) < _LEAST_CUT_MAX:
        which = "a gray TIFF of few bits in 16 with alpha"
        if not tiff.is_gray_with_alpha(data):
            which = "a TIFF of few bits in 16 whose colors lie apart"
        raise ImageError(f"{name}: is {which}, which can't be read here; save it as JPEG or PNG")
    if values.ndim == 3 and values.shape[2] == 4:
        tiff.straighten(values)
        values = values[:, :, :3]
    image, conversion, notes = depth.to_bytes(np.ascontiguousarray(values), data)
    if tiff.loses_alpha(data):
        notes = (*notes, _WITHOUT_ALPHA)
    if is_damaged:
        notes = (*notes, DAMAGED)
    return Decoded(heif.turned(image, data) if kind == "AVIF" else image, notes, conversion)


def alpha_here(data: bytes, name: str) -> tuple[NDArray[np.uint8] | None, bool]:
    """Alpha, (H, W) uint8, as upright as `decode_here` makes the picture, or None, and whether the picture is gray.

    What OpenCV can't say counts as no alpha, and not gray.
    """
    kind = heif.kind_of(data[:512])
    if kind == "HEIC":
        planes = heif.decode_heic(data, name)
        return (np.ascontiguousarray(planes[:, :, 3]) if planes.shape[2] == 4 else None), False
    raw = _from_opencv(data, cv2.IMREAD_UNCHANGED)
    if raw is None:
        return None, False
    if raw.ndim == 2:
        return _transparent_gray(raw, data), True
    if raw.shape[2] != 4 or tiff.loses_alpha(data):
        return None, False
    alpha = depth.to_bytes(np.ascontiguousarray(raw), data)[0][:, :, 3]
    # OpenCV leaves this picture as it lies in the file, but for TIFF.
    return heif.turned(alpha, data) if kind == "AVIF" else upright(alpha, orientation_of(data)), False


def _transparent_gray(values: NDArray[Any], data: bytes) -> NDArray[np.uint8] | None:
    """Alpha of a gray PNG, one of whose values is transparent (PNG 1.2, 4.2.1.1): OpenCV leaves that out."""
    at = data.find(b"tRNS", 0, max(0, data.find(b"IDAT"))) if data.startswith(_PNG_MAGIC) else -1
    if at < 0 or data[_PNG_BITS_AT + 1] != 0:
        return None
    bits = data[_PNG_BITS_AT]
    value = int.from_bytes(data[at + 4 : at + 6]) * (1 if bits >= 8 else 255 // ((1 << bits) - 1))
    return upright(np.where(values == value, np.uint8(0), np.uint8(255)), orientation_of(data))


def _from_opencv(data: bytes, flags: int) -> NDArray[Any] | None:
    """What OpenCV decodes, or None; raises MemoryError."""
    if data[:2] in (b"P2", b"P3"):
        data += b"\n"  # OpenCV wants something behind the last number
    try:
        return cv2.imdecode(np.frombuffer(tiff.as_it_lies(without_texts(data)), np.uint8), flags)
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem:
            raise MemoryError from None
        return None


def _reads_avif() -> bool:
    return re.search(r"AVIF:\s+(?!NO)\S", cv2.getBuildInformation()) is not None


def without_texts(data: bytes) -> bytes:
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


_LEAST_CUT_MAX = 64
"""Of what OpenCV makes 8 bits of: a picture of 14 bits or fewer in 16 ends below."""
_WITHOUT_ALPHA = "its alpha can't be read from such a TIFF and was left out; save it as PNG"
_APART = re.compile(rb"II\*\x00|MM\x00\*|....ftyp", re.DOTALL)
_PNG_MAGIC, _PNG_BITS_AT = b"\x89PNG\r\n\x1a\n", 24
_PNG_CHUNKS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"eXIf"})
