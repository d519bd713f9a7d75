"""Charges what answers cost in CPU time to who asks: who has used up theirs gets 429 with the seconds to wait.

Recognition has the same processor. What machines may take of it is a share, however many connections they open.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Generic, TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler

from edge.errors import AuthError
from edge.serve.http.access import CALLER, Caller

T = TypeVar("T")

REQUESTS_SHARE, REQUESTS_BURST_S = 0.15, 3.0
"""CPU seconds per second that the requests of one machine may take on average, and at once."""
REQUEST_S = 0.002
"""What each request costs besides its handler: reading it, finding the caller, sending the answer."""
REFUSED_S = 0.5
"""How long a refusal is held back: a caller who doesn't wait costs little."""
MAX_REMEMBERED = 1000


class CpuCredit:
    """CPU seconds that callers have used; who has used up theirs has to wait. Used on one event loop."""

    def __init__(self, share: float, burst_s: float) -> None:
        """`share`: CPU seconds per second that one caller may use on average; `burst_s`: what they may use at once."""
        self._share = share
        self._burst_s = burst_s
        self._debts: dict[str, tuple[float, float]] = {}

    def charge(self, who: str, cost_s: float) -> None:
        """Note what an answer for `who` has cost."""
        if len(self._debts) >= MAX_REMEMBERED:
            self._debts.clear()
        self._debts[who] = (self._debt_s(who) + cost_s, time.monotonic())

    def require(self, who: str) -> None:
        """AuthError 429 if `who` has used up their CPU time."""
        too_much_s = self._debt_s(who) - self._burst_s
        if too_much_s > 0:
            raise AuthError(
                "these answers take too much of the box's time: wait, and ask for more items at once, less often",
                status=429,
                retry_after_s=max(1, math.ceil(too_much_s / self._share)),
            )

    def _debt_s(self, who: str) -> float:
        """CPU seconds charged and not yet worked off; the debt shrinks by the share per second."""
        cost_s, at = self._debts.get(who, (0.0, 0.0))
        return max(0.0, cost_s - self._share * (time.monotonic() - at))


REQUESTS = web.AppKey("requests", CpuCredit)


def timed(build: Callable[[], T]) -> tuple[T, float]:
    """Run `build` and measure the CPU time of this thread; waiting and other threads don't count."""
    began = time.thread_time()
    built = build()
    return built, time.thread_time() - began


class Metered(Awaitable[T], Generic[T]):
    """Work on the event loop whose CPU time is summed up, step by step between its waits."""

    def __init__(self, work: Awaitable[T]) -> None:
        self._work = work
        self.cost_s = 0.0

    def __await__(self) -> Generator[Any, Any, T]:
        """Await the work."""
        steps: Any = self._work.__await__()
        sent: Any = None
        error: BaseException | None = None
        while True:
            began = time.thread_time()
            try:
                waited_for = steps.send(sent) if error is None else steps.throw(error)
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]
            finally:
                self.cost_s += time.thread_time() - began
            sent, error = None, None
            try:
                sent = yield waited_for
            except BaseException as thrown:  # noqa: BLE001 - the work itself has to see it
                error = thrown


@web.middleware
async def charge_machines(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Charge a machine for its requests. People are let alone: a page asks for dozens of pictures at once."""
    caller = request.get(CALLER, Caller())
    if not caller.is_known or caller.role is not None:
        return await handler(request)
    credit = request.app[REQUESTS]
    try:
        credit.require(caller.owner)
        work = Metered(handler(request))
        try:
            return await work
        finally:
            credit.charge(caller.owner, work.cost_s + REQUEST_S)
    except AuthError as error:
        if error.http_status == 429:
            await asyncio.sleep(REFUSED_S)
        raise
