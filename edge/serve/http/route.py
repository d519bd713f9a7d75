"""The record of one route (address, handler, access, audit, API description), and how to find that of a request.

The table is `edge.serve.routes.TABLE`. It imports every handler, so handlers and middlewares must not import it:
they find their route in the application, under `ROUTES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel

from edge.serve.http.access import CALLER, Access, Caller, may


@dataclass(frozen=True, slots=True)
class Operation:
    """What `openapi.json` says about a route, apart from its method and path."""

    summary: str
    answers: Mapping[str, type[BaseModel] | None]
    """Content types of the 200 answer, each with the model of its JSON, or None."""
    errors: tuple[int, ...] = ()
    """Statuses beside those that every route may answer (401, 403, 429, 503)."""
    parameters: tuple[dict[str, Any], ...] = ()
    body: type[BaseModel] | None = None
    form: type[BaseModel] | None = None
    """The body as multipart/form-data, where that is taken besides JSON."""
    creates: bool = False
    """Whether it may answer 201, with the same body as 200."""


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the table."""

    method: str
    path: str
    handler: Handler
    name: str
    access: Access
    view: str | None = None
    """Audit action that the middleware writes when the route has answered; once a minute per caller and page."""
    change: str | None = None
    """Audit action that the handler or the store writes with the change itself. Named here for readers and a test."""
    operation: Operation | None = None
    """Its part of the API description; None leaves it out."""
    has_head: bool = True
    """Whether HEAD is answered like GET: not for a link that works once, nor for a stream that never ends."""
    needs_caller: bool = True
    """False: answered without looking up the caller, so also while the store can't be read."""
    before_claim: bool = False
    """Whether a browser may open it while nobody can log in yet."""


ROUTES: web.AppKey[Mapping[str, Route]] = web.AppKey("routes")
"""All routes by name."""
UNDER_ROOT = "root:"
"""What the names of the same routes begin with under `serve.root_path`."""


def route_of(request: web.Request) -> Route | None:
    """The route that matched `request`; None for an unknown address or method."""
    return request.app[ROUTES].get(name_of(request))


def name_of(request: web.Request) -> str:
    """The name of that route; "" for an unknown address or method."""
    return (request.match_info.route.name or "").removeprefix(UNDER_ROOT)


def may_call(request: web.Request, name: str) -> bool:
    """Whether the caller of `request` may also call the route of that name; False for an unknown name."""
    return _may_call(request.app, request.get(CALLER, Caller()), name)


def home(app: web.Application, caller: Caller) -> str:
    """Address of the start page: the first of Now, Hits and Box that the caller may open."""
    return "/" if _may_call(app, caller, "now") else "/hits" if _may_call(app, caller, "hits") else "/box"


def _may_call(app: web.Application, caller: Caller, name: str) -> bool:
    route = app[ROUTES].get(name)
    return route is not None and may(caller, route.access)
