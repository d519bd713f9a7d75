"""Who pulls the feed: cursors kept by name, single hits, slow and greedy pullers."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from edge.serve.api import feed, feed_pages
from edge.serve.http.quotas import LONG_POLLS
from edge.store.feed import cursor
from tests.support.media import wait_until
from tests.support.serve.web_client import count_reads, pull
from tests.support.web import make_hit, run, running


def test_a_pull_tells_how_far_its_token_is(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            headers = box.token(name="city")
            page = await pull(box, headers, "?limit=2")
            assert box.store.consumers()[0].lag == 3
            await pull(box, headers, f"?after={page['next']}&limit=2")
            _answer, body = await box.get("/api/v1/consumers", headers)
            (consumer,) = json.loads(body)["consumers"]
            assert (consumer["name"], consumer["seq"], consumer["lag"]) == ("city", 2, 1)
            await pull(box, box.session("auditor"), f"?after={page['next']}")
            assert [known.name for known in box.store.consumers()] == ["city"]

    run(check())


def test_a_token_revoked_during_a_long_poll_gets_nothing_more(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            page = await pull(box, headers := box.token())
            reads = count_reads(box)
            waiting = asyncio.create_task(box.get(f"/api/v1/alerts?after={page['next']}&wait=60", headers))
            await asyncio.to_thread(wait_until, lambda: bool(reads), 10)  # the first look, which finds no news
            await asyncio.wrap_future(box.store.revoke_token("central"))
            await asyncio.wrap_future(box.store.add_item("heartbeat", {}))
            answer, body = await waiting
            assert answer.status == 401
            assert b"heartbeat" not in body

    run(check())


def test_any_etag_at_all_hides_no_cursor_that_is_too_old(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            headers = {**box.token(), "If-None-Match": "*"}
            answer, _ = await box.get(f"/api/v1/alerts?after={cursor.encode('00' * 8, 99)}", headers)
            assert answer.status == 410
            assert [known.seq for known in box.store.consumers()] == [0]

    run(check())


def test_one_alert_and_none(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            headers = box.token()
            answer, body = await box.get(f"/api/v1/alerts/{make_hit(2)[0].hit_id}", headers)
            assert answer.status == 200
            assert json.loads(body)["frame_id"] == 1002
            for hit_id in ("none", "%2e%2e", "a" * 3000):
                answer, body = await box.get(f"/api/v1/alerts/{hit_id}", headers)
                assert (answer.status, json.loads(body)["status"]) == (404, 404)

    run(check())


def test_slow_pullers_do_not_hold_up_others(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path, num_hits=40) as box:
            headers = box.token()
            port = int(box.url.rsplit(":", 1)[1])
            slow = []
            for _ in range(20):
                _reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
                lines = [
                    "GET /api/v1/alerts?limit=500 HTTP/1.1",
                    "Host: x",
                    f"Authorization: {headers['Authorization']}",
                ]
                writer.write("\r\n".join([*lines, "", ""]).encode())
                slow.append(writer)
            page = await asyncio.wait_for(pull(box, headers), 20)
            assert len(page["items"]) == 40
            for writer in slow:
                writer.close()

    run(check())


def test_who_costs_too_much_has_to_wait_and_others_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_pages, "BURST_CPU_S", 0.0)
    monkeypatch.setattr(feed_pages, "MAX_CPU_SHARE", 1e-6)

    async def check() -> None:
        async with running(tmp_path) as box:
            greedy, modest = box.token(name="greedy"), box.token(name="modest")
            path = f"/api/v1/alerts?after={(await pull(box, greedy))['next']}"
            answer, body = await box.get("/api/v1/alerts", greedy)
            assert (answer.status, json.loads(body)["status"]) == (429, 429)
            assert int(answer.headers["Retry-After"]) >= 1
            tag = (await box.get(path, modest))[0].headers["ETag"]
            answer, _ = await box.get(path, greedy | {"If-None-Match": tag})
            assert answer.status == 304, "what costs nothing is not refused"

    run(check())


def test_one_answer_is_made_for_all_who_wait_for_the_same(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            headers = box.token()
            head = (await pull(box, headers))["next"]
            waiting = [asyncio.create_task(pull(box, headers, f"?after={head}&wait=60")) for _ in range(20)]
            async with asyncio.timeout(30):
                while box.runner.app[LONG_POLLS].used < 20:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            reads = count_reads(box)
            await asyncio.wrap_future(box.store.add_item("heartbeat", {}))
            pages = await asyncio.wait_for(asyncio.gather(*waiting), 30)
            assert {item["seq"] for page in pages for item in page["items"]} == {4}
            assert len(reads) < 20

    run(check())


def test_an_answer_is_no_larger_than_it_may_be_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "MAX_PAGE_BYTES", 5000)

    async def check() -> None:
        async with running(tmp_path, num_hits=12) as box:
            headers, after, seen, pages = box.token(), "", [], 0
            while True:
                _, body = await box.get(f"/api/v1/alerts?limit=500{after}", headers)
                page = json.loads(body)
                assert len(page["items"]) == 1 or len(body) < 10_000
                seen += [item["seq"] for item in page["items"]]
                after, pages = f"&after={page['next']}", pages + 1
                if not page["more"]:
                    break
            assert seen == list(range(1, 13))
            assert pages > 2

    run(check())


def test_the_page_names_who_pulls_and_how_far(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            await pull(box, box.token(name="city-centre"), "?limit=2")
            _, body = await box.get("/box", box.session("installer"))
            assert "city-centre" in body.decode()

    run(check())
