"""Many large bodies at once: what is held in memory is bounded, for one caller and in all, and given back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from edge.errors import AuthError
from edge.serve import app as web_side
from edge.serve.http.quotas import BODIES, BodyMemory
from tests.support.web import run, running


def test_one_caller_gets_half_and_all_together_no_more_than_there_is() -> None:
    memory = BodyMemory(100)
    memory.take("a", 50)
    with pytest.raises(AuthError, match="busy") as caught:
        memory.take("a", 1)
    assert (caught.value.http_status, caught.value.retry_after_s) == (429, 5)
    memory.take("b", 50)
    with pytest.raises(AuthError):
        memory.take("c", 1)
    memory.give_back("a", 50)
    memory.take("c", 50)
    assert memory.used == 100


def test_bodies_count_while_their_requests_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_side, "MAX_BODIES_BYTES", 400_000)

    async def check() -> None:
        async with running(tmp_path) as box:
            memory = box.runner.app[BODIES]
            held, go_on = asyncio.Event(), asyncio.Event()

            async def body() -> object:
                yield b"[" + b" " * 150_000
                held.set()
                await go_on.wait()
                yield b"]"

            one = box.token("watchlist:write", name="one") | {"If-Match": "*", "Content-Type": "application/json"}
            url = f"{box.url}/api/v1/watchlist"
            slow = asyncio.create_task(box.http.put(url, data=body(), headers=one).__aenter__())
            await held.wait()
            while memory.used < 150_000:  # noqa: ASYNC110  (nothing tells of it)
                await asyncio.sleep(0.01)
            async with box.http.put(url, data=b" " * 100_000, headers=one) as answer:
                assert (answer.status, answer.headers["Retry-After"]) == (429, "5")
            other = one | box.token("watchlist:write", name="other")
            async with box.http.put(url, data=b" " * 100_000, headers=other) as answer:
                assert answer.status == 422, "another caller is served"
            go_on.set()
            assert (await slow).status == 422
            assert memory.used == 0

    run(check())
