"""Zones and masks of a camera, drawn over its live picture by a supervisor or installer."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web
from markupsafe import Markup
from pydantic import ValidationError

from edge.config.drawn import DIGITS, KINDS, MAX_POLYGONS, DrawnAreas, rounded
from edge.errors import PreconditionError, StoreError
from edge.serve.http import inputs
from edge.serve.http.access import CALLER
from edge.serve.http.problems import RequestError
from edge.serve.page.renderer import render, translator_of
from edge.serve.page.wording.language import Translate
from edge.serve.ports import CameraAreas, require_areas

MAX_MARKS = 6000
_SAVED = "saved"


async def show(request: web.Request) -> web.StreamResponse:
    """The live picture with what is drawn over it."""
    inputs.check_names(request, (_SAVED,))
    found = await require_areas(request.app).of(request.match_info["camera"])
    return _page(request, found, text_of(found.drawn), found.drawn.version, is_saved=_SAVED in request.query)


async def save(request: web.Request) -> web.StreamResponse:
    """Take what was drawn; it counts from the next frame on."""
    keeper, camera = require_areas(request.app), request.match_info["camera"]
    found = await keeper.of(camera)
    form, t = await inputs.read_form(request), translator_of(request)
    text, version = form.get("areas", ""), form.get("version", "")
    try:
        areas = DrawnAreas.model_validate(inputs.parse_json(text.encode(), max_marks=MAX_MARKS))
    except (ValidationError, RequestError) as error:
        return _page(request, found, text, version, error=t("zones.wrong", why=_why(error, t)), status=422)
    try:
        await keeper.save(camera, areas, version=version, by=request[CALLER].name or "")
    except PreconditionError:
        return _page(request, found, text, version, error=t("zones.changed"), status=412)
    except StoreError as error:
        return _page(request, found, text, version, error=str(error), status=503)
    raise web.HTTPSeeOther(f"/box/zones/{camera}?{_SAVED}=1")


def text_of(areas: DrawnAreas) -> str:
    """The areas as the form's text has them."""
    return json.dumps({kind: rounded(getattr(areas, kind)) for kind in KINDS})


def _page(
    request: web.Request,
    found: CameraAreas,
    text: str,
    version: str,
    *,
    error: str | None = None,
    is_saved: bool = False,
    status: int = 200,
) -> web.Response:
    """The page; `version` is of what `text` was drawn upon, so that a refused form can't overwrite what came since."""
    fixed = {
        kind: [[[round(x, DIGITS), round(y, DIGITS)] for x, y in one] for one in found.fixed[kind]] for kind in KINDS
    }
    values: dict[str, Any] = {
        "camera": request.match_info["camera"],
        "kinds": KINDS,
        "drawn": text,
        "fixed": json.dumps(fixed),
        "num_fixed": sum(map(len, fixed.values())),
        "version": version,
        "max_polygons": MAX_POLYGONS,
        "error": error,
        "is_saved": is_saved,
    }
    return render(request, "zones.html", values, status=status)


def _why(error: Exception, t: Translate) -> Markup:
    """What is wrong with the text, and with which area."""
    first = error.errors()[0] if isinstance(error, ValidationError) else None
    if first is None or not first["loc"] or first["loc"][0] not in KINDS:
        return t("zones.why_text")
    kind, *rest = first["loc"]
    area = Markup(" ").join([t(f"zones.{kind}"), *(str(number + 1) for number in rest[:1] if isinstance(number, int))])
    is_list = not rest and first["type"] == "too_long"
    why = "many" if is_list else _WHY.get(first["type"], "text")
    return Markup("{}: {}").format(area, t(f"zones.why_{why}", count=MAX_POLYGONS))


_WHY = {
    "too_short": "few_corners",
    "too_long": "many_corners",
    "value_error": "no_area",
    "greater_than_equal": "outside",
    "less_than_equal": "outside",
}
"""By pydantic's kind of error: what the page says."""
