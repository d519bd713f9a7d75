"""Nobody can keep others from logging in: turns go round, a lock is one address's own, a known device has its own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest

from edge.errors import AuthError
from edge.serve.http import logins
from edge.serve.http.auth import CALLERS, CookieNames
from edge.serve.http.logins import FairQueue, device_cookie, known_device
from tests.support.web import PASSWORD, WebSide, run, running


async def serve(queue: FairQueue, waiting: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Let all of them wait behind one turn; return the order in which they were served."""
    served: list[tuple[str, str]] = []

    async def one(source: str, name: str) -> None:
        async with queue.turn(source, name):
            served.append((source, name))

    async with queue.turn("first", "first"):
        tasks = [asyncio.create_task(one(*who)) for who in waiting]
        await asyncio.sleep(0)
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(answer is None or isinstance(answer, AuthError) for answer in answers)
    return served


def test_turns_go_round_sources_and_then_names() -> None:
    async def check() -> None:
        flood = [("a", f"nobody-{number % 3}") for number in range(12)]
        served = await serve(FairQueue(), [*flood, ("a", "guard"), ("b", "guard"), ("device 1", "guard")])
        assert len(served) == 15
        assert served.index(("b", "guard")) < 3
        assert served.index(("device 1", "guard")) < 3
        assert served.index(("a", "guard")) < 3 + 4

    run(check())


def test_a_known_device_waits_for_one_turn_of_others_however_many_they_are() -> None:
    async def served() -> list[str]:
        queue, order = FairQueue(), []

        async def ask(source: str) -> None:
            async with queue.turn(source, "ann"):
                order.append(source)
                await asyncio.sleep(0)

        addresses = [f"address 10.0.0.{n}" for n in range(60)]
        waiting = [asyncio.create_task(ask(source)) for source in addresses]
        await asyncio.sleep(0)
        waiting += [asyncio.create_task(ask(f"device {n}")) for n in range(3)]
        await asyncio.gather(*waiting)
        assert sorted(order) == sorted([*addresses, "device 0", "device 1", "device 2"])
        return order

    order = asyncio.run(served())
    assert [order.index(f"device {n}") for n in range(3)] in ([1, 3, 5], [2, 4, 6]), "and others are not held up"


def test_who_crowds_the_queue_is_turned_away_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logins, "MAX_WAITING", 20)
    monkeypatch.setattr(logins, "MAX_WAITING_PER_SOURCE", 15)

    async def check() -> None:
        flood = [(source, str(number)) for source in ("a", "b") for number in range(30)]
        served = await serve(FairQueue(), [*flood, ("c", "guard"), ("d", "guard")])
        assert ("c", "guard") in served
        assert ("d", "guard") in served
        assert len(served) == 20

    run(check())


def test_a_queue_full_of_addresses_has_room_for_a_known_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logins, "MAX_WAITING", 20)

    async def check() -> None:
        crowd = [(f"address 10.0.0.{number}", "guard") for number in range(20)]
        served = await serve(FairQueue(), [*crowd, ("address 10.0.1.1", "guard"), ("device 1", "guard")])
        assert ("device 1", "guard") in served[:2]
        assert ("address 10.0.1.1", "guard") not in served
        assert len(served) == 20

    run(check())


def test_somebody_who_leaves_the_queue_holds_nobody_up() -> None:
    async def check() -> None:
        queue, served = FairQueue(), []

        async def one(name: str) -> None:
            async with queue.turn("a", name):
                served.append(name)

        async with queue.turn("a", "first"):
            tasks = [asyncio.create_task(one(name)) for name in ("x", "y", "z")]
            await asyncio.sleep(0)
            tasks[0].cancel()
            await asyncio.sleep(0)
        tasks[1].cancel()  # its turn has come, and it has not run yet
        await asyncio.gather(*tasks, return_exceptions=True)
        assert served == ["z"]
        async with asyncio.timeout(30), queue.turn("a", "again"):
            pass

    run(check())


def test_a_device_cookie_is_good_for_those_who_logged_in_with_it() -> None:
    cookie = device_cookie("", "key", "rosa")
    both = device_cookie(cookie, "key", "gül")
    device = cookie.split(".")[0]
    assert [known_device(both, "key", name) for name in ("rosa", "gül", "eve")] == [device, device, None]
    assert known_device(cookie, "other key", "rosa") is None
    assert known_device(device + "." + "0" * 32, "key", "rosa") is None
    assert known_device("x" * 5000, "key", "rosa") is None
    for number in range(20):
        both = device_cookie(both, "key", f"user {number}")
    assert len(both.split(".")) == 1 + logins.MAX_NAMES_PER_DEVICE


async def log_in(box: WebSide, password: str, address: str, cookie: str = "") -> aiohttp.ClientResponse:
    """Log in as a guard from an address of this machine."""
    connector = aiohttp.TCPConnector(local_addr=(address, 0))
    headers = {"Origin": box.url} | ({"Cookie": cookie} if cookie else {})
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as http:
        form = {"user": "a-guard", "password": password}
        async with http.post(f"{box.url}/login", data=form, headers=headers, allow_redirects=False) as answer:
            return answer


def test_wrong_passwords_lock_their_own_address_and_no_known_device(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            answer = await log_in(box, PASSWORD, "127.0.0.66")
            assert answer.status == 303
            device = answer.cookies[CookieNames.of(box.store.box_id).device]
            assert (device["httponly"], device["samesite"]) == (True, "Strict")
            for _ in range(5):
                await log_in(box, "wrong wrong", "127.0.0.66")
            assert (await log_in(box, PASSWORD, "127.0.0.66")).status == 429
            assert (await log_in(box, PASSWORD, "127.0.0.77")).status == 303, "another address is not locked"
            cookie = f"{device.key}={device.value}"
            assert (await log_in(box, PASSWORD, "127.0.0.66", cookie)).status == 303, "nor a known device"
            for _ in range(5):
                await log_in(box, "wrong wrong", "127.0.0.77", cookie)
            assert (await log_in(box, PASSWORD, "127.0.0.77", cookie)).status == 429, "a device locks itself"
            assert (await log_in(box, PASSWORD, "127.0.0.77")).status == 303

    run(check())


def test_a_full_queue_says_busy_and_not_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logins, "MAX_WAITING_PER_SOURCE", 0)

    async def check() -> None:
        async with running(tmp_path) as box:
            async with box.runner.app[CALLERS]._turns.turn("somebody", "else"):
                answer, body = await box.post("/login", {"user": "a-guard", "password": PASSWORD})
            assert (answer.status, answer.headers["Retry-After"]) == (429, "5")
            assert b"The box is busy. Try again in 5 s." in body
            assert b"Too many failed" not in body
            assert (await box.post("/login", {"user": "a-guard", "password": PASSWORD}))[0].status == 303

    run(check())
