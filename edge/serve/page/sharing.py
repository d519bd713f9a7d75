"""One look for all who ask for the same at the same time: however many tabs are open, the database is asked once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """Keeps the newest answer until the state it was made of changes. Used on one loop only."""

    def __init__(self) -> None:
        self._state: Hashable = None
        self._answer: asyncio.Future[T] | None = None

    async def get(self, state: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """The answer for `state`, made by the first who asks; one that failed is made anew by the next."""
        if self._answer is None or state != self._state:
            self._state, self._answer = state, asyncio.ensure_future(make())
        answer = self._answer
        try:
            # Who goes away doesn't take the answer from the others.
            return await asyncio.shield(answer)
        except Exception:
            if self._answer is answer:
                self._answer = None
            raise
