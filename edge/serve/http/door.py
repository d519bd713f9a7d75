"""The listening socket: makes a `Connection` of each caller, and drops those that don't read their answers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import time

from aiohttp import web

from edge.serve.http import slow_readers
from edge.serve.http.connection import Connection
from edge.serve.http.quotas import ConnectionLimits, OpenConnections
from edge.serve.http.refusals import Refusals

log = logging.getLogger(__name__)

CHECK_EVERY_S = 1.0


class Door(web.BaseSite):
    """Listens on one port, in front of the runner's server."""

    def __init__(
        self,
        runner: web.AppRunner,
        host: str,
        port: int,
        limits: ConnectionLimits,
        refusals: Refusals,
        tls: ssl.SSLContext | None,
    ) -> None:
        super().__init__(runner)
        self._host, self._port = host, port
        server = runner.server
        assert server is not None
        self._make_protocol = server
        self._refusals = refusals
        self._tls = tls
        self._connections: OpenConnections[Connection] = OpenConnections(limits)
        self._checking: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """Address it was asked to listen on."""
        return f"http{'s' if self._tls else ''}://{self._host}:{self._port}"

    async def start(self) -> None:
        """Listen; OSError where that is not possible."""
        await super().start()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, self._host, self._port, backlog=128)
        self._checking = loop.create_task(self._check())

    async def stop(self) -> None:
        """Accept no more connections. The runner ends those that speak HTTP, this those still at their handshake."""
        if self._checking is not None:
            self._checking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._checking
        for connection in self._connections:
            if connection.transport is None:
                connection.abort()
        await super().stop()

    def lead_to(self, server: web.Server) -> None:
        """Give callers from now on to another server; those that are in stay with theirs."""
        self._make_protocol = server

    def drop_slow_readers(self) -> None:
        """Drop connections that read nothing of what waits for them, and the largest when too much waits in all."""
        now = time.monotonic()
        sizes: dict[Connection, int] = {}
        for connection in self._connections:
            if connection.raw is None:
                continue
            buffered = slow_readers.buffered_bytes(connection.raw, connection.transport)
            connection.backlog, is_stuck = slow_readers.measure_backlog(
                connection.backlog, connection.raw, buffered, now
            )
            if is_stuck:
                connection.refuse("its answer was not taken")
                connection.abort()
            else:
                sizes[connection] = buffered
        for connection in slow_readers.connections_to_drop(sizes):
            connection.refuse("too much waits to be taken")
            connection.abort()

    def _accept(self) -> Connection:
        return Connection(self._make_protocol, self._connections, self._refusals, self._tls)

    async def _check(self) -> None:
        while True:
            await asyncio.sleep(CHECK_EVERY_S)
            try:
                self.drop_slow_readers()
            except Exception:  # one broken connection must not end the check of all others
                log.exception("the check for slow readers failed")
