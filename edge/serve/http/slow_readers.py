"""Finds clients that don't read their answers, from the bytes that wait for them and those they have acknowledged.

Linux counts acknowledged bytes per connection, so it does not matter who wrote them (aiohttp, sendfile, TLS) or in what
portions. Nothing is closed here.
"""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
import termios
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

STUCK_AFTER_S = 15.0
MIN_TAKEN_BYTES = 65_536
"""Bytes a client has to acknowledge within STUCK_AFTER_S, or everything that waited if that was less."""
MAX_BUFFERED_BYTES = 16_000_000
"""Limit of what is buffered for one client; larger than any answer, so that normal clients never reach it."""
MAX_BUFFERED_TOTAL_BYTES = 64_000_000
_ACKED = struct.Struct("@Q")
_ACKED_AT = 120
"""Place of `tcpi_bytes_acked` in Linux' `struct tcp_info`."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Backlog:
    """Bytes that waited for a client at the time `since`, and all the bytes it had acknowledged by then."""

    since: float
    waiting: int
    taken: int


def buffered_bytes(raw: asyncio.Transport, encrypted: asyncio.Transport | None) -> int:
    """Bytes of answers this process holds for a connection; `encrypted` is the encrypted transport, if there is one."""
    own = raw.get_write_buffer_size()
    return own if encrypted is None or encrypted is raw else own + encrypted.get_write_buffer_size()


def measure_backlog(
    former: Backlog | None, raw: asyncio.Transport, buffered: int, now: float
) -> tuple[Backlog | None, bool]:
    """Return the backlog to compare with next time, and whether the client is stuck.

    The backlog is None if nothing waits or it can't be measured. Stuck is a client that has acknowledged less than
    MIN_TAKEN_BYTES in STUCK_AFTER_S, though more was waiting.
    """
    sock = raw.get_extra_info("socket")
    if raw.is_closing() and buffered == 0:
        return None, False
    try:
        waiting, taken = buffered + _unacknowledged(sock), _acknowledged(sock)
    except (OSError, ValueError, struct.error):
        return None, False
    if waiting == 0:
        return None, False
    current = Backlog(now, waiting, taken)
    if former is None:
        return current, False
    if now - former.since < STUCK_AFTER_S:
        return former, False
    return current, taken - former.taken < min(former.waiting, MIN_TAKEN_BYTES)


def connections_to_drop(sizes: Mapping[T, int]) -> list[T]:
    """Clients to drop, largest buffer first, until each and all together are below their limits."""
    left, dropped = sum(sizes.values()), []
    for reader, size in sorted(sizes.items(), key=lambda pair: -pair[1]):
        if size <= MAX_BUFFERED_BYTES and left <= MAX_BUFFERED_TOTAL_BYTES:
            break
        dropped.append(reader)
        left -= size
    return dropped


def _unacknowledged(sock: socket.socket) -> int:
    """Bytes in the kernel's send queue."""
    return int(struct.unpack("@i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0" * 4))[0])


def _acknowledged(sock: socket.socket) -> int:
    """Bytes the other side has ever acknowledged."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    return int(_ACKED.unpack_from(info, _ACKED_AT)[0])
