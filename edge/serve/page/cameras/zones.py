"""Zones and masks of a camera, drawn over its live picture by a supervisor or installer."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from edge.config.drawn import DIGITS, KINDS, MAX_POLYGONS, DrawnAreas, rounded
from edge.errors import PreconditionError, StoreError
from edge.serve.http import inputs
from edge.serve.http.access import CALLER
from edge.serve.http.problems import RequestError
from edge.serve.page.renderer import render, translator_of
from edge.serve.ports import CameraAreas, require_areas

MAX_MARKS = 6000
_SAVED = "saved"


async def show(request: web.Request) -> web.StreamResponse:
    """The live picture with what is drawn over it."""
    inputs.check_names(request, (_SAVED,))
    found = await require_areas(request.app).of(request.match_info["camera"])
    return _page(request, found, text_of(found.drawn), is_saved=_SAVED in request.query)


async def save(request: web.Request) -> web.StreamResponse:
    """Take what was drawn; it counts from the next frame on."""
    keeper, camera = require_areas(request.app), request.match_info["camera"]
    found = await keeper.of(camera)
    form, t = await inputs.read_form(request), translator_of(request)
    text = form.get("areas", "")
    try:
        areas = DrawnAreas.model_validate(inputs.parse_json(text.encode(), max_marks=MAX_MARKS))
    except (ValidationError, RequestError) as error:
        return _page(request, found, text, error=t("zones.wrong", why=_why(error)), status=422)
    try:
        await keeper.save(camera, areas, version=form.get("version", ""), by=request[CALLER].name or "")
    except PreconditionError:
        return _page(request, found, text, error=t("zones.changed"), status=412)
    except StoreError as error:
        return _page(request, found, text, error=str(error), status=503)
    raise web.HTTPSeeOther(f"/box/zones/{camera}?{_SAVED}=1")


def text_of(areas: DrawnAreas) -> str:
    """The areas as the form's text has them."""
    return json.dumps({kind: rounded(getattr(areas, kind)) for kind in KINDS})


def _page(
    request: web.Request,
    found: CameraAreas,
    text: str,
    *,
    error: str | None = None,
    is_saved: bool = False,
    status: int = 200,
) -> web.Response:
    fixed = {
        kind: [[[round(x, DIGITS), round(y, DIGITS)] for x, y in one] for one in found.fixed[kind]] for kind in KINDS
    }
    values: dict[str, Any] = {
        "camera": request.match_info["camera"],
        "kinds": KINDS,
        "drawn": text,
        "fixed": json.dumps(fixed),
        "num_fixed": sum(map(len, fixed.values())),
        "version": found.drawn.version,
        "max_polygons": MAX_POLYGONS,
        "error": error,
        "is_saved": is_saved,
    }
    return render(request, "zones.html", values, status=status)


def _why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return ": ".join((".".join(map(str, first["loc"])), first["msg"]))
    return str(error)
