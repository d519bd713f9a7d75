"""A central server that pulls no more is told when that begins and when it ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edge.app.health.monitor import HealthMonitor, Inputs
from edge.app.service.outbox import Outbox
from edge.store import Store
from tests.support.store import Clock


def test_a_central_server_that_pulls_no_more(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("edge.app.health.monitor.CONSUMERS_EVERY_S", 0.0)
    clock = Clock()
    with Store.open(tmp_path, clock=clock) as store:
        inputs = Inputs(
            cameras=list,
            newest=lambda camera: None,
            frames_done=lambda: 0,
            frames_dropped=lambda: 0,
            pause=lambda: None,
            is_list_stale=lambda at: False,
            consumer_warn_minutes=30,
        )
        monitor = HealthMonitor(store, tmp_path, 0, inputs, Outbox(store))
        store.add_token("central", ["alerts:read"]).result(10)
        for minutes in (0, 29, 2):
            clock.forward(minutes=minutes)
            monitor.check_once()
        assert monitor.conditions.details()["consumers"].endswith("none has ever pulled")
        store.note_pull("central", 1)
        monitor.check_once()
        store.add_item("heartbeat", {}).result(10)
        told = [item.body for item in store.feed(None, 100).items if item.type == "health"]
        assert [one["state"] for one in told if one.get("subject") == "consumers"] == ["silent", "ok"]
