"""Answers with a kept picture or another file, with ranges; pictures are typed by their first bytes, none is decoded.

A machine may keep it for good: the feed tells it of an erasure. Nothing tells a browser, so that has to ask each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aiohttp import web

from edge import durable
from edge.errors import NotFoundError, StoreError
from edge.serve.app_keys import STORE, read
from edge.serve.http import inputs
from edge.serve.http.access import CALLER
from edge.serve.http.audit import SHOWN_PERSON
from edge.serve.http.file_types import read_picture_header
from edge.serve.http.problems import RequestError

FOR_MACHINES = "private, max-age=31536000, immutable"
ASKED_EACH_TIME = "private, no-cache"
"""For browsers: kept, but shown only once this appliance has said that it is still there."""


async def serve_file(
    request: web.Request, path: Path, headers: Mapping[str, str], sha256: str | None = None
) -> web.StreamResponse:
    """Answer with a file, the range of it that was asked for, or 304; NotFoundError where it has just gone.

    With `sha256` also where the disk has damaged it: a machine would keep the wrong bytes for good.
    """
    try:
        stat = await read(path.stat)
        tag = f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"'  # as FileResponse makes it
        if inputs.has_seen(request, tag):
            return web.Response(status=304, headers={"ETag": tag, **headers})
        if sha256 is not None and not await read(durable.is_whole, path, sha256):
            raise NotFoundError(
                f"picture {sha256[:12]}… is damaged: its file is not what was kept, and nothing brings it back"
            )
        if not _asks_in_part(request, tag):
            whole = await read(path.read_bytes)
            return web.Response(body=whole, headers={"ETag": tag, "Accept-Ranges": "bytes", **headers})
    except FileNotFoundError:
        raise NotFoundError("this file is not kept any more: it was deleted a moment ago") from None
    _check_range(request, stat.st_size)
    return web.FileResponse(path, headers=headers)


async def serve_picture(request: web.Request, sha256: str) -> web.StreamResponse:
    """Answer with a kept picture, the range of it that was asked for, or 304; NotFoundError if it is not kept."""
    path = await read(request.app[STORE].image_path, sha256)
    if path is None:
        raise _gone(sha256)
    try:
        picture = await read(read_picture_header, path)
        if (person_id := await read(request.app[STORE].pictured_in_reference, sha256)) is not None:
            request[SHOWN_PERSON] = person_id
        kept = FOR_MACHINES if request[CALLER].role is None else ASKED_EACH_TIME
        return await serve_file(request, path, {"Cache-Control": kept, "Content-Type": picture.content_type}, sha256)
    except (FileNotFoundError, NotADirectoryError):
        raise _gone(sha256) from None
    except OSError as error:
        raise StoreError(
            f"picture {sha256[:12]}… can't be read ({error.strerror}); look who owns {path.parent}"
        ) from error


def _gone(sha256: str) -> NotFoundError:
    return NotFoundError(
        f"picture {sha256[:12]}… is not kept: it never existed, was erased, or was deleted for newer ones"
    )


def _asks_in_part(request: web.Request, tag: str) -> bool:
    """Whether a range, or none, is asked for: else the whole picture is the answer (RFC 9110, 13.1.5 and 14.2).

    That is so for several ranges, and where `If-Range` names anything but this ETag: the caller has another file.
    """
    asked = request.headers.get("Range", "")
    if not asked:
        return True
    return request.headers.get("If-Range", tag).strip() == tag and asked.startswith("bytes=") and "," not in asked


def _check_range(request: web.Request, num_bytes: int) -> None:
    try:
        start = request.http_range.start
    except ValueError:
        start = num_bytes
    if start is not None and start >= num_bytes:
        raise RequestError(
            f"the range {request.headers.get('Range')!r} is outside the {num_bytes} bytes there are", status=416
        )
