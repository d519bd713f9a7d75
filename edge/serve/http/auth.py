"""Who is asking: session cookies, bearer tokens, login, login links and logout. What they may do is in `access`."""

from __future__ import annotations

import asyncio
import hashlib
import time
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from edge.errors import AuthError
from edge.serve.app_keys import CALLER, CONFIG, STORE, read, written
from edge.serve.http.access import Caller, home, require
from edge.serve.http.problems import RequestError
from edge.serve.http.shield import SAFE_METHODS, check_origin, read_form
from edge.serve.page.language import LANGUAGES
from edge.serve.page.renderer import render, texts_of
from edge.store import Store

COOKIE = "edge_session"
TRUST_S = 5.0
"""Seconds for which a checked session isn't looked up again: one ended elsewhere lives on for at most this long."""

WITHOUT_CALLER = frozenset({"livez", "static"})
"""Open routes that answer even when the store can't."""

MAX_TRUSTED = 1000
MAX_LOGINS_WAITING = 8


class Callers:
    """Finds out who sent a request, and remembers sessions for a few seconds. Used on one loop only."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._trusted: dict[bytes, tuple[float, Caller]] = {}
        self._one_login = asyncio.Lock()
        self._logins_waiting = 0

    async def of(self, request: web.Request) -> Caller:
        """Return who sent `request`; a wrong token is an error, a stale cookie is nobody."""
        header = request.headers.get("Authorization")
        if header is not None:
            scheme, _, secret = header.partition(" ")
            caller = self._by_token(secret.strip()) if scheme.lower() == "bearer" else None
            if caller is None:
                raise AuthError(
                    "the header Authorization holds no valid token: expected 'Bearer TOKEN' with a token that is "
                    "neither revoked nor expired; 'edge token add' makes one",
                    status=401,
                )
            return caller
        secret = request.cookies.get(COOKIE, "")
        return await self.by_session(secret) if secret else Caller()

    async def by_session(self, secret: str) -> Caller:
        """Return whose session this is, or nobody."""
        key = _key(secret)
        if (caller := self._trust(key)) is not None:
            return caller
        session = await read(self._store.check_session, secret)
        if session is None:
            return Caller()
        return self._remember(key, Caller(session.user, session.role, session=secret, language=session.language))

    def _by_token(self, secret: str) -> Caller | None:
        token = self._store.check_token(secret)
        return Caller(token.name, scopes=frozenset(token.scopes)) if token else None

    async def log_in(self, name: str, password: str) -> str | None:
        """Check a password, one at a time (argon2 takes 64 MiB and a core); return the user's name or None."""
        if self._logins_waiting >= MAX_LOGINS_WAITING:
            raise AuthError("too many logins at once: wait a few seconds and try again", status=429, retry_after_s=5)
        self._logins_waiting += 1
        try:
            async with self._one_login:
                user = await read(self._store.check_password, name, password)
        finally:
            self._logins_waiting -= 1
        return user.name if user else None

    def forget(self, caller: Caller) -> None:
        """Look this session up again at its next request."""
        if caller.session is not None:
            self._trusted.pop(_key(caller.session), None)

    def forget_all(self) -> None:
        """Look every session up again: users or logins have changed."""
        self._trusted.clear()

    async def end(self, caller: Caller) -> None:
        """End a session now, here and in the store."""
        if caller.session is not None:
            self._trusted.pop(_key(caller.session), None)
            await written(self._store.end_session(caller.session))

    def _trust(self, key: bytes) -> Caller | None:
        until, caller = self._trusted.get(key, (0.0, None))
        return caller if time.monotonic() < until else None

    def _remember(self, key: bytes, caller: Caller) -> Caller:
        if len(self._trusted) >= MAX_TRUSTED:
            self._trusted.clear()
        self._trusted[key] = (time.monotonic() + TRUST_S, caller)
        return caller


def _key(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


CALLERS = web.AppKey("callers", Callers)


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let a request through only when the table in `access` says so, and a form only when it came from our own page."""
    if request.match_info.route.name in WITHOUT_CALLER:
        return await handler(request)
    caller = await request.app[CALLERS].of(request)
    request[CALLER] = caller
    if request.match_info.http_exception is None:
        require(caller, request.match_info.route.name)
        if request.method not in SAFE_METHODS and not caller.scopes:
            check_origin(request)
    return await handler(request)


async def show_login(request: web.Request) -> web.StreamResponse:
    """The login form; who is logged in goes home."""
    if request[CALLER].role is not None:
        raise web.HTTPSeeOther(home(request[CALLER]))
    return render(request, "login.html", {"error": None, "user": "", "next": local_address(request.query.get("next"))})


async def log_in(request: web.Request) -> web.StreamResponse:
    """Check user and password, and begin a session."""
    form = await read_form(request)
    name, password, onward = form.get("user", ""), form.get("password", ""), local_address(form.get("next"))
    headers: dict[str, str] = {}
    status, error = 401, texts_of(request)("login.wrong")
    try:
        user = await request.app[CALLERS].log_in(name, password) if name and password else None
    except AuthError as refused:
        user, status, seconds = None, refused.http_status, refused.retry_after_s or 5
        error = texts_of(request)("login.wait", seconds=seconds)
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
        error = texts_of(request)("login.link_used")
        return render(request, "login.html", {"error": error, "user": "", "next": ""}, status=401)
    return await begin_session(request, user, "")


async def log_out(request: web.Request) -> web.StreamResponse:
    """End the session and go back to the login form."""
    await request.app[CALLERS].end(request[CALLER])
    response = web.HTTPSeeOther("/login")
    response.del_cookie(COOKIE, path="/")
    raise response


async def set_language(request: web.Request) -> web.StreamResponse:
    """Remember the language somebody reads in, and go back to the page they came from."""
    form, caller = await read_form(request), request[CALLER]
    if form.get("language") not in LANGUAGES:
        raise RequestError(f"the language is not known: choose from {', '.join(LANGUAGES)}", status=422)
    await written(request.app[STORE].set_language(caller.name or "", form["language"]))
    request.app[CALLERS].forget(caller)
    raise web.HTTPSeeOther(local_address(form.get("back")) or home(caller))


async def begin_session(request: web.Request, user: str, onward: str) -> web.StreamResponse:
    """Log somebody in and lead them on."""
    hours = request.app[CONFIG].session_hours
    # The old session, if there was one, must not live on beside the new one.
    await request.app[CALLERS].end(request[CALLER])
    secret = await written(request.app[STORE].add_session(user, hours, request.remote))
    caller = await request.app[CALLERS].by_session(secret)
    response = web.HTTPSeeOther(onward or home(caller))
    response.set_cookie(
        COOKIE, secret, max_age=int(hours * 3600), path="/", httponly=True, samesite="Strict", secure=request.secure
    )
    raise response


def local_address(address: str | None) -> str:
    """Return `address` if it is a path of this box, else nothing: a login never leads to another host."""
    if not address or not address.startswith("/") or address[1:2] in {"/", "\\"} or any(c < " " for c in address):
        return ""
    parts = urlsplit(address)
    return address if not parts.scheme and not parts.netloc else ""
