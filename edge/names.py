"""Names of files and folders: which systems leave behind, how one is printed, when two are the same. Counted nouns.

Linux keeps names as bytes. Python decodes what is no UTF-8 into surrogates, which can't be printed, stored or sent.
"""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path

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
"""Endings of pictures, in lower case: in a folder, every other file is left out."""
_LEFT_BEHIND = frozenset(
    {
        "#recycle",
        "#snapshot",
        "$recycle.bin",
        "@eadir",
        "@quarantine",
        "@recycle",
        "@sharebin",
        "@tmp",
        "@recently-snapshot",
        "__macosx",
        "desktop.ini",
        "ehthumbs.db",
        "icon\r",
        "lost+found",
        "network trash folder",
        "recycle bin",
        "recycler",
        "system volume information",
        "temporary items",
        "thumbs.db",
    }
)
_NUMBERS = re.compile(r"(\d+)")


def is_left_behind(name: str) -> bool:
    """Whether a system, NAS or archiver put this file or folder there: hidden, a recycle bin, thumbnails, ..."""
    return name.startswith(".") or name.casefold() in _LEFT_BEHIND


def printable(name: str | Path) -> str:
    """The name as it may be printed, stored and sent: bytes that are no UTF-8 become U+FFFD."""
    return os.fspath(name).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def spellings(name: str) -> frozenset[str]:
    """What a file's name has to equal for the two to be one: see `same_spelling`. Bytes that are no UTF-8 are also
    read as Windows-1252, which older systems of western Europe wrote.
    """
    shown = printable(name)
    if shown == name:
        return frozenset({same_spelling(name)})
    western = name.encode("utf-8", "surrogateescape").decode("cp1252", "replace")
    return frozenset({same_spelling(shown), same_spelling(western)})


def same_spelling(text: str) -> str:
    """A form in which equal names are equal: composed (NFC), without case, leading zeros, and kinds of blanks."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    plain = re.sub(r"[\s_-]+", " ", folded).strip()
    return plain.lstrip("0") or "0" if plain.isascii() and plain.isdecimal() else plain


def natural_order(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """Sort key in which 2 comes before 10."""
    parts = [part for part in _NUMBERS.split(name) if part]
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part.casefold()) for part in parts], name


def counted(number: int, one: str, several: str) -> str:
    """A number with its noun, as `1 person` and `1,200 people`."""
    return f"{number:,} {one if number == 1 else several}"
