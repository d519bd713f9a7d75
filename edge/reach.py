"""Derives from the [serve] settings whether the page is encrypted, and at which address this machine reaches it.

The web side, the doctor and an update's gate go by the same rule; no connection is made here.
"""

from __future__ import annotations

import ipaddress

from edge.config import ServeConfig


def is_encrypted(serve: ServeConfig) -> bool:
    """Whether to encrypt: as told, or whenever others than this machine can reach the page."""
    if serve.tls == "auto":
        return serve.tls_cert is not None or not _is_loopback(serve.host)
    return serve.tls == "on"


def local_address(serve: ServeConfig) -> str:
    """The address at which this machine itself reaches the page."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(serve.host, serve.host)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
