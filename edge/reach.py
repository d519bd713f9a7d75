"""Derives from the [serve] settings whether the page is encrypted, and at which address it is reached.

The web side, the doctor and the release gate share this rule. No connection is made here.
"""

from __future__ import annotations

import ipaddress
import socket

from edge.config import ServeConfig


def is_encrypted(serve: ServeConfig) -> bool:
    """Whether to encrypt: as set, or with `auto` whenever other machines can reach the page."""
    if serve.tls == "auto":
        return serve.tls_cert is not None or not _is_loopback(serve.host)
    return serve.tls == "on"


def local_address(serve: ServeConfig) -> str:
    """The address at which this machine itself reaches the page."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(serve.host, serve.host)


def page_url(serve: ServeConfig) -> str:
    """The address at which people open the page: this machine's name where it listens on all its addresses."""
    host = socket.gethostname() if serve.host in ("0.0.0.0", "::", "") else serve.host
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if is_encrypted(serve) else 'http'}://{shown}:{serve.port}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
