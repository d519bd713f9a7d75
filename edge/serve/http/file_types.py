"""Type and size of a file, told by its first bytes. Nothing is decoded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_KINDS = (
    (rb"\xff\xd8\xff", ".jpg"),
    (rb"\x89PNG\r\n\x1a\n", ".png"),
    (rb"GIF8[79]a", ".gif"),
    (rb"BM", ".bmp"),
    (rb"RIFF....WEBP", ".webp"),
    (rb"II\*\x00|MM\x00\*", ".tif"),
    (rb"RIFF....AVI ", ".avi"),
    (rb"....ftyp(avif|avis)", ".avif"),
    (rb"....ftyp(heic|heix|heim|heis|hevc|hevx|mif1|msf1)", ".heic"),
    (rb"....(ftyp|moov|mdat|wide|free|skip)", ".mp4"),
    (rb"\x1a\x45\xdf\xa3", ".mkv"),
    (rb"\x00\x00\x01[\xb3\xba]|IMKH", ".mpg"),
    (rb"DHAV", ".dav"),
    (rb"FLV\x01", ".flv"),
    (rb"OggS", ".ogv"),
    (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", ".wmv"),
    (rb"\x00?\x00\x00\x01[\x09\x27\x67]", ".h264"),
    (rb"\x00?\x00\x00\x01[\x40\x42\x46]\x01", ".h265"),
    (rb"\x47[\x00-\x5f]..[^\x20-\x7e]", ".ts"),
)
"""Pattern of a file's first bytes, and the suffix of that kind."""
HEAD_BYTES = 12
"""Bytes needed to tell the kind: the length of the longest pattern."""
MAX_HEADER_BYTES = 262_144
"""A JPEG may carry long comments before it says its size."""


@dataclass(frozen=True, slots=True)
class PictureHeader:
    """Content type and size in px, from the header of a picture file."""

    content_type: str
    width: int
    height: int


def kind_of(head: bytes) -> str | None:
    """File suffix for a picture or video that starts with `head`; None for anything else."""
    return next((suffix for magic, suffix in _KINDS if re.match(magic, head, re.DOTALL)), None)


def read_picture_header(path: Path) -> PictureHeader:
    """Read content type and size from a PNG or JPEG header; any other file is `application/octet-stream`, 0 x 0."""
    with path.open("rb") as file:
        head = file.read(MAX_HEADER_BYTES)
    if head.startswith(b"\x89PNG\r\n\x1a\n") and len(head) >= 24:
        return PictureHeader("image/png", int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big"))
    if head.startswith(b"\xff\xd8\xff"):
        return PictureHeader("image/jpeg", *_jpeg_size(head))
    return PictureHeader("application/octet-stream", 0, 0)


def _jpeg_size(head: bytes) -> tuple[int, int]:
    at = 2
    while at + 9 <= len(head) and head[at] == 0xFF:
        marker = head[at + 1]
        # Start-of-frame markers carry the size; C4, C8 and CC share their range but are tables.
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            return int.from_bytes(head[at + 7 : at + 9], "big"), int.from_bytes(head[at + 5 : at + 7], "big")
        at += 2 + int.from_bytes(head[at + 2 : at + 4], "big")
    return 0, 0
