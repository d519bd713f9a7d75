"""Builds feed pages once for all pullers that wait for the same page; each is charged to who asks for it first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web

from edge.records import FeedPage
from edge.serve.app_keys import read
from edge.serve.http.work import CpuCredit, timed

BuiltPage = tuple[bytes, FeedPage]

MAX_AT_ONCE = 2
MAX_CPU_SHARE = 0.25
"""CPU seconds per second that one puller may use on average."""
BURST_CPU_S = 5.0
"""CPU seconds a puller may use at once: some hundred large pages, so that one that was away can catch up."""


class FeedPages:
    """Builds in progress. Not thread-safe: used on one event loop."""

    def __init__(self) -> None:
        self._building: dict[str, asyncio.Task[BuiltPage]] = {}
        self._at_once = asyncio.Semaphore(MAX_AT_ONCE)
        self._credit = CpuCredit(MAX_CPU_SHARE, BURST_CPU_S)

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


FEED_PAGES = web.AppKey("feed_pages", FeedPages)
