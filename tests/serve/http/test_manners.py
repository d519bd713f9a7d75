"""Cookies of two boxes at one address, tags compared weakly, and an empty cursor."""

from __future__ import annotations

import re
from pathlib import Path

from edge.serve.http.auth import CookieNames
from tests.support.web import PASSWORD, run, running


def test_two_boxes_at_one_address_have_cookies_of_their_own(tmp_path: Path) -> None:
    names = [CookieNames.of(box_id) for box_id in ("0f3a-1", "0f3a-2")]
    assert len({name for one in names for name in (one.session, one.device)}) == 4

    async def check() -> None:
        async with running(tmp_path) as box:
            answer, _ = await box.post("/login", {"user": "a-guard", "password": PASSWORD})
            cookie = answer.headers["Set-Cookie"]
            assert cookie.startswith(f"edge_session_{box.store.box_id}=")
            own = box.session()["Cookie"]
            for other in ("edge_session_other=abc; ", "edge_session=abc; "):
                answer, _ = await box.get("/hits", {"Cookie": other + own})
                assert answer.status == 200
            former = {"Cookie": "edge_session=" + own.partition("=")[2]}
            assert (await box.get("/hits", former))[0].status == 200, "a login from before an update lasts"

    run(check())


def test_tags_are_compared_weakly(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            token = box.token("alerts:read", "watchlist:read")
            style = re.search(r"/static/edge\.css\?v=\w+", (await box.get("/login"))[1].decode())
            assert style is not None
            for path in ("/api/v1/alerts", "/api/v1/watchlist", style[0]):
                answer, body = await box.get(path, token)
                etag = answer.headers["ETag"]
                for known in (etag, f"W/{etag}", f'"x", W/{etag}', "*"):
                    answer, body = await box.get(path, token | {"If-None-Match": known})
                    assert (answer.status, body) == (304, b""), (path, known)
                for known in ('"x"', 'W/"x"', ""):
                    assert (await box.get(path, token | {"If-None-Match": known}))[0].status == 200

    run(check())


def test_an_empty_cursor_is_the_beginning(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            token = box.token()
            assert (await box.get("/api/v1/alerts?after=", token))[1] == (await box.get("/api/v1/alerts", token))[1]

    run(check())
