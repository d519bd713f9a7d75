"""Two services on one data directory."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from edge.app.service import service
from edge.config import CameraConfig, Config, ServeConfig
from edge.errors import StoreError
from edge.store.database.alone import as_service
from tests.support.ports import free_port


def test_a_second_service_on_the_data_of_another_does_not_start(tmp_path: Path) -> None:
    clip = CameraConfig(name="door", source=f"file:{tmp_path / 'none.mp4'}")
    config = Config(data_dir=tmp_path, serve=ServeConfig(port=free_port()), camera=(clip,))
    with as_service(tmp_path), pytest.raises(StoreError, match="another service works on it"):
        asyncio.run(asyncio.wait_for(service.run(config), 30))
    with as_service(tmp_path):
        pass  # the one that was refused holds nothing
