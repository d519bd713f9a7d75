"""Every route of the web side, one line each. Router, access test, audit and API description read this table.

A new route needs a line here and, for data, an `Operation` in `api/operations.py`. The access test needs its address
(`tests/support/serve/routes.py`) and who may call it (`tests/serve/http/test_access.py`).

`/api/v1` only grows. Data routes stand in the order in which `openapi.json` shows them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from aiohttp import web

from edge.serve.api import coverage, feed, images, operations, status, watchlist
from edge.serve.http.access import OPEN, allow
from edge.serve.http.route import UNDER_ROOT, Route
from edge.serve.page import assets, claim, commission, examine, live, login, now
from edge.serve.page.box import accounts, box
from edge.serve.page.cameras import scenes, zones
from edge.serve.page.hits import hit_news, hits
from edge.serve.page.people import people
from edge.store import Role

G, S, I, A = Role  # noqa: E741  (guard, supervisor, installer, auditor)
ALL = allow(*Role)
ALERTS = ("alerts:read",)
HEALTH = ("alerts:read", "health:read")
METRICS = (*HEALTH, "metrics:read")
WRITE = ("watchlist:write",)
WATCHLIST = ("watchlist:read", "watchlist:write")

TABLE: tuple[Route, ...] = (
    # for everybody: style sheets, claiming a new device, logging in
    Route("GET", "/static/{name}", assets.serve, "static", OPEN, needs_caller=False, before_claim=True),
    Route("GET", "/claim", claim.show, "claim", OPEN, before_claim=True),
    Route("POST", "/claim", claim.claim, "claim.take", OPEN, change="box.claim", before_claim=True),
    Route("GET", "/login", login.show, "login", OPEN),
    Route("POST", "/login", login.log_in, "login.check", OPEN, change="login"),
    # No HEAD: a link works once, and a mail scanner's HEAD must not use it up.
    Route("GET", "/login/link", login.follow_link, "login.link", OPEN, change="login.link", has_head=False),
    Route("POST", "/logout", login.log_out, "logout", ALL, view="logout"),
    Route("POST", "/language", login.set_language, "language", ALL),
    # the start page and its parts
    Route("GET", "/", now.show, "now", allow(G, S, I), view="live.view"),
    Route("GET", "/now/hits", now.latest_hits, "now.hits", allow(G, S)),
    Route("GET", "/now/health", now.camera_health, "now.health", allow(G, S, I)),
    Route("GET", "/now/conditions", now.conditions, "now.conditions", ALL),
    # No HEAD: the stream never ends.
    Route("GET", "/events", live.events, "events", allow(G, S, I), has_head=False),
    Route("GET", "/live/frames", live.frames, "live.frames", allow(G, S, I)),
    Route("GET", "/live/{camera}/frame", live.frame, "live.frame", allow(G, S, I)),
    Route("GET", "/live/{camera}/frame.jpg", live.picture, "live.picture", allow(G, S, I)),
    # hits and verdicts
    Route("GET", "/hits", hits.listing, "hits", allow(G, S, A), view="hits.search"),
    Route("GET", "/hits/next", hits.following, "hits.next", allow(G, S)),
    Route("GET", "/hits/{hit_id}", hits.show, "hit", allow(G, S, A), view="hit.view"),
    Route("GET", "/hits/{hit_id}/news", hit_news.show, "hit.news", allow(G, S, A)),
    Route("POST", "/hits/{hit_id}/review", hits.review, "hit.review", allow(G, S), change="verdict.give"),
    Route("POST", "/hits/{hit_id}/undo", hits.undo, "hit.undo", allow(G, S), change="verdict.undo"),
    # the people looked for
    Route("GET", "/people", people.listing, "people", allow(G, S, A), view="watchlist.view"),
    Route("POST", "/people", people.add, "people.add", allow(S), change="person.put"),
    Route("GET", "/people/new", people.show_new, "people.new", allow(S)),
    Route("GET", "/people/{person_id}/edit", people.show, "people.person", allow(S), view="watchlist.view"),
    Route("POST", "/people/{person_id}/edit", people.change, "people.change", allow(S), change="person.put"),
    Route("POST", "/people/{person_id}/erase", people.erase, "people.erase", allow(S), change="person.erase"),
    # examining files
    Route("GET", "/examine", examine.listing, "examine", allow(G, S)),
    Route("POST", "/examine", examine.submit, "examine.submit", allow(G, S), change="examine.start"),
    Route("POST", "/examine/snapshot", examine.snapshot, "examine.snapshot", allow(G, S), change="examine.start"),
    Route("GET", "/examine/{job_id}", examine.show, "examine.job", allow(G, S), view="examine.view"),
    Route("GET", "/examine/{job_id}/progress", examine.progress, "examine.progress", allow(G, S)),
    Route("GET", "/examine/{job_id}/files/{name}", examine.file, "examine.file", allow(G, S), change="examine.export"),
    Route("POST", "/examine/{job_id}/remove", examine.remove, "examine.remove", allow(G, S), change="examine.remove"),
    # the device itself, and the acceptance walk
    Route("GET", "/box", box.show, "box", ALL, view="box.view"),
    Route("POST", "/box/pause", box.pause, "box.pause", allow(G, S, I), change="recognition.pause"),
    Route("POST", "/box/drill", box.drill, "box.drill", allow(S, I), change="drill.make"),
    Route("POST", "/box/resume", box.resume, "box.resume", allow(G, S, I), change="recognition.resume"),
    Route("GET", "/box/scenes/{seq}", scenes.show, "box.scene", ALL, view="scene.view"),
    Route("GET", "/box/scenes/{seq}/{role}.jpg", scenes.picture, "box.scene.picture", ALL, view="picture.view"),
    Route("GET", "/box/zones/{camera}", zones.show, "box.zones", allow(S, I), view="areas.view"),
    Route("POST", "/box/zones/{camera}", zones.save, "box.zones.save", allow(S, I), change="areas.change"),
    Route("GET", "/commission", commission.show, "commission", allow(S, I)),
    Route("POST", "/commission", commission.act, "commission.act", allow(S, I), change="commission.sheet"),
    Route("GET", "/commission/sheet", commission.sheet, "commission.sheet", allow(S, I)),
    Route(
        "GET",
        "/commission/people/{person_id}/picture",
        commission.picture,
        "commission.picture",
        allow(S, I),
        view="picture.view",
    ),
    # users, tokens, logins; only a supervisor: whoever makes users or tokens reaches all that these reach
    Route("POST", "/box/users", accounts.add_user, "box.user.add", allow(S), change="user.add"),
    Route("POST", "/box/users/password", accounts.set_password, "box.user.password", allow(S), change="user.password"),
    Route("POST", "/box/users/remove", accounts.remove_user, "box.user.remove", allow(S), change="user.remove"),
    Route("POST", "/box/tokens", accounts.add_token, "box.token.add", allow(S), change="token.add"),
    Route("POST", "/box/tokens/rotate", accounts.rotate_token, "box.token.rotate", allow(S), change="token.add"),
    Route("POST", "/box/tokens/revoke", accounts.revoke_token, "box.token.revoke", allow(S), change="token.revoke"),
    Route("POST", "/box/logins/end", accounts.end_login, "box.login.end", ALL, change="session.end"),
    Route("POST", "/box/password", accounts.own_password, "box.password", ALL, change="user.password"),
    # data for machines (and for people who are logged in)
    Route(
        "GET",
        "/api/v1/alerts",
        feed.alerts,
        "api.alerts",
        allow(G, S, A, scopes=ALERTS),
        change="feed.pull",
        operation=operations.ALERTS,
    ),
    Route(
        "GET",
        "/api/v1/alerts/{hit_id}",
        feed.alert,
        "api.alert",
        allow(G, S, A, scopes=ALERTS),
        view="hit.view",
        operation=operations.ALERT,
    ),
    Route(
        "GET",
        "/api/v1/images/{sha256}",
        images.image,
        "api.image",
        allow(G, S, A, scopes=ALERTS),
        view="picture.view",
        operation=operations.IMAGE,
    ),
    Route(
        "GET",
        "/api/v1/health",
        status.health,
        "api.health",
        allow(G, S, I, A, scopes=HEALTH),
        operation=operations.HEALTH,
    ),
    Route(
        "GET",
        "/api/v1/consumers",
        status.consumers,
        "api.consumers",
        allow(S, I, A, scopes=ALERTS),
        operation=operations.CONSUMERS,
    ),
    Route(
        "GET",
        "/api/v1/coverage",
        coverage.coverage,
        "api.coverage",
        allow(G, S, I, A, scopes=HEALTH),
        view="coverage.view",
        operation=operations.COVERAGE,
    ),
    Route(
        "GET",
        "/api/v1/watchlist",
        watchlist.show,
        "api.watchlist",
        allow(S, A, scopes=WATCHLIST),
        view="watchlist.view",
        operation=operations.WATCHLIST,
    ),
    Route(
        "PUT",
        "/api/v1/watchlist",
        watchlist.replace,
        "api.watchlist.replace",
        allow(S, scopes=WRITE),
        change="watchlist.replace",
        operation=operations.WATCHLIST_REPLACE,
    ),
    Route(
        "PUT",
        "/api/v1/watchlist/{person_id}",
        watchlist.put,
        "api.person.put",
        allow(S, scopes=WRITE),
        change="person.put",
        operation=operations.PERSON_PUT,
    ),
    Route(
        "DELETE",
        "/api/v1/watchlist/{person_id}",
        watchlist.erase,
        "api.person.erase",
        allow(S, scopes=WRITE),
        change="person.erase",
        operation=operations.PERSON_ERASE,
    ),
    Route(
        "GET",
        "/api/v1/openapi.json",
        status.describe,
        "api.openapi",
        allow(G, S, I, A, scopes=HEALTH),
        operation=operations.OPENAPI,
    ),
    Route("GET", "/metrics", status.metrics, "metrics", allow(S, I, A, scopes=METRICS), operation=operations.METRICS),
    Route(
        "GET",
        "/livez",
        status.livez,
        "livez",
        OPEN,
        operation=operations.LIVEZ,
        needs_caller=False,
        before_claim=True,
    ),
)


def by_name(routes: Iterable[Route]) -> Mapping[str, Route]:
    """The routes by name; ValueError if two have the same."""
    found: dict[str, Route] = {}
    for route in routes:
        if route.name in found:
            raise ValueError(f"two routes are called {route.name!r}")
        found[route.name] = route
    return found


def definitions(routes: Iterable[Route], root: str = "") -> list[web.RouteDef]:
    """The routes as aiohttp's router takes them; with a `root` path also under that, for proxies that leave it on."""
    routes = list(routes)
    plain = [_definition(route, route.path, route.name) for route in routes]
    return plain + [_definition(one, root + one.path, UNDER_ROOT + one.name) for one in routes] if root else plain


def _definition(route: Route, path: str, name: str) -> web.RouteDef:
    if route.method != "GET":
        return web.route(route.method, _router_path(path), route.handler, name=name)
    return web.get(_router_path(path), route.handler, name=name, allow_head=route.has_head)


def _router_path(path: str) -> str:
    # People listed by an earlier version may have ids with braces, which a plain `{person_id}` does not match.
    return path.replace("{person_id}", "{person_id:[^/]+}")
