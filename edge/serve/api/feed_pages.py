"""Builds feed pages once for all pullers that wait for the same page, and charges costly answers to who asks."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from typing import TypeVar

from aiohttp import web

from edge.errors import AuthError
from edge.records import FeedPage
from edge.serve.app_keys import read

T = TypeVar("T")
BuiltPage = tuple[bytes, FeedPage]

MAX_AT_ONCE = 2
MAX_CPU_SHARE = 0.25
"""CPU seconds per second that one puller may use on average."""
BURST_CPU_S = 5.0
"""CPU seconds a puller may use at once: some hundred large pages, so that one that was away can catch up."""
MAX_REMEMBERED = 1000


class CpuCredit:
    """CPU seconds that callers have used; who has used up theirs has to wait. Used on one event loop."""

    def __init__(self) -> None:
        self._debts: dict[str, tuple[float, float]] = {}

    def charge(self, who: str, cost_s: float) -> None:
        """Note what an answer for `who` has cost."""
        if len(self._debts) >= MAX_REMEMBERED:
            self._debts.clear()
        self._debts[who] = (self._debt_s(who) + cost_s, time.monotonic())

    def require(self, who: str) -> None:
        """AuthError 429 if `who` has used up their CPU time."""
        too_much_s = self._debt_s(who) - BURST_CPU_S
        if too_much_s > 0:
            raise AuthError(
                "these answers take too much of the box's time: wait, and ask for more items at once, less often",
                status=429,
                retry_after_s=max(1, math.ceil(too_much_s / MAX_CPU_SHARE)),
            )

    def _debt_s(self, who: str) -> float:
        """CPU seconds charged and not yet worked off; the debt shrinks by MAX_CPU_SHARE per second."""
        cost_s, at = self._debts.get(who, (0.0, 0.0))
        return max(0.0, cost_s - MAX_CPU_SHARE * (time.monotonic() - at))


class FeedPages:
    """Builds in progress. Not thread-safe: used on one event loop."""

    def __init__(self, credit: CpuCredit) -> None:
        self._building: dict[str, asyncio.Task[BuiltPage]] = {}
        self._at_once = asyncio.Semaphore(MAX_AT_ONCE)
        self._credit = credit

    async def get(self, who: str, key: str, build: Callable[[], BuiltPage]) -> BuiltPage:
        """Return the page `key`, joining a build in progress; AuthError 429 if `who` has used up their CPU time."""
        task = self._building.get(key)
        if task is None:
            self._credit.require(who)
            task = self._building[key] = asyncio.create_task(self._build(who, build))
            task.add_done_callback(lambda done: self._building.pop(key, None))
        return await asyncio.shield(task)

    async def _build(self, who: str, build: Callable[[], BuiltPage]) -> BuiltPage:
        async with self._at_once:
            built, cost_s = await read(timed, build)
        self._credit.charge(who, cost_s)
        return built


CREDIT = web.AppKey("cpu_credit", CpuCredit)
FEED_PAGES = web.AppKey("feed_pages", FeedPages)


def timed(build: Callable[[], T]) -> tuple[T, float]:
    """Run `build` and measure the CPU time of this thread; waiting and other threads don't count."""
    began = time.thread_time()
    built = build()
    return built, time.thread_time() - began
