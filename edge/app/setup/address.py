"""The address of the page, as an installer types it: host, host:port, [host]:port, or a port alone."""

from __future__ import annotations

import re
import socket

from edge.errors import ConfigError

HOST, PORT = "127.0.0.1", 8080
_FORM = re.compile(r"(?P<host>[^\s/:\[\]]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d+))?", re.ASCII)
_BARE_IPV6 = re.compile(r"[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f.]*", re.ASCII)


def parse(text: str) -> tuple[str, int]:
    """Host and port; ConfigError for what is no address."""
    given = text.strip()
    if given.isdecimal():
        return HOST, int(given)
    if _BARE_IPV6.fullmatch(given):
        return given, PORT
    found = _FORM.fullmatch(given)
    if found is None:
        raise ConfigError(f"{text!r} is no address: write it as {HOST}:{PORT}, or 0.0.0.0:{PORT} for all of this box")
    return found["host"].strip("[]"), int(found["port"] or PORT)


def require_own(host: str) -> None:
    """Raise ConfigError where this machine has no such address."""
    try:
        family, kind, _, _, where = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(family, kind) as own:
            own.bind(where)
    except OSError:
        raise ConfigError(
            f"this machine does not have the address {host!r}: give one that it has, 127.0.0.1 for this machine alone, "
            "or 0.0.0.0 for all its addresses"
        ) from None
