"""Stored pictures by SHA-256: cacheable for good, with ranges, typed by their first bytes. Nothing is decoded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from edge.errors import NotFoundError
from edge.serve.app_keys import STORE, read
from edge.serve.http import inputs
from edge.serve.http.problems import RequestError

HEADERS = {"Cache-Control": "private, max-age=31536000, immutable"}
MAX_HEADER_BYTES = 262_144
"""A JPEG may carry long comments before it says its size."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Content type and size in px, from the header of a picture file."""

    content_type: str
    width: int
    height: int


async def image(request: web.Request) -> web.StreamResponse:
    """Answer with the file of that SHA-256, or the range of it that was asked for."""
    inputs.check_names(request, ())
    sha256 = request.match_info["sha256"]
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise RequestError("a picture is named by its SHA-256: 64 lower case hexadecimal digits")
    path = await read(request.app[STORE].image_path, sha256)
    if path is None:
        raise _gone(sha256)
    try:
        picture = await read(look_at, path)
        num_bytes = (await read(path.stat)).st_size
    except FileNotFoundError:
        raise _gone(sha256) from None
    _check_range(request, num_bytes)
    return web.FileResponse(path, headers={**HEADERS, "Content-Type": picture.content_type})


def _gone(sha256: str) -> NotFoundError:
    return NotFoundError(f"picture {sha256[:12]}… is not kept: it never was, was erased, or made room for newer ones")


def _check_range(request: web.Request, num_bytes: int) -> None:
    try:
        start = request.http_range.start
    except ValueError:
        start = num_bytes
    if start is not None and start >= num_bytes:
        raise RequestError(
            f"the range {request.headers.get('Range')!r} is outside the picture's {num_bytes} bytes", status=416
        )


def look_at(path: Path) -> Picture:
    """Read content type and size from a PNG or JPEG header; any other file is `application/octet-stream`, 0 x 0."""
    with path.open("rb") as file:
        head = file.read(MAX_HEADER_BYTES)
    if head.startswith(b"\x89PNG\r\n\x1a\n") and len(head) >= 24:
        return Picture("image/png", int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big"))
    if head.startswith(b"\xff\xd8\xff"):
        return Picture("image/jpeg", *_jpeg_size(head))
    return Picture("application/octet-stream", 0, 0)


def _jpeg_size(head: bytes) -> tuple[int, int]:
    at = 2
    while at + 9 <= len(head) and head[at] == 0xFF:
        marker = head[at + 1]
        # Start-of-frame markers carry the size; C4, C8 and CC share their range but are tables.
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            return int.from_bytes(head[at + 7 : at + 9], "big"), int.from_bytes(head[at + 5 : at + 7], "big")
        at += 2 + int.from_bytes(head[at + 2 : at + 4], "big")
    return 0, 0
