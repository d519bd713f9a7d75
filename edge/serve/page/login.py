"""Login by password or by a link that works once, logout, and the choice of language."""

from __future__ import annotations

from aiohttp import web

from edge.errors import AuthError
from edge.serve.app_keys import STORE, written
from edge.serve.http.access import CALLER
from edge.serve.http.auth import CALLERS, begin_session, forget_session, local_address
from edge.serve.http.inputs import read_form
from edge.serve.http.logins import BusyError
from edge.serve.http.problems import RequestError
from edge.serve.http.route import home
from edge.serve.page.renderer import render, translator_of
from edge.serve.page.wording.language import LANGUAGES


async def show(request: web.Request) -> web.StreamResponse:
    """Show the login form; redirect users who are logged in to their start page."""
    if request[CALLER].role is not None:
        raise web.HTTPSeeOther(home(request.app, request[CALLER]))
    return render(request, "login.html", {"error": None, "user": "", "next": local_address(request.query.get("next"))})


async def log_in(request: web.Request) -> web.StreamResponse:
    """Check user and password, and begin a session."""
    form = await read_form(request)
    name, password, onward = form.get("user", ""), form.get("password", ""), local_address(form.get("next"))
    headers: dict[str, str] = {}
    status, error = 401, translator_of(request)("login.wrong")
    try:
        user = await request.app[CALLERS].log_in(request, name, password) if name and password else None
    except AuthError as refused:
        user, status, seconds = None, refused.http_status, refused.retry_after_s or 5
        error = translator_of(request)(
            "login.busy" if isinstance(refused, BusyError) else "login.wait", seconds=seconds
        )
        headers = {"Retry-After": str(seconds)}
    if user is None:
        response = render(request, "login.html", {"error": error, "user": name, "next": onward}, status=status)
        response.headers.update(headers)
        return response
    return await begin_session(request, user, onward)


async def follow_link(request: web.Request) -> web.StreamResponse:
    """Log in by a link that works once."""
    user = await written(request.app[STORE].use_login_link(request.query.get("token", "")))
    if user is None:
        error = translator_of(request)("login.link_used")
        return render(request, "login.html", {"error": error, "user": "", "next": ""}, status=401)
    return await begin_session(request, user, "")


async def log_out(request: web.Request) -> web.StreamResponse:
    """End the session and go back to the login form."""
    await request.app[CALLERS].end(request[CALLER])
    response = web.HTTPSeeOther("/login")
    forget_session(request, response)
    raise response


async def set_language(request: web.Request) -> web.StreamResponse:
    """Remember the language somebody reads in, and go back to the page they came from."""
    form, caller = await read_form(request), request[CALLER]
    if form.get("language") not in LANGUAGES:
        raise RequestError(f"the language is not known: choose from {', '.join(LANGUAGES)}", status=422)
    await written(request.app[STORE].set_language(caller.name or "", form["language"]))
    request.app[CALLERS].drop_cached(caller)
    raise web.HTTPSeeOther(local_address(form.get("back")) or home(request.app, caller))
