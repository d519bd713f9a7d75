"""The start page (live picture, health, latest hits), and the parts of it that its script reloads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Generic, TypeVar

from aiohttp import web

from edge.errors import StoreError
from edge.serve.app_keys import LIVE, STORE, read
from edge.serve.http.route import may_call
from edge.serve.page.cameras.scenes import scenes_of
from edge.serve.page.renderer import render
from edge.serve.page.strip import box_status
from edge.store import Store
from edge.store.hits.search import HitFilter

LATEST = 8

T = TypeVar("T")


class SharedAnswer(Generic[T]):
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


LATEST_HITS: web.AppKey[SharedAnswer[dict[str, Any]]] = web.AppKey("latest_hits")


async def show(request: web.Request) -> web.StreamResponse:
    """The live picture, health, and the latest hits; without the database, what is wrong with it."""
    try:
        # Ask the database itself: the shared answer below may date from before it failed, and the page must say so.
        await read(request.app[STORE].watchlist_version)
        latest = dict(await _latest(request))
    except StoreError as error:
        latest = {"latest": [], "unseen": 0, "problem": str(error)}
    return render(request, "now.html", await health_values(request, latest.pop("problem", None)) | latest)


async def latest_hits(request: web.Request) -> web.StreamResponse:
    """The list of latest hits alone, which the page reloads after the event `hits`."""
    return render(request, "parts/latest.html", await _latest(request))


async def camera_health(request: web.Request) -> web.StreamResponse:
    """The health of cameras and device alone, which the page reloads after the event `health`."""
    return render(request, "parts/health.html", await health_values(request))


async def conditions(request: web.Request) -> web.StreamResponse:
    """The strip alone, which every page reloads now and then, and after the event `health`."""
    await box_status(request)
    return render(request, "parts/strip.html", {})


async def _latest(request: web.Request) -> dict[str, Any]:
    if not may_call(request, "now.hits"):
        return {"latest": [], "unseen": 0}
    store = request.app[STORE]
    # Every change of a hit adds a feed item; data_version tells of those that another process committed.
    return await request.app[LATEST_HITS].get((store.head_seq(), store.data_version()), lambda: _read_latest(store))


async def _read_latest(store: Store) -> dict[str, Any]:
    return {
        "latest": await read(store.find_hits, HitFilter(), None, LATEST),
        "unseen": await read(store.count_hits, HitFilter(state="new")),
    }


async def health_values(request: web.Request, problem: str | None = None) -> dict[str, Any]:
    """Template values for parts/health.html; `problem` is the error of a read that has just failed."""
    box = dict(await box_status(request))
    if problem is not None:
        box["database_problem"] = problem
    health = request.app[LIVE].health()
    return {"health": health, "box": box, "scenes": await scenes_of(request, health)}
