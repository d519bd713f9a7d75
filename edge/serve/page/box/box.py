"""The box page: health, counters, storage, coverage, feed consumers, accounts, audit; and pausing recognition."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from aiohttp import web

from edge.errors import NotFoundError, StoreError
from edge.records import Reason
from edge.serve.app_keys import BOX_ID, LIVE, STORE, VERSION, read, written
from edge.serve.http.access import CALLER
from edge.serve.http.auth import came_from
from edge.serve.http.inputs import read_form
from edge.serve.http.route import may_call
from edge.serve.page.box.day import SLOTS, pieces
from edge.serve.page.cameras.scenes import changes
from edge.serve.page.now import health_values
from edge.serve.page.renderer import render, translator_of
from edge.serve.ports import require_recognition_switch
from edge.store import ROLES, SCOPES, Store
from edge.store.accounts.passwords import MIN_PASSWORD
from edge.store.coverage.coverage import TooManySpansError
from edge.store.coverage.timeline import NOT_RECORDED

AUDIT_ROWS = 20
MAX_CHANGES = 10_000
"""Changes of all cameras in a day that are drawn. Over more, the page has their sums alone, and says so."""
PAUSE_MINUTES = (5, 15, 60, 240, 720)
MAX_REASON = 200
TOKEN_DAYS = (0, 30, 90, 365)
"""Lifetimes in days offered for a new token; 0: until it is revoked."""


async def show(request: web.Request) -> web.StreamResponse:
    """Show the page, also when the database can't be read: it then says so."""
    return await render_page(request)


async def render_page(
    request: web.Request, error: str | None = None, status: int = 200, *, issued: object = None
) -> web.Response:
    """Render the page; after a form with what was wrong (`error`), or with the token it made (`issued`)."""
    problem: str | None = None
    stored: dict[str, Any] = {"stats": {}, "consumers": [], "users": [], "logins": [], "tokens": [], "audit": []}
    stored |= {"coverage": {}, "day_marks": [], "slots": SLOTS, "changes": [], "max_changes": MAX_CHANGES}
    cameras = request.app[LIVE].cameras()
    try:
        stored = await read(_from_store, request.app[STORE], may_call(request, "api.consumers"), cameras)
    except StoreError as broken:
        problem = str(broken)
    values = (
        await health_values(request, problem) | stored | {"error": error, "minutes": PAUSE_MINUTES, "issued": issued}
    )
    t = translator_of(request)
    values["outcomes"] = [(one.value, t(f"outcome.{one.value}")) for one in Reason] + [("match", t("outcome.match"))]
    values |= {"roles": ROLES, "scopes": SCOPES, "days": TOKEN_DAYS, "min_password": MIN_PASSWORD}
    return render(request, "box.html", values | {"version": request.app[VERSION]}, status=status)


def _from_store(store: Store, has_accounts: bool, cameras: list[str]) -> dict[str, Any]:
    now = dt.datetime.now(dt.UTC)
    return {
        "stats": store.stats(),
        "consumers": store.consumers(),
        "users": store.users() if has_accounts else [],
        "logins": store.logins(),
        "tokens": store.tokens() if has_accounts else [],
        "audit": store.audit_log.newest(None, AUDIT_ROWS) if has_accounts else [],
        "coverage": _coverage_shares(store, now, cameras),
        "slots": SLOTS,
        "day_marks": [now - dt.timedelta(hours=hours) for hours in (24, 18, 12, 6)],
        "changes": changes(store),
        "max_changes": MAX_CHANGES,
    }


def _coverage_shares(store: Store, now: dt.datetime, cameras: list[str]) -> dict[str, dict[str, Any]]:
    """Per camera the share of the last day that was watched, blind and paused, 0..1; of the time since installation.

    `day` has the pieces of its picture; None where there are too many changes to draw.
    """
    start = now - dt.timedelta(hours=24)
    try:
        reports = store.coverage.report(start, now, cameras, MAX_CHANGES)
    except TooManySpansError:
        sums = store.coverage.sums(start, now, cameras)
        seconds = {name: [(state, reason, s) for (state, reason, _), s in one.items()] for name, one in sums.items()}
        return {camera: _shares(told) | {"day": None} for camera, told in sorted(seconds.items())}
    return {
        camera: _shares((span.state, span.reason, span.seconds) for span in spans) | {"day": pieces(spans, start, now)}
        for camera, spans in reports.items()
    }


def _shares(told: Iterable[tuple[str, str, float]]) -> dict[str, Any]:
    """Shares of the recorded time by state, and its `hours`, from state, reason and seconds."""
    known = [(state, seconds) for state, reason, seconds in told if reason != NOT_RECORDED]
    whole = sum(seconds for _, seconds in known)
    shares = dict.fromkeys(("watched", "blind", "paused"), 0.0)
    for state, seconds in known:
        shares[state] += seconds / whole if whole else 0.0
    return shares | {"hours": whole / 3600}


async def pause(request: web.Request) -> web.StreamResponse:
    """Pause recognition for some minutes, with a reason."""
    form = await read_form(request)
    reason, minutes = form.get("reason", "").strip(), form.get("minutes", "")
    if not 1 <= len(reason) <= MAX_REASON or minutes not in map(str, PAUSE_MINUTES):
        return await render_page(request, translator_of(request)("box.no_reason"), 422)
    await require_recognition_switch(request.app).pause(request[CALLER].name or "", reason, float(minutes))
    raise web.HTTPSeeOther("/box#pause")


async def resume(request: web.Request) -> web.StreamResponse:
    """End the pause before its time is up."""
    await read_form(request)
    await require_recognition_switch(request.app).resume(request[CALLER].name or "")
    # The button is on every page: back to the one it was pressed on.
    page = came_from(request)
    raise web.HTTPSeeOther("/box#pause" if page.startswith("/box") else page or "/box#pause")


async def drill(request: web.Request) -> web.StreamResponse:
    """Make a hit of kind `drill` at a camera, so that guards can practise, and go to it."""
    camera = (await read_form(request)).get("camera", "")
    if camera not in request.app[LIVE].cameras():
        return await render_page(request, translator_of(request)("box.drill_camera"), 422)
    try:
        made = request.app[STORE].drills.make(camera, request.app[BOX_ID], by=request[CALLER].name or "")
        hit_id = await written(made)
    except NotFoundError:
        return await render_page(request, translator_of(request)("box.drill_nobody"), 409)
    raise web.HTTPSeeOther(f"/hits/{hit_id}" if may_call(request, "hit") else "/box#drill")
