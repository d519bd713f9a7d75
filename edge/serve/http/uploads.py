"""Reading files that people hand over: forms with pictures, and large files to a folder. Bounded in size and in time.

A file's own name is only ever shown; where it is written, and under which name, is decided here by its first bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import secrets
from pathlib import Path
from typing import IO

import aiohttp
from aiohttp import web
from aiohttp.http import HttpProcessingError

from edge.errors import StoreError
from edge.serve.http.problems import RequestError
from edge.serve.http.shield import Pace
from edge.watchlist.entry import Upload

MAX_PICTURES = 20
MAX_PICTURE_BYTES = 20_000_000
MAX_PICTURES_BYTES = 60_000_000
MAX_FIELD_BYTES = 4_000
MAX_FIELDS = 20
SPARE_BYTES = 200_000_000
"""Disk space that an upload leaves to the alerts."""

_KINDS = (
    (rb"\xff\xd8\xff", ".jpg"),
    (rb"\x89PNG\r\n\x1a\n", ".png"),
    (rb"GIF8[79]a", ".gif"),
    (rb"BM", ".bmp"),
    (rb"RIFF....WEBP", ".webp"),
    (rb"RIFF....AVI ", ".avi"),
    (rb"....(ftyp|moov|mdat|wide|free|skip)", ".mp4"),
    (rb"\x1a\x45\xdf\xa3", ".mkv"),
)
"""First bytes, and the name's end they stand for."""
HEAD_BYTES = 12
"""As many as the longest of them."""


def kind_of(head: bytes) -> str | None:
    """The name's end for a picture or video with these first bytes; None for anything else."""
    return next((suffix for magic, suffix in _KINDS if re.match(magic, head, re.DOTALL)), None)


async def read_pictures(request: web.Request, *, is_strict: bool = False) -> tuple[dict[str, str], list[Upload]]:
    """Read a form with pictures into memory: its fields, and the files that have bytes.

    With `is_strict`, for machines: empty files count, files are called `pictures`, and no field comes twice.
    """
    parts = await _parts(request, MAX_PICTURES_BYTES)
    fields: dict[str, str] = {}
    files: list[Upload] = []
    pace, num_parts, num_bytes = Pace(), 0, 0
    while (part := await _next(parts, pace)) is not None:
        num_parts += 1
        if is_strict:
            _require_right(part, fields)
        if part.filename is None:
            fields[(part.name or "")[:40]] = _text(await _read(part, MAX_FIELD_BYTES, pace), is_strict=is_strict)
        elif (data := await _read(part, MAX_PICTURE_BYTES, pace)) or is_strict:
            files.append(Upload(_shown(part.filename), data))
            num_bytes += len(data)
        if num_parts > MAX_FIELDS + MAX_PICTURES or len(files) > MAX_PICTURES:
            raise RequestError(f"too many fields or files: at most {MAX_PICTURES} pictures at once", status=413)
        if num_bytes > MAX_PICTURES_BYTES:  # a body in chunks names no length beforehand
            raise _too_large(MAX_PICTURES_BYTES)
    return fields, files


def _require_right(part: aiohttp.BodyPartReader, fields: dict[str, str]) -> None:
    if part.filename is not None and part.name != "pictures":
        raise RequestError("a file of this form is called 'pictures', as often as there are pictures", status=422)
    if part.filename is None and part.name in fields:
        raise RequestError(f"the field {part.name!r} is given more than once: give it once", status=422)


def _text(data: bytes, *, is_strict: bool) -> str:
    try:
        return data.decode("utf-8", "strict" if is_strict else "replace")
    except UnicodeDecodeError:
        raise RequestError("a field of the form is not UTF-8", status=422) from None


async def receive(request: web.Request, folder: Path, max_bytes: int) -> tuple[str, Path]:
    """Write the form's file into `folder`; its name as shown and its path, which the caller takes over."""
    parts, pace, num_parts = await _parts(request, max_bytes), Pace(), 1
    part = await _next(parts, pace)
    while part is not None and part.filename is None:
        await _read(part, MAX_FIELD_BYTES, pace)
        part, num_parts = await _next(parts, pace), num_parts + 1
        if num_parts > MAX_FIELDS:
            raise RequestError(f"too many fields: at most {MAX_FIELDS}", status=413)
    if part is None or not part.filename:
        raise RequestError("no file was handed over: choose one first", status=422)
    path = folder / f"upload-{secrets.token_hex(8)}"
    try:
        kind = await _write(part, path, max_bytes, pace)
        if kind is None:
            raise RequestError(
                "this is neither a picture nor a video that can be read here: give JPEG, PNG, MP4, AVI, MKV or GIF",
                status=415,
            )
        return _shown(part.filename), await asyncio.to_thread(path.rename, path.with_suffix(kind))
    except BaseException:
        await asyncio.shield(asyncio.to_thread(path.unlink, missing_ok=True))
        raise


async def keep(data: bytes, folder: Path, suffix: str) -> Path:
    """Write bytes of our own into `folder`, as if they had been handed over."""
    path = folder / f"upload-{secrets.token_hex(8)}{suffix}"
    await asyncio.to_thread(path.write_bytes, data)
    return path


async def _parts(request: web.Request, max_bytes: int) -> aiohttp.MultipartReader:
    if request.content_type != "multipart/form-data":
        raise RequestError(f"a form with files is expected here, not {request.content_type}", status=415)
    if request.content_length is not None and request.content_length > max_bytes + MAX_FIELD_BYTES * MAX_FIELDS:
        raise _too_large(max_bytes)
    try:
        return await request.multipart()
    except ValueError:
        raise RequestError("the form has no boundary: it was not made by a browser") from None


async def _next(parts: aiohttp.MultipartReader, pace: Pace) -> aiohttp.BodyPartReader | None:
    try:
        async with pace.limit():
            part = await parts.next()
    except (ValueError, AssertionError, RuntimeError, HttpProcessingError):
        raise RequestError("the form is damaged: it ends in the middle, or its parts can't be told apart") from None
    if part is not None and not isinstance(part, aiohttp.BodyPartReader):
        raise RequestError("a form within a form is not read here")
    return part


async def _read(part: aiohttp.BodyPartReader, max_bytes: int, pace: Pace) -> bytes:
    data = bytearray()
    while chunk := await _chunk(part, pace):
        data += chunk
        if len(data) > max_bytes:
            raise _too_large(max_bytes)
    return bytes(data)


async def _chunk(part: aiohttp.BodyPartReader, pace: Pace) -> bytes:
    async with pace.limit():
        try:
            chunk = await part.read_chunk(65_536)
        except (ValueError, AssertionError, HttpProcessingError):
            raise RequestError("the form is damaged: it ends in the middle of a file") from None
    pace.came(len(chunk))
    return chunk


async def _write(part: aiohttp.BodyPartReader, path: Path, max_bytes: int, pace: Pace) -> str | None:
    """Write a part to the disk as it comes; the end of name that its first bytes stand for, None to refuse it."""
    written = 0
    kind: str | None = None
    with await asyncio.to_thread(_create, path) as file:
        while chunk := await _chunk(part, pace):
            while written == 0 and len(chunk) < HEAD_BYTES and (more := await _chunk(part, pace)):
                chunk += more  # the network may cut a body anywhere, in the midst of what tells its kind, too
            if written == 0 and (kind := kind_of(chunk)) is None:
                return None
            written += len(chunk)
            if written > max_bytes:
                raise _too_large(max_bytes)
            await asyncio.to_thread(_append, file, chunk)
    return kind


def _create(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _append(file: IO[bytes], chunk: bytes) -> None:
    room = os.fstatvfs(file.fileno())
    if room.f_bavail * room.f_frsize < SPARE_BYTES:
        raise StoreError("the disk has too little space left for this file: free some, or hand over a smaller one")
    with contextlib.suppress(BlockingIOError):
        file.write(chunk)


def _too_large(max_bytes: int) -> RequestError:
    return RequestError(f"the file is larger than {max_bytes:,} bytes: choose a smaller one, or cut it", status=413)


def _shown(name: str) -> str:
    """A file's name as it may be shown: without folders and control characters."""
    last = re.split(r"[/\\]", name)[-1]
    return "".join(letter for letter in last if letter.isprintable())[-120:] or "file"
