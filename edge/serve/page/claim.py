"""Claims a new device: until it has a user, every page leads here, and the printed code makes the first supervisor."""

from __future__ import annotations

import re

from aiohttp import web
from aiohttp.typedefs import Handler

from edge.errors import AuthError, ConflictError
from edge.serve.app_keys import STORE, read, written
from edge.serve.http.auth import begin_session
from edge.serve.http.inputs import read_form
from edge.serve.http.problems import is_page
from edge.serve.http.route import route_of
from edge.serve.page.renderer import render, translator_of
from edge.serve.page.wording.language import Translate
from edge.store.accounts.passwords import MAX_PASSWORD, MIN_PASSWORD

PAGE = "/claim"
_CLAIMED: web.AppKey[set[bool]] = web.AppKey("claimed")
"""A set, because a started application takes no new values: empty until the device is known to be claimed."""


def prepare(app: web.Application) -> None:
    """Make a cache for the answer that the device is claimed: the database is asked only until then."""
    app[_CLAIMED] = set()


async def _is_claimed(app: web.Application) -> bool:
    if not app[_CLAIMED] and await read(app[STORE].claim.is_claimed):
        app[_CLAIMED].add(True)
    return bool(app[_CLAIMED])


@web.middleware
async def lead_to_claim(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Redirect every page to the claim while nobody can log in. Programs are served: their token was issued here."""
    route = route_of(request)
    is_free = route is not None and route.before_claim
    if is_free or not is_page(request) or await _is_claimed(request.app):
        return await handler(request)
    raise web.HTTPSeeOther(PAGE)


async def show(request: web.Request) -> web.StreamResponse:
    """Show the form; redirect to the login once the device is claimed."""
    if await _is_claimed(request.app):
        raise web.HTTPSeeOther("/login")
    return _form(request, "", None)


async def claim(request: web.Request) -> web.StreamResponse:
    """Make the first user, and log them in."""
    form, t = await read_form(request), translator_of(request)
    name, password = form.get("user", "").strip(), form.get("password", "")
    if (wrong := _form_error(t, name, password)) is not None:
        return _form(request, name, wrong, 422)
    claim = request.app[STORE].claim
    try:
        await written(await read(claim.redeem, form.get("code", ""), name, password))
    except AuthError as error:
        return _form(request, name, t("claim.wrong"), error.http_status)
    except ConflictError:
        return render(request, "login.html", {"error": t("claim.done"), "user": name, "next": ""}, status=409)
    return await begin_session(request, name, "")


def _form_error(t: Translate, name: str, password: str) -> str | None:
    if not 1 <= len(name) <= 100 or re.search(r"[\x00-\x1f\x7f]", name):
        return t("people.one_name")
    if len(password) > MAX_PASSWORD:
        return t("claim.long_password", count=MAX_PASSWORD)
    return t("claim.password", count=MIN_PASSWORD) if len(password) < MIN_PASSWORD else None


def _form(request: web.Request, name: str, error: str | None, status: int = 200) -> web.Response:
    values = {"user": name, "error": error, "min_password": MIN_PASSWORD}
    return render(request, "claim.html", values, status=status)
