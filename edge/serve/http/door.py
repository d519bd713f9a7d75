"""The listening socket: limits how many connections are open, and drops those that don't read their answers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from edge.serve.http import slow_readers
from edge.serve.http.connection import Visitor
from edge.serve.http.refusals import Refusals

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How many connections may be open at once."""

    total: int
    per_address: int


class Door:
    """Makes a `Visitor` of each connection, counts them, and drops slow readers."""

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
        """Whether this connection was let in and is still open."""
        return visitor in self._visitors

    def admit(self, visitor: Visitor) -> bool:
        """Count a connection in and return True, or log why it is one too many."""
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
        """Stop counting a connection that has closed; calling it twice does no harm."""
        if visitor in self._visitors:
            self._visitors.discard(visitor)
            self._per_address[visitor.address] -= 1
            if self._per_address[visitor.address] <= 0:
                del self._per_address[visitor.address]

    def close(self) -> None:
        """Drop connections still in their TLS handshake; aiohttp's server closes the others."""
        for visitor in list(self._visitors):
            if visitor.transport is None:
                visitor.abort()

    def refuse(self, visitor: Visitor, why: str) -> None:
        """Log why a connection was refused or dropped."""
        self._refusals.note(visitor.address, why)

    def look(self) -> None:
        """Drop connections that read nothing of what waits for them, and the largest if too much waits in all."""
        now = time.monotonic()
        sizes: dict[Visitor, int] = {}
        for visitor in list(self._visitors):
            if visitor.raw is None:
                continue
            buffered = slow_readers.buffered_bytes(visitor.raw, visitor.transport)
            visitor.backlog, is_stuck = slow_readers.judge(visitor.backlog, visitor.raw, buffered, now)
            if is_stuck:
                self.refuse(visitor, "its answer was not taken")
                visitor.abort()
            else:
                sizes[visitor] = buffered
        for visitor in slow_readers.too_much(sizes):
            self.refuse(visitor, "too much waits to be taken")
            visitor.abort()


class DoorSite(web.BaseSite):
    """Listens on one port, with a `Door` in front of the runner's server."""

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
        """Accept no more connections; the runner ends the open ones."""
        if self._looking is not None:
            self._looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._looking
        self._door.close()
        await super().stop()

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                self._door.look()
            except Exception:  # one broken connection must not end the check of all others
                log.exception("a look at the connections failed")
