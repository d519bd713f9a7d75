"""A box that nobody can log in to yet: its one page, on which whoever has the printed code becomes the first user."""

from __future__ import annotations

import re

from aiohttp import web
from aiohttp.typedefs import Handler

from edge.errors import AuthError, ConflictError
from edge.serve.app_keys import STORE, read, written
from edge.serve.http.auth import begin_session
from edge.serve.http.problems import is_page
from edge.serve.http.shield import read_form
from edge.serve.page.language import Translate
from edge.serve.page.renderer import render, texts_of
from edge.store.accounts.passwords import MIN_PASSWORD

PAGE = "/claim"
ALWAYS = frozenset({"livez", "static", "claim", "claim.take"})
_CLAIMED: web.AppKey[set[bool]] = web.AppKey("claimed")


def prepare(app: web.Application) -> None:
    """Remember per application that the box was claimed: it never becomes unclaimed while it runs."""
    app[_CLAIMED] = set()


async def _is_claimed(app: web.Application) -> bool:
    if not app[_CLAIMED] and await read(app[STORE].claim.is_claimed):
        app[_CLAIMED].add(True)
    return bool(app[_CLAIMED])


@web.middleware
async def only_claim(request: web.Request, handler: Handler) -> web.StreamResponse:
    """While nobody can log in, lead every page to the claim. Machines with a token are served: somebody gave it."""
    if request.match_info.route.name in ALWAYS or not is_page(request) or await _is_claimed(request.app):
        return await handler(request)
    raise web.HTTPSeeOther(PAGE)


async def show(request: web.Request) -> web.StreamResponse:
    """The form; once the box is claimed, the way to the login."""
    if await _is_claimed(request.app):
        raise web.HTTPSeeOther("/login")
    return _form(request, "", None)


async def take(request: web.Request) -> web.StreamResponse:
    """Make the first user, and log them in."""
    form, t = await read_form(request), texts_of(request)
    name, password = form.get("user", "").strip(), form.get("password", "")
    if (wrong := _what_is_wrong(t, name, password)) is not None:
        return _form(request, name, wrong, 422)
    claim = request.app[STORE].claim
    try:
        await written(await read(claim.redeem, form.get("code", ""), name, password))
    except AuthError as error:
        return _form(request, name, t("claim.wrong"), error.http_status)
    except ConflictError:
        return render(request, "login.html", {"error": t("claim.done"), "user": name, "next": ""}, status=409)
    return await begin_session(request, name, "")


def _what_is_wrong(t: Translate, name: str, password: str) -> str | None:
    if not 1 <= len(name) <= 100 or re.search(r"[\x00-\x1f\x7f]", name):
        return t("people.one_name")
    return t("claim.password", count=MIN_PASSWORD) if len(password) < MIN_PASSWORD else None


def _form(request: web.Request, name: str, error: str | None, status: int = 200) -> web.Response:
    values = {"user": name, "error": error, "min_password": MIN_PASSWORD}
    return render(request, "claim.html", values, status=status)
