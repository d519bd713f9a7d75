"""The watchlist API for central servers: read it, replace it, put or erase one person, each against a version.

Every answer carries the list's ETag, and every change has to send it as `If-Match`: if the list has changed since, the
answer is 412 and nothing is done.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import dataclasses
import datetime as dt
import re
from collections.abc import Mapping
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from edge import mistakes
from edge.errors import NotFoundError
from edge.records import Person
from edge.serve.api import watchlist_schema
from edge.serve.app_keys import STORE, read
from edge.serve.http import inputs
from edge.serve.http.access import CALLER
from edge.serve.http.inputs import read_body
from edge.serve.http.problems import RequestError
from edge.serve.http.uploads import read_picture_form
from edge.serve.ports import PEOPLE
from edge.store import Receipt, Store, time_to_text
from edge.watchlist.entry import EnrolOutcome, ListEntry, Upload

Body = TypeVar("Body", watchlist_schema.PersonPut, watchlist_schema.WatchlistPut)

MAX_PERSON_BYTES = 24_000_000
MAX_LIST_BYTES = 64_000_000
MAX_PERSON_MARKS = 20_000
MAX_LIST_MARKS = 1_000_000
"""Commas, colons and brackets that a body may have: 10,000 people without pictures need 200,000."""
NO_REFERENCE = "on the list without a picture: nobody can be recognised as this person; send `pictures`"
ALL_ASIDE = (
    "every picture of this person was set aside on this box: nobody can be recognised as them; send another picture, "
    "or `edge watchlist restore` lets one be searched again"
)
ENDED = "the entry has ended and never matches: send a time to come as `expires_at`, or none"
_ETAG = re.compile(r'"(\d{1,18})-[0-9a-f]{16}"', re.ASCII)


async def show(request: web.Request) -> web.StreamResponse:
    """Answer with everybody on the list, and its version."""
    inputs.check_names(request, ())
    store = request.app[STORE]
    body, etag = await read(_list, store)
    if inputs.has_seen(request, etag):
        return web.Response(status=304, headers={"ETag": etag, "Cache-Control": "no-cache"})
    return web.json_response(body, headers={"ETag": etag, "Cache-Control": "no-cache"})


async def replace(request: web.Request) -> web.StreamResponse:
    """Make the body the whole list, all or nothing; whoever is not on it is erased."""
    inputs.check_names(request, ())
    version = _expected_version(request)
    body = await _read(request, watchlist_schema.WatchlistPut, MAX_LIST_BYTES)
    entries = await asyncio.to_thread(_entries, body)
    by = request[CALLER].name or ""
    outcomes = await request.app[PEOPLE].replace_list(entries, by=by, if_version=version)
    return await _answer(request, outcomes, 200)


async def put(request: web.Request) -> web.StreamResponse:
    """Add or change one person; pictures given replace those there were."""
    allow_alike = _allow_alike(request)
    version = _expected_version(request)
    person_id = request.match_info["person_id"]
    body, pictures = await _read_person(request)
    entry, by = ListEntry(_person(person_id, body), pictures), request[CALLER].name or ""
    is_new = await _find(request, person_id) is None
    outcome = await request.app[PEOPLE].enrol(entry, by=by, replaces=True, allow_alike=allow_alike, if_version=version)
    return await _answer(request, (outcome,), 201 if is_new else 200)


async def erase(request: web.Request) -> web.StreamResponse:
    """Erase one person with references, hits, pictures and examinations; the receipt says how much."""
    inputs.check_names(request, ())
    version, person_id = _expected_version(request), request.match_info["person_id"]
    if await _find(request, person_id) is None:
        raise NotFoundError("nobody with this id is on the watchlist")
    erased = await request.app[PEOPLE].forget(person_id, by=request[CALLER].name or "", if_version=version)
    return web.json_response(_receipt(erased.receipt), headers={"ETag": await read(_etag, request.app[STORE])})


def _allow_alike(request: web.Request) -> bool:
    """Whether pictures may pass that look like somebody else's on the list."""
    inputs.check_names(request, ("allow_alike",))
    text = request.query.get("allow_alike", "false")
    if text not in ("true", "false"):
        raise RequestError(f"allow_alike is true or false, not {text[:20]!r}")
    return text == "true"


async def _find(request: web.Request, person_id: str) -> Person | None:
    return await read(request.app[STORE].person, person_id)


async def _answer(request: web.Request, outcomes: tuple[EnrolOutcome, ...], status: int) -> web.StreamResponse:
    """Answer with the result per person; 422 if somebody has no usable picture, and then nothing was stored."""
    (version, digest), searched = await read(_after_change, request.app[STORE])
    people = [_outcome(one, searched) for one in outcomes]
    body = {"version": version, "digest": digest, "people": people}
    refused = [one for one in outcomes if not one.is_stored]
    if not refused:
        return web.json_response(body, status=status, headers={"ETag": _tag(version, digest)})
    problem = {
        "type": "urn:edge:problem:refused",
        "title": "No picture of somebody can be used",
        "status": 422,
        "detail": f"nothing was changed: {refused[0].person.person_id}: {refused[0].why_refused(3)}",
        "instance": request.path,
        "people": body["people"],
    }
    return web.json_response(problem, status=422, content_type="application/problem+json")


async def _read_person(request: web.Request) -> tuple[watchlist_schema.PersonFields, tuple[Upload, ...] | None]:
    """One entry with its pictures, as JSON or as a form with files."""
    if request.content_type != "multipart/form-data":
        entry = await _read(request, watchlist_schema.PersonPut, MAX_PERSON_BYTES)
        return entry, await asyncio.to_thread(_pictures, entry.pictures)
    fields, files = await read_picture_form(request, is_strict=True)
    try:
        return watchlist_schema.PersonFields.model_validate(fields), tuple(files) or None
    except ValidationError as error:
        raise _validation_error(error, watchlist_schema.PersonFields) from None


async def _read(request: web.Request, kind: type[Body], limit: int) -> Body:
    if request.content_type != "application/json":
        raise RequestError(
            f"JSON, or of one person a form with files, is expected, not {request.content_type}", status=415
        )
    data = await read_body(request, limit)
    try:
        # Off the loop: a list with pictures is many megabytes.
        return await asyncio.to_thread(_validated, kind, data)
    except ValidationError as error:
        raise _validation_error(error, kind) from None


def _validated(kind: type[Body], data: bytes) -> Body:
    """The body as `kind`, checked entry by entry: pydantic alone gathers every mistake of a body, millions of them."""
    if kind is not watchlist_schema.WatchlistPut:
        given = inputs.parse_json(data, max_marks=MAX_PERSON_MARKS)
        inputs.require_small(given, "the body")
        return kind.model_validate(given)
    given = inputs.parse_json(data, max_marks=MAX_LIST_MARKS)
    people = given.pop("people", None) if isinstance(given, dict) else None
    inputs.require_small(given, "the body")
    if not isinstance(people, list):
        return kind.model_validate(given if people is None else given | {"people": None})
    if len(people) > watchlist_schema.MAX_PEOPLE:
        raise RequestError(f"people: {len(people)} are too many, at most {watchlist_schema.MAX_PEOPLE}", status=422)
    return kind.model_validate(given | {"people": tuple(_listed(number, one) for number, one in enumerate(people))})


def _listed(number: int, given: object) -> watchlist_schema.ListedPut:
    where = f"people.{number}"
    inputs.require_small(given, where)
    try:
        return watchlist_schema.ListedPut.model_validate(given)
    except ValidationError as error:
        raise _validation_error(error, watchlist_schema.ListedPut, f"{where}.") from None


def _validation_error(error: ValidationError, kind: type[BaseModel], before: str = "") -> RequestError:
    first = error.errors(include_url=False, include_input=False)[0]
    where = (before + ".".join(str(part) for part in first["loc"])).removesuffix(".") or "the body"
    more = ""
    if first["type"] == "extra_forbidden":
        more = f"; known are {', '.join(mistakes.model_at(kind, first['loc'][:-1]).model_fields)}"
    return RequestError(f"{where}: {mistakes.said(first, kind)}{more}", status=422)


def _expected_version(request: web.Request) -> int | None:
    """The list version that `If-Match` names; None for `*`, any version. 428 without the header."""
    text = request.headers.get("If-Match")
    if text is None:
        raise RequestError(
            "a change needs the header If-Match with the list's ETag, so that nobody's change is lost; "
            "GET /api/v1/watchlist gives it, and * stands for whatever the list is now",
            status=428,
        )
    if text.strip() == "*":
        return None
    found = _ETAG.fullmatch(text.strip().removeprefix("W/"))  # a proxy that packs answers weakens their tags
    if found is None:
        raise RequestError(f"If-Match {text[:60]!r} is no ETag of this list: read it and take the ETag it comes with")
    return int(found[1])


def _entries(body: watchlist_schema.WatchlistPut) -> list[ListEntry]:
    """The entries of a list; 422 where it has an id twice."""
    seen: set[str] = set()
    for entry in body.people:
        if entry.id in seen:
            raise RequestError(f"the list has the id {entry.id!r} more than once", status=422)
        seen.add(entry.id)
    return [ListEntry(_person(entry.id, entry), _pictures(entry.pictures)) for entry in body.people]


def _person(person_id: str, entry: watchlist_schema.PersonFields) -> Person:
    return Person(person_id, entry.name, entry.status, entry.expires_at, entry.reason, entry.owner)


def _pictures(given: tuple[watchlist_schema.PictureIn, ...] | None) -> tuple[Upload, ...] | None:
    if given is None:
        return None
    try:
        return tuple(Upload(one.name, base64.b64decode(one.data, validate=True), one.face) for one in given)
    except (binascii.Error, ValueError):
        raise RequestError("pictures: data is not base64", status=422) from None


def _list(store: Store) -> tuple[dict[str, Any], str]:
    counts: dict[str, int] = {}
    version, digest = store.watchlist_version()
    for reference in store.references():
        counts[reference.person_id] = counts.get(reference.person_id, 0) + 1
    changed_at = store.watchlist_changed_at()
    people = [
        {
            "id": person.person_id,
            "name": person.name,
            "status": person.status,
            "reason": person.reason,
            "owner": person.owner,
            "expires_at": None if person.expires_at is None else time_to_text(person.expires_at),
            "references": counts.get(person.person_id, 0),
        }
        for person in store.people()
    ]
    changed = None if changed_at is None else time_to_text(changed_at)
    # The version was read before the people: if the list changes in between, a change with this ETag is refused.
    return {"version": version, "digest": digest, "changed_at": changed, "people": people}, _tag(version, digest)


def _tag(version: int, digest: str) -> str:
    return f'"{version}-{digest[:16]}"'


def _etag(store: Store) -> str:
    return _tag(*store.watchlist_version())


def _after_change(store: Store) -> tuple[tuple[int, str], dict[str, bool]]:
    """Version and digest, and of those who have references, by id, whether any of them is searched."""
    aside, searched = store.calibration.set_aside_ids(), dict[str, bool]()
    for one in store.references():
        searched[one.person_id] = searched.get(one.person_id, False) or one.reference_id not in aside
    return store.watchlist_version(), searched


def _outcome(one: EnrolOutcome, searched: Mapping[str, bool]) -> dict[str, Any]:
    person_id, pictures = one.person.person_id, [outcome.as_json() for outcome in one.outcomes]
    warnings = [NO_REFERENCE] if one.is_stored and person_id not in searched else []
    warnings += [ALL_ASIDE] if one.is_stored and not searched.get(person_id, True) else []
    warnings += [ENDED] if one.is_stored and one.person.has_ended(dt.datetime.now(dt.UTC)) else []
    warning = "; ".join(warnings) or None
    return {"id": person_id, "references": one.num_references, "warning": warning, "pictures": pictures}


def _receipt(receipt: Receipt) -> dict[str, Any]:
    values = dataclasses.asdict(receipt) | {"erased_at": time_to_text(receipt.erased_at)}
    del values["person_id"]  # it is gone from the device; the caller knows whom it asked to erase
    return values
