"""Builds feed pages: once for all pullers that wait for the same page, and with a limit on CPU time per puller."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable

from aiohttp import web

from edge.errors import AuthError
from edge.records import FeedPage
from edge.serve.app_keys import read

Made = tuple[bytes, FeedPage]

MAX_AT_ONCE = 2
SHARE = 0.25
"""CPU seconds per second that one puller may use on average."""
BURST_S = 5.0
"""CPU seconds a puller may use at once: some hundred large pages, so that one that was away can catch up."""
MAX_REMEMBERED = 1000


class Answers:
    """Builds in progress, and CPU time used per puller. Not thread-safe: used on one event loop."""

    def __init__(self) -> None:
        self._making: dict[str, asyncio.Task[Made]] = {}
        self._at_once = asyncio.Semaphore(MAX_AT_ONCE)
        self._spent: dict[str, tuple[float, float]] = {}

    async def get(self, who: str, key: str, make: Callable[[], Made]) -> Made:
        """Return the page `key`, joining a build in progress; AuthError 429 if `who` has used up their CPU time."""
        task = self._making.get(key)
        if task is None:
            self._require_credit(who)
            task = self._making[key] = asyncio.create_task(self._make(who, make))
            task.add_done_callback(lambda done: self._making.pop(key, None))
        return await asyncio.shield(task)

    async def _make(self, who: str, make: Callable[[], Made]) -> Made:
        async with self._at_once:
            made, cost_s = await read(_timed, make)
        if len(self._spent) >= MAX_REMEMBERED:
            self._spent.clear()
        self._spent[who] = (self._cost_s(who) + cost_s, time.monotonic())
        return made

    def _cost_s(self, who: str) -> float:
        """CPU seconds charged and not yet worked off; the debt shrinks by SHARE per second."""
        cost_s, at = self._spent.get(who, (0.0, 0.0))
        return max(0.0, cost_s - SHARE * (time.monotonic() - at))

    def _require_credit(self, who: str) -> None:
        too_much_s = self._cost_s(who) - BURST_S
        if too_much_s > 0:
            raise AuthError(
                "these answers take too much of the box's time: wait, and ask for more items at once, less often",
                status=429,
                retry_after_s=max(1, math.ceil(too_much_s / SHARE)),
            )


ANSWERS = web.AppKey("answers", Answers)


def _timed(make: Callable[[], Made]) -> tuple[Made, float]:
    """Run `make` and measure the CPU time of this thread; waiting and other threads don't count."""
    began = time.thread_time()
    made = make()
    return made, time.thread_time() - began
