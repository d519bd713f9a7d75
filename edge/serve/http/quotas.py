"""How much may be open at once: connections in all and from one address, and answers that are held open.

Nothing here knows what a connection is, so that both `connection` and `door` can use it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from aiohttp import web

from edge.errors import AuthError

C = TypeVar("C", bound=Hashable)


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How many connections may be open at once."""

    total: int
    per_address: int


class OpenConnections(Generic[C]):
    """The connections that were let in and are still here, counted in all and per address. Used on one loop only."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self._limits = limits
        self._address_of: dict[C, str] = {}
        self._per_address: Counter[str] = Counter()

    def __contains__(self, connection: C) -> bool:
        return connection in self._address_of

    def __iter__(self) -> Iterator[C]:
        """A copy: whoever goes through them may drop some."""
        return iter(list(self._address_of))

    def why_full(self, address: str) -> str | None:
        """Why one more connection from `address` has to be turned away; None if it may come in."""
        if len(self._address_of) >= self._limits.total:
            return "too many connections"
        if self._per_address[address] >= self._limits.per_address:
            return "too many connections from one address"
        return None

    def add(self, connection: C, address: str) -> None:
        """Count a connection that was let in."""
        self._address_of[connection] = address
        self._per_address[address] += 1

    def remove(self, connection: C) -> None:
        """Count no longer one that has gone; it may be said twice, and of one that was never let in."""
        address = self._address_of.pop(connection, None)
        if address is not None:
            self._per_address[address] -= 1
            if self._per_address[address] <= 0:
                del self._per_address[address]


class Slots:
    """A bounded number of answers held open; one more is refused with 429 instead of waiting in a queue."""

    def __init__(self, limit: int, what: str) -> None:
        self._limit = limit
        self._what = what
        self.used = 0

    def __enter__(self) -> None:
        if self.used >= self._limit:
            raise AuthError(
                f"all {self._limit} {self._what} of this box are taken: try again in a few seconds, or without waiting",
                status=429,
                retry_after_s=5,
            )
        self.used += 1

    def __exit__(self, *exc: object) -> None:
        self.used -= 1


LONG_POLLS = web.AppKey("long_polls", Slots)
LIVE_VIEWS = web.AppKey("live_views", Slots)
UPLOADS = web.AppKey("uploads", Slots)
