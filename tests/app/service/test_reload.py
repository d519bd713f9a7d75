"""SIGHUP takes over safe settings while the service runs and names the others; a broken file changes nothing."""

from __future__ import annotations

import logging
import signal
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edge.app.service import reload
from edge.config import CameraConfig, Config, RuntimeConfig, StoreConfig, WatchlistConfig
from edge.config.settings import ServeConfig
from edge.store import Store
from tests.support.appliance import Appliance

DOOR = CameraConfig(name="door", source="rtsp://ann:secret@192.0.2.10/a")


def service(store: Store, config: Config) -> Any:
    """What of a running service follows its settings."""
    taken: list[Any] = []
    areas: list[Any] = []
    return SimpleNamespace(
        config=config,
        store=store,
        examiner=SimpleNamespace(take_over=taken.append, taken=taken),
        monitor=SimpleNamespace(min_free_bytes=config.store.min_free_bytes),
        vision=SimpleNamespace(take_areas=areas.append, areas=areas),
        is_list_due=False,
    )


def test_every_safe_setting_exists() -> None:
    assert set(CameraConfig.model_fields) >= reload.AREAS
    for table, keys in reload.SAFE.items():
        assert keys <= set(type(getattr(Config(), table)).model_fields), table


def test_safe_settings_are_taken_over_and_others_wait(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    with Store.open(tmp_path) as store:
        box = service(store, Config(data_dir=tmp_path, camera=(DOOR,)))
        other = DOOR.model_copy(update={"source": "rtsp://ben:hidden@192.0.2.11/a"})
        new = Config(
            data_dir=tmp_path,
            camera=(other,),
            serve=ServeConfig(port=9000),
            store=StoreConfig(max_age_days=7, min_free_bytes=5),
            watchlist=WatchlistConfig(max_age_days=2),
            runtime=RuntimeConfig(threads=4),
        )
        reload.take_over(box, new)
        assert (box.config.store.max_age_days, box.monitor.min_free_bytes, box.is_list_due) == (7, 5, True)
        assert (box.config.serve.port, box.config.runtime.threads, box.config.camera) == (8080, 2, (DOOR,))
        text = caplog.text
        assert "taken over: store.max_age_days = 7.0, before 30.0" in text
        for key in ("serve.port", "runtime.threads", "camera[door].source"):
            assert f"needs a restart: {key}" in text
        assert "secret" not in text
        assert "hidden" not in text
        store.audit("test", "after", "that").result()  # jobs are done in their order
        entry = next(one for one in store.audit_log.newest() if one.action == "settings.change")
        assert "store.max_age_days" in str(entry)
        assert "serve.port" not in str(entry), "it is not in force"
        caplog.clear()
        reload.take_over(box, box.config)
        assert "nothing has changed" in caplog.text


def test_zones_and_masks_of_a_camera_are_taken_over_and_its_source_waits(tmp_path: Path) -> None:
    corner = ((0.0, 0.0), (0.5, 0.0), (0.5, 0.5))
    yard = CameraConfig(name="yard", source="rtsp://192.0.2.12/a")
    with Store.open(tmp_path) as store:
        box = service(store, Config(data_dir=tmp_path, camera=(DOOR, yard)))
        changed = DOOR.model_copy(update={"mask_polygons": (corner,), "include_zones": (corner,), "fps": 5.0})
        added = CameraConfig(name="hall", source="rtsp://192.0.2.13/a", mask_polygons=(corner,))
        reload.take_over(box, Config(data_dir=tmp_path, camera=(yard, changed, added)))
        in_force = DOOR.model_copy(update={"mask_polygons": (corner,), "include_zones": (corner,)})
        assert box.config.camera == (in_force, yard)
        assert box.vision.areas == [in_force], "the other camera goes on undisturbed"
        reload.take_over(box, Config(data_dir=tmp_path, camera=(yard,)))
        assert box.config.camera == (in_force, yard), "masks of a camera that is missing in the file stay"
        reload.take_over(box, Config(data_dir=tmp_path, camera=(DOOR, yard)))
        assert box.vision.areas == [in_force, DOOR]


def test_a_running_service_follows_its_file(tmp_path: Path, demo_clip: Path) -> None:
    box = Appliance(tmp_path, camera=demo_clip)
    text, token = box.config.read_text("utf-8"), box.token()

    def hang_up(process: Any, expected: str) -> None:
        process.send_signal(signal.SIGHUP)
        ends = time.monotonic() + 30
        while expected not in box.log():
            assert time.monotonic() < ends, box.log()[-2000:]
            assert process.poll() is None, "SIGHUP ended the service"
            time.sleep(0.1)

    with box.running() as process:
        box.config.write_text(text.replace('name = "door"', 'name = "gate"') + "[store]\nmax_age_days = 3\n", "utf-8")
        hang_up(process, "setting taken over: store.max_age_days = 3.0")
        assert "needs a restart: camera[gate].name" in box.log()
        box.config.write_text(text + "[store]\nmax_age = 3\n", "utf-8")
        hang_up(process, "the settings can't be used, and those before stay in force")
        box.get("/api/v1/health", token)
