"""The guards' pages: each reads what it shows from the store and hands it to a template. No HTML is written here."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from edge.errors import NotFoundError
from edge.records import Reference
from edge.serve import query
from edge.serve.access import may
from edge.serve.images import Picture, look_at
from edge.serve.keys import CALLER, HEALTH, LIVE, STORE, VERSION, read, written
from edge.serve.problems import RequestError
from edge.serve.render import render
from edge.serve.shield import read_form
from edge.store import Store

LATEST = 8
PER_PAGE = 50
VERDICTS = frozenset({"acknowledged", "confirmed", "rejected"})
MAX_REASON = 500


async def now(request: web.Request) -> web.StreamResponse:
    """The live picture, health, and the latest hits."""
    return render(request, "now.html", await _health(request) | await _latest(request))


async def now_hits(request: web.Request) -> web.StreamResponse:
    """Only the list of latest hits, for when the event stream says that there are new ones."""
    return render(request, "parts/latest.html", await _latest(request))


async def now_health(request: web.Request) -> web.StreamResponse:
    """Only the health of cameras and box, for when it changed."""
    return render(request, "parts/health.html", await _health(request))


async def hits(request: web.Request) -> web.StreamResponse:
    """All hits, newest first, a page at a time."""
    query.check_names(request, ("before",))
    store = request.app[STORE]
    before = request.query.get("before")
    found = await read(store.hits, before=before, limit=PER_PAGE + 1)
    values = {
        "hits": found[:PER_PAGE],
        "older": found[PER_PAGE - 1].hit_id if len(found) > PER_PAGE else None,
        "before": before,
        "total": await read(store.count_hits),
    }
    return render(request, "hits.html", values)


async def hit(request: web.Request) -> web.StreamResponse:
    """One hit: what was found, how alike it is, and why it may be wrong."""
    query.check_names(request, ())
    store = request.app[STORE]
    found = await read(store.hit, request.match_info["hit_id"])
    if found is None:
        raise _no_hit(request)
    runner_up = await read(store.person, found.runner_up_id) if found.runner_up_id else None
    frame = await read(_look_at, store, found.images.frame)
    return render(request, "hit.html", {"hit": found, "runner_up": runner_up, "frame": frame})


async def review(request: web.Request) -> web.StreamResponse:
    """Keep a person's verdict on a hit."""
    store, hit_id = request.app[STORE], request.match_info["hit_id"]
    form = await read_form(request)
    state, reason = form.get("state", ""), form.get("reason", "").strip()
    if state not in VERDICTS:
        raise RequestError(
            f"the verdict {state[:40]!r} is not known: choose from {', '.join(sorted(VERDICTS))}", status=422
        )
    if len(reason) > MAX_REASON:
        raise RequestError(f"the reason has {len(reason)} characters: keep it to {MAX_REASON}", status=422)
    if await read(store.hit, hit_id) is None:
        raise _no_hit(request)
    await written(store.set_review(hit_id, state, request[CALLER].name or "", reason or None))
    raise web.HTTPSeeOther(f"/hits/{hit_id}")


async def people(request: web.Request) -> web.StreamResponse:
    """The people looked for."""
    store = request.app[STORE]
    references: dict[str, list[Reference]] = {}
    for reference in await read(store.references):
        references.setdefault(reference.person_id, []).append(reference)
    version, digest = await read(store.watchlist_version)
    values = {"people": await read(store.people), "references": references, "version": version, "digest": digest}
    return render(request, "people.html", values)


async def box(request: web.Request) -> web.StreamResponse:
    """Health, counters and consumers of the box."""
    store = request.app[STORE]
    values = await _health(request) | {
        "stats": await read(store.stats),
        "consumers": await read(store.consumers),
        "version": request.app[VERSION],
    }
    return render(request, "box.html", values)


def _no_hit(request: web.Request) -> NotFoundError:
    return NotFoundError(
        f"hit {request.match_info['hit_id'][:64]} is not kept: it never was, was erased, or is too old"
    )


async def _latest(request: web.Request) -> dict[str, Any]:
    allowed = may(request[CALLER], "now.hits")
    return {"latest": await read(request.app[STORE].hits, limit=LATEST) if allowed else []}


async def _health(request: web.Request) -> dict[str, Any]:
    return {"health": request.app[LIVE].health(), "box": await read(request.app[HEALTH])}


def _look_at(store: Store, sha256: str) -> Picture | None:
    path = store.image_path(sha256)
    try:
        return look_at(path) if path else None
    except FileNotFoundError:
        return None
