"""The monitor: what becomes of camera states, pauses, dropped frames, a low disk, an old list and a clock."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime as dt
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from edge.app.health import checks
from edge.app.health import monitor as module
from edge.errors import StoreError
from edge.records import CameraState
from edge.store import Store
from edge.store.coverage.pause import Pause
from tests.support.monitored import Scene, totals
from tests.support.store import NOW, Clock


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    clock = Clock()
    with Store.open(tmp_path, clock=clock) as store:
        yield Scene(store, tmp_path, clock)


def test_states_become_coverage_and_gaps(scene: Scene) -> None:
    scene.store.coverage.begin().result(10)
    scene.look(0)
    scene.look(10)
    scene.state = CameraState.STALLED
    scene.look(0)
    scene.look(20)
    scene.state = CameraState.LIVE
    scene.look(0)
    scene.look(5)
    scene.age_s = 60
    scene.look(0)
    scene.look(7)
    scene.pause = Pause("gwen", "visit", NOW, scene.clock() + dt.timedelta(hours=1))
    scene.look(0)
    scene.look(8)
    assert totals(scene, 50) == {
        ("watched", ""): 15,
        ("blind", "stalled"): 20,
        ("blind", "frames not processed"): 7,
        ("paused", "visit"): 8,
    }
    gaps = [body for kind, body in scene.items() if kind == "gap"]
    assert [(gap["cause"], gap["camera"]) for gap in gaps] == [
        ("camera stalled", "door"),
        ("camera frames not processed", "door"),
    ]
    assert gaps[0]["from"] == "2026-03-04T05:06:17.089Z"
    assert gaps[0]["to"] == "2026-03-04T05:06:37.089Z"
    scene.clock.forward(hours=2)
    scene.boot_ns += 7200 * 10**9
    assert scene.monitor.camera_coverage(scene.clock())[0].state == "blind", "the pause is over by itself"


def test_a_camera_that_sends_a_frame_in_eight_seconds_is_watched_between_two(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed_ns = [10**12]
    monkeypatch.setattr(time, "monotonic_ns", lambda: passed_ns[0])

    def states(seconds: float, age_s: float) -> str:
        passed_ns[0] += int(seconds * 1e9)
        scene.age_s = age_s
        return scene.monitor.camera_coverage(scene.clock())[0].state

    states(0, 0)
    scene.frame_id = 2
    assert [states(8, 0), states(7.5, 7.5), states(8, 15.5), states(1, 16.5)] == ["watched"] * 3 + ["blind"]
    scene.frame_id = 402
    assert [states(3.5, 0), states(6, 6)] == ["watched", "blind"], "it sends faster now"


def test_a_list_too_old_and_a_low_disk_are_told_once_each_way(scene: Scene) -> None:
    scene.look()
    assert scene.items() == []
    scene.stale = True
    scene.monitor.min_free_bytes = 1 << 60
    for _ in range(3):
        scene.look()
    assert set(scene.monitor.conditions.details()) == {"disk", "watchlist"}
    since = {one.subject: one.since for one in scene.monitor.conditions.now()}
    assert since == {"disk": scene.clock() - dt.timedelta(seconds=12), "watchlist": since["disk"]}
    scene.stale = False
    scene.monitor.min_free_bytes = 0
    scene.look()
    assert scene.monitor.conditions.now() == ()
    assert scene.shown[-1] == ()
    assert [(body["subject"], body["state"]) for _, body in scene.items()] == [
        ("disk", "low"),
        ("watchlist", "stale"),
        ("disk", "ok"),
        ("watchlist", "ok"),
    ]


def test_shed_frames_are_told_with_their_number(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    # The monitor's clock alone: the store's writer would take leaps of it for a write that hangs.
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0], monotonic_ns=time.monotonic_ns))
    for fps, shed, seconds in ((3, 40, 12), (1, 50, 12), (3, 40, 60), (10, 0, 60)):
        for _ in range(seconds):
            now[0] += 1
            scene.done, scene.dropped = scene.done + fps, scene.dropped + shed
            scene.look(1)
    items = scene.items()
    assert [(kind, body.get("state") or body["cause"]) for kind, body in items] == [
        ("health", "behind"),
        ("health", "overloaded"),
        ("gap", "overload"),
        ("health", "behind"),
        ("health", "ok"),
    ]
    assert items[2][1]["lost"] > 100


def test_outside_the_hours_of_all_cameras_no_face_can_be_missed(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    now, scene.is_scheduled = [100.0], False
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0], monotonic_ns=time.monotonic_ns))
    for _ in range(20):
        now[0] += 1
        scene.done, scene.dropped = scene.done + 1, scene.dropped + 50
        scene.look(1)
    assert not [body for _, body in scene.items() if body.get("subject") == "load"]


def test_a_clock_that_is_set_is_told(scene: Scene) -> None:
    scene.look()
    scene.clock.forward(seconds=-90)
    scene.look()
    kind, body = scene.items()[0]
    assert (kind, body["subject"], body["state"], body["seconds"]) == ("health", "clock", "stepped", -90.0)
    scene.clock.forward(seconds=60)
    scene.look()
    assert [body["seconds"] for _, body in scene.items() if body["state"] == "stepped"] == [-90.0, 60.0]
    scene.look(checks.SHOW_STEP_FOR_S)
    assert scene.items()[-1][1]["state"] == "ok"


def test_a_clock_that_nothing_keeps_right_is_told_after_a_while(scene: Scene) -> None:
    scene.synced = False
    scene.look(200)
    assert scene.monitor.conditions.now() == ()
    scene.look(200)
    assert [(one.subject, one.state) for one in scene.monitor.conditions.now()] == [("clock", "unsynchronised")]
    scene.synced = None
    scene.look()
    assert scene.monitor.conditions.now() == (), "a box that can't tell says nothing"


def test_heat_models_and_a_box_that_recognises_nobody(scene: Scene) -> None:
    for degrees, slow in ((85.0, None), (78.0, None), (60.0, "throttled"), (60.0, None)):
        scene.degrees, scene.slow = degrees, slow
        scene.look()
    scene.model, scene.why_blind = ("unusable", "embed.onnx is gone"), "models can't be loaded"
    scene.look()
    assert [(body["subject"], body["state"]) for kind, body in scene.items() if kind == "health"] == [
        ("heat", "hot"),
        ("heat", "throttled"),
        ("heat", "ok"),
        ("models", "unusable"),
    ]
    watching = scene.monitor.camera_coverage(scene.clock())
    assert [(one.state, one.reason) for one in watching] == [("blind", "models can't be loaded")]


def test_a_database_that_another_program_holds_is_told_when_it_is_free_again(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.look()
    scene.store._core.writer._db.execute("PRAGMA busy_timeout = 50")
    with contextlib.closing(sqlite3.connect(tmp_path / "edge.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError):
            scene.store.add_item("heartbeat", {}).result(10)
        scene.look()
        assert [(one.subject, one.state) for one in scene.monitor.conditions.now()] == [("database", "locked")]
        assert "locked" in scene.monitor.conditions.details()["database"]
        deadline = time.monotonic() + 10
        while not scene.outbox._waiting and time.monotonic() < deadline:
            time.sleep(0.02)
        other.execute("ROLLBACK")
    scene.store.add_item("heartbeat", {}).result(10)
    scene.outbox._next_try = 0.0
    scene.look()
    while (scene.outbox._waiting or scene.outbox._retried) and time.monotonic() < deadline:
        scene.look()
        time.sleep(0.02)
    assert scene.monitor.conditions.now() == ()
    told = [(body["subject"], body["state"]) for kind, body in scene.items() if kind == "health"]
    assert {("database", "locked"), ("database", "ok")} <= set(told), "they waited until they could be kept"
    assert told[-1] in {("database", "ok"), ("database", "locked")}


def test_a_database_that_cannot_be_read_is_a_condition(scene: Scene) -> None:
    def broken() -> None:
        raise StoreError("the disk fails")

    scene.monitor._inputs = dataclasses.replace(scene.monitor._inputs, pause=broken)
    for _ in range(2):
        scene.monitor.check_safely()
    assert [(one.state, one.detail) for one in scene.monitor.conditions.now()] == [("failing", "the disk fails")]
    scene.monitor._inputs = dataclasses.replace(scene.monitor._inputs, pause=lambda: None)
    scene.monitor.check_safely()
    assert scene.monitor.conditions.now() == ()


def test_a_clean_end_is_remembered(scene: Scene) -> None:
    async def live() -> None:
        task = asyncio.create_task(scene.monitor.run())
        await _until(lambda: bool(scene.monitor._recorded))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(live())
    scene.look()
    scene.store.coverage.begin().result(10)
    gap = next(body for kind, body in scene.items() if kind == "gap")
    assert gap["cause"] == "service stopped"


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def test_a_store_that_fails_is_said_once_and_ends_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "CHECK_EVERY_S", 0.01)
    looks = []

    def broken() -> None:
        looks.append("broken")
        raise StoreError("the disk fails")

    async def live() -> None:
        scene.monitor._inputs = dataclasses.replace(scene.monitor._inputs, pause=broken)
        task = asyncio.create_task(scene.monitor.run())
        await _until(lambda: looks.count("broken") >= 3)
        scene.monitor._inputs = dataclasses.replace(scene.monitor._inputs, pause=lambda: looks.append("mended"))
        await _until(lambda: looks.count("mended") >= 3)
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    with caplog.at_level("INFO"):
        asyncio.run(live())
    told = [record.getMessage() for record in caplog.records if "the check of the appliance" in record.getMessage()]
    assert told == ["the check of the appliance failed: the disk fails", "the check of the appliance works again"]
