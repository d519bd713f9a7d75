"""One connection, in front of aiohttp's protocol: counts it, encrypts it, replays its last 304 where that still holds.

What a request means is decided behind it. How many connections may be open is counted in `quotas`; `door` makes them.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter

from edge.serve.http.quotas import OpenConnections
from edge.serve.http.refusals import Refusals
from edge.serve.http.slow_readers import Backlog

HANDSHAKE_S = 10.0
REPLAY_FOR_S = 1.0
"""Seconds for which a 304 may be replayed; then the request goes to the handlers again, login and table included."""
MAX_REQUEST_BYTES = 4096
MAX_EARLY_BYTES = 65_536
FULL = (
    b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 5\r\nConnection: close\r\n"
    b"Content-Type: application/problem+json\r\nContent-Length: 145\r\n\r\n"
    b'{"type": "about:blank", "title": "Too Many Requests", "status": 429, '
    b'"detail": "too many connections are open: close some, or try again in 5 s."}'
)


@dataclass(frozen=True, slots=True)
class Replay:
    """A request byte for byte, the 304 it got, and a check whether it would get the same now."""

    request: bytes
    answer: bytes
    still_holds: Callable[[], bool]
    until: float


class Connection(asyncio.Protocol):
    """One connection. With TLS, aiohttp's protocol learns of it only after the handshake."""

    def __init__(
        self,
        make_protocol: Callable[[], asyncio.Protocol],
        connections: OpenConnections[Connection],
        refusals: Refusals,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._make_protocol = make_protocol
        self._connections = connections
        self._refusals = refusals
        self._tls = tls
        self._inner: asyncio.Protocol | None = None
        self._early = bytearray()
        self._replay: Replay | None = None
        self._last_request: bytes | None = None
        self._is_one_by_one = True
        self._num_requests = 0
        self._num_answers = 0
        self._handshake: asyncio.Task[None] | None = None
        self.address = ""
        self.raw: asyncio.Transport | None = None
        self.transport: asyncio.Transport | None = None
        self.backlog: Backlog | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.raw = transport
        self.address = str((transport.get_extra_info("peername") or ("?",))[0])
        if (why := self._connections.why_full(self.address)) is not None:
            self.refuse(why)
            if self._tls is None:
                transport.write(FULL)
            transport.close()
            return
        self._connections.add(self, self.address)
        if self._tls is not None:
            self._handshake = asyncio.get_running_loop().create_task(self._encrypt(transport, self._tls))
        else:
            self._start_http(transport)

    async def _encrypt(self, raw: asyncio.Transport, tls: ssl.SSLContext) -> None:
        loop = asyncio.get_running_loop()
        try:
            transport = await loop.start_tls(raw, self, tls, server_side=True, ssl_handshake_timeout=HANDSHAKE_S)
        except OSError:
            self.refuse("the TLS handshake failed")
            transport = None
        if transport is None or self not in self._connections:
            raw.abort()
            self._connections.remove(self)
        else:
            self._start_http(transport)

    def _start_http(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self._inner = self._make_protocol()
        self._inner.connection_made(transport)
        if self._early:
            self.data_received(bytes(self._early))

    def data_received(self, data: bytes) -> None:
        """Replay the last 304 for an identical request, else forward the bytes to aiohttp."""
        replay, transport = self._replay, self.transport
        if replay is not None and transport is not None:
            is_free = transport.get_write_buffer_size() == 0 and time.monotonic() < replay.until
            if is_free and data == replay.request and replay.still_holds():
                transport.write(replay.answer)
                return
            self._replay = None
        if self._inner is None:
            self._early += data
            if len(self._early) > MAX_EARLY_BYTES:
                self.abort()
            return
        self._is_one_by_one = self._is_one_by_one and is_whole_get(data)
        self._last_request = data if self._is_one_by_one else None
        self._num_requests += 1
        self._inner.data_received(data)

    def count_answer(self) -> None:
        """Count an answer that begins; `remember` needs to know that none is outstanding."""
        self._num_answers += 1

    def remember(self, answer: bytes, still_holds: Callable[[], bool]) -> None:
        """Keep `answer` for a repetition of the last request, for as long as `still_holds` says so.

        Only where every request so far came alone and whole: else a replayed answer could overtake one that aiohttp
        is still working on.
        """
        if self._last_request is not None and self._num_requests == self._num_answers:
            self._replay = Replay(self._last_request, answer, still_holds, time.monotonic() + REPLAY_FOR_S)

    def eof_received(self) -> bool | None:
        return None if self._inner is None else self._inner.eof_received()

    def pause_writing(self) -> None:
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self._inner is not None:
            self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._replay = None
        self._connections.remove(self)
        if self._inner is not None:
            self._inner.connection_lost(exc)

    def refuse(self, why: str) -> None:
        """Note in the log why this connection is turned away or dropped."""
        self._refusals.note(self.address, why)

    def abort(self) -> None:
        """Drop the connection and what waits to be sent."""
        if self._handshake is not None:
            self._handshake.cancel()
        if self.raw is not None:
            self.raw.abort()


class NotModified(web.Response):
    """304 that the connection may replay. `still_holds` says, cheaply and each time, whether it still may."""

    def __init__(self, headers: Mapping[str, str], still_holds: Callable[[], bool] | None) -> None:
        super().__init__(status=304, headers=headers)
        self._still_holds = still_holds
        self._connection: Connection | None = None

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        writer = await super().prepare(request)
        is_plain = request.method == "GET" and request.version == HttpVersion11 and not request.body_exists
        if is_plain and self.keep_alive:
            self._connection = connection_of(request)
        return writer

    async def write_eof(self, data: bytes = b"") -> None:
        await super().write_eof(data)
        if self._connection is not None and self._still_holds is not None:
            self._connection.remember(self._as_sent(), self._still_holds)

    def _as_sent(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} {self.reason}", *(f"{name}: {value}" for name, value in self.headers.items())]
        return "\r\n".join([*lines, "", ""]).encode()


def is_whole_get(data: bytes) -> bool:
    """Whether this is one whole GET request without a body, and nothing else."""
    return (
        len(data) <= MAX_REQUEST_BYTES
        and data.startswith(b"GET /")
        and data.endswith(b"\r\n\r\n")
        and data.count(b"\r\n\r\n") == 1
    )


def connection_of(request: web.BaseRequest) -> Connection | None:
    """The connection a request came over; None if it is gone, or the server listens without a `Door`."""
    protocol = None if request.transport is None else request.transport.get_protocol()
    return protocol if isinstance(protocol, Connection) else None


async def count_answer(request: web.Request, response: web.StreamResponse) -> None:
    """Signal `on_response_prepare`: tell the connection that an answer begins."""
    if (connection := connection_of(request)) is not None:
        connection.count_answer()
