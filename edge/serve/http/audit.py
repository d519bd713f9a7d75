"""Notes in the audit who looked at what. One table of routes; what is changed is noted by the store itself.

A page that is looked at again within a minute is noted once: else a page left open would fill the audit.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from concurrent.futures import Future

from aiohttp import web
from aiohttp.typedefs import Handler

from edge.serve.app_keys import CALLER, STORE
from edge.serve.http.access import Caller

log = logging.getLogger(__name__)

VIEWS: Mapping[str, str] = {
    "now": "live.view",
    "hit": "hit.view",
    "hits": "hits.search",
    "people": "watchlist.view",
    "people.person": "watchlist.view",
    "examine.job": "examine.view",
    "box": "box.view",
    "api.alert": "hit.view",
    "api.watchlist": "watchlist.view",
    "api.coverage": "coverage.view",
    "logout": "logout",
}
"""Action of each route that is noted when it answered. How far machines pull the feed is noted with their cursors."""

AGAIN_AFTER_S = 60.0
MAX_REMEMBERED = 1000


class Notes:
    """Remembers for a minute what was noted. Used on one loop only."""

    def __init__(self) -> None:
        self._noted: dict[tuple[str, str, str], float] = {}

    def is_new(self, actor: str, action: str, subject: str) -> bool:
        """Whether this was not noted within the last minute."""
        key, now = (actor, action, subject), time.monotonic()
        if now - self._noted.get(key, float("-inf")) < AGAIN_AFTER_S:
            return False
        if len(self._noted) >= MAX_REMEMBERED:
            self._noted.clear()
        self._noted[key] = now
        return True


NOTES = web.AppKey("notes", Notes)


@web.middleware
async def note_views(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Note a view once it was answered; a redirect after a form counts as an answer."""
    try:
        response = await handler(request)
    except web.HTTPRedirection:
        _note(request)
        raise
    if response.status < 400:
        _note(request)
    return response


def _note(request: web.Request) -> None:
    action = VIEWS.get(request.match_info.route.name or "")
    caller = request.get(CALLER, Caller())
    if action is None or caller.name is None:
        return
    subject = request.match_info.get("hit_id") or request.path_qs
    if request.app[NOTES].is_new(caller.name, action, subject):
        detail = {"query": dict(request.query)} if request.query else {}
        done = request.app[STORE].audit(caller.name, action, subject[:500], detail)
        done.add_done_callback(_say_if_lost)


def _say_if_lost(done: Future[None]) -> None:
    if (error := done.exception()) is not None:
        log.error("an audit line could not be stored: %s", error)
