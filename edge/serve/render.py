"""Turns a template and its values into a page. What the templates may use beyond their values is listed here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jinja2
from aiohttp import web

from edge.serve import words
from edge.serve.access import Caller, may
from edge.serve.assets import Assets
from edge.serve.keys import BOX_ID, CALLER, LIVE, TEMPLATES


def make_templates(assets: Assets) -> jinja2.Environment:
    """Load the templates; every value is escaped, a missing one is an error."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("edge.serve"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(words.FILTERS)
    environment.globals["asset"] = assets.address
    return environment


def render(request: web.Request, template: str, values: Mapping[str, Any], *, status: int = 200) -> web.Response:
    """Answer with a page of `template`, knowing who asks."""
    caller = request.get(CALLER, Caller())
    text = (
        request.app[TEMPLATES]
        .get_template(template)
        .render(
            **values,
            caller=caller,
            may=lambda route: may(caller, route),
            here=request.match_info.route.name,
            box_id=request.app[BOX_ID] if caller.known else "",
            cameras=request.app[LIVE].cameras() if caller.known else [],
        )
    )
    return web.Response(text=text, status=status, content_type="text/html")
