"""Stored hits: the list with its filters, the page of one hit, and giving and undoing verdicts."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from edge.errors import ConflictError
from edge.records import Hit
from edge.serve.app_keys import LIVE, REVIEW, SITE, STATUSES, STORE, read, written
from edge.serve.http import inputs
from edge.serve.http.access import CALLER
from edge.serve.http.audit import NAMES_NOTHING
from edge.serve.http.auth import local_address
from edge.serve.http.file_types import PictureHeader, read_picture_header
from edge.serve.http.inputs import read_form
from edge.serve.http.problems import RequestError, no_hit
from edge.serve.page.hits.hit_news import pictures_of, verdict_of
from edge.serve.page.renderer import render
from edge.serve.page.wording.zone import ZONE, SiteZone
from edge.store import Store
from edge.store.hits.reviews import STATES, Verdict
from edge.store.hits.search import COUNT_UP_TO, HitFilter

PER_PAGE = 50
FILTERS = ("person", "camera", "state", "last", "since", "until")
PERIODS = ("hour", "shift", "day")

REASONS: Mapping[str, Sequence[str]] = {
    "confirmed": ("same_features", "known_here", "checked"),
    "rejected": ("other_person", "poor_picture", "no_face", "other"),
    "acknowledged": (),
}
"""Verdicts and the reasons each may have; their texts are in the catalogue under `reason`."""
MAX_NOTE = 500
MAX_REFERENCES = 3
_EARLIEST = dt.datetime.min.replace(tzinfo=dt.UTC)
UNDO_GRACE_S = 2.0
"""Extra seconds for a click on Undo that was in time but arrives late."""


async def listing(request: web.Request) -> web.StreamResponse:
    """Hits that pass the filters, newest first, a page at a time."""
    inputs.check_names(request, ("before", *FILTERS))
    store = request.app[STORE]
    before, form = request.query.get("before"), {name: request.query.get(name, "").strip() for name in FILTERS}
    hit_filter = _filter(request, form)
    request[NAMES_NOTHING] = await read(_names_nothing, request, {**form, "before": before or ""})
    hits = await read(store.find_hits, hit_filter, before, PER_PAGE + 1)
    filters = {name: value for name, value in form.items() if value}
    older = {**filters, "before": hits[PER_PAGE - 1].hit_id} if len(hits) > PER_PAGE else None
    values = {
        "hits": hits[:PER_PAGE],
        "older": urlencode(older) if older else None,
        "newest": urlencode(filters),
        "before": before,
        "asked": form,
        "is_open": hit_filter.is_empty,
        "is_backwards": _is_backwards(hit_filter),
        "is_new_only": hit_filter == HitFilter(state="new"),
        "total": await read(store.count_hits, hit_filter),
        "count_up_to": COUNT_UP_TO,
        "people": await read(store.people),
        "hit_cameras": await read(store.cameras_with_hits),
        "states": STATES,
        "periods": PERIODS,
        "shift_hours": request.app[SITE].shift_hours,
    }
    return render(request, "hits.html", values)


def _names_nothing(request: web.Request, asked: Mapping[str, str]) -> frozenset[str]:
    """Which of the parameters asked with name nobody on the list, no camera, or no hit."""
    store = request.app[STORE]
    known: Mapping[str, Callable[[str], bool]] = {
        "person": lambda text: store.person(text) is not None,
        "camera": lambda text: text in {*request.app[LIVE].cameras(), *store.cameras_with_hits()},
        "before": lambda text: store.hit(text) is not None,
    }
    return frozenset(name for name, is_known in known.items() if asked[name] and not is_known(asked[name]))


def _filter(request: web.Request, form: dict[str, str]) -> HitFilter:
    if form["state"] and form["state"] not in STATES:
        raise RequestError(f"state = {form['state'][:40]!r} is not known: choose from {', '.join(STATES)}")
    if form["last"] and form["last"] not in PERIODS:
        raise RequestError(f"last = {form['last'][:40]!r} is not known: choose from {', '.join(PERIODS)}")
    zone = request.app[ZONE]
    since, until = _time(zone, "since", form["since"]), _time(zone, "until", form["until"])
    if form["last"]:
        hours = {"hour": 1.0, "shift": request.app[SITE].shift_hours, "day": 24.0}[form["last"]]
        since = max(since or _EARLIEST, dt.datetime.now(dt.UTC) - dt.timedelta(hours=hours))
    return HitFilter(
        person_id=form["person"] or None,
        camera=form["camera"] or None,
        state=form["state"] or None,
        since=since,
        until=until,
    )


def _is_backwards(hits: HitFilter) -> bool:
    """Whether no time lies between the two asked for."""
    return hits.since is not None and hits.until is not None and hits.since >= hits.until


def _time(zone: SiteZone, name: str, text: str) -> dt.datetime | None:
    """Parse a time from a browser's form; without a zone it is in the site's."""
    if not text:
        return None
    try:
        at = zone.utc(dt.datetime.fromisoformat(text))
        at.timestamp()
    except (ValueError, OverflowError):
        raise RequestError(f"{name} = {text[:40]!r} is not a time: give it as 2027-01-31T22:00") from None
    return at


async def following(request: web.Request) -> web.StreamResponse:
    """Go to the next hit that waits for the caller: the newest, or the one after `from` where that is left as it is."""
    inputs.check_names(request, ("from",))
    store, name, here = request.app[STORE], request[CALLER].name or "", request.query.get("from", "")
    waiting: list[str] = []
    for state in ("new", "second_needed", "disputed"):
        hits = await read(store.find_hits, HitFilter(state=state), None, PER_PAGE)
        waiting += [hit.hit_id for hit in hits if not _has_judged(hit, name)]
    at = waiting.index(here) if here in waiting else len(waiting) - 1
    # Round and round, so that whoever skips one comes to all others and not back and forth between two.
    rest = waiting[at + 1 :] + waiting[: at + 1]
    if (found := next((hit_id for hit_id in rest if hit_id != here), None)) is not None:
        raise web.HTTPSeeOther(f"/hits/{found}")
    raise web.HTTPSeeOther("/hits?state=new")


def _has_judged(hit: Hit, name: str) -> bool:
    """Whether one of the verdicts on a hit that waits for another person is of that name."""
    verdicts = hit.review.get("verdicts", [hit.review])
    return any(one.get("by") == name for one in verdicts)


async def show(request: web.Request) -> web.StreamResponse:
    """Answer with the page of one hit."""
    inputs.check_names(request, ())
    store = request.app[STORE]
    hit = await read(store.hit, request.match_info["hit_id"])
    if hit is None:
        raise no_hit(request)
    runner_up = await read(store.person, hit.runner_up_id) if hit.runner_up_id else None
    frame = await read(_frame_header, store, hit.images.frame)
    own = await _own_verdict(request, hit)
    values: dict[str, Any] = {"hit": hit, "runner_up": runner_up, "frame": frame, "reasons": REASONS}
    values |= {"shown_pictures": pictures_of(hit), "shown_verdict": verdict_of(hit)}
    return render(request, "hit.html", values | {"references": await read(_references, store, hit)} | own)


def _references(store: Store, hit: Hit) -> list[str]:
    """The picture that matched, since a verdict is about that one, and the best two others that are enrolled now."""
    kept = [one.image_sha256 for one in store.references(person_id=hit.person.person_id)]
    return list(dict.fromkeys([hit.images.reference, *kept]))[:MAX_REFERENCES]


async def _own_verdict(request: web.Request, hit: Hit) -> dict[str, Any]:
    """Template values: the last verdict, the caller's own, seconds left to undo it, whether the caller judged first."""
    name, undo_s = request[CALLER].name, request.app[REVIEW].undo_s
    verdicts: list[Verdict] = await read(request.app[STORE].reviews.verdicts, hit.hit_id)
    last = verdicts[-1] if verdicts else None
    left_s = 0.0
    if last is not None and last.by == name:
        left_s = undo_s - (dt.datetime.now(dt.UTC) - last.at).total_seconds()
    return {
        "last": last,
        "own": next((one for one in reversed(verdicts) if one.by == name), None),
        "undo_s": min(max(left_s, 0.0), undo_s),
        "is_first": hit.review.get("by") == name,
    }


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
    hit = await read(store.hit, hit_id)
    if hit is None:
        raise no_hit(request)
    needs_second = request.app[STATUSES](hit.person.status).second_person
    by = request[CALLER].name or ""
    done = store.reviews.give_verdict(
        hit_id, by, state, reason=reason or None, note=note or None, needs_second=needs_second
    )
    # Given twice by a double click, or somebody decided a moment ago: the page of the hit shows what stands.
    with contextlib.suppress(ConflictError):
        await written(done)
    raise web.HTTPSeeOther(local_address(form.get("back")) or f"/hits/{hit_id}")


async def undo(request: web.Request) -> web.StreamResponse:
    """Take back one's own last verdict, within seconds."""
    hit_id = request.match_info["hit_id"]
    await read_form(request)
    within_s = request.app[REVIEW].undo_s + UNDO_GRACE_S
    await written(request.app[STORE].reviews.undo_verdict(hit_id, request[CALLER].name or "", within_s))
    raise web.HTTPSeeOther(f"/hits/{hit_id}")


def _frame_header(store: Store, sha256: str) -> PictureHeader | None:
    path = store.image_path(sha256)
    try:
        return read_picture_header(path) if path else None
    except FileNotFoundError:
        return None
