"""The door before HTTP: how many may come in, the very same question again, and readers that don't take their answer.

Each connection is aiohttp's own protocol with a `Visitor` before it. What a request means is decided behind the door.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from edge.serve import taking
from edge.serve.refusals import Refusals

HANDSHAKE_S = 10.0
TRUST_S = 1.0
"""Seconds after which a repeated question takes the whole way again, so that nothing of it grows old."""
MAX_QUESTION_BYTES = 4096
LOOK_EVERY_S = 1.0
MAX_EARLY_BYTES = 65_536
FULL = (
    b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 5\r\nConnection: close\r\n"
    b"Content-Type: application/problem+json\r\nContent-Length: 145\r\n\r\n"
    b'{"type": "about:blank", "title": "Too Many Requests", "status": 429, '
    b'"detail": "too many connections are open: close some, or try again in 5 s."}'
)


@dataclass(frozen=True, slots=True)
class Limits:
    """How many connections may be open at once."""

    total: int
    per_address: int


@dataclass(frozen=True, slots=True)
class Again:
    """A question, byte for byte, the answer it got, and whether it would get the same now."""

    question: bytes
    answer: bytes
    holds: Callable[[], bool]
    until: float


class Visitor(asyncio.Protocol):
    """One connection. With TLS, aiohttp's protocol learns of it once the handshake is done."""

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
        self.backlog: taking.Backlog | None = None

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
        """Answer what was just answered, or hand it on."""
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
        """An answer begins."""
        self._num_answered += 1

    def remember(self, answer: bytes, holds: Callable[[], bool]) -> None:
        """The last question was answered in full: the same one gets the same `answer` for as long as it `holds`.

        Only where every question so far came alone and whole, so that none is waiting or half read behind this door.
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


class Door:
    """Makes a `Visitor` of each connection, and looks after them."""

    def __init__(
        self,
        make: Callable[[], asyncio.Protocol],
        limits: Limits,
        refusals: Refusals,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.make = make
        self._limits = limits
        self._refusals = refusals
        self.tls = tls
        self._visitors: set[Visitor] = set()
        self._per_address: Counter[str] = Counter()

    def __call__(self) -> Visitor:
        return Visitor(self)

    def has(self, visitor: Visitor) -> bool:
        """Whether it came in and is still here."""
        return visitor in self._visitors

    def admit(self, visitor: Visitor) -> bool:
        """Let it in, unless there are too many."""
        if len(self._visitors) >= self._limits.total:
            self.refuse(visitor, "too many connections")
            return False
        if self._per_address[visitor.address] >= self._limits.per_address:
            self.refuse(visitor, "too many connections from one address")
            return False
        self._visitors.add(visitor)
        self._per_address[visitor.address] += 1
        return True

    def forget(self, visitor: Visitor) -> None:
        """It has gone; may be called twice."""
        if visitor in self._visitors:
            self._visitors.discard(visitor)
            self._per_address[visitor.address] -= 1
            if self._per_address[visitor.address] <= 0:
                del self._per_address[visitor.address]

    def close(self) -> None:
        """Drop those that are still at their handshake; the others belong to the server behind."""
        for visitor in list(self._visitors):
            if visitor.transport is None:
                visitor.abort()

    def refuse(self, visitor: Visitor, why: str) -> None:
        """Say in the log who was turned away."""
        self._refusals.note(visitor.address, why)

    def look(self) -> None:
        """Drop those that take nothing of what waits for them, and the greediest when too much waits in all."""
        now = time.monotonic()
        sizes: dict[Visitor, int] = {}
        for visitor in list(self._visitors):
            if visitor.raw is None:
                continue
            buffered = taking.buffered_bytes(visitor.raw, visitor.transport)
            visitor.backlog, is_stuck = taking.judge(visitor.backlog, visitor.raw, buffered, now)
            if is_stuck:
                self.refuse(visitor, "its answer was not taken")
                visitor.abort()
            else:
                sizes[visitor] = buffered
        for visitor in taking.too_much(sizes):
            self.refuse(visitor, "too much waits to be taken")
            visitor.abort()


class DoorSite(web.BaseSite):
    """Listens, with the door before the runner's server."""

    def __init__(
        self,
        runner: web.AppRunner,
        host: str,
        port: int,
        limits: Limits,
        refusals: Refusals,
        tls: ssl.SSLContext | None,
    ) -> None:
        super().__init__(runner)
        self._host, self._port = host, port
        server = runner.server
        assert server is not None
        self._door = Door(server, limits, refusals, tls)
        self._looking: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """Address it was asked to listen on."""
        return f"http{'s' if self._door.tls else ''}://{self._host}:{self._port}"

    async def start(self) -> None:
        """Listen; OSError where that is not possible."""
        await super().start()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._door, self._host, self._port, backlog=128)
        self._looking = loop.create_task(self._look())

    async def stop(self) -> None:
        """Take no more; those inside are ended by the runner."""
        if self._looking is not None:
            self._looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._looking
        self._door.close()
        await super().stop()

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self._door.look()


def is_one_question(data: bytes) -> bool:
    """Whether this is a whole request without a body, and nothing else."""
    return (
        len(data) <= MAX_QUESTION_BYTES
        and data.startswith(b"GET /")
        and data.endswith(b"\r\n\r\n")
        and data.count(b"\r\n\r\n") == 1
    )


def visitor_of(request: web.BaseRequest) -> Visitor | None:
    """The visitor who asks; None for one who has gone, or who came in by no door."""
    protocol = None if request.transport is None else request.transport.get_protocol()
    return protocol if isinstance(protocol, Visitor) else None


async def count_answer(request: web.Request, response: web.StreamResponse) -> None:
    """Signal of each answer that begins."""
    if (visitor := visitor_of(request)) is not None:
        visitor.count_answer()
