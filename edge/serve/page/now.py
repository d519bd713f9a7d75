"""The guards' pages: each reads what it shows from the store and hands it to a template. No HTML is written here."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from edge.errors import StoreError
from edge.serve.app_keys import CALLER, HEALTH, LIVE, STORE, read
from edge.serve.http import inputs
from edge.serve.http.access import may
from edge.serve.http.problems import RequestError
from edge.serve.page.renderer import render
from edge.serve.page.sharing import Shared
from edge.store import Store
from edge.store.hits.reviews import STATES
from edge.store.hits.search import COUNT_UP_TO, HitFilter

LATEST = 8
PER_PAGE = 50
LATEST_HITS: web.AppKey[Shared[dict[str, Any]]] = web.AppKey("latest_hits")
FILTERS = ("person", "camera", "state", "since", "until")


async def now(request: web.Request) -> web.StreamResponse:
    """The live picture, health, and the latest hits; without the database, what is wrong with it."""
    try:
        # The shared answer may be older than the database's trouble, which whoever opens the page must be told.
        await read(request.app[STORE].watchlist_version)
        latest = dict(await _latest(request))
    except StoreError as error:
        latest = {"latest": [], "unseen": 0, "problem": str(error)}
    return render(request, "now.html", await health(request, latest.pop("problem", None)) | latest)


async def now_hits(request: web.Request) -> web.StreamResponse:
    """Only the list of latest hits, for when the event stream says that there are new ones."""
    return render(request, "parts/latest.html", await _latest(request))


async def now_health(request: web.Request) -> web.StreamResponse:
    """Only the health of cameras and box, for when it changed."""
    return render(request, "parts/health.html", await health(request))


async def now_conditions(request: web.Request) -> web.StreamResponse:
    """Only the strip of what is wrong with the box, for when that changed."""
    return render(request, "parts/strip.html", {})


async def hits(request: web.Request) -> web.StreamResponse:
    """Hits that pass the filters, newest first, a page at a time."""
    inputs.check_names(request, ("before", *FILTERS))
    store = request.app[STORE]
    before, asked = request.query.get("before"), {name: request.query.get(name, "").strip() for name in FILTERS}
    which = _filter(asked)
    found = await read(store.find_hits, which, before, PER_PAGE + 1)
    kept = {name: value for name, value in asked.items() if value}
    older = {**kept, "before": found[PER_PAGE - 1].hit_id} if len(found) > PER_PAGE else None
    values = {
        "hits": found[:PER_PAGE],
        "older": urlencode(older) if older else None,
        "newest": urlencode(kept),
        "before": before,
        "asked": asked,
        "is_open": which.is_empty,
        "total": await read(store.count_hits, which),
        "count_up_to": COUNT_UP_TO,
        "people": await read(request.app[STORE].people),
        "hit_cameras": await read(store.cameras_with_hits),
        "states": STATES,
    }
    return render(request, "hits.html", values)


def _filter(asked: dict[str, str]) -> HitFilter:
    if asked["state"] and asked["state"] not in STATES:
        raise RequestError(f"state = {asked['state'][:40]!r} is not known: choose from {', '.join(STATES)}")
    return HitFilter(
        person_id=asked["person"] or None,
        camera=asked["camera"] or None,
        state=asked["state"] or None,
        since=_time("since", asked["since"]),
        until=_time("until", asked["until"]),
    )


def _time(name: str, text: str) -> dt.datetime | None:
    """A time as a browser's form gives it; without a zone it is the box's own."""
    if not text:
        return None
    try:
        at = dt.datetime.fromisoformat(text).astimezone(dt.UTC)
        at.timestamp()
    except (ValueError, OverflowError):
        raise RequestError(f"{name} = {text[:40]!r} is not a time: give it as 2027-01-31T22:00") from None
    return at


async def _latest(request: web.Request) -> dict[str, Any]:
    if not may(request[CALLER], "now.hits"):
        return {"latest": [], "unseen": 0}
    store = request.app[STORE]
    # Whatever changes a hit makes a feed item, here or in another process.
    return await request.app[LATEST_HITS].get((store.head_seq(), store.data_version()), lambda: _look(store))


async def _look(store: Store) -> dict[str, Any]:
    return {
        "latest": await read(store.find_hits, HitFilter(), None, LATEST),
        "unseen": await read(store.count_hits, HitFilter(state="new")),
    }


async def health(request: web.Request, problem: str | None = None) -> dict[str, Any]:
    """State of cameras and box; `problem` is what the database has just said."""
    box = dict(await read(request.app[HEALTH]))
    if problem is not None:
        box["database_problem"] = problem
    return {"health": request.app[LIVE].health(), "box": box}
