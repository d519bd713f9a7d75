"""Shares one database read among all requests for the same state: many open tabs cost no more than one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """Keeps an answer until the state it was made from changes. Not thread-safe: used on one event loop."""

    def __init__(self) -> None:
        self._state: Hashable = None
        self._answer: asyncio.Future[T] | None = None

    async def get(self, state: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """Return the answer for `state`: the first caller makes it, others wait; a failed one is made again."""
        if self._answer is None or state != self._state:
            self._state, self._answer = state, asyncio.ensure_future(make())
        answer = self._answer
        try:
            # shield: a cancelled request must not cancel the read that others wait for.
            return await asyncio.shield(answer)
        except Exception:
            if self._answer is answer:
                self._answer = None
            raise
