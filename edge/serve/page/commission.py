"""The installer's acceptance walk on the page: who walks, station by station, and the signed sheet at the end."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from edge.errors import EdgeError, NotFoundError, ServiceError
from edge.records import CameraState, Person
from edge.serve.app_keys import LIVE, STORE, read
from edge.serve.http.access import CALLER
from edge.serve.http.audit import SHOWN_PERSON
from edge.serve.http.file_types import read_picture_header
from edge.serve.http.inputs import read_form
from edge.serve.http.pictures import serve_file
from edge.serve.http.problems import RequestError
from edge.serve.http.route import may_call
from edge.serve.page.renderer import render, translator_of
from edge.serve.ports import RECOGNITION_SWITCH, require_walk

LIGHTS = ("day", "night")
STATIONS_M = (2, 3, 4, 5, 6, 7, 8)
MAX_METRES = 100
WALKER_STATUS = "commissioning"
"""Status of people who are on the list to walk: an installer, who may not see the list, is offered them alone."""
CALIBRATE = "edge watchlist calibrate --write"
NOT_LIVE = frozenset(
    {CameraState.STARTING, CameraState.STALLED, CameraState.FROZEN, CameraState.LOST, CameraState.ENDED}
)
"""States in which a camera's picture says nothing of who stands before it now."""
SEES_TOO_LITTLE = frozenset({CameraState.COVERED, CameraState.DEFOCUSED, CameraState.WASHED_OUT})
"""Faults that end before an acceptance. A dark picture is none here: walks are made at night, too."""


async def show(request: web.Request) -> web.StreamResponse:
    """Show the walk: who walks, what each station has shown, what to do next."""
    return await _page(request, None)


async def act(request: web.Request) -> web.StreamResponse:
    """Do what the form's `action` says: begin, measure, finish or cancel."""
    walk, form = require_walk(request.app), await read_form(request)
    try:
        match form.get("action"):
            case "begin":
                camera = form.get("camera", "")
                if camera not in request.app[LIVE].cameras():
                    raise RequestError(f"there is no camera {camera[:40]!r}")
                await walk.begin(camera, form.get("person", "").strip())
            case "measure":
                metres, light = _metres(form.get("metres", "")), _light(form.get("light", ""))
                _require_sight(request, (await read(walk.view)).camera)
                await walk.measure(metres, light)
            case "finish":
                await walk.finish(request[CALLER].name or "", translator_of(request).language)
            case "cancel":
                await walk.cancel()
            case _:
                raise RequestError("action must be begin, measure, finish or cancel")
    except NotFoundError:
        # In words of its own: an installer may not see the list, and what lies beneath might tell who is on it.
        return await _page(request, "nobody with that id and a usable picture is on the list; enrol the walker", 422)
    except EdgeError as error:
        if isinstance(error, ServiceError):
            raise
        return await _page(request, str(error), 422)
    raise web.HTTPSeeOther("/commission")


async def sheet(request: web.Request) -> web.StreamResponse:
    """Download the signed sheet, byte for byte as it was signed."""
    data = require_walk(request.app).sheet()
    if data is None:
        raise RequestError("no sheet has been written yet: finish a walk first", status=404)
    headers = {"Content-Disposition": 'attachment; filename="commission.html"'}
    return web.Response(body=data, content_type="text/html", charset="utf-8", headers=headers)


async def _page(request: web.Request, error: str | None, status: int = 200) -> web.Response:
    walk = require_walk(request.app)
    view = await read(walk.view)
    values: dict[str, Any] = {"people": await read(offered, request), "command": CALIBRATE}
    values |= {"view": view, "error": error, "stations": STATIONS_M, "has_sheet": walk.sheet() is not None}
    return render(request, "commission.html", values, status=status)


def offered(request: web.Request) -> list[tuple[Person, str]]:
    """People who may walk, each with a picture: everybody for who may see the list, else those enrolled to walk."""
    store, sees_all = request.app[STORE], may_call(request, "people")
    pictures = {one.person_id: one.image_sha256 for one in reversed(store.references())}
    return [
        (person, pictures[person.person_id])
        for person in store.people()
        if person.person_id in pictures and (sees_all or person.status == WALKER_STATUS)
    ]


async def picture(request: web.Request) -> web.StreamResponse:
    """The picture of somebody who may walk."""
    people = {person.person_id: sha256 for person, sha256 in await read(offered, request)}
    person_id = request.match_info["person_id"]
    path = await read(request.app[STORE].image_path, people.get(person_id, ""))
    if path is None:
        raise RequestError("nobody of that id is offered for a walk", status=404)
    request[SHOWN_PERSON] = person_id
    header = await read(read_picture_header, path)
    return await serve_file(request, path, {"Content-Type": header.content_type})


def _metres(text: str) -> float:
    """Whole metres, as the sheet has them: 2.5 would be told as 2."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MAX_METRES):
        raise RequestError(f"metres = {text[:20]!r} is no distance: give whole metres, 1 to {MAX_METRES}")
    return float(text)


def _require_sight(request: web.Request, camera: str) -> None:
    """Refuse to measure while nobody could be recognised: the sheet would say that the camera recognises nobody."""
    live, switch = request.app[LIVE], request.app[RECOGNITION_SWITCH]
    if switch is not None and switch.pause_now is not None:
        raise RequestError("recognition is paused: resume it, then measure")
    if any(one.subject == "schedule" and camera in one.cameras for one in live.conditions()):
        raise RequestError(f"camera {camera!r} is outside its hours: measure while faces are looked for there")
    if any(one.camera == camera and one.state in NOT_LIVE for one in live.health()):
        raise RequestError(f"camera {camera!r} gives no live picture now: see to the camera, then measure")
    for one in live.health():
        if one.camera == camera and one.state in SEES_TOO_LITTLE:
            raise RequestError(f"camera {camera!r} sees too little to be measured: {one.detail}")


def _light(text: str) -> str:
    if text not in LIGHTS:
        raise RequestError(f"light = {text[:20]!r} must be day or night")
    return text
