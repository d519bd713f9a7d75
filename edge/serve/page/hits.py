"""One hit: what was found, how alike it is, why it may be wrong, and the verdicts of those who looked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from edge.errors import NotFoundError
from edge.records import Hit
from edge.serve.api.images import Picture, look_at
from edge.serve.app_keys import CALLER, REVIEW, STORE, read, written
from edge.serve.http import inputs
from edge.serve.http.problems import RequestError
from edge.serve.http.shield import read_form
from edge.serve.page.renderer import render
from edge.store import Store
from edge.store.hits.reviews import Verdict

REASONS: Mapping[str, Sequence[str]] = {
    "confirmed": ("same_features", "known_here", "checked"),
    "rejected": ("other_person", "poor_picture", "no_face", "other"),
    "acknowledged": (),
}
"""What somebody may say of a hit, and why; the words are the catalogue's."""
MAX_NOTE = 500
GRACE_S = 2.0
"""A click in the last moment is still on its way when the time is over."""


async def hit(request: web.Request) -> web.StreamResponse:
    """Answer with the page of one hit."""
    inputs.check_names(request, ())
    store = request.app[STORE]
    found = await read(store.hit, request.match_info["hit_id"])
    if found is None:
        raise _no_hit(request)
    runner_up = await read(store.person, found.runner_up_id) if found.runner_up_id else None
    frame = await read(_look_at, store, found.images.frame)
    mine = await _mine(request, found)
    return render(
        request, "hit.html", {"hit": found, "runner_up": runner_up, "frame": frame, "reasons": REASONS} | mine
    )


async def _mine(request: web.Request, found: Hit) -> dict[str, Any]:
    """What the person who looks has said of it, and for how many seconds they may take it back."""
    name, undo_s = request[CALLER].name, request.app[REVIEW].undo_s
    verdicts: list[Verdict] = await read(request.app[STORE].reviews.verdicts, found.hit_id)
    last = verdicts[-1] if verdicts else None
    left_s = 0.0
    if last is not None and last.by == name:
        left_s = undo_s - (dt.datetime.now(dt.UTC) - last.at).total_seconds()
    return {"last": last, "undo_s": min(max(left_s, 0.0), undo_s), "is_first": found.review.get("by") == name}


async def review(request: web.Request) -> web.StreamResponse:
    """Keep a person's verdict: `verdict` is a state and, after a colon, the reason for it."""
    store, hit_id = request.app[STORE], request.match_info["hit_id"]
    form = await read_form(request)
    state, _, reason = form.get("verdict", "").partition(":")
    note = form.get("note", "").strip()
    if state not in REASONS or (reason and reason not in REASONS[state]):
        raise RequestError(
            f"the verdict {form.get('verdict', '')[:60]!r} is not known: choose one of the page", status=422
        )
    if len(note) > MAX_NOTE:
        raise RequestError(f"the note has {len(note)} characters: keep it to {MAX_NOTE}", status=422)
    found = await read(store.hit, hit_id)
    if found is None:
        raise _no_hit(request)
    needs_second = found.person.status in request.app[REVIEW].second_person_for
    by = request[CALLER].name or ""
    done = store.reviews.give_verdict(
        hit_id, by, state, reason=reason or None, note=note or None, needs_second=needs_second
    )
    await written(done)
    raise web.HTTPSeeOther(f"/hits/{hit_id}#verdict")


async def undo(request: web.Request) -> web.StreamResponse:
    """Take back one's own last verdict, within seconds."""
    hit_id = request.match_info["hit_id"]
    await read_form(request)
    within_s = request.app[REVIEW].undo_s + GRACE_S
    await written(request.app[STORE].reviews.undo_verdict(hit_id, request[CALLER].name or "", within_s))
    raise web.HTTPSeeOther(f"/hits/{hit_id}#verdict")


def _no_hit(request: web.Request) -> NotFoundError:
    return NotFoundError(
        f"hit {request.match_info['hit_id'][:64]} is not kept: it never was, was erased, or is too old"
    )


def _look_at(store: Store, sha256: str) -> Picture | None:
    path = store.image_path(sha256)
    try:
        return look_at(path) if path else None
    except FileNotFoundError:
        return None
