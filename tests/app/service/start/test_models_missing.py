"""A box without models that keeps its page: what systemd hears of it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path

import pytest

from edge.app.service.start.listener import open_page
from edge.app.service.start.models_missing import load_or_serve_page
from edge.app.service.start.preparing import PreparingPage
from edge.config import Config, ServeConfig
from edge.errors import ModelError
from edge.store import Store


def test_a_page_that_stands_alone_feeds_the_watchdog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config(data_dir=tmp_path / "data", models_dir=tmp_path / "none", serve=ServeConfig(port=0, keep_page=True))

    async def announce(store: Store, url: str) -> None:
        pass

    async def stand(store: Store, manager: socket.socket) -> list[bytes]:
        stopped = asyncio.Event()
        async with contextlib.AsyncExitStack() as stack:
            page = await open_page(stack, PreparingPage(config, store).app(), config, store, announce)
            task = asyncio.create_task(load_or_serve_page(config, store, stopped, page))
            loop = asyncio.get_running_loop()
            async with asyncio.timeout(60):
                heard = [await loop.sock_recv(manager, 64) for _ in range(4)]
            stopped.set()
            with pytest.raises(ModelError):
                await task
        return heard

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, Store.open(config.data_dir) as store:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "60000")
        assert asyncio.run(stand(store, manager)) == [b"READY=1", *[b"WATCHDOG=1"] * 3]
