"""Roles of people, scopes of machines, and the rule who may call a route. Deny by default."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from edge.errors import AuthError


class Role(enum.StrEnum):
    """The roles of the page's users; each user has one."""

    GUARD = "guard"
    SUPERVISOR = "supervisor"
    INSTALLER = "installer"
    AUDITOR = "auditor"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking: a person with a role, a machine with scopes, or nobody."""

    name: str | None = None
    role: str | None = None
    scopes: frozenset[str] = frozenset()
    session: str | None = None
    language: str | None = None

    @property
    def known(self) -> bool:
        """Whether the request came with a valid session or token."""
        return self.name is not None


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call one route."""

    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    open: bool = False


G, S, I, A = Role  # noqa: E741  (the columns of the table below)
ALERTS = ("alerts:read",)
HEALTH = ("alerts:read", "health:read")
METRICS = (*HEALTH, "metrics:read")
WRITE = ("watchlist:write",)
WATCHLIST = ("watchlist:read", "watchlist:write")


def _to(*roles: Role, scopes: tuple[str, ...] = ()) -> Access:
    return Access(frozenset(roles), frozenset(scopes))


ACCESS: Mapping[str, Access] = {
    "livez": Access(open=True),
    "static": Access(open=True),
    "claim": Access(open=True),
    "claim.take": Access(open=True),
    "login": Access(open=True),
    "login.check": Access(open=True),
    "login.link": Access(open=True),
    "logout": _to(G, S, I, A),
    "language": _to(G, S, I, A),
    "now": _to(G, S, I),
    "now.hits": _to(G, S),
    "now.health": _to(G, S, I),
    "now.conditions": _to(G, S, I, A),
    "events": _to(G, S, I),
    "live.frames": _to(G, S, I),
    "live.frame": _to(G, S, I),
    "live.picture": _to(G, S, I),
    "hits": _to(G, S, A),
    "hit": _to(G, S, A),
    "hit.review": _to(G, S),
    "hit.undo": _to(G, S),
    "people": _to(G, S, A),
    "people.new": _to(S),
    "people.add": _to(S),
    "people.person": _to(S),
    "people.change": _to(S),
    "people.erase": _to(S),
    "examine": _to(G, S),
    "examine.submit": _to(G, S),
    "examine.snapshot": _to(G, S),
    "examine.job": _to(G, S),
    "examine.progress": _to(G, S),
    "examine.file": _to(G, S),
    "examine.remove": _to(G, S),
    "box": _to(G, S, I, A),
    "box.pause": _to(S, I),
    "box.resume": _to(S, I),
    "commission": _to(S, I),
    "commission.act": _to(S, I),
    "commission.sheet": _to(S, I),
    # Only a supervisor: whoever makes users or tokens reaches all that these reach.
    "box.user.add": _to(S),
    "box.user.password": _to(S),
    "box.user.remove": _to(S),
    "box.token.add": _to(S),
    "box.token.rotate": _to(S),
    "box.token.revoke": _to(S),
    "box.login.end": _to(G, S, I, A),
    "box.password": _to(G, S, I, A),
    "api.alerts": _to(G, S, A, scopes=ALERTS),
    "api.alert": _to(G, S, A, scopes=ALERTS),
    "api.image": _to(G, S, A, scopes=ALERTS),
    "api.health": _to(G, S, I, A, scopes=HEALTH),
    "api.consumers": _to(S, I, A, scopes=ALERTS),
    "api.openapi": _to(G, S, I, A, scopes=HEALTH),
    "api.coverage": _to(G, S, I, A, scopes=HEALTH),
    "api.watchlist": _to(S, A, scopes=WATCHLIST),
    "api.watchlist.replace": _to(S, scopes=WRITE),
    "api.person.put": _to(S, scopes=WRITE),
    "api.person.erase": _to(S, scopes=WRITE),
    "metrics": _to(S, I, A, scopes=METRICS),
}


def may(caller: Caller, route: str | None) -> bool:
    """Whether `caller` may call the route of that name."""
    access = ACCESS.get(route or "")
    if access is None:
        return False
    return access.open or caller.role in access.roles or bool(access.scopes & caller.scopes)


def require(caller: Caller, route: str | None) -> None:
    """Raise `AuthError`: 401 for an unknown caller, 403 for a known one without the right."""
    if may(caller, route):
        return
    if not caller.known:
        raise AuthError(
            "this address needs a login, or a token in the header 'Authorization: Bearer TOKEN'", status=401
        )
    access = ACCESS.get(route or "", Access())
    if caller.role is None:
        needed = f"scope {' or '.join(sorted(access.scopes))}" if access.scopes else "a login; tokens have no use here"
        raise AuthError(f"the token of {caller.name} does not reach this address: it needs {needed}", status=403)
    allowed = ", ".join(sorted(access.roles)) or "nobody"
    raise AuthError(f"the role {caller.role} does not reach this address: it is for {allowed}", status=403)


def home(caller: Caller) -> str:
    """Address of the page a person starts on."""
    return "/" if may(caller, "now") else "/hits" if may(caller, "hits") else "/box"
