"""Reads query parameters, small forms and bodies: strictly, and within limits of size, time and work.

Pydantic reports every mistake of a body: six megabytes of `{}` are millions of mistakes, and take minutes. So marks are
counted before JSON is parsed, and members before they are checked.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any
from urllib.parse import parse_qs

import pydantic_core
from aiohttp import web
from aiohttp.typedefs import Handler

from edge.json_keys import require_unique
from edge.serve.http.access import CALLER
from edge.serve.http.problems import RequestError
from edge.serve.http.quotas import BODIES

BODY_TIMEOUT_S = 10.0
MIN_BYTES_PER_S = 50_000
"""Slowest rate allowed for a body, after the first BODY_TIMEOUT_S."""
MAX_BODY_BYTES = 16_384
MAX_MEMBERS = 64
"""Fields or elements that one object or list of a JSON body may have; a list of people is checked one by one."""
_MARKS = (b",", b":", b"[", b"{")


def check_names(request: web.Request, known: tuple[str, ...]) -> None:
    """Refuse parameters that this address doesn't have, and any that is given twice."""
    for name in request.query:
        if name not in known:
            names = ", ".join(known) or "none"
            raise RequestError(f"parameter {name!r} is not known at {request.path}: it takes {names}")
        if len(request.query.getall(name)) > 1:
            raise RequestError(f"parameter {name!r} is given more than once: give it once")


def has_seen(request: web.Request, etag: str, *, any_counts: bool = True) -> bool:
    """Whether `If-None-Match` names this ETag, or `*` where that counts.

    Weak tags count, too: proxies that pack answers make them.
    """
    known = request.headers.getall("If-None-Match", [])
    tags = (part.strip().removeprefix("W/") for text in known for part in text.split(","))
    return any(tag == etag.removeprefix("W/") or (any_counts and tag == "*") for tag in tags)


def whole_number(request: web.Request, name: str, default: int, low: int, high: int) -> int:
    """Return a whole number within `low`..`high`."""
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 19 and low <= int(text) <= high):
        raise RequestError(f"{name} = {text[:40]!r} is not right: give a whole number from {low} to {high}")
    return int(text)


def name_set(request: web.Request, name: str, known: frozenset[str]) -> frozenset[str] | None:
    """Return a comma-separated list of known names as a set, or None when the parameter is absent."""
    text = request.query.get(name)
    if text is None:
        return None
    chosen = frozenset(part.strip() for part in text.split(","))
    if unknown := sorted(chosen - known):
        raise RequestError(
            f"{name} has {unknown[0][:40]!r}, which is not known: choose from {', '.join(sorted(known))}"
        )
    return chosen


class BodyDeadline:
    """Deadline of a body being read; every chunk extends it. aiohttp itself has no timeout for slow bodies."""

    def __init__(self) -> None:
        self._until = time.monotonic() + BODY_TIMEOUT_S

    def extend(self, num_bytes: int) -> None:
        """Extend the deadline for bytes that have arrived."""
        self._until += num_bytes / MIN_BYTES_PER_S

    def timeout(self) -> asyncio.Timeout:
        """Context manager that raises TimeoutError at the deadline."""
        return asyncio.timeout(max(self._until - time.monotonic(), 0.0))


HELD_BYTES = web.RequestKey("held_bytes", int)


def hold(request: web.Request, num_bytes: int) -> None:
    """Count bytes of a body that stay in memory until the request is answered; AuthError 429 for too many."""
    request.app[BODIES].take(request[CALLER].owner, num_bytes)
    request[HELD_BYTES] = request.get(HELD_BYTES, 0) + num_bytes


@web.middleware
async def give_back_bodies(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count the bytes of this request's body no longer, once it is answered."""
    try:
        return await handler(request)
    finally:
        if held := request.get(HELD_BYTES, 0):
            request.app[BODIES].give_back(request[CALLER].owner, held)


async def read_body(request: web.Request, max_bytes: int) -> bytes:
    """Read a body of at most `max_bytes`; 413 if it is larger, TimeoutError if it comes too slowly."""
    if request.content_length is not None and request.content_length > max_bytes:
        raise RequestError(f"the body is larger than {max_bytes} bytes", status=413)
    deadline, body = BodyDeadline(), bytearray()
    while True:
        async with deadline.timeout():
            chunk = await request.content.readany()
        if not chunk:
            return bytes(body)
        hold(request, len(chunk))
        body += chunk
        deadline.extend(len(chunk))
        if len(body) > max_bytes:
            raise RequestError(f"the body is larger than {max_bytes} bytes", status=413)


async def read_form(request: web.Request) -> dict[str, str]:
    """Read a small form; 415 for another content type, TimeoutError if it takes more than BODY_TIMEOUT_S."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise RequestError(f"a form is expected here, not {request.content_type}", status=415)
    async with asyncio.timeout(BODY_TIMEOUT_S):
        body = await request.read()
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, strict_parsing=False, max_num_fields=20)
    except ValueError:
        raise RequestError("the form is not UTF-8, or has too many fields") from None
    return {name: values[-1] for name, values in fields.items()}


def parse_json(data: bytes, *, max_marks: int) -> Any:
    """Parse `data`; 422 for what is no JSON, has a key twice, or more commas, colons and brackets than `max_marks`."""
    if (marks := sum(map(data.count, _MARKS))) > max_marks:
        raise RequestError(f"the body has {marks} commas, colons and brackets, at most {max_marks}", status=422)
    try:
        found = pydantic_core.from_json(data)
        require_unique(data)
        return found
    except ValueError as error:
        raise RequestError(f"the body: Invalid JSON: {error}", status=422) from None


def require_small(value: object, where: str) -> None:
    """Refuse, with 422, a value that has an object or list of more than `MAX_MEMBERS` in it."""
    if not isinstance(value, dict | list):
        return
    if len(value) > MAX_MEMBERS:
        raise RequestError(f"{where}: {len(value)} members are too many, at most {MAX_MEMBERS}", status=422)
    for one in value.values() if isinstance(value, dict) else value:
        require_small(one, where)
