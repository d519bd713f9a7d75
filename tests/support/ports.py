"""Ports for servers of tests that are told beforehand where to listen."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket

PORTS = (20_000, 32_000)
"""Below those that Linux gives to whoever asks for any, so that no other test is given one that is still to be used."""
_tried = itertools.count(os.getpid() * 997)


def free_port() -> int:
    """A TCP port nobody listens on now, and that no other process of tests chooses soon."""
    for number in _tried:
        port = PORTS[0] + number % (PORTS[1] - PORTS[0])
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("it counts without an end")
