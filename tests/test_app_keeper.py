"""The keeper: what becomes of camera states, pauses, dropped frames, a low disk, an old list and a clock."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.app import keeper as module
from edge.app.keeper import Eyes, Keeper
from edge.errors import StoreError
from edge.records import CameraHealth, CameraState, LiveView
from edge.store import Store
from edge.store.coverage import Moment
from edge.store.guarding import Pause
from tests.store_material import NOW, Clock


class Scene:
    """A box whose parts say what the test tells them to."""

    def __init__(self, store: Store, folder: Path, clock: Clock) -> None:
        self.store, self.clock = store, clock
        self.state, self.age_s, self.done, self.dropped = CameraState.LIVE, 0.1, 0, 0
        self.pause: Pause | None = None
        self.stale = False
        self.boot_ns = 10**12
        store.coverage.moment = lambda: Moment("b", self.boot_ns, self.clock())  # type: ignore[method-assign]
        self.keeper = Keeper(
            store,
            folder,
            0,
            Eyes(
                cameras=lambda: [CameraHealth("door", self.state, NOW, "told", 1, 0)],
                newest=self._newest,
                frames_done=lambda: self.done,
                frames_dropped=lambda: self.dropped,
                pause=lambda: self.pause,
                is_list_stale=lambda at: self.stale,
            ),
        )

    def _newest(self, camera: str) -> LiveView | None:
        taken = time.monotonic_ns() - int(self.age_s * 1e9)
        return LiveView(camera, 1, NOW, taken, 4, 4, b"", ())

    def look(self, seconds: float = 6.0) -> None:
        self.clock.forward(seconds=seconds)
        self.boot_ns += int(seconds * 1e9)
        self.keeper.look()

    def items(self) -> list[tuple[str, dict[str, Any]]]:
        self.store.add_item("heartbeat", {}).result(10)
        return [(item.type, dict(item.body)) for item in self.store.feed(None, 100).items if item.type != "heartbeat"]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    clock = Clock()
    with Store.open(tmp_path, clock=clock) as store:
        yield Scene(store, tmp_path, clock)


def totals(scene: Scene, seconds: float) -> dict[tuple[str, str], float]:
    scene.store.add_item("heartbeat", {}).result(10)  # what was queued before it is written then
    end = scene.clock()
    found: dict[tuple[str, str], float] = {}
    for span in scene.store.coverage.report(end - dt.timedelta(seconds=seconds), end)["door"]:
        key = (span.state, span.reason)
        found[key] = found.get(key, 0.0) + span.seconds
    return found


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
    assert scene.keeper.watching(scene.clock())[0].state == "blind", "the pause is over by itself"


def test_a_list_too_old_and_a_low_disk_are_told_once_each_way(scene: Scene) -> None:
    scene.look()
    assert scene.items() == []
    scene.stale = True
    scene.keeper._min_free_bytes = 1 << 60
    for _ in range(3):
        scene.look()
    assert set(scene.keeper.conditions) == {"disk", "watchlist"}
    scene.stale = False
    scene.keeper._min_free_bytes = 0
    scene.look()
    assert scene.keeper.conditions == {}
    assert [(body["subject"], body["state"]) for _, body in scene.items()] == [
        ("disk", "low"),
        ("watchlist", "stale"),
        ("disk", "ok"),
        ("watchlist", "ok"),
    ]


def test_shed_frames_are_told_with_their_number(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    for fps, shed, seconds in ((10, 40, 12), (1, 50, 12), (10, 0, 12)):
        for _ in range(seconds):
            now[0] += 1
            scene.done, scene.dropped = scene.done + fps, scene.dropped + shed
            scene.look(1)
    items = scene.items()
    assert [(kind, body.get("state") or body["cause"]) for kind, body in items] == [
        ("health", "overloaded"),
        ("gap", "overload"),
        ("health", "ok"),
    ]
    assert items[1][1]["lost"] > 100


def test_a_clock_that_is_set_is_told(scene: Scene) -> None:
    scene.look()
    scene.clock.forward(seconds=-90)
    scene.look()
    kind, body = scene.items()[0]
    assert (kind, body["subject"], body["seconds"]) == ("health", "clock", -90.0)


def test_a_clean_end_is_remembered(scene: Scene) -> None:
    async def live() -> None:
        task = asyncio.create_task(scene.keeper.run())
        await asyncio.sleep(0.5)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(live())
    scene.look()
    scene.store.coverage.begin().result(10)
    gap = next(body for kind, body in scene.items() if kind == "gap")
    assert gap["cause"] == "service stopped"


def test_a_store_that_fails_is_said_once_and_ends_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.02)

    def broken() -> None:
        raise StoreError("the disk fails")

    async def live() -> None:
        scene.keeper._eyes = dataclasses.replace(scene.keeper._eyes, pause=broken)
        task = asyncio.create_task(scene.keeper.run())
        await asyncio.sleep(0.3)
        scene.keeper._eyes = dataclasses.replace(scene.keeper._eyes, pause=lambda: None)
        await asyncio.sleep(0.3)
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    with caplog.at_level("INFO"):
        asyncio.run(live())
    told = [record.getMessage() for record in caplog.records if "a look at the box" in record.getMessage()]
    assert told == ["a look at the box failed: the disk fails", "a look at the box works again"]


def test_pausing_protocol_fits_the_store() -> None:
    assert {field.name for field in dataclasses.fields(Pause)} >= {"by", "reason", "until"}
