"""A box whose cameras, pause, sensors and list say what a test tells them to, watched by the real health monitor."""

from __future__ import annotations

import collections
import datetime as dt
import time
from pathlib import Path
from typing import Any

from edge.app.health.monitor import HealthMonitor, Inputs
from edge.app.service.outbox import Outbox
from edge.errors import EdgeError
from edge.records import CameraHealth, CameraState, LiveView
from edge.serve.board import Condition
from edge.store import Store
from edge.store.clocks import Moment
from edge.store.coverage.pause import Pause
from tests.support.store import NOW, Clock


class Scene:
    """A box whose parts say what the test tells them to."""

    def __init__(self, store: Store, folder: Path, clock: Clock) -> None:
        self.store, self.clock = store, clock
        self.state, self.age_s, self.done, self.dropped = CameraState.LIVE, 0.1, 0, 0
        self.frame_id = 1
        self.pause: Pause | None = None
        self.fault: EdgeError | None = None
        """Raised where the monitor asks for the pause."""
        self.num_checks = 0
        """Checks begun so far: each asks for the pause once."""
        self.stale = False
        self.is_scheduled = True
        self.drift: tuple[str, str] | None = None
        self.degrees: float | None = 40.0
        self.slow: str | None = None
        self.synced: bool | None = True
        self.model = ("ok", "")
        self.why_blind: str | None = None
        self.shown: list[tuple[Condition, ...]] = []
        self.boot_ns = 10**12
        store.coverage.moment = lambda: Moment("b", self.boot_ns, self.clock())  # type: ignore[method-assign]
        self.outbox = Outbox(store)
        self.monitor = HealthMonitor(
            store,
            folder,
            0,
            Inputs(
                cameras=lambda: [CameraHealth("door", self.state, NOW, "told", 1, 0)],
                newest=self._newest,
                frames_done=lambda: self.done,
                frames_dropped=lambda: self.dropped,
                pause=self._paused,
                is_list_stale=lambda at: self.stale,
                is_scheduled=lambda camera, at: self.is_scheduled,
                drift=lambda at: self.drift,
                publish=self.shown.append,
                models=lambda: self.model,
                blind=lambda: self.why_blind,
                temperature_c=lambda: self.degrees,
                throttled=lambda: self.slow,
                is_synced=lambda: self.synced,
            ),
            self.outbox,
        )

    def _paused(self) -> Pause | None:
        self.num_checks += 1
        if self.fault is not None:
            raise self.fault
        return self.pause

    def _newest(self, camera: str) -> LiveView | None:
        return LiveView(camera, self.frame_id, NOW, time.monotonic_ns() - int(self.age_s * 1e9), 4, 4, bytes, ())

    def look(self, seconds: float = 6.0) -> None:
        self.clock.forward(seconds=seconds)
        self.boot_ns += int(seconds * 1e9)
        self.monitor.check_once()

    def items(self) -> list[tuple[str, dict[str, Any]]]:
        self.store.add_item("heartbeat", {}).result(10)
        return [(item.type, dict(item.body)) for item in self.store.feed(None, 100).items if item.type != "heartbeat"]


def totals(scene: Scene, seconds: float) -> dict[tuple[str, str], float]:
    scene.store.add_item("heartbeat", {}).result(10)  # what was queued before it is written then
    end = scene.clock()
    found: dict[tuple[str, str], float] = collections.defaultdict(float)
    for span in scene.store.coverage.report(end - dt.timedelta(seconds=seconds), end)["door"]:
        found[span.state, span.reason] += span.seconds
    return found
