"""Security headers of every answer, and the origin check of every form."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

from edge.errors import AuthError
from edge.serve.http.proxies import IS_HOST_UNKNOWN

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
    """Refuse a form that another site made the browser send: browsers put `Origin` on every POST.

    Where a proxy hides the host that was asked for, `Sec-Fetch-Site` decides, which no page can set. Without TLS
    browsers leave that out; then the form is taken: the session's cookie is `SameSite=Strict`, so no other site has it.
    """
    origin, relation = request.headers.get("Origin", ""), request.headers.get("Sec-Fetch-Site")
    if relation == "same-origin" or (origin and _place(origin) == _place(f"{request.scheme}://{request.host}")):
        return
    if origin not in ("", "null") and relation is None and request.get(IS_HOST_UNKNOWN) and _is_upstream(request):
        return
    raise AuthError(
        "this form did not come from a page of this box: open the page here and try again. Behind a proxy, let it pass "
        "the host on, and name the proxy in [serve] trusted_proxies",
        status=403,
    )


def _place(origin: str) -> tuple[str, int | None]:
    """Host and port of an origin; schemes are left out, as a proxy that adds TLS may not say so."""
    try:
        parts = urlsplit(origin)
        return (parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme))
    except ValueError:
        return ("", None)


def _is_upstream(request: web.Request) -> bool:
    """Whether `Host` is what a proxy calls this box itself: our own port, or the bare name of an upstream."""
    host, port = _place(f"{request.scheme}://{request.host}")
    own = None if request.transport is None else request.transport.get_extra_info("sockname")
    return (own is not None and port == own[1]) or not ("." in host or ":" in host or host == "localhost")
