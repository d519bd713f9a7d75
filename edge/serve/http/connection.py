"""One connection, in front of aiohttp's protocol: it is counted and encrypted, and its last 304 may be replayed.

Polling servers send the same request again and again; a replay costs no handler. The door counts connections.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from edge.serve.http import slow_readers

if TYPE_CHECKING:
    from edge.serve.http.door import Door

HANDSHAKE_S = 10.0
TRUST_S = 1.0
"""Seconds for which a 304 may be replayed; after that the request runs through login and handlers again."""
MAX_QUESTION_BYTES = 4096
MAX_EARLY_BYTES = 65_536
FULL = (
    b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 5\r\nConnection: close\r\n"
    b"Content-Type: application/problem+json\r\nContent-Length: 145\r\n\r\n"
    b'{"type": "about:blank", "title": "Too Many Requests", "status": 429, '
    b'"detail": "too many connections are open: close some, or try again in 5 s."}'
)


@dataclass(frozen=True, slots=True)
class Again:
    """A request byte for byte, the 304 it got, and a check whether it would get the same now."""

    question: bytes
    answer: bytes
    holds: Callable[[], bool]
    until: float


class Visitor(asyncio.Protocol):
    """One connection. With TLS, aiohttp's protocol is started only after the handshake."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._inner: asyncio.Protocol | None = None
        self._early = bytearray()
        self._again: Again | None = None
        self._question: bytes | None = None
        self._is_simple = True
        self._num_asked = 0
        self._num_answered = 0
        self._upgrade: asyncio.Task[None] | None = None
        self.address = ""
        self.raw: asyncio.Transport | None = None
        self.transport: asyncio.Transport | None = None
        self.backlog: slow_readers.Backlog | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.raw = transport
        self.address = str((transport.get_extra_info("peername") or ("?",))[0])
        if not self._door.admit(self):
            if self._door.tls is None:
                transport.write(FULL)
            transport.close()
        elif self._door.tls is not None:
            self._upgrade = asyncio.get_running_loop().create_task(self._encrypt(transport, self._door.tls))
        else:
            self._go_on(transport)

    async def _encrypt(self, raw: asyncio.Transport, tls: ssl.SSLContext) -> None:
        loop = asyncio.get_running_loop()
        try:
            transport = await loop.start_tls(raw, self, tls, server_side=True, ssl_handshake_timeout=HANDSHAKE_S)
        except OSError:
            self._door.refuse(self, "the TLS handshake failed")
            transport = None
        if transport is None or not self._door.has(self):
            raw.abort()
            self._door.forget(self)
        else:
            self._go_on(transport)

    def _go_on(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self._inner = self._door.make()
        self._inner.connection_made(transport)
        if self._early:
            self.data_received(bytes(self._early))

    def data_received(self, data: bytes) -> None:
        """Replay the last 304 for an identical request, else forward the bytes to aiohttp."""
        again, transport = self._again, self.transport
        if again is not None and transport is not None:
            is_free = transport.get_write_buffer_size() == 0 and time.monotonic() < again.until
            if is_free and data == again.question and again.holds():
                transport.write(again.answer)
                return
            self._again = None
        if self._inner is None:
            self._early += data
            if len(self._early) > MAX_EARLY_BYTES:
                self.abort()
            return
        self._is_simple = self._is_simple and is_one_question(data)
        self._question = data if self._is_simple else None
        self._num_asked += 1
        self._inner.data_received(data)

    def count_answer(self) -> None:
        """Count an answer that begins, so that `remember` knows whether one is outstanding."""
        self._num_answered += 1

    def remember(self, answer: bytes, holds: Callable[[], bool]) -> None:
        """Keep `answer` for a repetition of the last request, for as long as `holds` says so.

        Only if every request so far came alone and whole: otherwise a replay could overtake an answer that aiohttp is
        still working on.
        """
        if self._question is not None and self._num_asked == self._num_answered:
            self._again = Again(self._question, answer, holds, time.monotonic() + TRUST_S)

    def eof_received(self) -> bool | None:
        return None if self._inner is None else self._inner.eof_received()

    def pause_writing(self) -> None:
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self._inner is not None:
            self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._again = None
        self._door.forget(self)
        if self._inner is not None:
            self._inner.connection_lost(exc)

    def abort(self) -> None:
        """Drop the connection and what waits to be sent."""
        if self._upgrade is not None:
            self._upgrade.cancel()
        if self.raw is not None:
            self.raw.abort()


def is_one_question(data: bytes) -> bool:
    """Whether this is exactly one whole GET request without a body."""
    return (
        len(data) <= MAX_QUESTION_BYTES
        and data.startswith(b"GET /")
        and data.endswith(b"\r\n\r\n")
        and data.count(b"\r\n\r\n") == 1
    )


def visitor_of(request: web.BaseRequest) -> Visitor | None:
    """The connection a request came over; None if it has closed, or the server listens without a door."""
    protocol = None if request.transport is None else request.transport.get_protocol()
    return protocol if isinstance(protocol, Visitor) else None


async def count_answer(request: web.Request, response: web.StreamResponse) -> None:
    """Signal `on_response_prepare`: tell the connection that an answer begins."""
    if (visitor := visitor_of(request)) is not None:
        visitor.count_answer()
