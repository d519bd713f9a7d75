"""The door before HTTP: caps, readers that take nothing, and the quick way for no news."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from edge.serve.http import connection, door, slow_readers
from tests.support.serve.web_client import answer_of, connect, count_reads, is_closed, pull, question
from tests.support.web import WebSide, make_hit, run, running


async def no_news(box: WebSide, headers: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Address and headers of a question that has no news."""
    path = f"/api/v1/alerts?after={(await pull(box, headers))['next']}"
    tag = (await box.get(path, headers))[0].headers["ETag"]
    return path, headers | {"If-None-Match": tag}


def spy(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What takes the whole way from now on."""
    whole: list[bytes] = []
    inner = connection.Connection.count_answer

    def count(self: connection.Connection) -> None:
        whole.append(self._last_request or b"")
        inner(self)

    monkeypatch.setattr(connection.Connection, "count_answer", count)
    return whole


def test_the_same_question_is_answered_the_quick_way_until_something_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "REPLAY_FOR_S", 60.0)

    async def check() -> None:
        async with running(tmp_path) as box:
            path, headers = await no_news(box, box.token())
            asked, (reader, writer) = question(path, headers), await connect(box)
            whole, reads = spy(monkeypatch), count_reads(box)
            writer.write(asked)
            first = await answer_of(reader)
            for _ in range(5):
                writer.write(asked)
                assert await answer_of(reader) == first
            assert (first[0], len(whole), reads) == (304, 1, [])
            writer.write(asked[:20])  # in two parts: the whole way
            await asyncio.sleep(0.1)
            writer.write(asked[20:])
            assert (await answer_of(reader))[0] == 304
            assert len(whole) == 2
            writer.write(asked)
            writer.write(asked + asked)
            assert [(await answer_of(reader))[0] for _ in range(3)] == [304] * 3
            await asyncio.wrap_future(box.store.add_item("heartbeat", {}))
            writer.write(asked)
            assert (await answer_of(reader))[0] == 200
            writer.close()

    run(check())


def test_news_and_a_revoked_token_end_the_quick_way_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "REPLAY_FOR_S", 60.0)

    async def check() -> None:
        async with running(tmp_path) as box:
            for change, status in (
                (lambda: box.store.add_item("heartbeat", {}), 200),
                (lambda: box.store.revoke_token("central"), 401),
            ):
                path, headers = await no_news(box, box.token(name="central"))
                reader, writer = await connect(box)
                whole = spy(monkeypatch)
                for _ in range(3):
                    writer.write(question(path, headers))
                    assert (await answer_of(reader))[0] == 304
                assert len(whole) == 1
                await asyncio.wrap_future(change())
                writer.write(question(path, headers))
                assert (await answer_of(reader))[0] == status
                writer.close()

    run(check())


def test_the_quick_way_is_noted_as_a_pull_and_only_for_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            path, headers = await no_news(box, box.token(name="central"))
            reader, writer = await connect(box)
            pulled: list[Any] = []
            whole = spy(monkeypatch)
            monkeypatch.setattr(box.store, "note_pull", lambda *told: pulled.append(told))
            for _ in range(4):
                writer.write(question(path, headers))
                await answer_of(reader)
            assert [told[:2] for told in pulled] == [("central", 3)] * 4
            assert {told[2] for told in pulled} == {box.store.tokens()[0].created_at}
            assert len(whole) == 1
            writer.close()
            reader, writer = await connect(box)
            del headers["Authorization"]
            for number in range(3):
                writer.write(question(path, headers | box.session("guard")))
                assert (await answer_of(reader))[0] == 304
                assert len(whole) == 2 + number
            writer.close()

    run(check())


def test_connections_are_counted_per_address_and_in_all(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def check() -> None:
        async with running(tmp_path, max_connections=10, max_connections_per_address=3) as box:
            held = [await connect(box) for _ in range(3)]
            with caplog.at_level(logging.WARNING, "edge.serve"):
                reader, writer = await connect(box)
                status, headers = await answer_of(reader)
                body = json.loads(await reader.read())
            assert (status, headers["retry-after"]) == (429, "5")
            assert headers["content-type"] == "application/problem+json"
            assert (body["status"], body["type"]) == (429, "about:blank")
            assert "too many connections from one address" in caplog.text
            writer.close()
            for _, writer in held:
                writer.close()
            for _ in range(100):
                await asyncio.sleep(0.02)
                answer, _ = await box.get("/livez")
                if answer.status == 200:
                    break
            assert answer.status == 200

    run(check())


def test_a_reader_that_takes_nothing_is_dropped_and_others_are_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(slow_readers, "STUCK_AFTER_S", 0.5)
    monkeypatch.setattr(door, "CHECK_EVERY_S", 0.1)

    async def check() -> None:
        async with running(tmp_path, num_hits=300) as box:
            headers = box.token()
            slow = [await connect(box, 4096) for _ in range(3)]
            for _, writer in slow:
                writer.write(question("/api/v1/alerts?limit=500", headers) * 8)
            await asyncio.sleep(0.2)
            with caplog.at_level(logging.WARNING, "edge.serve"):
                for _ in range(100):
                    assert (await box.get("/api/v1/alerts?limit=1", headers))[0].status == 200
                    if "its answer was not taken" in caplog.text:
                        break
                    await asyncio.sleep(0.1)
            assert "its answer was not taken" in caplog.text
            for reader, writer in slow:
                assert await is_closed(reader)
                writer.close()

    run(check())


def test_who_takes_a_little_at_a_time_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A listener over a slow line always has some bytes on their way; they arrive, so it stays."""
    monkeypatch.setattr(slow_readers, "STUCK_AFTER_S", 0.3)
    monkeypatch.setattr(door, "CHECK_EVERY_S", 0.05)

    async def check() -> None:
        async with running(tmp_path, num_hits=0) as box:
            reader, writer = await connect(box)
            writer.write(question("/events", box.session("guard")))
            for number in range(6):
                await asyncio.wrap_future(box.store.add_hit(*make_hit(number + 1)))
                assert b"event" in await asyncio.wait_for(reader.readuntil(b"\n\n"), 20) or number < 2
                await asyncio.sleep(0.2)
            writer.close()

    run(check())


def test_the_greediest_goes_first_when_too_much_waits() -> None:
    share, all_of_it = slow_readers.MAX_BUFFERED_BYTES, slow_readers.MAX_BUFFERED_TOTAL_BYTES
    assert slow_readers.connections_to_drop({}) == []
    assert slow_readers.connections_to_drop({"a": share, "b": 5}) == []
    assert slow_readers.connections_to_drop({"a": 5, "b": share + 1, "c": share}) == ["b"]
    many = {f"r{number}": share // 2 + number for number in range(2 * all_of_it // share + 2)}
    dropped = slow_readers.connections_to_drop(many)
    assert dropped == sorted(many, key=lambda name: -many[name])[: len(dropped)]
    assert sum(many.values()) - sum(many[name] for name in dropped) <= all_of_it


@pytest.mark.parametrize(
    ("data", "whole"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", True),
        (b"GET / HTTP/1.1\r\n", False),
        (b"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n", False),
        (b"POST / HTTP/1.1\r\n\r\n", False),
        (b" GET / HTTP/1.1\r\n\r\n", False),
        (b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\n\r\n", False),
    ],
)
def test_what_counts_as_one_whole_get(data: bytes, whole: bool) -> None:
    assert connection.is_whole_get(data) is whole


def test_a_look_that_fails_is_not_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(door, "CHECK_EVERY_S", 0.01)
    looks: list[int] = []

    def look(self: door.Door) -> None:
        looks.append(1)
        if len(looks) == 1:
            raise RuntimeError("one connection is odd")

    monkeypatch.setattr(door.Door, "drop_slow_readers", look)

    async def check() -> None:
        async with running(tmp_path) as box, asyncio.timeout(30):
            while len(looks) < 3:
                assert (await box.get("/livez"))[0].status == 200

    run(check())
    assert caplog.text.count("the check for slow readers failed") == 1
