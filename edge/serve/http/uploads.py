"""Reads uploads: forms with pictures into memory, one large file to disk. Size and time are limited.

The client's file name is only displayed. Folder and name on disk are ours; the suffix follows from the first bytes.
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
from edge.serve.http.file_types import HEAD_BYTES, kind_of
from edge.serve.http.inputs import BodyDeadline, hold
from edge.serve.http.problems import RequestError
from edge.watchlist.entry import Upload

MAX_PICTURES = 20
MAX_PICTURE_BYTES = 20_000_000
MAX_PICTURES_BYTES = 60_000_000
MAX_FIELD_BYTES = 4_000
MAX_FIELDS = 20
MIN_FREE_BYTES = 200_000_000
"""Free disk bytes an upload has to leave, so that hits can still be stored."""


async def read_picture_form(request: web.Request, *, is_strict: bool = False) -> tuple[dict[str, str], list[Upload]]:
    """Read a form with pictures into memory; return its fields and its files.

    Browsers send an empty file for a field left empty; it is skipped. With `is_strict`, for the API, it is kept (and
    then refused as unreadable), files have to be called `pictures`, and a field given twice is refused.
    """
    parts = await _parts(request, MAX_PICTURES_BYTES)
    fields: dict[str, str] = {}
    files: list[Upload] = []
    deadline, num_parts, num_bytes = BodyDeadline(), 0, 0
    while (part := await _next_part(parts, deadline)) is not None:
        num_parts += 1
        if is_strict:
            _check_part(part, fields)
        if part.filename is None:
            fields[(part.name or "")[:40]] = _text(await _read(part, MAX_FIELD_BYTES, deadline), is_strict=is_strict)
        elif (data := await _read(part, MAX_PICTURE_BYTES, deadline, request)) or is_strict:
            files.append(Upload(_display_name(part.filename), data))
            num_bytes += len(data)
        if num_parts > MAX_FIELDS + MAX_PICTURES or len(files) > MAX_PICTURES:
            raise RequestError(f"too many fields or files: at most {MAX_PICTURES} pictures at once", status=413)
        if num_bytes > MAX_PICTURES_BYTES:  # a body in chunks names no length beforehand
            raise _too_large(MAX_PICTURES_BYTES)
    return fields, files


def _check_part(part: aiohttp.BodyPartReader, fields: dict[str, str]) -> None:
    if part.filename is not None and part.name != "pictures":
        raise RequestError("a file of this form is called 'pictures', as often as there are pictures", status=422)
    if part.filename is None and part.name in fields:
        raise RequestError(f"the field {part.name!r} is given more than once: give it once", status=422)


def _text(data: bytes, *, is_strict: bool) -> str:
    try:
        return data.decode("utf-8", "strict" if is_strict else "replace")
    except UnicodeDecodeError:
        raise RequestError("a field of the form is not UTF-8", status=422) from None


async def save_upload(request: web.Request, folder: Path, max_bytes: int) -> tuple[str, Path]:
    """Write the form's file into `folder`; return its display name and path. The file then belongs to the caller."""
    parts, deadline, num_parts = await _parts(request, max_bytes), BodyDeadline(), 1
    part = await _next_part(parts, deadline)
    while part is not None and part.filename is None:
        await _read(part, MAX_FIELD_BYTES, deadline)
        part, num_parts = await _next_part(parts, deadline), num_parts + 1
        if num_parts > MAX_FIELDS:
            raise RequestError(f"too many fields: at most {MAX_FIELDS}", status=413)
    if part is None or not part.filename:
        raise RequestError("no file was sent: choose one first", status=422)
    path = folder / f"upload-{secrets.token_hex(8)}"
    try:
        kind = await _write(part, path, max_bytes, deadline)
        if kind is None:
            raise RequestError(
                "this is neither a picture nor a video that can be read here: give JPEG, PNG, MP4, AVI, MKV or GIF",
                status=415,
            )
        return _display_name(part.filename), await asyncio.to_thread(path.rename, path.with_suffix(kind))
    except BaseException:
        await asyncio.shield(asyncio.to_thread(path.unlink, missing_ok=True))
        raise


async def save_bytes(data: bytes, folder: Path, suffix: str) -> Path:
    """Write bytes made here (a camera's frame) into `folder`, named like an upload."""
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


async def _next_part(parts: aiohttp.MultipartReader, deadline: BodyDeadline) -> aiohttp.BodyPartReader | None:
    try:
        async with deadline.timeout():
            part = await parts.next()
    except (ValueError, AssertionError, RuntimeError, HttpProcessingError):
        raise RequestError("the form is damaged: it ends in the middle, or its parts can't be told apart") from None
    if part is not None and not isinstance(part, aiohttp.BodyPartReader):
        raise RequestError("a form within a form is not read here")
    return part


async def _read(
    part: aiohttp.BodyPartReader, max_bytes: int, deadline: BodyDeadline, request: web.Request | None = None
) -> bytes:
    """Read a part; what is kept of it counts for `request`."""
    data = bytearray()
    while chunk := await _chunk(part, deadline):
        if request is not None:
            hold(request, len(chunk))
        data += chunk
        if len(data) > max_bytes:
            raise _too_large(max_bytes)
    return bytes(data)


async def _chunk(part: aiohttp.BodyPartReader, deadline: BodyDeadline) -> bytes:
    async with deadline.timeout():
        try:
            chunk = await part.read_chunk(65_536)
        except (ValueError, AssertionError, HttpProcessingError):
            raise RequestError("the form is damaged: it ends in the middle of a file") from None
    deadline.extend(len(chunk))
    return chunk


async def _write(part: aiohttp.BodyPartReader, path: Path, max_bytes: int, deadline: BodyDeadline) -> str | None:
    """Write a part to disk as it arrives; return the suffix of its kind, None if the kind is not known."""
    written = 0
    kind: str | None = None
    with await asyncio.to_thread(_create, path) as file:
        while chunk := await _chunk(part, deadline):
            while written == 0 and len(chunk) < HEAD_BYTES and (more := await _chunk(part, deadline)):
                chunk += more  # a chunk may end anywhere, also within the bytes that tell the kind
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
    if room.f_bavail * room.f_frsize < MIN_FREE_BYTES:
        raise StoreError("the disk has too little space left for this file: free some, or hand over a smaller one")
    with contextlib.suppress(BlockingIOError):
        file.write(chunk)


def _too_large(max_bytes: int) -> RequestError:
    return RequestError(f"the file is larger than {max_bytes:,} bytes: choose a smaller one, or cut it", status=413)


def _display_name(name: str) -> str:
    """A file name safe to display: without folders and control characters, at most 120 characters."""
    last = re.split(r"[/\\]", name)[-1]
    return "".join(letter for letter in last if letter.isprintable())[-120:] or "file"
