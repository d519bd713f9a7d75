"""How much may be open at once, first for each caller and then in all; the last tenth is for those who hold little.

Nothing here knows what a connection is, so that both `connection` and `door` can use it.
"""

from __future__ import annotations

import contextlib
import ipaddress
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from aiohttp import web

from edge.errors import AuthError

C = TypeVar("C", bound=Hashable)

LITTLE = 8
"""Connections or held answers that one page or one central needs; who holds fewer may use the last tenth."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How many connections may be open at once."""

    total: int
    per_address: int
    is_shared: Callable[[str], bool] = lambda address: False
    """Whether many callers come from an address, as from a believed proxy: then it has no share of its own."""


class OpenConnections(Generic[C]):
    """The connections that were let in and are still here, counted in all and per address. Used on one loop only."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self._limits = limits
        self._address_of: dict[C, str] = {}
        self._per_address: Counter[str] = Counter()

    def _is_for_others(self, address: str) -> bool:
        """Whether only the last tenth is left, and this address holds more than a little already."""
        left = self._limits.total - len(self._address_of)
        return left <= self._limits.total // 10 and self._per_address[address] >= LITTLE

    def __contains__(self, connection: C) -> bool:
        return connection in self._address_of

    def __iter__(self) -> Iterator[C]:
        """A copy: whoever goes through them may drop some."""
        return iter(list(self._address_of))

    def why_full(self, address: str) -> str | None:
        """Why one more connection from `address` has to be turned away; None if it may come in."""
        if len(self._address_of) >= self._limits.total:
            return "too many connections"
        if self._limits.is_shared(address):
            return None
        address = network_of(address)
        if self._per_address[address] >= self._limits.per_address:
            return "too many connections from one address"
        if self._is_for_others(address):
            return "the last connections are for other addresses"
        return None

    def add(self, connection: C, address: str) -> None:
        """Count a connection that was let in."""
        self._address_of[connection] = network_of(address)
        self._per_address[network_of(address)] += 1

    def remove(self, connection: C) -> None:
        """Count no longer one that has gone; it may be said twice, and of one that was never let in."""
        address = self._address_of.pop(connection, None)
        if address is not None:
            self._per_address[address] -= 1
            if self._per_address[address] <= 0:
                del self._per_address[address]


def network_of(address: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 of an IPv6 address, all of which one machine may have."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))


class Shares:
    """A bounded number of answers held open, each for an owner; one more is refused with 429 instead of waiting."""

    def __init__(self, limit: int, what: str, *, per_owner: int | None = None) -> None:
        self._limit = limit
        self._per_owner = max(limit // 2, min(limit, LITTLE)) if per_owner is None else per_owner
        self._what = what
        self._held: Counter[str] = Counter()

    @property
    def used(self) -> int:
        """How many are held now."""
        return self._held.total()

    @contextlib.contextmanager
    def held_by(self, owner: str) -> Iterator[None]:
        """Hold one; AuthError 429 where the owner has its share, or only others may still have one."""
        if (why := self._why_refused(owner)) is not None:
            raise AuthError(f"{why}: try again in a few seconds, or without waiting", status=429, retry_after_s=5)
        self._held[owner] += 1
        try:
            yield
        finally:
            self._held[owner] -= 1
            if self._held[owner] <= 0:
                del self._held[owner]

    def _why_refused(self, owner: str) -> str | None:
        own, left = self._held[owner], self._limit - self.used
        if left <= 0:
            return f"all {self._limit} {self._what} of this box are taken"
        if own >= self._per_owner:
            return f"{own} {self._what} are open for this caller, the most that one may have"
        if left <= self._limit // 10 and own >= min(LITTLE, self._per_owner):
            return f"the last {self._what} of this box are for other callers"
        return None


class BodyMemory:
    """Bytes of bodies held in memory, of all requests together; more are refused with 429 until some are done."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: Counter[str] = Counter()

    def take(self, owner: str, num_bytes: int) -> None:
        """Count bytes that have arrived; AuthError 429 where too many are held, for one owner or in all."""
        if self._held.total() + num_bytes > self._limit or self._held[owner] + num_bytes > self._limit // 2:
            raise AuthError(
                "the device is busy with other uploads: try again in 5 s, one after the other",
                status=429,
                retry_after_s=5,
            )
        self._held[owner] += num_bytes

    def give_back(self, owner: str, num_bytes: int) -> None:
        """Count them no longer."""
        self._held[owner] -= num_bytes
        if self._held[owner] <= 0:
            del self._held[owner]

    @property
    def used(self) -> int:
        """How many are held now."""
        return self._held.total()


BODIES = web.AppKey("bodies", BodyMemory)
LONG_POLLS = web.AppKey("long_polls", Shares)
LIVE_VIEWS = web.AppKey("live_views", Shares)
UPLOADS = web.AppKey("uploads", Shares)
