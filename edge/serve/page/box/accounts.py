"""Forms of the box page for users, their logins and passwords, and machine tokens. The store audits each change.

Every form leads back to the box page. A token's secret is shown in the answer that made it, and never again.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field

from aiohttp import web

from edge.errors import AuthError, ConflictError, NotFoundError
from edge.serve.app_keys import STORE, read, written
from edge.serve.http.access import CALLER
from edge.serve.http.auth import CALLERS, begin_session
from edge.serve.http.inputs import read_form
from edge.serve.http.problems import RequestError
from edge.serve.http.route import may_call
from edge.serve.page.box import box
from edge.serve.page.renderer import translator_of
from edge.store import ROLES, SCOPES, Role, Token
from edge.store.accounts.passwords import MAX_PASSWORD, MIN_PASSWORD

_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,100}")
_LOGIN = re.compile(r"[0-9a-f]{16}", re.ASCII)


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made. Only the answer to this form holds its secret."""

    name: str
    expires_at: dt.datetime | None
    secret: str = field(repr=False)


async def add_user(request: web.Request) -> web.StreamResponse:
    """Add a user with a role and a first password."""
    form, t = await read_form(request), translator_of(request)
    name, role, password = form.get("user", "").strip(), form.get("role", ""), form.get("password", "")
    if not _NAME.fullmatch(name):
        return await _show_error(request, t("access.one_name"))
    if role not in ROLES:
        return await _show_error(request, t("access.one_role"))
    if not _is_password(password):
        return await _show_error(request, t("access.one_password", count=MIN_PASSWORD))
    store, by = request.app[STORE], request[CALLER].name or ""
    try:
        await written(await read(store.add_user, name, role, password, by=by))
    except ConflictError:
        return await _show_error(request, t("access.user_exists", name=name), 409)
    raise web.HTTPSeeOther("/box#users")


async def set_password(request: web.Request) -> web.StreamResponse:
    """Give somebody a new password; whoever is logged in with the old one is logged out."""
    form, t = await read_form(request), translator_of(request)
    name, password = form.get("user", ""), form.get("password", "")
    if not _is_password(password):
        return await _show_error(request, t("access.one_password", count=MIN_PASSWORD))
    return await _change_password(request, name, password, "/box#users")


async def own_password(request: web.Request) -> web.StreamResponse:
    """Change the caller's own password; the current one is checked as at login, with the same lock-out."""
    form, t, name = await read_form(request), translator_of(request), request[CALLER].name or ""
    password = form.get("password", "")
    if not _is_password(password):
        return await _show_error(request, t("access.one_password", count=MIN_PASSWORD))
    try:
        known = await request.app[CALLERS].log_in(request, name, form.get("current", "x"))
    except AuthError as refused:
        wait = t("login.wait", seconds=refused.retry_after_s or 5)
        return await _show_error(request, wait, refused.http_status)
    if known is None:
        return await _show_error(request, t("access.wrong_password"))
    return await _change_password(request, name, password, "/box#you")


async def _change_password(request: web.Request, name: str, password: str, onward: str) -> web.StreamResponse:
    store, caller = request.app[STORE], request[CALLER]
    try:
        await written(await read(store.set_password, name, password, by=caller.name or ""))
    except NotFoundError:
        return await _show_error(request, translator_of(request)("access.no_user", name=name[:100]), 409)
    request.app[CALLERS].drop_all_cached()
    if name == caller.name:  # all logins of that name have ended, this one too
        return await begin_session(request, name, onward)
    raise web.HTTPSeeOther(onward)


async def remove_user(request: web.Request) -> web.StreamResponse:
    """Remove a user and end their logins. Refused for oneself and for the last supervisor."""
    form, t = await read_form(request), translator_of(request)
    name, by = form.get("user", ""), request[CALLER].name or ""
    if name == by:
        return await _show_error(request, t("access.not_yourself"), 409)
    try:
        await written(request.app[STORE].remove_user(name, by=by, keep_one=Role.SUPERVISOR))
    except NotFoundError:
        return await _show_error(request, t("access.no_user", name=name[:100]), 409)
    except ConflictError:
        return await _show_error(request, t("access.last_supervisor", name=name), 409)
    request.app[CALLERS].drop_all_cached()
    raise web.HTTPSeeOther("/box#users")


async def end_login(request: web.Request) -> web.StreamResponse:
    """End one login: the caller's own, or anybody's for a supervisor. Ending one that is already over is no error."""
    login_id, caller = (await read_form(request)).get("login", ""), request[CALLER]
    if not _LOGIN.fullmatch(login_id):
        raise RequestError("the login is not one of this page: load the page again", status=422)
    store = request.app[STORE]
    found = next((one for one in await read(store.logins) if one.login_id == login_id), None)
    if found is not None:
        if found.user != caller.name and not may_call(request, "box.user.remove"):
            raise AuthError("this is somebody else's login: a supervisor may end it", status=403)
        await written(store.end_login(login_id, by=caller.name or ""))
        request.app[CALLERS].drop_all_cached()
    raise web.HTTPSeeOther("/box#logins" if may_call(request, "api.consumers") else "/box#you")


async def add_token(request: web.Request) -> web.StreamResponse:
    """Make a token for a machine, and show it this once."""
    form, t = await read_form(request), translator_of(request)
    name, days = form.get("name", "").strip(), form.get("days", "")
    scopes = [scope for scope in SCOPES if f"scope.{scope}" in form]
    if not _NAME.fullmatch(name):
        return await _show_error(request, t("access.one_name"))
    if not scopes:
        return await _show_error(request, t("access.one_scope"))
    if days not in map(str, box.TOKEN_DAYS):
        return await _show_error(request, t("access.one_term"))
    if any(token.name == name for token in await read(request.app[STORE].tokens)):
        return await _show_error(request, t("access.token_exists", name=name), 409)
    return await _issue(request, name, scopes, int(days) or None)


async def rotate_token(request: web.Request) -> web.StreamResponse:
    """Issue a token with scopes and lifetime of the newest of that name; both work until the older is revoked."""
    name = (await read_form(request)).get("name", "")
    same = [token for token in await read(request.app[STORE].tokens) if token.name == name]
    if not same:
        return await _show_error(request, translator_of(request)("access.no_token", name=name[:100]), 409)
    return await _issue(request, name, same[-1].scopes, _days_valid(same[-1]))


def _days_valid(token: Token) -> float | None:
    """Lifetime in days that a token was issued with; None for no end."""
    return None if token.expires_at is None else (token.expires_at - token.created_at) / dt.timedelta(days=1)


async def _issue(
    request: web.Request, name: str, scopes: tuple[str, ...] | list[str], days: float | None
) -> web.StreamResponse:
    expires_at = None if days is None else dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
    try:
        secret = await written(request.app[STORE].add_token(name, scopes, expires_at, by=request[CALLER].name or ""))
    except ConflictError:
        return await _show_error(request, translator_of(request)("access.two_tokens", name=name), 409)
    return await box.render_page(request, status=201, issued=NewToken(name, expires_at, secret))


async def revoke_token(request: web.Request) -> web.StreamResponse:
    """Revoke the tokens of a name, or all but the newest of them."""
    form = await read_form(request)
    name, only_older = form.get("name", ""), form.get("which") == "older"
    try:
        await written(request.app[STORE].revoke_token(name, only_older=only_older, by=request[CALLER].name or ""))
    except NotFoundError:
        return await _show_error(request, translator_of(request)("access.no_token", name=name[:100]), 409)
    raise web.HTTPSeeOther("/box#tokens")


def _is_password(text: str) -> bool:
    return MIN_PASSWORD <= len(text) <= MAX_PASSWORD


async def _show_error(request: web.Request, error: str, status: int = 422) -> web.Response:
    return await box.render_page(request, error, status)
