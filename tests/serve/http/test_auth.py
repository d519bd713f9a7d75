"""Logins, links, cookies, forms, and what every answer carries whoever asks."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from edge.errors import ServiceError
from edge.serve import start
from edge.serve.http import inputs
from edge.serve.http.access import Caller
from edge.serve.http.auth import local_address
from edge.serve.http.route import ROUTES, home
from edge.serve.routes import TABLE, by_name
from tests.support.serve.routes import HIT_ID, PATHS
from tests.support.web import PASSWORD, run, running


def test_login_sets_a_strict_cookie_and_logout_ends_the_session(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            form = {"user": "a-guard", "password": PASSWORD, "next": "/people"}
            answer, _ = await box.post("/login", form)
            assert (answer.status, answer.headers["Location"]) == (303, "/people")
            cookie = answer.headers["Set-Cookie"]
            for flag in ("HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"):
                assert flag in cookie
            secret = answer.cookies[box.cookie].value
            headers = {"Cookie": f"{box.cookie}={secret}"}
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
            secret = answer.cookies[box.cookie].value
            assert (await box.get("/", {"Cookie": f"{box.cookie}={secret}"}))[0].status == 200
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


def test_a_login_that_ended_under_a_form_says_that_nothing_was_kept(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            for page, link in ((f"{box.url}/box", "/login?next=%2Fbox"), ("", "/login"), ("http://[", "/login")):
                sent = {"Accept": "text/html", "Accept-Language": "de", "Referer": page}
                answer, body = await box.post("/box/pause", {"reason": "fire drill", "minutes": "15"}, sent)
                assert answer.status == 401
                text = body.decode()
                assert "Ihre Anmeldung ist zu Ende" in text
                assert f'href="{link}"' in text
                assert "Bearer" not in text, "that is for programs"

    run(check())


@pytest.mark.parametrize(
    "address", ["//evil.example", "/\\evil.example", "https://evil.example", "evil", "/a\r\nb", None]
)
def test_a_login_leads_to_no_other_host(address: str | None) -> None:
    assert local_address(address) == ""
    assert local_address("/hits/1?x=2") == "/hits/1?x=2"


def test_each_role_has_a_home_it_may_see() -> None:
    app = web.Application()
    app[ROUTES] = by_name(TABLE)
    assert [home(app, Caller("a", role)) for role in ("guard", "supervisor", "installer", "auditor")] == [
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
    monkeypatch.setattr(inputs, "BODY_TIMEOUT_S", 0.2)

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
            assert (await asyncio.wait_for(reader.readline(), 30)).split()[1] == b"408"
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
