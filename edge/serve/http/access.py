"""Who may call a route: roles of people, scopes of machines, and the rule. Deny by default.

The rights themselves stand in `edge.serve.routes`, one line per route; nothing here knows a route.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from aiohttp import web

from edge.errors import AuthError
from edge.store import Role


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request: a person with a role, a machine with scopes, or nobody (no name)."""

    name: str | None = None
    role: str | None = None
    scopes: frozenset[str] = frozenset()
    session: str | None = None
    language: str | None = None
    made_at: dt.datetime | None = None
    """When a machine's token was made: another one may bear its name later."""

    @property
    def is_known(self) -> bool:
        """Whether the request came with a valid session or token."""
        return self.name is not None

    @property
    def owner(self) -> str:
        """Whom limits are counted for: the token or the user; a name may be both."""
        return f"{'user' if self.role is not None else 'token'} {self.name}"


CALLER = web.RequestKey("caller", Caller)


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call one route; `Access()` lets nobody in."""

    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    is_open: bool = False


OPEN = Access(is_open=True)


def allow(*roles: Role, scopes: tuple[str, ...] = ()) -> Access:
    """Access for people with one of `roles`, and for machines with one of `scopes`."""
    return Access(frozenset(roles), frozenset(scopes))


def may(caller: Caller, access: Access) -> bool:
    """Whether `access` lets `caller` in."""
    return access.is_open or caller.role in access.roles or bool(access.scopes & caller.scopes)


def require(caller: Caller, access: Access) -> None:
    """Raise `AuthError`: 401 for an unknown caller, 403 for a known one without the right."""
    if may(caller, access):
        return
    if not caller.is_known:
        raise AuthError(
            "this address needs a login, or a token in the header 'Authorization: Bearer TOKEN'", status=401
        )
    if caller.role is None:
        needed = f"scope {' or '.join(sorted(access.scopes))}" if access.scopes else "a login; tokens have no use here"
        raise AuthError(f"the token of {caller.name} does not reach this address: it needs {needed}", status=403)
    allowed = ", ".join(sorted(access.roles)) or "nobody"
    raise AuthError(f"the role {caller.role} does not reach this address: it is for {allowed}", status=403)
