"""The strip on top of every page: what keeps guards from being told, since when, and what to do about it.

It holds a pause, cameras that show nothing, hits that can't be stored, the conditions of the box, and an empty list.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from edge.serve.app_keys import HEALTH, LIVE, read
from edge.serve.http.access import CALLER, Caller
from edge.serve.http.problems import is_page
from edge.serve.page.wording.zone import ZONE
from edge.serve.ports import RECOGNITION_SWITCH
from edge.store.coverage.pause import Pause

_BOX: web.RequestKey[dict[str, Any]] = web.RequestKey("box_status")


@web.middleware
async def look_at_box(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Read the box's health before a page is made, so that the page can say what is wrong."""
    if is_page(request) and request.get(CALLER, Caller()).role is not None:
        await box_status(request)
    return await handler(request)


async def box_status(request: web.Request) -> dict[str, Any]:
    """The box's health, as read once for this request."""
    if _BOX not in request:
        request[_BOX] = dict(await read(request.app[HEALTH]))
    return request[_BOX]


def strip_values(request: web.Request) -> dict[str, Any]:
    """Template values of parts/strip.html."""
    live, switch = request.app[LIVE], request.app[RECOGNITION_SWITCH]
    pause: Pause | None = None if switch is None else switch.pause_now
    values = {"conditions": live.conditions(), "strip_cameras": live.health(), "strip_box": request.get(_BOX, {})}
    return values | {"paused": pause, "zone": request.app[ZONE]}
