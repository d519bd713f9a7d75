"""What feeds systemd's watchdog, and what starves it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.ops.system.systemd import SignsOfLife, feed_watchdog, is_alive, more_time_to_start


@pytest.mark.parametrize(
    ("now", "alive"),
    [
        (SignsOfLife(11, 6, True), True),  # a frame has passed all stages
        (SignsOfLife(10, 5, True), False),  # a frame is stuck
        (SignsOfLife(10, 6, True), False),  # frames come, but none passes
        (SignsOfLife(10, 6, False), False),  # the camera has just gone: let it be seen once more
    ],
)
def test_with_a_camera_only_frames_count(now: SignsOfLife, alive: bool) -> None:
    assert is_alive(SignsOfLife(10, 5, True), now) is alive


def test_without_a_camera_the_thread_has_to_look_for_one() -> None:
    assert is_alive(SignsOfLife(10, 5, False), SignsOfLife(10, 6, False))
    assert not is_alive(SignsOfLife(10, 5, False), SignsOfLife(10, 5, False))


def test_the_manager_hears_of_work_and_of_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: Iterator[SignsOfLife] = iter(
        [SignsOfLife(0, 0, True), SignsOfLife(1, 1, True), SignsOfLife(1, 1, True), SignsOfLife(2, 1, True)]
    )

    async def work() -> None:
        # The signs run out after three looks, which ends the loop.
        with contextlib.suppress(RuntimeError):
            await feed_watchdog(lambda: next(seen))

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(0.2)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "3000")
        asyncio.run(work())
        assert [manager.recv(64) for _ in range(2)] == [b"WATCHDOG=1"] * 2
        with pytest.raises(TimeoutError):
            manager.recv(64)


def test_while_the_start_takes_long_more_time_is_asked_for_and_after_it_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`TimeoutStartSec` would else end the check of a large database after a power cut, at each start anew."""
    more = b"EXTEND_TIMEOUT_USEC=120000000\nSTATUS=opening the database"

    async def start(manager: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        async with more_time_to_start("opening the database", every_s=0.001):
            assert [await loop.sock_recv(manager, 100) for _ in range(3)] == [more] * 3

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        asyncio.run(start(manager))
        heard = []
        with contextlib.suppress(BlockingIOError):
            while True:
                heard.append(manager.recv(100))
        assert heard[-1] == b"STATUS=", "the end of it is told, and nothing after that"
