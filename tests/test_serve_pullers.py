"""Who pulls the feed: cursors kept by name, single hits, slow pullers."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from tests.serve_box import make_hit, run, running
from tests.test_serve_feed import pull


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
