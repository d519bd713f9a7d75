"""Finds out who sent a request, by session cookie or bearer token, and checks that the route lets them in."""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from edge.errors import AuthError
from edge.serve.app_keys import CONFIG, STORE, read, written
from edge.serve.http import logins
from edge.serve.http.access import CALLER, Access, Caller, require
from edge.serve.http.proxies import ROOT
from edge.serve.http.quotas import network_of
from edge.serve.http.route import home, route_of
from edge.serve.http.security_headers import SAFE_METHODS, check_origin
from edge.store import Store

FORMER_COOKIE = "edge_session"
"""The session's cookie of earlier versions, which is still read."""
SESSION_CACHE_S = 5.0
"""Seconds a session is cached after its check. One that another process ends stays valid for at most this long."""
MAX_CACHED_SESSIONS = 1000


class Callers:
    """Identifies callers; caches sessions for a few seconds. Not thread-safe: used on one event loop."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._cache: dict[bytes, tuple[float, Caller]] = {}
        self._turns = logins.FairQueue()

    async def identify(self, request: web.Request) -> Caller:
        """Return who sent `request`.

        A wrong token raises AuthError 401: a machine must learn that its token is bad, also where a cookie is good. A
        cookie whose session has ended gives `Caller()`, nobody, who is led to the login.
        """
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
        names = request.app[COOKIES]
        secret = request.cookies.get(names.session) or request.cookies.get(FORMER_COOKIE, "")
        return await self.by_session(secret) if secret else Caller()

    async def by_session(self, secret: str) -> Caller:
        """Return the user of a session, or `Caller()` if it has ended."""
        key = _key(secret)
        if (caller := self._cached(key)) is not None:
            return caller
        session = await read(self._store.check_session, secret)
        if session is None:
            return Caller()
        return self._add_to_cache(key, Caller(session.user, session.role, session=secret, language=session.language))

    def _by_token(self, secret: str) -> Caller | None:
        token = self._store.check_token(secret)
        return Caller(token.name, scopes=frozenset(token.scopes), made_at=token.created_at) if token else None

    async def log_in(self, request: web.Request, name: str, password: str) -> str | None:
        """Check a password in its turn (argon2 takes 64 MiB and a core); return the user's name or None.

        AuthError 429 while this name is locked for the address or known device that asks, or too many wait.
        """
        key = await read(self._store.accounts.device_key)
        device = logins.known_device(request.cookies.get(request.app[COOKIES].device, ""), key, name)
        source = f"{logins.DEVICE}{device}" if device else f"address {network_of(request.remote or '?')}"
        async with self._turns.turn(source, name):
            user = await read(self._store.check_password, name, password, source)
        return user.name if user else None

    def drop_cached(self, caller: Caller) -> None:
        """Drop a session from the cache, because its user's settings have changed."""
        if caller.session is not None:
            self._cache.pop(_key(caller.session), None)

    def drop_all_cached(self) -> None:
        """Empty the cache, because users or logins have changed."""
        self._cache.clear()

    async def end(self, caller: Caller) -> None:
        """End a session now, here and in the store."""
        if caller.session is not None:
            self._cache.pop(_key(caller.session), None)
            await written(self._store.end_session(caller.session))

    def _cached(self, key: bytes) -> Caller | None:
        until, caller = self._cache.get(key, (0.0, None))
        return caller if time.monotonic() < until else None

    def _add_to_cache(self, key: bytes, caller: Caller) -> Caller:
        if len(self._cache) >= MAX_CACHED_SESSIONS:
            self._cache.clear()
        self._cache[key] = (time.monotonic() + SESSION_CACHE_S, caller)
        return caller


def _key(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


CALLERS = web.AppKey("callers", Callers)


@dataclass(frozen=True, slots=True)
class CookieNames:
    """Names that carry the appliance's id: browsers send cookies to all ports of a host, so to other appliances."""

    session: str
    device: str

    @classmethod
    def of(cls, box_id: str) -> CookieNames:
        """The names for the appliance of that id."""
        own = re.sub(r"[^A-Za-z0-9-]", "", box_id)[:40]
        return cls(f"edge_session_{own}", f"edge_device_{own}")


COOKIES = web.AppKey("cookies", CookieNames)


@web.middleware
async def check_access(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a caller whom the route doesn't let in, and a form that another site made the browser send."""
    route = route_of(request)
    if route is not None and not route.needs_caller:
        return await handler(request)
    caller = await request.app[CALLERS].identify(request)
    request[CALLER] = caller
    # An unknown address or method has no rights to check; it gets its 404 or 405 from the router.
    if request.match_info.http_exception is None:
        require(caller, Access() if route is None else route.access)
        # Machines send no Origin; a token proves intent, since no browser adds one by itself.
        if request.method not in SAFE_METHODS and not caller.scopes:
            check_origin(request)
    return await handler(request)


async def begin_session(request: web.Request, user: str, onward: str) -> web.StreamResponse:
    """Start a session, set its cookie, and raise a redirect to `onward` or to the user's start page."""
    hours = request.app[CONFIG].session_hours
    # End the session this browser had before: its cookie is about to be replaced, so nobody could end it later.
    await request.app[CALLERS].end(request[CALLER])
    secret = await written(request.app[STORE].add_session(user, hours, request.remote))
    caller = await request.app[CALLERS].by_session(secret)
    response = web.HTTPSeeOther(onward or home(request.app, caller))
    names = request.app[COOKIES]
    set_cookie(request, response, names.session, secret, hours * 3600)
    former = request.cookies.get(request.app[COOKIES].device, "")
    device = logins.device_cookie(former, await read(request.app[STORE].accounts.device_key), user)
    set_cookie(request, response, names.device, device, logins.DEVICE_DAYS * 86_400)
    raise response


def set_cookie(request: web.Request, response: web.StreamResponse, name: str, value: str, max_age_s: float) -> None:
    """Set a cookie that other sites and scripts don't get; with an age of 0, delete it."""
    response.set_cookie(
        name,
        value,
        max_age=int(max_age_s),
        path=request.get(ROOT) or "/",
        httponly=True,
        samesite="Strict",
        secure=request.secure,
    )


def forget_session(request: web.Request, response: web.StreamResponse) -> None:
    """Delete the session's cookie, also that of earlier versions."""
    for name in (request.app[COOKIES].session, FORMER_COOKIE):
        if name in request.cookies:
            set_cookie(request, response, name, "", 0)


def local_address(address: str | None) -> str:
    """Return `address` if it is a path on this device, else "": a login link must not lead to another host."""
    if not address or not address.startswith("/") or address[1:2] in {"/", "\\"} or any(c < " " for c in address):
        return ""
    parts = urlsplit(address)
    return address if not parts.scheme and not parts.netloc else ""


def came_from(request: web.Request) -> str:
    """The page of this device on which a form was sent, as the browser tells it; "" where it does not."""
    try:
        parts = urlsplit(request.headers.get("Referer", ""))
    except ValueError:
        return ""
    path = parts.path.removeprefix(request.get(ROOT, ""))
    return local_address(f"{path}?{parts.query}" if parts.query else path)
