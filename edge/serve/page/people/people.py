"""The people looked for: list, add with checked pictures, edit, erase with a receipt."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web

from edge.errors import NotFoundError, ServiceError
from edge.records import Person, Reference
from edge.serve.app_keys import STORE, read
from edge.serve.http.access import CALLER
from edge.serve.http.inputs import read_form
from edge.serve.http.uploads import read_picture_form
from edge.serve.page.people.choices import KEPT, answered, open_choices, rows
from edge.serve.page.renderer import render, translator_of
from edge.serve.page.wording.language import Translate
from edge.serve.page.wording.zone import ZONE, SiteZone
from edge.serve.ports import PEOPLE
from edge.watchlist.entry import EnrolOutcome, ListEntry, Upload, is_new_id

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
EMPTY = dict.fromkeys(("person_id", "name", "status", "reason", "owner", "expires", "kept"), "")


async def listing(request: web.Request) -> web.StreamResponse:
    """The list."""
    store = request.app[STORE]
    version, digest = await read(store.watchlist_version)
    references = _by_person(await read(store.references))
    values = {"people": await read(store.people), "references": references, "version": version, "digest": digest}
    values["now"] = dt.datetime.now(dt.UTC)
    return render(request, "people.html", values)


async def show_new(request: web.Request) -> web.StreamResponse:
    """The empty form."""
    return _render_form(request, None, EMPTY)


async def show(request: web.Request) -> web.StreamResponse:
    """The form of one person."""
    person = await _require(request)
    return _render_form(request, person, _form_of(person, request.app[ZONE]), pictures=await _pictures(request, person))


async def add(request: web.Request) -> web.StreamResponse:
    """Check a new person's pictures, and put the person on the list if at least one can be used."""
    form, uploads = await _read_form(request)
    t, person_id = translator_of(request), form.get("person_id", "").strip()
    person, wrong = _parse_person(t, request.app[ZONE], person_id, form, None)
    if wrong is None and not is_new_id(person_id):
        wrong = t("people.one_id")
    if wrong is None and not uploads:
        wrong = t("people.one_picture")
    if wrong is None and await read(request.app[STORE].person, person_id) is not None:
        wrong = t("people.exists", person_id=person_id)
    if wrong is not None or person is None:
        return _render_form(request, None, EMPTY | form | _keep(request, uploads), error=wrong, status=422)
    try:
        done = await _enrol(request, person, uploads, form)
    except ServiceError as refusal:
        return _render_form(request, None, _typed(form), why_not_now=refusal, status=503)
    if not done.is_stored:
        choices = await _choices(request, done, uploads)
        error = t("people.to_choose" if choices["kept"] else "people.not_stored")
        return _render_form(request, None, EMPTY | form | choices, done=done, error=error, status=422)
    return await _render_done(request, person, form, done, uploads, status=201)


async def change(request: web.Request) -> web.StreamResponse:
    """Change a person's entry, and add pictures if some were given."""
    former = await _require(request)
    form, uploads = await _read_form(request)
    person, wrong = _parse_person(translator_of(request), request.app[ZONE], former.person_id, form, former)
    pictures = await _pictures(request, former)
    if wrong is not None or person is None:
        values = EMPTY | form | _keep(request, uploads)
        return _render_form(request, former, values, error=wrong, pictures=pictures, status=422)
    try:
        done = await _enrol(request, person, uploads, form)
    except ServiceError as refusal:
        return _render_form(request, former, _typed(form), why_not_now=refusal, pictures=pictures, status=503)
    if not done.is_stored:
        choices = await _choices(request, done, uploads)
        error = translator_of(request)("people.to_choose" if choices["kept"] else "people.not_stored")
        values = EMPTY | form | choices
        return _render_form(request, former, values, done=done, error=error, pictures=pictures, status=422)
    return await _render_done(request, person, form, done if uploads else None, uploads)


async def erase(request: web.Request) -> web.StreamResponse:
    """Erase a person, everything that shows them, and the results of examinations that name them."""
    person = await _require(request)
    form = await read_form(request)
    # A form can't hold control characters, nor anybody see blanks at the ends: ids of earlier versions may have them.
    if _as_typed(form.get("confirm", "")) != _as_typed(person.person_id):
        error = translator_of(request)("people.wrong_id", person_id=person.person_id)
        pictures = await _pictures(request, person)
        return _render_form(
            request, person, _form_of(person, request.app[ZONE]), error=error, pictures=pictures, status=422
        )
    erased = await request.app[PEOPLE].forget(person.person_id, by=request[CALLER].name or "")
    return render(
        request, "receipt.html", {"receipt": erased.receipt, "examined": erased.examinations, "erased": erased}
    )


async def _read_form(request: web.Request) -> tuple[dict[str, str], tuple[Upload, ...]]:
    """Fields and pictures: those that wait for an answer, with the faces chosen now, and those just handed in."""
    form, uploads = await read_picture_form(request)
    kept = request.app[KEPT].take(request[CALLER].name or "", form.get("kept", ""))
    return form, (*answered(kept, form), *uploads)


async def _enrol(
    request: web.Request, person: Person, uploads: Sequence[Upload], form: Mapping[str, str]
) -> EnrolOutcome:
    entry, allow_alike = ListEntry(person, tuple(uploads) or None), form.get("allow_alike") == "yes"
    return await request.app[PEOPLE].enrol(entry, by=request[CALLER].name or "", allow_alike=allow_alike)


def _typed(form: dict[str, str]) -> dict[str, str]:
    """What was typed. Pictures are not kept: whoever takes over once the box is ready has a memory of its own."""
    return EMPTY | form | {"kept": ""}


async def _choices(request: web.Request, done: EnrolOutcome | None, uploads: Sequence[Upload]) -> dict[str, Any]:
    """What the template shows of each picture, and the key of those that wait for an answer."""
    listed = {person.person_id: person for person in await read(request.app[STORE].people)}
    waiting = open_choices(done, uploads) if done else []
    return {"rows": rows(done, listed), **_keep(request, waiting)}


def _keep(request: web.Request, uploads: Sequence[Upload]) -> dict[str, str]:
    """Keep pictures for the next answer to this form."""
    return {"kept": request.app[KEPT].keep(request[CALLER].name or "", uploads)}


async def _render_done(
    request: web.Request,
    person: Person,
    form: dict[str, str],
    done: EnrolOutcome | None,
    uploads: Sequence[Upload],
    *,
    status: int = 200,
) -> web.Response:
    """What was stored, and what a choice could still add."""
    values = {"person": person, "done": done, "form": EMPTY | form | await _choices(request, done, uploads)}
    return render(request, "person_done.html", values | {"pictures": await _pictures(request, person)}, status=status)


def _as_typed(text: str) -> str:
    return _CONTROL.sub("", text).strip()


def _render_form(
    request: web.Request,
    person: Person | None,
    form: Mapping[str, Any],
    *,
    done: EnrolOutcome | None = None,
    error: str | None = None,
    why_not_now: ServiceError | None = None,
    pictures: list[Reference] | None = None,
    status: int = 200,
) -> web.Response:
    """The form of a new person (None) or of one on the list, with what was typed and what was wrong with it."""
    values: dict[str, Any] = {
        "person": person,
        "form": {**EMPTY, **form},
        "done": done,
        "error": error,
        "why_not_now": why_not_now,
        "pictures": pictures or [],
    }
    return render(request, "person.html", values, status=status)


def _parse_person(
    t: Translate, zone: SiteZone, person_id: str, form: Mapping[str, str], former: Person | None
) -> tuple[Person | None, str | None]:
    """The entry a form describes, or what is wrong with it; a day that was not changed leaves the former end."""
    text = {key: _as_typed(form.get(key, "")) for key in ("name", "status", "reason", "owner", "expires")}
    if not 1 <= len(text["name"]) <= 200:
        return None, t("people.one_name")
    if not 1 <= len(text["status"]) <= 100:
        return None, t("people.one_status")
    try:
        expires = _end_of_day(text["expires"], zone)
    except (ValueError, OverflowError):
        return None, t("people.bad_date")
    reason, owner = text["reason"][:200] or None, text["owner"][:200] or None
    person = Person(person_id, text["name"], text["status"], expires, reason, owner)
    if former is not None and text["expires"] == _form_of(former, zone)["expires"]:
        return replace(person, expires_at=former.expires_at), None
    now = dt.datetime.now(dt.UTC)
    if person.has_ended(now):
        return None, t("people.past_date", today=zone.local(now).date().isoformat())
    return person, None


def _end_of_day(day: str, zone: SiteZone) -> dt.datetime | None:
    """Last second of a day in the site's time zone, as UTC; None for an empty field."""
    if not day:
        return None
    last = dt.datetime.combine(dt.date.fromisoformat(day), dt.time(23, 59, 59))
    return zone.utc(last)


def _form_of(person: Person, zone: SiteZone) -> dict[str, str]:
    expires = "" if person.expires_at is None else zone.local(person.expires_at).date().isoformat()
    return {
        "person_id": person.person_id,
        "name": person.name,
        "status": person.status,
        "reason": person.reason or "",
        "owner": person.owner or "",
        "expires": expires,
    }


async def _require(request: web.Request) -> Person:
    person_id = request.match_info["person_id"]
    person = await read(request.app[STORE].person, person_id)
    if person is None:
        raise NotFoundError(f"{person_id[:64]!r} is not on the list: it never was there, or was erased")
    return person


async def _pictures(request: web.Request, person: Person) -> list[Reference]:
    return _by_person(await read(request.app[STORE].references)).get(person.person_id, [])


def _by_person(references: list[Reference]) -> dict[str, list[Reference]]:
    found: dict[str, list[Reference]] = {}
    for reference in references:
        found.setdefault(reference.person_id, []).append(reference)
    return found
