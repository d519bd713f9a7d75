"""What a camera saw before and when it stopped seeing its scene: two pictures side by side, with covered faces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from edge.errors import NotFoundError, StoreError
from edge.records import CameraHealth
from edge.serve.app_keys import LIVE, STORE, read
from edge.serve.http import inputs
from edge.serve.http.pictures import serve_picture
from edge.serve.page.renderer import render
from edge.store import Store, time_from_text, time_to_text
from edge.store.feed.pictures import PicturedItem

ROLES = ("before", "now")
LISTED = 12
LOOKED_THROUGH = 30
"""Newest items among which the one of a state that holds is looked for."""


async def show(request: web.Request) -> web.StreamResponse:
    """One change: the picture before and the picture then."""
    inputs.check_names(request, ())
    found = await _item(request)
    values = {"change": change_of(found), "now_state": _state_now(request, found)}
    return render(request, "scene.html", values)


async def picture(request: web.Request) -> web.StreamResponse:
    """One of the two pictures, as JPEG."""
    inputs.check_names(request, ())
    role, found = request.match_info["role"], await _item(request)
    if role not in found.pictures:
        raise NotFoundError("this picture is not kept: there was none, or it was deleted for newer ones")
    return await serve_picture(request, found.pictures[role])


async def scenes_of(request: web.Request, health: Iterable[CameraHealth]) -> Mapping[str, int]:
    """Number of the item with the pictures of each camera's present state, by camera."""
    shown = {one.camera: (one.state.value, time_to_text(one.since)) for one in health if one.state.value in _PICTURED}
    if not shown:
        return {}
    try:
        newest = await read(request.app[STORE].pictured.newest, LOOKED_THROUGH)
    except StoreError:
        return {}  # the strip says what is wrong with the store
    told = {one.item.seq: one.item.body for one in reversed(newest)}
    return {
        str(body["camera"]): seq
        for seq, body in told.items()
        if shown.get(str(body.get("camera"))) == (body.get("state"), body.get("since"))
    }


def changes(store: Store) -> list[Mapping[str, Any]]:
    """The newest changes that still have pictures, newest first."""
    return [change_of(one) for one in store.pictured.newest(LISTED)]


def change_of(found: PicturedItem) -> Mapping[str, Any]:
    """What the templates show of an item."""
    body = found.item.body
    since = time_from_text(str(body["since"])) if body.get("since") else found.item.at
    return {
        "seq": found.item.seq,
        "camera": body.get("camera", ""),
        "state": body.get("state", ""),
        "detail": body.get("detail", ""),
        "since": since,
        "roles": [role for role in ROLES if role in found.pictures],
        "lost": [role for role in ROLES if role not in found.pictures and role in body.get("pictures", {})],
    }


async def _item(request: web.Request) -> PicturedItem:
    text = request.match_info["seq"]
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else -1
    found = await read(request.app[STORE].pictured.one, number)
    if found is None:
        raise NotFoundError(f"no change of a camera has the number {text[:20]}; it never had, or it is too old")
    return found


def _state_now(request: web.Request, found: PicturedItem) -> CameraHealth | None:
    camera = found.item.body.get("camera")
    return next((one for one in request.app[LIVE].health() if one.camera == camera), None)


_PICTURED = frozenset({"covered", "defocused", "moved", "washed_out", "dark", "frozen"})
