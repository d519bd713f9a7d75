"""Audits who viewed what. Changes are audited by the store, in the transaction that makes them.

Views that repeat within a minute are counted and not listed; otherwise a page that reloads itself, or a caller who
means harm, would fill the audit.
"""

from __future__ import annotations

import logging
from concurrent.futures import Future

from aiohttp import web
from aiohttp.typedefs import Handler

from edge.serve.app_keys import STORE
from edge.serve.http.access import CALLER, Caller
from edge.serve.http.route import route_of

log = logging.getLogger(__name__)

MAX_SUBJECT = 500
"""Characters of an address that are kept."""
SHOWN_PERSON = web.RequestKey("shown_person", str)
"""Where a handler leaves the id of the person it has shown: the row names them, and is blanked when they are erased."""

NAMES_NOTHING = web.RequestKey("names_nothing", frozenset[str])
"""Where a handler leaves the parameters whose text names nothing on this box: the row says of them `NOT_KEPT` alone.

It may be anybody's name, or that of somebody who was erased a moment ago, and no erasure would find it afterwards. Of
a handler that leaves nothing here no parameter is kept: it has read none, or none that says what was seen.
"""
NOT_KEPT = "(?)"


@web.middleware
async def audit_views(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Audit a view once it was answered without an error; a redirect counts, for the logout.

    304 doesn't: what the browser has was audited when it came, and pages ask for each of their pictures again.
    """
    try:
        response = await handler(request)
    except web.HTTPRedirection:
        _note(request)
        raise
    if response.status < 400 and response.status != 304:
        _note(request)
    return response


def _note(request: web.Request) -> None:
    route = route_of(request)
    action = None if route is None else route.view
    caller = request.get(CALLER, Caller())
    if action is None or caller.name is None:
        return
    nothing, url = request.get(NAMES_NOTHING), request.rel_url
    if nothing is None and url.query_string:
        url = url.with_query(None)
    hidden = dict.fromkeys(nothing or (), NOT_KEPT)
    subject = request.match_info.get("hit_id") or str(url.update_query(hidden) if hidden else url)
    if len(subject) > MAX_SUBJECT:  # cut off, it could hold half a name, which no erasure finds
        subject = request.rel_url.raw_path
    detail: dict[str, object] = {"query": dict(url.query) | hidden} if url.query else {}
    person_id = request.get(SHOWN_PERSON)
    detail |= {"reference_of": person_id} if person_id else {}
    done = request.app[STORE].audit_log.note_read(
        caller.name, action, subject[:MAX_SUBJECT], detail, person_id=person_id
    )
    if done is not None:
        done.add_done_callback(_log_failure)


def _log_failure(done: Future[None]) -> None:
    if (error := done.exception()) is not None:
        log.error("an audit line could not be stored: %s", error)
