"""What a service still does when it is told to stop."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from edge.app.service import service
from edge.app.service.outbox import Outbox
from edge.config import CameraConfig, Config, ServeConfig
from tests.support.ports import free_port


def test_what_waits_for_the_store_is_sent_before_it_closes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = CameraConfig(name="door", source=f"file:{tmp_path / 'none.mp4'}")
    config = Config(data_dir=tmp_path / "data", serve=ServeConfig(port=free_port()), camera=(clip,))
    ready: list[service.RunningService] = []
    closed: list[int] = []

    def on_ready(running: service.RunningService) -> None:
        ready.append(running)
        running.stop()

    monkeypatch.setattr(Outbox, "close", lambda outbox: closed.append(ready[0].store.head_seq()))
    asyncio.run(asyncio.wait_for(service.run(config, on_ready=on_ready), 60))
    assert len(closed) == 1, "once, while the store is open"
