"""What counts as watched: a camera that was turned, one that is covered, and one outside its hours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.records import CameraState
from edge.store import Store
from tests.support.monitored import Scene, totals
from tests.support.store import Clock


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    clock = Clock()
    with Store.open(tmp_path, clock=clock) as store:
        yield Scene(store, tmp_path, clock)


def test_a_turned_camera_still_watches_and_a_covered_one_is_blind(scene: Scene) -> None:
    scene.store.coverage.begin().result(10)
    scene.look(0)
    scene.state = CameraState.MOVED
    scene.look(20)
    scene.state = CameraState.COVERED
    scene.look(0)
    scene.look(20)
    scene.state = CameraState.LIVE
    scene.look(0)
    assert totals(scene, 40) == {("watched", ""): 20, ("blind", "covered"): 20}


def test_outside_its_hours_a_camera_is_paused_and_the_box_says_so(scene: Scene) -> None:
    scene.store.coverage.begin().result(10)
    scene.look(0)
    scene.is_scheduled = False
    scene.state = CameraState.DARK
    scene.look(0)
    scene.look(20)
    scene.is_scheduled, scene.state = True, CameraState.LIVE
    scene.look(0)
    assert totals(scene, 20) == {("paused", "outside its hours"): 20}
    told = [body for kind, body in scene.items() if kind == "health" and body["subject"] == "schedule"]
    assert [body["state"] for body in told] == ["off", "ok"]
    assert "door" in told[0]["detail"]


def test_drift_sends_an_item_each_day(scene: Scene) -> None:
    told = [("changed", "door: faces are 30 % smaller"), None, ("changed", "door: faces are 31 % smaller"), ("ok", "")]
    for scene.drift in told:
        scene.look()
    items = [(body["state"], body["detail"]) for kind, body in scene.items() if body.get("subject") == "drift"]
    assert [one for one in items if one[0] != "ok"] == [told[0], told[2]]
    assert items[-1][0] == "ok"
