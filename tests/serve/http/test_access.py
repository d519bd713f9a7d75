"""Who may call what: every route with every role, every scope and with nobody."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from edge.serve.http.access import Access, Caller, may
from edge.serve.http.route import ROUTES
from edge.serve.routes import TABLE, by_name
from edge.store import ROLES, SCOPES
from tests.support.serve.routes import PATHS
from tests.support.web import WebSide, add_person, add_scene, live_view, person, run, running

METHODS = {route.name: route.method for route in TABLE if route.method not in {"GET", "POST"}}
"""Without If-Match all of them are refused with 428, once the caller is let through."""
OPEN = {"livez", "static", "claim", "claim.take", "login", "login.check", "login.link"}
POSTS: dict[str, dict[str, str]] = {
    "login.check": {},
    "logout": {},
    "language": {"language": "de"},
    "hit.review": {"verdict": "confirmed"},
    "hit.undo": {},
    "claim.take": {},
    "people.add": {},
    "people.change": {},
    "people.erase": {},
    "examine.submit": {},
    "examine.snapshot": {},
    "examine.remove": {},
    "box.drill": {},
    "box.pause": {},
    "box.resume": {},
    "commission.act": {},
    "box.zones.save": {},
    "box.user.add": {},
    "box.user.password": {},
    "box.user.remove": {},
    "box.token.add": {},
    "box.token.rotate": {},
    "box.token.revoke": {},
    "box.login.end": {},
    "box.password": {},
}
EXAMINE = {name for name in PATHS if name.startswith("examine")}
OWN = {"box.scene", "box.scene.picture"} | {"logout", "language", "now.conditions", "box.login.end", "box.password"}
EXPECTED = {
    "guard": OPEN
    | OWN
    | {"now", "now.hits", "now.health", "events", "live.frames", "live.frame", "live.picture"}
    | {"hits", "hits.next", "hit", "hit.news", "hit.review", "hit.undo", "box.pause", "box.resume"}
    | EXAMINE
    | {"people", "box", "api.alerts", "api.alert", "api.image", "api.health", "api.openapi", "api.coverage"},
    "supervisor": set(PATHS),
    "installer": OPEN
    | OWN
    | {"now", "now.health", "events", "live.frames", "live.frame", "live.picture", "box"}
    | {
        "box.zones",
        "box.zones.save",
        "box.drill",
        "box.pause",
        "box.resume",
        "commission",
        "commission.act",
        "commission.sheet",
        "commission.picture",
    }
    | {"api.health", "api.consumers", "api.openapi", "api.coverage", "metrics"},
    "auditor": OPEN
    | OWN
    | {"hits", "hit", "hit.news", "people", "box", "api.alerts", "api.alert", "api.image", "api.health"}
    | {"api.consumers", "api.openapi", "api.coverage", "api.watchlist", "metrics"},
}


async def status(box: WebSide, route: str, headers: dict[str, str]) -> int:
    """Status of one call; the event stream is left after its head."""
    if route in POSTS:
        return (await box.post(PATHS[route], POSTS[route], headers))[0].status
    method, sent = METHODS.get(route, "GET"), headers | {"Origin": box.url}
    async with box.http.request(method, box.url + PATHS[route], headers=sent, allow_redirects=False) as answer:
        return answer.status


def test_each_route_has_a_line_in_the_table_and_a_path_here(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            names = {route.name for route in box.runner.app.router.routes()}
            assert names == {route.name for route in TABLE} == set(PATHS)

    run(check())


def test_the_table_knows_every_role_and_scope_of_the_store() -> None:
    assert {role for route in TABLE for role in route.access.roles} == set(ROLES) == set(EXPECTED)
    assert {scope for route in TABLE for scope in route.access.scopes} == set(SCOPES)


@pytest.mark.parametrize("role", ROLES)
def test_every_route_with_every_role(tmp_path: Path, role: str) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            box.live.publish(live_view(1))
            # An installer reaches the pictures of people who are on the list to walk, and no others.
            await asyncio.to_thread(add_person, box.store, replace(person(1), status="commissioning"))
            await asyncio.to_thread(add_scene, box.store)
            for route in PATHS:
                got = await status(box, route, box.session(role))
                if route in EXPECTED[role]:
                    assert got not in {403, 404, 405, 500}, route
                    assert got != 401 or route in {"login.check", "login.link"}, route
                else:
                    assert got == 403, route

    run(check())


def test_every_route_with_nobody_and_with_a_made_up_cookie(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            for headers in ({}, {"Cookie": "edge_session=made-up"}):
                for route in set(PATHS) - OPEN:
                    assert await status(box, route, headers) == 401, route
            for route in ("livez", "static", "login"):
                assert await status(box, route, {}) == 200, route

    run(check())


def test_every_route_with_every_scope(tmp_path: Path) -> None:
    reached = {
        "alerts:read": {"api.alerts", "api.alert", "api.image", "api.consumers"},
        "health:read": set(),
        "metrics:read": {"metrics"},
        "watchlist:read": {"api.watchlist"},
        "watchlist:write": {"api.watchlist", *METHODS},
    }
    for scope in ("alerts:read", "health:read"):
        reached[scope] |= {"api.health", "api.openapi", "api.coverage", "metrics"}

    async def check() -> None:
        async with running(tmp_path) as box:
            for scope, routes in reached.items():
                headers = box.token(scope, name=scope)
                for route in set(PATHS) - OPEN:
                    good = 428 if route in METHODS else 200
                    assert await status(box, route, headers) == (good if route in routes else 403), (scope, route)

    run(check())


def test_a_route_without_a_line_answers_nobody() -> None:
    assert not may(Caller("a", "supervisor"), Access())
    assert not may(Caller("a", scopes=frozenset(SCOPES)), Access())


def test_a_name_given_twice_in_the_table_is_refused() -> None:
    with pytest.raises(ValueError, match="two routes are called 'livez'"):
        by_name([*TABLE, next(route for route in TABLE if route.name == "livez")])


def test_a_route_of_the_router_that_the_table_lacks_answers_nobody(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            box.runner.app[ROUTES].pop("people")  # type: ignore[attr-defined]
            assert await status(box, "people", box.session("supervisor")) == 403

    run(check())


def test_a_wrong_token_is_refused_even_beside_a_good_cookie(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            for value in ("Bearer nonsense", "Basic YTpi", "Bearer", ""):
                answer, body = await box.get("/api/v1/health", box.session() | {"Authorization": value})
                assert answer.status == 401, value
                assert answer.headers["WWW-Authenticate"].startswith("Bearer")
                assert answer.content_type == "application/problem+json"
                assert b"edge token add" in body

    run(check())


def test_a_revoked_token_is_refused_at_once(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            headers = box.token()
            assert (await box.get("/api/v1/alerts", headers))[0].status == 200
            box.store.revoke_token("central").result()
            assert (await box.get("/api/v1/alerts", headers))[0].status == 401

    run(check())
