"""Security headers of every answer, and the origin check of every form."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

from edge.errors import AuthError

SAFE_METHODS = frozenset({"GET", "HEAD"})

HEADERS = {
    "Content-Security-Policy": (
        # data: is for hit.js, which writes into a picture what it is.
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
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
