"""Security headers of every answer, the origin check of every form, and reading bodies within limits."""

from __future__ import annotations

import asyncio
import time
from urllib.parse import parse_qs, urlsplit

from aiohttp import web

from edge.errors import AuthError
from edge.serve.http.problems import RequestError

BODY_TIMEOUT_S = 10.0
LEAST_BYTES_PER_S = 50_000
"""Slowest rate allowed for a body, after the first BODY_TIMEOUT_S."""
MAX_BODY_BYTES = 16_384
SAFE_METHODS = frozenset({"GET", "HEAD"})

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not "no-referrer": browsers would then send "Origin: null" with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Signal `on_response_prepare`: set the headers above, and `no-store` unless the handler set Cache-Control."""
    for name, value in HEADERS.items():
        response.headers[name] = value
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["Server"] = "edge"


def check_origin(request: web.Request) -> None:
    """Refuse a form that another site made the browser send: browsers put `Origin` on every POST."""
    origin = request.headers.get("Origin", "")
    if not origin or urlsplit(origin).netloc.lower() != request.host.lower():
        raise AuthError("this form did not come from a page of this box: open the page here and try again", status=403)


class Pace:
    """Deadline of a body being read; every chunk extends it. aiohttp itself has no timeout for slow bodies."""

    def __init__(self) -> None:
        self._until = time.monotonic() + BODY_TIMEOUT_S

    def came(self, num_bytes: int) -> None:
        """Extend the deadline for bytes that have arrived."""
        self._until += num_bytes / LEAST_BYTES_PER_S

    def limit(self) -> asyncio.Timeout:
        """Context manager that raises TimeoutError at the deadline."""
        return asyncio.timeout(max(self._until - time.monotonic(), 0.0))


async def read_body(request: web.Request, max_bytes: int) -> bytes:
    """Read a body of at most `max_bytes`; 413 if it is larger, TimeoutError if it comes too slowly."""
    if request.content_length is not None and request.content_length > max_bytes:
        raise RequestError(f"the body is larger than {max_bytes} bytes", status=413)
    pace, body = Pace(), bytearray()
    while True:
        async with pace.limit():
            chunk = await request.content.readany()
        if not chunk:
            return bytes(body)
        body += chunk
        pace.came(len(chunk))
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
