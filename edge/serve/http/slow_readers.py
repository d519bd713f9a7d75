"""Whether a reader takes what waits for it: bytes in our buffers, in the kernel's, and those it has acknowledged.

Linux counts per connection what the other side has acknowledged, so it matters neither who wrote (aiohttp, sendfile,
TLS) nor in what portions. Nothing is closed here.
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
LEAST_TAKEN_BYTES = 65_536
"""What a reader has to take within that time, unless less was waiting."""
MAX_BUFFERED_BYTES = 16_000_000
"""Of one reader: more than any answer has."""
MAX_BUFFERED_TOTAL_BYTES = 64_000_000
_ACKED = struct.Struct("@Q")
_ACKED_AT = 120
"""Place of `tcpi_bytes_acked` in Linux' `struct tcp_info`."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waited for a reader at some time, and how much it had taken by then."""

    since: float
    waiting: int
    taken: int


def buffered_bytes(raw: asyncio.Transport, over_it: asyncio.Transport | None) -> int:
    """Bytes of answers this process holds for a connection; `over_it` is the encrypted transport, if there is one."""
    own = raw.get_write_buffer_size()
    return own if over_it is None or over_it is raw else own + over_it.get_write_buffer_size()


def judge(former: Backlog | None, raw: asyncio.Transport, buffered: int, now: float) -> tuple[Backlog | None, bool]:
    """What waits now (None: nothing, or nothing is known), and whether the reader is stuck."""
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
    return current, taken - former.taken < min(former.waiting, LEAST_TAKEN_BYTES)


def too_much(sizes: Mapping[T, int]) -> list[T]:
    """Readers to drop, the greediest first, until no one has more than its share and all together not too much."""
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
