"""Logins that strangers can't block: whose turn it is to have a password checked, and devices known by a signed cookie.

Checking a password takes a core and 64 MiB, so one is checked at a time. Who waits is served in turn: first round the
sources (addresses, known devices), then round the names tried from one. A known device is a source of its own, and
every other turn is for known devices: neither a queue nor the lock-out that others cause reaches it, from however many
addresses.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import re
import secrets
from collections import deque
from collections.abc import AsyncIterator

from edge.errors import AuthError

DEVICE = "device "
"""What the source of a known device begins with."""
DEVICE_DAYS = 180
MAX_NAMES_PER_DEVICE = 8
MAX_WAITING = 128
MAX_WAITING_PER_SOURCE = 32
_COOKIE = re.compile(r"[0-9a-f]{32}(\.[0-9a-f]{32}){0,8}", re.ASCII)


class FairQueue:
    """One at a time, round the sources and, for each, round the names. Used on one event loop only."""

    def __init__(self) -> None:
        self._waiting: dict[str, dict[str, deque[asyncio.Future[None]]]] = {}
        self._is_busy = False
        self._is_known_next = True

    @contextlib.asynccontextmanager
    async def turn(self, source: str, name: str) -> AsyncIterator[None]:
        """Wait for a turn; AuthError 429 where too many wait already, first of all those of the same source."""
        if self._is_busy:
            await self._wait(source, name)
        self._is_busy = True
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, source: str, name: str) -> None:
        own = self._count(source)
        if own >= MAX_WAITING_PER_SOURCE:
            raise _too_many()
        if sum(map(self._count, self._waiting)) >= MAX_WAITING:
            greediest = max(self._waiting, key=lambda one: (self._count(one), not one.startswith(DEVICE)))
            gives_way = not own and source.startswith(DEVICE) and not greediest.startswith(DEVICE)
            if self._count(greediest) <= own + 1 and not gives_way:
                raise _too_many()
            self._newest_of(greediest).set_exception(_too_many())
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(source, {}).setdefault(name, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._pass_on()  # the turn came just as the caller went away
            else:
                self._remove(source, name, turn)
            raise

    def _pass_on(self) -> None:
        self._is_busy = False
        while self._waiting and not self._is_busy:
            source = self._next_source()
            names = self._waiting.pop(source)
            name = next(iter(names))
            turns = names.pop(name)
            turn = turns.popleft()
            if turns:
                names[name] = turns  # at the end: the other names are first now
            if names:
                self._waiting[source] = names
            if not turn.done():
                turn.set_result(None)
                self._is_busy = True

    def _next_source(self) -> str:
        """A known device and anybody in turn, while both wait; the one of each that has waited longest."""
        known = next((source for source in self._waiting if source.startswith(DEVICE)), None)
        others = next((source for source in self._waiting if not source.startswith(DEVICE)), None)
        if known is None or others is None:
            return known or others or ""
        self._is_known_next = not self._is_known_next
        return others if self._is_known_next else known

    def _count(self, source: str) -> int:
        return sum(map(len, self._waiting.get(source, {}).values()))

    def _newest_of(self, source: str) -> asyncio.Future[None]:
        name = next(reversed(self._waiting[source]))
        newest = self._waiting[source][name][-1]
        self._remove(source, name, newest)
        return newest

    def _remove(self, source: str, name: str, turn: asyncio.Future[None]) -> None:
        names = self._waiting.get(source, {})
        with contextlib.suppress(KeyError, ValueError):
            names[name].remove(turn)
            if not names[name]:
                del names[name]
        if not names:
            self._waiting.pop(source, None)


class BusyError(AuthError):
    """Too many passwords wait to be checked. Nobody is locked out."""


def _too_many() -> BusyError:
    return BusyError("too many logins at once: wait a few seconds and try again", status=429, retry_after_s=5)


def known_device(cookie: str, key: str, name: str) -> str | None:
    """The device of a cookie, if this user logged in on it before."""
    if not _COOKIE.fullmatch(cookie):
        return None
    device, *signatures = cookie.split(".")
    wanted = _sign(key, device, name)
    return device if any(hmac.compare_digest(wanted, one) for one in signatures) else None


def device_cookie(cookie: str, key: str, name: str) -> str:
    """The cookie for a device on which this user has just logged in; `cookie` is what it has, or nothing."""
    device, *signatures = cookie.split(".") if _COOKIE.fullmatch(cookie) else [secrets.token_hex(16)]
    own = _sign(key, device, name)
    others = [one for one in signatures if one != own]
    return ".".join([device, own, *others[: MAX_NAMES_PER_DEVICE - 1]])


def _sign(key: str, device: str, name: str) -> str:
    told = f"{device}\0{name}".encode("utf-8", "surrogatepass")
    return hmac.new(key.encode(), told, hashlib.sha256).hexdigest()[:32]
