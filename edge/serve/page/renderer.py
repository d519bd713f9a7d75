"""Renders templates. What a template can use beside the values a handler passes is listed here."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import jinja2
from aiohttp import web

from edge.serve.app_keys import BOX_ID, LIVE, SITE, Statuses
from edge.serve.http.access import CALLER, Caller
from edge.serve.http.auth import came_from
from edge.serve.http.proxies import ROOT
from edge.serve.http.route import home, may_call, name_of
from edge.serve.page.assets import Assets
from edge.serve.page.strip import strip_values
from edge.serve.page.wording import language
from edge.serve.page.wording.environment import make_environment
from edge.serve.page.wording.language import LANGUAGES, Translate
from edge.serve.page.wording.zone import SiteZone

TEMPLATES: web.AppKey[dict[str, jinja2.Environment]] = web.AppKey("templates")
"""By language."""
TEXTS: web.AppKey[dict[str, Translate]] = web.AppKey("texts")
"""By language."""


def make_templates(assets: Assets, statuses: Statuses, zone: SiteZone, t: Translate) -> jinja2.Environment:
    """Load the page's templates of one language."""
    environment = make_environment("edge.serve.page", t, zone)
    environment.globals.update(
        asset=assets.address,
        languages=LANGUAGES,
        meaning=statuses,
    )
    return environment


def translator_of(request: web.Request) -> Translate:
    """Texts in the caller's language: their own choice, else the browser's, else the site's."""
    own, accept = request.get(CALLER, Caller()).language, request.headers.get("Accept-Language", "")
    return request.app[TEXTS][language.choose(own, accept, request.app[SITE].language)]


def render(request: web.Request, template: str, values: Mapping[str, Any], *, status: int = 200) -> web.Response:
    """Answer with `template`, filled with `values` and what every page needs: caller, rights, language, cameras."""
    caller = request.get(CALLER, Caller())
    text = (
        request.app[TEMPLATES][translator_of(request).language]
        .get_template(template)
        .render(
            **values,
            caller=caller,
            home=home(request.app, caller) if caller.is_known else "/login",
            may=functools.partial(may_call, request),
            here=name_of(request),
            root=request.get(ROOT, ""),
            path=request.path_qs if request.method == "GET" and name_of(request) else "/",
            box_id=request.app[BOX_ID] if caller.is_known else "",
            cameras=request.app[LIVE].cameras() if caller.is_known else [],
            **(strip_values(request) if caller.is_known else {}),
        )
    )
    return web.Response(text=text, status=status, content_type="text/html", headers={"Vary": "Accept-Language"})


def problem_page(request: web.Request, problem: dict[str, Any]) -> web.Response:
    """Show a browser what went wrong; a browser that is not logged in goes to the login, and from there back here.

    Where a login ended under a form, the page says first that nothing of the form was kept.
    """
    if problem["status"] == 401:
        page = request.path_qs if request.method == "GET" else came_from(request)
        login = "/login" + (f"?next={quote(page, safe='')}" if page not in ("", "/") else "")
        if request.method == "GET":
            return web.Response(status=303, headers={"Location": login})
        return render(request, "problem.html", {"problem": problem | {"detail": ""}, "login": login}, status=401)
    return render(request, "problem.html", {"problem": problem, "login": None}, status=problem["status"])
