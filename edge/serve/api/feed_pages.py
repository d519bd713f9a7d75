"""Makes the feed's answers: each once, however many wait for it, and for nobody more than a share of the box's time."""

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
"""Seconds of computing per second that one asker may cost for long."""
BURST_S = 5.0
"""Seconds of computing it may cost at once: some hundred large answers, for who has to catch up."""
MAX_REMEMBERED = 1000


class Answers:
    """Used on one loop only."""

    def __init__(self) -> None:
        self._making: dict[str, asyncio.Task[Made]] = {}
        self._at_once = asyncio.Semaphore(MAX_AT_ONCE)
        self._spent: dict[str, tuple[float, float]] = {}

    async def get(self, who: str, key: str, make: Callable[[], Made]) -> Made:
        """What `make` gives for the question `key`; AuthError 429 for who has cost too much already."""
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
        """What it has cost lately; forgotten at the rate of its share."""
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
    """Seconds this thread has computed, whatever else the machine does."""
    began = time.thread_time()
    made = make()
    return made, time.thread_time() - began
