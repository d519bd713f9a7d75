"""Live frames with their records and ages, and the event stream that tells a page what to reload."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from edge.errors import StoreError
from edge.records import LiveView
from edge.serve.app_keys import FEED_BELL, LIVE, STORE, read
from edge.serve.board import age_ms
from edge.serve.http import inputs
from edge.serve.http.access import CALLER
from edge.serve.http.auth import CALLERS
from edge.serve.http.problems import RequestError
from edge.serve.http.quotas import LIVE_VIEWS
from edge.serve.http.route import may_call
from edge.serve.page.now import SharedAnswer
from edge.serve.page.wording.zone import ZONE
from edge.store import time_from_text, time_to_text
from edge.store.hits.search import HitFilter

FRAME_WAIT_S = 10.0
HEARTBEAT_S = 15.0
MIN_EVENT_GAP_S = 0.5
REJECTED = 100
"""Rejected hits that are looked through for stays still in view."""
REJECTED_HITS: web.AppKey[SharedAnswer[Mapping[str, str]]] = web.AppKey("rejected_hits")


async def frame(request: web.Request) -> web.StreamResponse:
    """Answer with a camera's next frame and record as multipart/form-data, which browsers can parse; or 204."""
    view, waited_ms = await _next(request)
    return await _multipart(request, [] if view is None else [view], waited_ms)


async def frames(request: web.Request) -> web.StreamResponse:
    """Like `frame`, for all cameras at once: a browser opens only about six connections to a host.

    `lit` names the cameras whose frames are to be lightened.
    """
    inputs.check_names(request, ("after", "lit"))
    shown = _parse_after(request.query.get("after", ""))
    seen = {camera: shown.get(camera) for camera in request.app[LIVE].cameras()}
    lit = frozenset(request.query.get("lit", "").split(","))
    began = time.monotonic()
    with request.app[LIVE_VIEWS].held_by(request[CALLER].owner):
        views = await request.app[LIVE].wait_newer_any(seen, FRAME_WAIT_S, lit)
    return await _multipart(request, views, (time.monotonic() - began) * 1e3)


def _parse_after(text: str) -> dict[str, int]:
    """Parse `after`: the newest frame the page has of each camera, such as `door:12,yard:7`."""
    seen: dict[str, int] = {}
    for part in text.split(",") if text else ():
        camera, _, number = part.partition(":")
        if not camera or not (number.isascii() and number.isdigit() and len(number) < 19):
            raise RequestError(f"after = {text[:60]!r} is not right: give camera:frame, with commas between them")
        seen[camera] = int(number)
    return seen


async def _multipart(request: web.Request, views: list[LiveView], waited_ms: float) -> web.Response:
    """Encode views as form-data, a part `record` and a part `picture` for each; 204 if there are none."""
    if not views:
        return web.Response(status=204)
    names, mark, parts = may_call(request, "hit"), b"frame-and-record", []
    rejected = await _rejected(request, views) if names else {}
    jpegs = await read(lambda: [view.make_jpeg() for view in views])
    for view, jpeg in zip(views, jpegs, strict=True):
        record = json.dumps(
            _record(view, rejected, names=names) | {"waited_ms": waited_ms}, ensure_ascii=False
        ).encode()
        parts += [
            b"--" + mark + b'\r\nContent-Disposition: form-data; name="record"\r\n\r\n' + record,
            b"\r\n--" + mark + b'\r\nContent-Disposition: form-data; name="picture"; filename="frame.jpg"\r\n',
            b"Content-Type: image/jpeg\r\n\r\n",
            jpeg,
            b"\r\n",
        ]
    body = b"".join([*parts, b"--" + mark + b"--\r\n"])
    return web.Response(body=body, headers={"Content-Type": f"multipart/form-data; boundary={mark.decode()}"})


async def picture(request: web.Request) -> web.StreamResponse:
    """Answer with the next frame as a plain JPEG; id, age and record size travel in headers."""
    view, waited_ms = await _next(request)
    if view is None:
        return web.Response(status=204)
    headers = {
        "X-Frame-Id": str(view.frame_id),
        "X-Frame-Age-Ms": f"{age_ms(view):.1f}",
        "X-Frame-Waited-Ms": f"{waited_ms:.1f}",
        "X-Frame-Captured-At": time_to_text(view.captured_at),
        "X-Frame-Faces": str(len(view.faces)),
        "X-Frame-Lit": "yes" if view.is_lit else "no",
    }
    return web.Response(body=await read(view.make_jpeg), content_type="image/jpeg", headers=headers)


async def _next(request: web.Request) -> tuple[LiveView | None, float]:
    inputs.check_names(request, ("after", "view"))
    is_lit = _is_lit(request)
    camera = request.match_info["camera"]
    if camera not in request.app[LIVE].cameras():
        raise web.HTTPNotFound
    after = inputs.whole_number(request, "after", -1, 0, 10**18)
    seen = after if after >= 0 else None
    began = time.monotonic()
    with request.app[LIVE_VIEWS].held_by(request[CALLER].owner):
        view = await request.app[LIVE].wait_newer(camera, seen, FRAME_WAIT_S, is_lit=is_lit)
    return view, (time.monotonic() - began) * 1e3


def _is_lit(request: web.Request) -> bool:
    """Whether a lightened view is asked for: `view=lit`."""
    view = request.query.get("view", "plain")
    if view not in ("plain", "lit"):
        raise RequestError(f"view = {view[:40]!r} is not right: give lit, or leave it out")
    return view == "lit"


async def _rejected(request: web.Request, views: list[LiveView]) -> Mapping[str, str]:
    """When the hits of stays that are in view were rejected, as the page shows times; by hit, the newest alone."""
    if not any(face.hit_id for view in views for face in view.faces):
        return {}
    store, zone = request.app[STORE], request.app[ZONE]

    async def make() -> Mapping[str, str]:
        found = await read(store.find_hits, HitFilter(state="rejected"), None, REJECTED)
        return {hit.hit_id: zone.short(time_from_text(hit.review["at"])) for hit in found}

    try:
        return await request.app[REJECTED_HITS].get((store.head_seq(), store.data_version()), make)
    except StoreError:
        return {}  # the strip says what is wrong with the store; the picture goes on


def _record(view: LiveView, rejected: Mapping[str, str], *, names: bool) -> dict[str, Any]:
    """What to draw on the frame; who may not see hits gets boxes without names."""
    return {
        "camera": view.camera,
        "frame_id": view.frame_id,
        "captured_at": time_to_text(view.captured_at),
        "age_ms": age_ms(view),
        "width": view.width,
        "height": view.height,
        "lit": view.is_lit,
        "faces": [
            {
                "box": [round(float(edge), 1) for edge in face.box],
                "label": face.label if names else None,
                "similarity": round(float(face.similarity), 4) if names and face.similarity is not None else None,
                "track_id": face.track_id,
                "rejected": rejected.get(face.hit_id or ""),
                "between": names and face.is_between,
            }
            for face in view.faces
        ],
    }


async def events(request: web.Request) -> web.StreamResponse:
    """Server-sent events that say only *that* hits or health changed; the page then asks for what it may see."""
    kind = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    response = web.StreamResponse(headers=kind)  # nginx would keep events back
    # ConnectionResetError: the page was left, perhaps before its stream began.
    with request.app[LIVE_VIEWS].held_by(request[CALLER].owner), contextlib.suppress(ConnectionResetError):
        await _tell_news(request, response)
    return response


async def _tell_news(request: web.Request, response: web.StreamResponse) -> None:
    """Write an event for each piece of news, until the login ends."""
    bells = {"hits": request.app[FEED_BELL], "health": request.app[LIVE].health_bell}
    rings = {name: bell.rings for name, bell in bells.items()}
    await response.prepare(request)
    await response.write(b"retry: 2000\n\nevent: hello\ndata: {}\n\n")
    while True:
        waits = [asyncio.create_task(bell.wait(rings[name], HEARTBEAT_S)) for name, bell in bells.items()]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        # The stream outlives a logout: check the session before each event.
        if not await _still_logged_in(request):
            return
        news = [name for name, bell in bells.items() if bell.rings != rings[name]]
        rings |= {name: bells[name].rings for name in news}
        await response.write("".join(f"event: {name}\ndata: {{}}\n\n" for name in news).encode() or b": beat\n\n")
        # Pause, so that a burst of commits becomes one event.
        await asyncio.sleep(MIN_EVENT_GAP_S)


async def _still_logged_in(request: web.Request) -> bool:
    secret = request[CALLER].session
    return secret is not None and (await request.app[CALLERS].by_session(secret)).is_known
