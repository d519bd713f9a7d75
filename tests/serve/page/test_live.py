"""The live board and the live picture: newest frame only, with its own record and age; news by event stream."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import threading
import time
from pathlib import Path
from typing import Any

from edge.records import CameraState
from edge.serve import LiveBoard
from edge.serve.bell import Bell
from tests.support.drawings import SCENE
from tests.support.web import NASTY, WebSide, camera_health, live_view, make_hit, run, running


def parts_of(content_type: str, body: bytes) -> tuple[dict[str, Any], bytes]:
    """Record and picture of a frame's answer (RFC 7578)."""
    kind, _, boundary = content_type.partition("; boundary=")
    assert kind == "multipart/form-data"
    mark = b"--" + boundary.encode()
    first, *parts, last = (b"\r\n" + body).split(b"\r\n" + mark)
    assert (first, last) == (b"", b"--\r\n")
    by_name = {}
    for part in parts:
        head, _, data = part.partition(b"\r\n\r\n")
        by_name[head.decode().split('name="')[1].split('"')[0]] = data
    return json.loads(by_name["record"]), by_name["picture"]


async def frame(box: WebSide, headers: dict[str, str], query: str = "") -> tuple[dict[str, Any], bytes]:
    """The next frame with its record."""
    answer, body = await box.get(f"/live/door/frame{query}", headers)
    assert answer.status == 200, body
    return parts_of(answer.headers["Content-Type"], body)


def test_a_frame_comes_with_its_own_record(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            view = live_view(7, label=NASTY + "ÄÖ漢")
            box.live.publish(view)
            record, picture = await frame(box, box.session())
            assert picture == view.make_jpeg()
            assert (record["frame_id"], record["camera"], record["width"], record["height"]) == (7, "door", *SCENE)
            assert [face["label"] for face in record["faces"]] == [NASTY + "ÄÖ漢", None]
            assert record["faces"][0]["box"] == [round(edge, 1) for edge in view.faces[0].box]
            assert record["faces"][0]["similarity"] == 0.62

    run(check())


def test_who_may_not_see_hits_gets_boxes_without_names(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            box.live.publish(live_view(1))
            record, _ = await frame(box, box.session("installer"))
            assert [(face["label"], face["similarity"]) for face in record["faces"]] == [(None, None)] * 2
            box.live.publish(live_view(2, is_between=True))
            for role, expected in (("installer", [False, False]), ("guard", [False, True])):
                record, _ = await frame(box, box.session(role))
                assert [face["between"] for face in record["faces"]] == expected, role
            assert len(record["faces"][0]["box"]) == 4

    run(check())


def test_the_age_counts_from_the_capture_by_the_monotonic_clock(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            headers = box.session()
            box.live.publish(live_view(1, age_s=5.0))
            record, _ = await frame(box, headers)
            assert 5000 <= record["age_ms"] < 35_000
            assert record["waited_ms"] < 30_000
            answer, body = await box.get("/live/door/frame.jpg", headers)
            assert (answer.status, answer.content_type, answer.headers["X-Frame-Id"]) == (200, "image/jpeg", "1")
            assert float(answer.headers["X-Frame-Age-Ms"]) >= record["age_ms"]
            assert body[:3] == b"\xff\xd8\xff"
            # The wall clock plays no part: a frame "from tomorrow" is as old as its monotonic time says.
            view = live_view(2)
            box.live.publish(dataclasses.replace(view, captured_at=view.captured_at.replace(year=2099)))
            record, _ = await frame(box, headers, "?after=1")
            assert record["captured_at"].startswith("2099")
            assert 0 <= record["age_ms"] < 30_000

    run(check())


def test_a_viewer_waits_for_another_frame_than_the_one_it_has(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            headers = box.session()
            box.live.publish(live_view(5))
            waiting = asyncio.create_task(frame(box, headers, "?after=5"))
            await asyncio.sleep(0.3)
            assert not waiting.done()
            # A restarted service counts from 1 again: another number is news, too.
            await asyncio.to_thread(box.live.publish, live_view(1))
            record, _ = await asyncio.wait_for(waiting, 20)
            assert record["frame_id"] == 1
            assert record["waited_ms"] >= 250

    run(check())


def test_no_frame_within_the_wait_is_204_and_an_unknown_camera_404(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("edge.serve.page.live.FRAME_WAIT_S", 0.1)

    async def check() -> None:
        async with running(tmp_path) as box:
            headers = box.session()
            assert (await box.get("/live/door/frame", headers))[0].status == 204
            assert (await box.get("/live/cellar/frame", headers))[0].status == 404
            assert (await box.get("/live/door/frame?after=x", headers))[0].status == 400

    run(check())


def test_the_board_keeps_only_the_newest_and_wakes_across_threads() -> None:
    async def check() -> None:
        board = LiveBoard()
        waiting = [asyncio.create_task(board.wait_newer("door", None, 20)) for _ in range(5)]
        await asyncio.sleep(0.05)
        writers = [threading.Thread(target=board.publish, args=(live_view(n),)) for n in (1, 2)]
        for writer in writers:
            writer.start()
            await asyncio.to_thread(writer.join)
        views = await asyncio.gather(*waiting)
        assert all(view is not None and view.frame_id in {1, 2} for view in views)
        newest = board.newest("door")
        assert newest is not None
        assert newest.frame_id == 2
        assert await board.wait_newer("door", 2, 0.05) is None

    asyncio.run(check())


def test_a_lightened_view_is_another_picture_and_says_so(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            plain, lit = live_view(3), dataclasses.replace(live_view(2), is_lit=True)
            box.live.publish(plain)
            caller = box.session()
            asked = asyncio.create_task(frame(box, caller, "?view=lit"))
            for _ in range(500):
                if not box.live.has_lit_viewers("door"):
                    await asyncio.sleep(0.01)
            assert not box.live.has_viewers("door"), "nobody wants the plain one"
            box.live.publish_lit(lit)
            record, picture = await asked
            assert (record["lit"], picture) == (True, lit.make_jpeg())
            record, picture = await frame(box, caller)
            assert (record["lit"], picture) == (False, plain.make_jpeg())
            answer, body = await box.get("/live/door/frame.jpg?view=lit", caller)
            assert (answer.headers["X-Frame-Lit"], body) == ("yes", lit.make_jpeg())
            answer, body = await box.get("/live/frames?lit=door", caller)
            assert parts_of(answer.headers["Content-Type"], body)[0]["lit"] is True
            box.live.publish_lit(dataclasses.replace(plain, is_lit=False))
            record, _ = await frame(box, caller, "?view=lit&after=2")
            assert record["lit"] is False, "the box is behind: the picture comes as it is, and says so"
            assert (await box.get("/live/door/frame.jpg?view=dark", caller))[0].status == 400
            box.live.forget("door")
            assert box.live.newest("door") is None

    run(check())


def test_health_rings_for_changes_only_and_cameras_keep_their_order() -> None:
    board = LiveBoard()
    board.publish_health([camera_health()])
    rings = board.health_bell.rings
    board.publish_health([camera_health()])
    assert board.health_bell.rings == rings
    board.publish_health([camera_health(CameraState.LOST)])
    assert board.health_bell.rings == rings + 1
    board.publish(live_view(1, camera="attic"))
    assert board.cameras() == ["door", "attic"]


def test_a_bell_rung_for_a_closed_loop_harms_nobody() -> None:
    bell = Bell()

    async def leave() -> None:
        task = asyncio.ensure_future(bell.wait(0, 60))
        await asyncio.sleep(0)
        loop_futures.extend(bell._waiting)
        task.cancel()

    loop_futures: list[asyncio.Future[None]] = []
    asyncio.run(leave())
    assert len(loop_futures) == 1
    bell._waiting.update(loop_futures)
    bell.ring()
    assert bell.rings == 1


def test_a_bell_that_rang_before_the_wait_does_not_wait() -> None:
    async def check() -> None:
        bell = Bell()
        seen = bell.rings
        bell.ring()
        assert await bell.wait(seen, 60)
        assert not await bell.wait(bell.rings, 0.01)

    asyncio.run(check())


class Events:
    """Reads an event stream."""

    def __init__(self, content: Any) -> None:
        self.content = content

    async def next(self) -> str:
        """Name of the next event."""
        while True:
            line = (await asyncio.wait_for(self.content.readline(), 20)).decode()
            assert line, "the stream ended"
            if line.startswith("event: "):
                return line.removeprefix("event: ").strip()


def test_events_say_what_changed(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box, box.http.get(f"{box.url}/events", headers=box.session()) as answer:
            assert answer.content_type == "text/event-stream"
            events = Events(answer.content)
            assert await events.next() == "hello"
            await asyncio.wrap_future(box.store.add_hit(*make_hit(9)))
            assert await events.next() == "hits"
            box.live.publish_health([camera_health(CameraState.STALLED)])
            assert await events.next() == "health"

    run(check())


def test_the_event_stream_ends_with_the_session(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("edge.serve.page.live.HEARTBEAT_S", 0.1)
    monkeypatch.setattr("edge.serve.http.auth.SESSION_CACHE_S", 0.0)

    async def check() -> None:
        async with running(tmp_path) as box:
            headers = box.session()
            async with box.http.get(f"{box.url}/events", headers=headers) as answer:
                assert await Events(answer.content).next() == "hello"
                await asyncio.wrap_future(box.store.end_session(headers["Cookie"].split("=")[1]))
                await asyncio.wait_for(answer.content.read(), 20)

    run(check())


def test_closing_does_not_wait_for_viewers(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            answer = await box.http.get(f"{box.url}/events", headers=box.session())
            assert answer.status == 200
            began = time.monotonic()
            await box.runner.cleanup()
            assert time.monotonic() - began < 15

    run(check())
