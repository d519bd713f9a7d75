"""What a file is by its first bytes: video, sound, or what can't be read here, so that a refusal names it."""

from __future__ import annotations

import re
import struct

_KINDS = (
    (rb"%PDF", "a PDF document"),
    (rb"%!PS", "a PostScript document"),
    (rb"PK\x03\x04", "a ZIP archive or office document"),
    (rb"Rar!|7z\xbc\xaf|\x1f\x8b", "an archive"),
    (rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)?(?:<!DOCTYPE svg|<svg)", "an SVG drawing"),
    (rb"8BPS", "a Photoshop picture"),
    (rb"gimp xcf", "a GIMP picture"),
    (rb"v/1\x01", "an OpenEXR picture"),
    (rb"#\?RADIANCE|#\?RGBE", "a Radiance HDR picture"),
    (rb"\x00\x00\x01\x00[\x01-\xff]\x00", "a Windows icon"),
    (rb"\xff\x0a|\x00\x00\x00\x0cJXL ", "a JPEG XL picture"),
    (rb"\x00\x00\x00\x0cjP  |\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (rb"II\+\x00|MM\x00\+", "a BigTIFF picture"),
)
_PICTURE_BRANDS = rb"(?!(?:heic|heix|heim|heis|hevc|mif1|msf1|avif|avis))"
_CONTAINERS = (
    rb"....(?:ftyp" + _PICTURE_BRANDS + rb"|moov|mdat|wide|free|skip)",  # MP4, MOV, but for HEIF's pictures
    rb"\x1a\x45\xdf\xa3",  # Matroska, WebM
    rb"RIFF....AVI ",
    rb"GIF8[79]a",
    rb"\x47.{187}\x47",  # MPEG transport stream
    rb".{4}\x47.{191}\x47",  # with times before its packets: M2TS
    rb"\x00\x00\x01[\xb0\xb3\xb5\xb6\xba]",  # MPEG programme stream, MPEG-2 and MPEG-4 alone
    rb"\x00?\x00\x00\x01[\x06\x07\x08\x09\x21\x26-\x28\x40\x42\x44\x46\x4e\x65\x67\x68]",  # H.264, H.265 alone
    rb"FLV\x01",
    rb"OggS",
    rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11",  # ASF, WMV
    rb"YUV4MPEG2 ",
    rb"DKIF",  # IVF
    rb"DHAV",  # Dahua's recorders
    rb"IMKH",  # Hikvision's recorders: MPEG behind a header of their own
    rb"\x06\x0e\x2b\x34",  # MXF
    rb"\s*--[^\r\n]{1,70}\r?\n(?:[^\r\n]+\r?\n)*?[Cc]ontent-[Tt]ype: *image/jpe?g",  # motion JPEG as a server sent it
)
_SOUND = (
    rb"ID3", rb"RIFF....WAVE", rb"fLaC", rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb]", rb"\xff[\xf0\xf1\xf8\xf9]", rb"MThd",
    rb"#!AMR", rb"FORM....AIF[FC]", rb"\.snd",
)  # fmt: skip
_HEAD_BYTES = 1024
_BITS_PER_SAMPLE, _SAMPLE_FORMAT, _MAX_BITS = 258, 339, 16
_SIGNED, _FLOAT = 2, 3


def is_video(head: bytes) -> bool:
    """True where the first bytes are those of a video container, of a bare video stream, or of a GIF."""
    return any(re.match(magic, head, re.DOTALL) for magic in _CONTAINERS)


def is_sound(head: bytes) -> bool:
    """True where the first bytes are those of a file that holds sound alone."""
    return any(re.match(magic, head, re.DOTALL) for magic in _SOUND)


def unreadable_kind(data: bytes) -> str | None:
    """What a file is, such as `a PDF document`, where it is known and can't be read; its first KB is enough."""
    for magic, kind in _KINDS:
        if re.match(magic, data[:_HEAD_BYTES], re.DOTALL):
            return kind
    return _tiff_of_wide_samples(data) if data[:4] in (b"II*\x00", b"MM\x00*") else None


def _tiff_of_wide_samples(data: bytes) -> str | None:
    """Floating-point, signed and 32-bit TIFFs hold measurements; what of them is black and white, nobody says."""
    try:
        bits, kind = _value(data, _BITS_PER_SAMPLE, 1), _value(data, _SAMPLE_FORMAT, 1)
    except (struct.error, IndexError):
        return None
    if kind == _FLOAT:
        return f"a TIFF of {bits}-bit floating-point numbers"
    if kind == _SIGNED:
        return f"a TIFF of signed {bits}-bit numbers"
    return f"a TIFF of {bits}-bit numbers" if bits > _MAX_BITS else None


def _value(data: bytes, wanted: int, default: int) -> int:
    """First value of a field of 16-bit numbers in the first directory (TIFF 6.0, section 2)."""
    order = "<" if data[:2] == b"II" else ">"
    at = struct.unpack_from(order + "I", data, 4)[0]
    for index in range(struct.unpack_from(order + "H", data, at)[0]):
        tag, _, count = struct.unpack_from(order + "HHI", data, at + 2 + 12 * index)
        if tag == wanted:
            place = at + 10 + 12 * index
            if count > 2:
                place = struct.unpack_from(order + "I", data, place)[0]
            return int(struct.unpack_from(order + "H", data, place)[0])
    return default
