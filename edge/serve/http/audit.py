"""Audits who viewed what. Changes are audited by the store, in the transaction that makes them.

The same view by the same caller is noted once a minute; otherwise a page that reloads itself would fill the audit.
"""

from __future__ import annotations

import logging
import time
from concurrent.futures import Future

from aiohttp import web
from aiohttp.typedefs import Handler

from edge.serve.app_keys import STORE
from edge.serve.http.access import CALLER, Caller
from edge.serve.http.route import route_of

log = logging.getLogger(__name__)

REPEAT_AFTER_S = 60.0
MAX_REMEMBERED = 1000


class RecentViews:
    """What was noted within the last minute. Not thread-safe: used on one event loop."""

    def __init__(self) -> None:
        self._noted: dict[tuple[str, str, str], float] = {}

    def is_new(self, actor: str, action: str, subject: str) -> bool:
        """Whether this was not noted within the last minute."""
        key, now = (actor, action, subject), time.monotonic()
        if now - self._noted.get(key, float("-inf")) < REPEAT_AFTER_S:
            return False
        if len(self._noted) >= MAX_REMEMBERED:
            self._noted.clear()
        self._noted[key] = now
        return True


SHOWN_PERSON = web.RequestKey("shown_person", str)
"""Where a handler leaves the id of the person it has shown: the row names them, and is blanked when they are erased."""

RECENT_VIEWS = web.AppKey("recent_views", RecentViews)


@web.middleware
async def audit_views(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Audit a view once it was answered without an error; a redirect counts, for the logout."""
    try:
        response = await handler(request)
    except web.HTTPRedirection:
        _note(request)
        raise
    if response.status < 400:
        _note(request)
    return response


def _note(request: web.Request) -> None:
    route = route_of(request)
    action = None if route is None else route.view
    caller = request.get(CALLER, Caller())
    if action is None or caller.name is None:
        return
    subject = request.match_info.get("hit_id") or request.path_qs
    if request.app[RECENT_VIEWS].is_new(caller.name, action, subject):
        detail: dict[str, object] = {"query": dict(request.query)} if request.query else {}
        person_id = request.get(SHOWN_PERSON)
        detail |= {"reference_of": person_id} if person_id else {}
        done = request.app[STORE].audit(caller.name, action, subject[:500], detail, person_id=person_id)
        done.add_done_callback(_log_failure)


def _log_failure(done: Future[None]) -> None:
    if (error := done.exception()) is not None:
        log.error("an audit line could not be stored: %s", error)
