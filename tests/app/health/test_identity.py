"""A device that looks like a clone says so: once in the feed, on the page while it lasts."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from edge.app.health import checks
from edge.app.health.monitor import HealthMonitor, Inputs
from edge.app.service.outbox import Outbox
from edge.store import Store
from tests.support.store import Clock


def test_a_clone_is_told_once_with_what_to_do(tmp_path: Path) -> None:
    other, this = {"serial": ("1",), "mac": ("1",)}, {"serial": ("2",), "mac": ("2",)}
    with Store.open(tmp_path, clock=Clock()) as store:
        store.identity.keep(other)
        found = checks.identity(store.identity.settle(this))
        inputs = Inputs(
            cameras=list,
            newest=lambda camera: None,
            frames_done=lambda: 0,
            frames_dropped=lambda: 0,
            pause=lambda: None,
            is_list_stale=lambda at: False,
            identity=lambda: found,
            temperature_c=lambda: None,
            throttled=lambda: None,
            is_synced=lambda: True,
        )
        monitor = HealthMonitor(store, tmp_path, 0, inputs, Outbox(store))
        for _ in range(3):
            monitor.check_once()
        store.add_item("heartbeat", {}).result(10)
        told = [item.body for item in store.feed(None, 100).items if item.type == "health"]
        assert [(one["subject"], one["state"]) for one in told] == [("identity", "clone")]
        what = f"this looks like a clone of {store.box_id}: serial number and MAC address changed"
        assert what in str(told[0]["detail"])
        assert "edge identity new" in str(told[0]["detail"])
        assert monitor.conditions.state("identity") == "clone"
        assert dt.datetime.fromisoformat(str(told[0]["since"]))
