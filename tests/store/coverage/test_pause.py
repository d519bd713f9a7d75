"""A pause of recognition outlasts a restart."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from edge.store import Store
from edge.store.coverage.pause import Pause

T0 = dt.datetime(2026, 3, 4, 5, 6, 7, tzinfo=dt.UTC)


def test_a_pause_is_kept_and_told_in_the_same_commit(tmp_path: Path) -> None:
    pause = Pause("rosa", "works on the door", T0, T0 + dt.timedelta(minutes=30))
    with Store.open(tmp_path / "data") as store:
        assert store.pauses.current() is None
        store.pauses.set(pause, [("health", {"subject": "recognition", "state": "paused"})]).result(10)
    with Store.open(tmp_path / "data") as store:
        assert store.pauses.current() == pause
        assert store.feed(None, 10).items[-1].body["state"] == "paused"
        store.pauses.set(None, [("gap", {"cause": "paused"}), ("health", {})]).result(10)
        assert store.pauses.current() is None
        assert [item.type for item in store.feed(None, 10).items] == ["health", "gap", "health"]
