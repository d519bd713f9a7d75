"""What a proxy in front of this box says of a request: the real client, scheme, host and path prefix.

Only proxies that the configuration names are believed; anybody else could claim to be anybody. Addresses within this
program have no prefix: it is taken off before a handler sees a request, and put before the links of the answer.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler
from yarl import URL

from edge.config import ServeConfig

MAX_HOPS = 20
_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?", re.ASCII)
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+){1,8}", re.ASCII)

ROOT = web.RequestKey("root", str)
"""Prefix of this box's addresses as the client sees them, without a slash at its end; "" without one."""
IS_HOST_UNKNOWN = web.RequestKey("is_host_unknown", bool)
"""Whether a believed proxy sent this request without the host that the client asked for."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the proxies say; None for what they don't say."""

    client: str | None = None
    scheme: str | None = None
    host: str | None = None
    prefix: str | None = None


class Proxies:
    """The proxies that are believed."""

    def __init__(self, config: ServeConfig) -> None:
        self._networks = [ipaddress.ip_network(text, strict=False) for text in config.trusted_proxies]
        self.root = config.root_path

    def __contains__(self, address: str) -> bool:
        found = _address(address)
        return found is not None and any(found in network for network in self._networks)

    def read(self, request: web.BaseRequest) -> Told:
        """What the headers say, if the request came from a believed proxy."""
        if not self._networks or (request.remote or "") not in self:
            return Told()
        headers = request.headers
        old, new = _column(headers.getall("X-Forwarded-For", [])), request.forwarded[-MAX_HOPS:]
        num_old, num_new = self._num_hops(old), self._num_hops([one.get("for", "") for one in new])
        client = _client(old, num_old)
        if new and old and _client([one.get("for", "") for one in new], num_new) != client:
            return Told()  # one of them was written by the client itself
        if new and not old:
            element = new[-num_new]
            client, scheme, host = (element.get(name) for name in ("for", "proto", "host"))
            client = _client([client or ""], 1)
        else:
            scheme = _at(_column(headers.getall("X-Forwarded-Proto", [])), num_old)
            host = _at(_column(headers.getall("X-Forwarded-Host", [])), num_old)
        prefix = headers.get("X-Forwarded-Prefix", "").rstrip("/")
        return Told(
            client,
            scheme.lower() if scheme and scheme.lower() in ("http", "https") else None,
            host if host and _HOST.fullmatch(host) else None,
            prefix if _PREFIX.fullmatch(prefix) else None,
        )

    def _num_hops(self, chain: Sequence[str]) -> int:
        """How many addresses, from the last, to the first that is no believed proxy."""
        for number, text in enumerate(reversed(chain), start=1):
            if text not in self:
                return number
        return max(1, len(chain))


def _column(values: Sequence[str]) -> list[str]:
    """The last values of a header that is a list."""
    text = ",".join(values)[-2000:]
    return [part.strip() for part in text.split(",") if part.strip()][-MAX_HOPS:]


def _at(values: Sequence[str], num_hops: int) -> str | None:
    """The value of the outermost believed proxy, where each wrote one; else the first there is."""
    return values[-min(num_hops, len(values))] if values else None


def _client(chain: Sequence[str], num_hops: int) -> str | None:
    found = _address(chain[-num_hops]) if chain else None
    return None if found is None else str(found)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address, also as `1.2.3.4:567` or `[::1]:567`; None for what is none, such as `unknown`."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, ipaddress.IPv6Address) else found


PROXIES = web.AppKey("proxies", Proxies)


@web.middleware
async def believe_proxies(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the handlers the request as the client sent it, and the client addresses it can reach."""
    proxies = request.app[PROXIES]
    told = proxies.read(request)
    root = proxies.root if told.prefix is None else told.prefix
    changes: dict[str, Any] = {
        name: value
        for name, value in (("remote", told.client), ("scheme", told.scheme), ("host", told.host))
        if value is not None
    }
    if proxies.root and request.path == proxies.root:
        raise web.HTTPFound(f"{proxies.root}/")
    if proxies.root and request.path.startswith(proxies.root + "/"):
        changes["rel_url"] = URL(request.raw_path.removeprefix(proxies.root), encoded=True)
    is_host_unknown = told.host is None and (request.remote or "") in proxies
    seen = request.clone(**changes) if changes else request
    seen[ROOT], seen[IS_HOST_UNKNOWN] = root, is_host_unknown
    try:
        response = await handler(seen)
    except web.HTTPRedirection as redirection:
        _put_root(redirection, root)
        raise
    _put_root(response, root)
    return response


def _put_root(response: web.StreamResponse, root: str) -> None:
    location = response.headers.get("Location", "")
    if root and location.startswith("/") and not location.startswith("//") and not response.prepared:
        response.headers["Location"] = root + location
