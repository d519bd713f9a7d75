"""Pictures of few bytes that unpack to very much, or that say less than they hold."""

from __future__ import annotations

import io
import struct
import zlib

import cv2
import numpy as np
from PIL import Image

Entry = tuple[int, int, int]
"""Tag, kind (3: SHORT, 4: LONG) and value of a field of a TIFF."""


def tiff_of(entries: list[Entry], data: bytes = b"", order: str = "<") -> bytes:
    """A TIFF of one directory with these fields; `data` lies behind it."""
    fields = b"".join(struct.pack(order + "HHII", tag, kind, 1, value) for tag, kind, value in sorted(entries))
    magic = b"II*\0" if order == "<" else b"MM\0*"
    return magic + struct.pack(order + "IH", 8, len(entries)) + fields + bytes(4) + data


def tiff_strip(width: int, height: int, rows: int, samples: int = 1) -> bytes:
    """A black TIFF, packed in one strip that is said to have so many rows."""
    packed = zlib.compress(bytes(min(rows, height) * width * min(samples, 4)), 9)
    place = 14 + 12 * 10
    fields = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 8), (262, 3, 1), (273, 4, place)]
    return tiff_of([*fields, (277, 3, samples), (278, 4, rows), (279, 4, len(packed)), (284, 3, 1)], packed)


def tiff_tile(width: int, height: int, tile_width: int, tile_height: int) -> bytes:
    """A black TIFF in one tile of that size, of which only a corner is shown."""
    packed = zlib.compress(bytes(tile_width * tile_height), 9)
    place = 14 + 12 * 10
    fields = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 8), (262, 3, 1), (277, 3, 1)]
    return tiff_of(
        [*fields, (322, 4, tile_width), (323, 4, tile_height), (324, 4, place), (325, 4, len(packed))], packed
    )


def tiff_pages(number: int) -> bytes:
    """A TIFF of many pages, 300 x 300 each."""
    pages = [Image.new("L", (300, 300), shade) for shade in (90, 20)]
    return _saved(pages[0], "TIFF", save_all=True, append_images=pages[1:] * (number - 1), compression="tiff_deflate")


def avif_of(side: int, said: int | None = None) -> bytes:
    """A black AVIF, side x side px, whose boxes say that it is of another size."""
    data = cv2.imencode(".avif", np.zeros((side, side, 3), np.uint8), [cv2.IMWRITE_AVIF_SPEED, 10])[1].tobytes()
    return data if said is None else _said(data, said)


def heic_of(side: int, said: int) -> bytes:
    """The same as HEIC; needs the extra `heif`."""
    import pillow_heif

    file = io.BytesIO()
    pillow_heif.encode("RGB", (side, side), bytes(side * side * 3), file, quality=10)
    return _said(file.getvalue(), said)


def webp_frames(number: int) -> bytes:
    """A WebP of many frames, 600 x 600 each."""
    frames = [Image.new("RGB", (600, 600), (shade, 9, 9)) for shade in (90, 20)]
    return _saved(frames[0], "WEBP", save_all=True, append_images=frames * (number // 2), duration=10, method=0)


def png_frames(number: int) -> bytes:
    """An animated PNG of many frames, 600 x 600 each."""
    frames = [Image.new("RGB", (600, 600), (shade, 9, 9)) for shade in (90, 20)]
    return _saved(frames[0], "PNG", save_all=True, append_images=frames * (number // 2), duration=10)


def gif_frames(number: int, side: int) -> bytes:
    """A GIF of many frames, side x side each, 17 bytes of each frame."""
    frame = b"," + struct.pack("<HHHH", 0, 0, side, side) + b"\0\x02\x02\x4c\x01\0"
    return b"GIF89a" + struct.pack("<HH", side, side) + b"\xf0\0\0" + bytes(3) + b"\xff" * 3 + frame * number + b";"


def jpeg_scans(number: int, width: int = 3000, height: int = 2000) -> bytes:
    """A progressive JPEG with so many scans, all but the first ones empty."""
    whole = _saved(Image.new("RGB", (width, height)), "JPEG", progressive=True)
    return whole[:-2] + b"\xff\xda\x00\x08\x01\x01\x00\x01\x3f\x01\x00" * number + b"\xff\xd9"


def bmp_of(width: int, height: int) -> bytes:
    """A packed BMP of 1 kB, which ends with its first row."""
    head = struct.pack("<IHHI", 1080, 0, 0, 1078) + struct.pack(
        "<IiiHHIIiiII", 40, width, height, 1, 8, 1, 0, 0, 0, 256, 0
    )
    return b"BM" + head + bytes(1024) + b"\x00\x01"


def _said(data: bytes, side: int) -> bytes:
    """The file with another size in every box that says one."""
    told, at = bytearray(data), data.find(b"ispe")
    while at >= 0:
        told[at + 8 : at + 16] = struct.pack(">II", side, side)
        at = data.find(b"ispe", at + 4)
    return bytes(told)


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()
