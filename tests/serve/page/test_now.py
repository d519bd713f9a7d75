"""One poll for all cameras of a page, and one look at the database for all tabs that ask."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

from edge.errors import StoreError
from edge.records import CameraState
from edge.serve.page.now import SharedAnswer
from tests.support.web import WebSide, camera_health, live_view, make_hit, run, running


def test_one_request_gives_the_news_of_all_cameras(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("edge.serve.page.live.FRAME_WAIT_S", 0.3)

    async def ask(box: WebSide, headers: dict[str, str], after: str) -> list[tuple[str, int]]:
        answer, body = await box.get(f"/live/frames{after}", headers)
        if answer.status == 204:
            return []
        assert answer.status == 200, body
        found = [json.loads(part) for part in re.findall(rb'name="record"\r\n\r\n({.*?})\r\n--', body, re.DOTALL)]
        assert body.count(b"Content-Type: image/jpeg") == len(found)
        return [(record["camera"], record["frame_id"]) for record in found]

    async def check() -> None:
        async with running(tmp_path) as box:
            headers = box.session()
            box.live.publish(live_view(5))
            box.live.publish(live_view(8, camera="yard"))
            assert await ask(box, headers, "") == [("door", 5), ("yard", 8)]
            assert await ask(box, headers, "?after=door:5") == [("yard", 8)]
            assert await ask(box, headers, "?after=door:5,yard:8") == []
            assert await ask(box, headers, "?after=door:5,yard:8,gone:3") == [], "a camera that is no more is no error"
            monkeypatch.setattr("edge.serve.page.live.FRAME_WAIT_S", 30)
            waiting = asyncio.create_task(ask(box, headers, "?after=door:5,yard:8"))
            await asyncio.sleep(0.05)
            box.live.publish(live_view(1, camera="yard"))
            assert await waiting == [("yard", 1)]
            assert box.live.has_viewers("door")
            for wrong in ("door", "door:", "door:-1", ":4", "door:4,", "door:" + "9" * 30, "door:\u0663"):
                assert (await box.get(f"/live/frames?after={wrong}", headers))[0].status == 400, wrong

    run(check())


def test_however_many_tabs_ask_the_database_is_asked_once(tmp_path: Path, monkeypatch: Any) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            looks = []
            find = box.store.find_hits
            monkeypatch.setattr(box.store, "find_hits", lambda *args: looks.append(args) or find(*args))
            headers = box.session()
            tabs = await asyncio.gather(*(box.get("/now/hits", headers) for _ in range(30)))
            assert len({body for _, body in tabs}) == 1
            assert len(looks) == 1
            await asyncio.wrap_future(box.store.add_hit(*make_hit(9)))
            tabs = await asyncio.gather(*(box.get("/now/hits", headers) for _ in range(30)))
            assert make_hit(9)[0].hit_id.encode() in tabs[0][1]
            assert len(looks) == 2

    run(check())


def test_what_failed_is_tried_again_by_the_next_who_asks() -> None:
    async def check() -> None:
        shared: SharedAnswer[int] = SharedAnswer()
        tries = []

        async def make() -> int:
            tries.append(1)
            await asyncio.sleep(0.01)
            if len(tries) == 1:
                raise StoreError("locked")
            return 7

        first = await asyncio.gather(*(shared.get("a", make) for _ in range(3)), return_exceptions=True)
        assert [type(one) for one in first] == [StoreError] * 3
        leaver = asyncio.create_task(shared.get("a", make))
        stayer = asyncio.create_task(shared.get("a", make))
        await asyncio.sleep(0)
        leaver.cancel()
        assert await stayer == 7
        assert len(tries) == 2

    asyncio.run(check())


def test_where_there_is_no_hit_the_page_says_so_and_only_then(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path, num_hits=0) as box:
            headers = box.session() | {"Accept": "text/html"}
            for path in ("/", "/now/hits"):
                answer, body = await box.get(path, headers)
                assert (answer.status, b"No hits yet" in body) == (200, True), path
            await asyncio.to_thread(box.store.close)
            _, body = await box.get("/", headers)
            assert b"Hits can&#39;t be read now." in body
            assert b"No hits yet" not in body

    run(check())


def test_health_names_the_cause_once_and_repeats_nothing(tmp_path: Path) -> None:
    """What to do stands there once: where the cause is known, for this cause."""
    again = "rtsp://a/: wrong password; check it. It is tried again every few seconds"

    async def check() -> None:
        async with running(tmp_path) as box:
            guard = box.session()
            for state, told, shown, not_shown in (
                (CameraState.LOST, again, again + ".", "Check its power"),
                (CameraState.LOST, "", "Check its power, cable and address.", "every few seconds"),
                (CameraState.STALLED, "a: gone. Capture is being restarted", "gone. Capture is", "The camera is being"),
                (CameraState.FROZEN, "the picture; restart the camera", "switch the camera off and on", "restart the"),
                (CameraState.STARTING, "a: is being opened", "Wait a few seconds.", "is being opened"),
                (CameraState.ENDED, "played to its end, 12 frames", "12 frames", "Wait"),
            ):
                box.live.publish_health([camera_health(state, told)])
                page = (await box.get("/now/health", guard))[1].decode()
                assert shown in page
                assert not_shown not in page, state

    run(check())
