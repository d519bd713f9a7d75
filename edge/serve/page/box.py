"""The box itself: health, counters, storage, who pulls, who may log in, what was done, and pausing recognition."""

from __future__ import annotations

import datetime as dt
from typing import Any

from aiohttp import web

from edge.errors import StoreError
from edge.serve.app_keys import CALLER, LIVE, STORE, VERSION, read
from edge.serve.http.access import may
from edge.serve.http.shield import read_form
from edge.serve.jobs import require_recognition
from edge.serve.page.now import health
from edge.serve.page.renderer import render, texts_of
from edge.store import ROLES, SCOPES, Store
from edge.store.accounts.passwords import MIN_PASSWORD

AUDIT_ROWS = 20
MINUTES = (5, 15, 60, 240, 720)
MAX_REASON = 200
TOKEN_DAYS = (0, 30, 90, 365)
"""How long a new token may be good; 0: until it is revoked."""


async def box(request: web.Request) -> web.StreamResponse:
    """The page; of a database that can't be read it says so."""
    return await page(request)


async def page(
    request: web.Request, error: str | None = None, status: int = 200, *, issued: object = None
) -> web.Response:
    """The page after a form: with what was wrong with it, or with the token that it made."""
    problem: str | None = None
    kept: dict[str, Any] = {"stats": {}, "consumers": [], "users": [], "logins": [], "tokens": [], "audit": []}
    kept |= {"coverage": {}}
    cameras = request.app[LIVE].cameras()
    try:
        kept = await read(_kept, request.app[STORE], may(request[CALLER], "api.consumers"), cameras)
    except StoreError as broken:
        problem = str(broken)
    values = await health(request, problem) | kept | {"error": error, "minutes": MINUTES, "issued": issued}
    values |= {"roles": ROLES, "scopes": SCOPES, "days": TOKEN_DAYS, "min_password": MIN_PASSWORD}
    return render(request, "box.html", values | {"version": request.app[VERSION]}, status=status)


def _kept(store: Store, has_accounts: bool, cameras: list[str]) -> dict[str, Any]:
    now = dt.datetime.now(dt.UTC)
    return {
        "stats": store.stats(),
        "consumers": store.consumers(),
        "users": store.users() if has_accounts else [],
        "logins": store.logins(),
        "tokens": store.tokens() if has_accounts else [],
        "audit": store.audit_log.newest(None, AUDIT_ROWS) if has_accounts else [],
        "coverage": _shares(store, now, cameras),
    }


def _shares(store: Store, now: dt.datetime, cameras: list[str]) -> dict[str, dict[str, float]]:
    """Per camera the share of the last day that was watched, blind and paused, 0..1."""
    day = dt.timedelta(hours=24)
    found: dict[str, dict[str, float]] = {}
    for camera, spans in store.coverage.report(now - day, now, cameras).items():
        shares = dict.fromkeys(("watched", "blind", "paused"), 0.0)
        for span in spans:
            shares[span.state] += (span.end - span.start) / day
        found[camera] = shares
    return found


async def pause(request: web.Request) -> web.StreamResponse:
    """Pause recognition for some minutes, with a reason."""
    form = await read_form(request)
    reason, minutes = form.get("reason", "").strip(), form.get("minutes", "")
    if not 1 <= len(reason) <= MAX_REASON or minutes not in map(str, MINUTES):
        return await page(request, texts_of(request)("box.no_reason"), 422)
    await require_recognition(request.app).pause(request[CALLER].name or "", reason, float(minutes))
    raise web.HTTPSeeOther("/box#pause")


async def resume(request: web.Request) -> web.StreamResponse:
    """Go on before the time is up."""
    await read_form(request)
    await require_recognition(request.app).resume(request[CALLER].name or "")
    raise web.HTTPSeeOther("/box#pause")
