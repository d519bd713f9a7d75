"""Who may call what: every route with every role, every scope and with nobody; logins, links, cookies and forms."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from edge.errors import ServiceError
from edge.serve import shield, start
from edge.serve.access import ACCESS, Caller, Role, home, may
from edge.serve.auth import local_address
from edge.store import ROLES, SCOPES
from tests.serve_box import PASSWORD, Box, live_view, make_hit, run, running

HIT_ID = make_hit(1)[0].hit_id
PATHS = {
    "livez": "/livez",
    "static": "/static/edge.css",
    "claim": "/claim",
    "claim.take": "/claim",
    "login": "/login",
    "login.check": "/login",
    "login.link": "/login/link?token=none",
    "logout": "/logout",
    "language": "/language",
    "now": "/",
    "now.hits": "/now/hits",
    "now.health": "/now/health",
    "events": "/events",
    "live.frame": "/live/door/frame",
    "live.picture": "/live/door/frame.jpg",
    "hits": "/hits",
    "hit": f"/hits/{HIT_ID}",
    "hit.review": f"/hits/{HIT_ID}/review",
    "hit.undo": f"/hits/{HIT_ID}/undo",
    "people": "/people",
    "people.new": "/people/new",
    "people.add": "/people",
    "people.person": "/people/p1/edit",
    "people.change": "/people/p1/edit",
    "people.erase": "/people/p1/erase",
    "examine": "/examine",
    "examine.submit": "/examine",
    "examine.snapshot": "/examine/snapshot",
    "examine.job": "/examine/0123456789abcdef",
    "examine.progress": "/examine/0123456789abcdef/progress",
    "examine.file": "/examine/0123456789abcdef/files/report.html",
    "examine.remove": "/examine/0123456789abcdef/remove",
    "box": "/box",
    "box.pause": "/box/pause",
    "box.resume": "/box/resume",
    "api.alerts": "/api/v1/alerts",
    "api.alert": f"/api/v1/alerts/{HIT_ID}",
    "api.image": f"/api/v1/images/{make_hit(1)[0].images.crop}",
    "api.health": "/api/v1/health",
    "api.consumers": "/api/v1/consumers",
    "api.openapi": "/api/v1/openapi.json",
    "api.coverage": "/api/v1/coverage",
    "api.watchlist": "/api/v1/watchlist",
    "api.watchlist.replace": "/api/v1/watchlist",
    "api.person.put": "/api/v1/watchlist/p1",
    "api.person.erase": "/api/v1/watchlist/p1",
    "metrics": "/metrics",
}
METHODS = {"api.watchlist.replace": "PUT", "api.person.put": "PUT", "api.person.erase": "DELETE"}
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
    "box.pause": {},
    "box.resume": {},
}
EXAMINE = {name for name in PATHS if name.startswith("examine")}
EXPECTED = {
    "guard": OPEN
    | {"logout", "language", "now", "now.hits", "now.health", "events", "live.frame", "live.picture"}
    | {"hits", "hit", "hit.review", "hit.undo"}
    | EXAMINE
    | {"people", "box", "api.alerts", "api.alert", "api.image", "api.health", "api.openapi", "api.coverage"},
    "supervisor": set(PATHS),
    "installer": OPEN
    | {"logout", "language", "now", "now.health", "events", "live.frame", "live.picture", "box"}
    | {"box.pause", "box.resume"}
    | {"api.health", "api.consumers", "api.openapi", "api.coverage", "metrics"},
    "auditor": OPEN
    | {"logout", "language", "hits", "hit", "people", "box", "api.alerts", "api.alert", "api.image", "api.health"}
    | {"api.consumers", "api.openapi", "api.coverage", "api.watchlist", "metrics"},
}


async def status(box: Box, route: str, headers: dict[str, str]) -> int:
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
            assert names == set(ACCESS) == set(PATHS)

    run(check())


def test_roles_are_those_of_the_store() -> None:
    assert {role.value for role in Role} == set(ROLES)
    assert {scope for access in ACCESS.values() for scope in access.scopes} <= set(SCOPES)


@pytest.mark.parametrize("role", ROLES)
def test_every_route_with_every_role(tmp_path: Path, role: str) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            box.live.publish(live_view(1))
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
    assert not may(Caller("a", "supervisor"), "forgotten")
    assert not may(Caller("a", scopes=frozenset(SCOPES)), None)


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


def test_login_sets_a_strict_cookie_and_logout_ends_the_session(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            form = {"user": "a-guard", "password": PASSWORD, "next": "/people"}
            answer, _ = await box.post("/login", form)
            assert (answer.status, answer.headers["Location"]) == (303, "/people")
            cookie = answer.headers["Set-Cookie"]
            for flag in ("HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"):
                assert flag in cookie
            secret = answer.cookies["edge_session"].value
            headers = {"Cookie": f"edge_session={secret}"}
            assert (await box.get("/people", headers))[0].status == 200
            answer, _ = await box.post("/logout", {}, headers)
            assert (answer.status, answer.headers["Location"]) == (303, "/login")
            assert (await box.get("/api/v1/health", headers))[0].status == 401

    run(check())


def test_wrong_logins_are_told_nothing_and_locked_out(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            pages = []
            for user, password in (("a-guard", "wrong password"), ("nobody", PASSWORD), ("", ""), ("a-guard", "")):
                answer, body = await box.post("/login", {"user": user, "password": password})
                assert answer.status == 401
                assert "Set-Cookie" not in answer.headers
                pages.append(body.replace(f'name="user" value="{user}"'.encode(), b""))
            assert len(set(pages)) == 1
            for _ in range(5):
                answer, _ = await box.post("/login", {"user": "a-guard", "password": "wrong password"})
            assert answer.status == 429
            assert 0 < int(answer.headers["Retry-After"]) <= 31
            answer, _ = await box.post("/login", {"user": "a-guard", "password": PASSWORD})
            assert answer.status == 429
            answer, _ = await box.post("/login", {"user": "a-auditor", "password": PASSWORD})
            assert (answer.status, answer.headers["Location"]) == (303, "/hits")

    run(check())


def test_a_login_link_works_once_and_not_for_a_head(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            path = f"/login/link?token={box.store.add_login_link('a-guard', 5).result()}"
            async with box.http.head(box.url + path) as answer:
                assert answer.status == 405
            answer, _ = await box.get(path)
            assert (answer.status, answer.headers["Location"]) == (303, "/")
            secret = answer.cookies["edge_session"].value
            assert (await box.get("/", {"Cookie": f"edge_session={secret}"}))[0].status == 200
            answer, body = await box.get(path)
            assert answer.status == 401
            assert b"has been used" in body

    run(check())


def test_forms_of_other_sites_are_refused(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            headers = box.session()
            forms = {
                "/login": {"user": "a-guard", "password": PASSWORD},
                f"/hits/{HIT_ID}/review": {"verdict": "confirmed"},
            }
            for path, form in (*forms.items(), ("/logout", {})):
                for origin in ("https://evil.example", "null", box.url.replace("127.0.0.1", "localhost"), None):
                    answer, _ = await box.post(path, form, headers, origin=origin)
                    assert answer.status == 403, (path, origin)
            hit = box.store.hit(HIT_ID)
            assert hit is not None
            assert hit.review["state"] == "new"
            assert (await box.get("/", headers))[0].status == 200

    run(check())


def test_pages_lead_to_the_login_and_back(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            answer, _ = await box.get("/hits?before=x", {"Accept": "text/html"})
            assert (answer.status, answer.headers["Location"]) == (303, "/login?next=%2Fhits%3Fbefore%3Dx")
            _, body = await box.get(answer.headers["Location"])
            assert b'name="next" value="/hits?before=x"' in body
            answer, _ = await box.get("/login", box.session("installer"))
            assert (answer.status, answer.headers["Location"]) == (303, "/")
            answer, body = await box.get("/metrics", box.session("guard") | {"Accept": "text/html"})
            assert (answer.status, answer.content_type) == (403, "application/problem+json")

    run(check())


@pytest.mark.parametrize(
    "address", ["//evil.example", "/\\evil.example", "https://evil.example", "evil", "/a\r\nb", None]
)
def test_a_login_leads_to_no_other_host(address: str | None) -> None:
    assert local_address(address) == ""
    assert local_address("/hits/1?x=2") == "/hits/1?x=2"


def test_each_role_has_a_home_it_may_see() -> None:
    assert [home(Caller("a", role)) for role in ("guard", "supervisor", "installer", "auditor")] == [
        "/",
        "/",
        "/",
        "/hits",
    ]


def test_every_answer_carries_the_protecting_headers(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            headers = box.session("supervisor")
            for path in (
                "/",
                "/livez",
                "/static/edge.css",
                "/api/v1/health",
                "/nope",
                "/api/v1/alerts?limit=0",
                PATHS["api.image"],
            ):
                answer, _ = await box.get(path, headers)
                policy = answer.headers["Content-Security-Policy"]
                assert "default-src 'self'" in policy
                assert "frame-ancestors 'none'" in policy
                assert "unsafe" not in policy
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                assert answer.headers["Referrer-Policy"] == "same-origin"
            for path in ("/", "/hits", "/login", "/api/v1/health"):
                assert (await box.get(path, headers))[0].headers["Cache-Control"] == "no-store"

    run(check())


def test_bodies_are_small_typed_and_come_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shield, "BODY_TIMEOUT_S", 0.2)

    async def check() -> None:
        async with running(tmp_path) as box:
            answer, _ = await box.post("/login", {"user": "x" * 20_000})
            assert answer.status == 413
            async with box.http.post(f"{box.url}/login", json={"user": "a"}, headers={"Origin": box.url}) as answer:
                assert answer.status == 415
            async with box.http.post(
                f"{box.url}/login",
                data=b"user=%ff\xff",
                headers={"Origin": box.url, "Content-Type": "application/x-www-form-urlencoded"},
            ) as answer:
                assert answer.status == 400
            reader, writer = await asyncio.open_connection("127.0.0.1", int(box.url.rsplit(":", 1)[1]))
            host = box.url.removeprefix("http://")
            head = f"POST /login HTTP/1.1\r\nHost: {host}\r\nOrigin: {box.url}\r\nContent-Length: 50\r\n"
            writer.write(f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\nuser=a".encode())
            assert (await asyncio.wait_for(reader.readline(), 10)).split()[1] == b"408"
            writer.close()
            assert (await box.get("/livez"))[0].status == 200

    run(check())


def test_livez_answers_when_the_store_does_not(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            headers = box.session()
            box.store.close()
            assert (await box.get("/livez", headers))[0].status == 200
            assert (await box.get("/static/edge.css", headers))[0].status == 200

    run(check())


def test_a_port_in_use_is_said_in_one_paragraph(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            with socket.socket() as taken:
                taken.bind(("127.0.0.1", 0))
                taken.listen()
                port = taken.getsockname()[1]
                with pytest.raises(ServiceError, match=rf"127\.0\.0\.1 port {port}: another program uses it"):
                    await start(aiohttp.web.Application(), "127.0.0.1", port)
            with pytest.raises(ServiceError, match="no such address"):
                await start(aiohttp.web.Application(), "192.0.2.1", 0)
            assert box.url.startswith("http://127.0.0.1:")

    run(check())


def test_the_web_side_reaches_no_vision_code() -> None:
    code = "import sys, edge.serve; print(*sys.modules)"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    fenced = {
        "cv2",
        "numba",
        "onnxruntime",
        *(f"edge.{name}" for name in ("capture", "detect", "enhance", "recognise")),
    }
    assert not loaded & (fenced | {"edge.sessions", "edge.pixels"})
