"""Wakes coroutines from other threads. Carries no data: whoever is woken reads the changed thing itself."""

from __future__ import annotations

import asyncio
import contextlib
import threading


class Bell:
    """A counter of rings. `ring` may be called on any thread and never blocks; `wait` works on any event loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rings = 0
        self._waiting: set[asyncio.Future[None]] = set()

    @property
    def rings(self) -> int:
        """Rings so far. Read it before reading the data and pass it to `wait`: a ring in between is then not missed."""
        return self._rings

    def ring(self) -> None:
        """Wake all who wait; one wake-up call per loop, however many wait there."""
        with self._lock:
            self._rings += 1
            waiting, self._waiting = self._waiting, set()
        by_loop: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
        for future in waiting:
            by_loop.setdefault(future.get_loop(), []).append(future)
        for loop, futures in by_loop.items():
            # RuntimeError: the loop has closed, so nobody waits there any more.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_wake, futures)

    async def wait(self, seen: int, timeout_s: float) -> bool:
        """Wait until it rang more often than `seen`; False when the time is up."""
        with self._lock:
            if self._rings != seen:
                return True
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.add(future)
        try:
            async with asyncio.timeout(timeout_s):
                await future
        except TimeoutError:
            return False
        finally:
            with self._lock:
                self._waiting.discard(future)
        return True


def _wake(futures: list[asyncio.Future[None]]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)
