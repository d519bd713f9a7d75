"""Checks cameras and appliance once a second: records coverage, and sends `gap` and `health` items to the feed.

Coverage is extended every five seconds, and at once on a change. A `gap` item is sent when a blind camera works again.
`checks` judges the appliance; a condition is sent as `health` when it begins and when it ends.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from edge.app.health import checks
from edge.app.health.conditions import Conditions
from edge.errors import EdgeError
from edge.ops.system import sensors
from edge.ops.system.clock import clock_facts
from edge.records import SEEING_STATES, CameraHealth, LiveView
from edge.serve.board import Condition
from edge.store import Store, Watching, time_to_text
from edge.store.clocks import Moment

log = logging.getLogger(__name__)

CHECK_EVERY_S = 1.0
EXTEND_EVERY_S = 5.0
CONSUMERS_EVERY_S = 10.0
BLIND_AFTER_S = 5.0
"""A camera counts as blind once its newest processed frame is older, even where capture says it is live."""
BLIND_AFTER_FRAMES = 2.0
"""Times its own interval between two frames after which a slower camera counts as blind."""
PAUSED, BLIND, WATCHED = "paused", "blind", "watched"


class PauseFacts(Protocol):
    """Who paused recognition, and why."""

    @property
    def by(self) -> str: ...

    @property
    def reason(self) -> str: ...

    @property
    def until(self) -> dt.datetime: ...


class FeedQueue(Protocol):
    """Sends items to the feed, and keeps those the store can't take yet."""

    def add_item(self, kind: str, body: Mapping[str, Any]) -> None: ...

    def retry(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Inputs:
    """The calls through which the monitor reads cameras, pipeline and sensors; tests pass their own."""

    cameras: Callable[[], Sequence[CameraHealth]]
    newest: Callable[[str], LiveView | None]
    frames_done: Callable[[], int]
    frames_dropped: Callable[[], int]
    pause: Callable[[], PauseFacts | None]
    is_list_stale: Callable[[dt.datetime], bool]
    is_scheduled: Callable[[str, dt.datetime], bool] = lambda camera, at: True
    """Whether a camera is to be watched at a time, by the hours set for it."""
    lowering: Callable[[Callable[[str], str], float], tuple[str, str]] = lambda state, now_s: (checks.OK, "")
    """State and sentence of what is given up, by the states of all subjects and a monotonic time."""
    drift: Callable[[dt.datetime], tuple[str, str] | None] = lambda at: None
    """Once a day, whether faces have changed since the first week."""
    publish: Callable[[tuple[Condition, ...]], None] = lambda conditions: None
    models: Callable[[], tuple[str, str]] = lambda: (checks.OK, "")
    """State and sentence of the model files."""
    identity: Callable[[], tuple[str, str]] = lambda: (checks.OK, "")
    """State and sentence of the device's identity, `clone` where it looks like a copy of another."""
    blind: Callable[[], str | None] = lambda: None
    """Why recognition is off for all cameras, such as missing models; None while it works."""
    consumer_warn_minutes: float = 0.0
    """Minutes without a pull after which the box warns; 0: never."""
    temperature_c: Callable[[], float | None] = sensors.temperature_c
    throttled: Callable[[], str | None] = sensors.throttled
    is_synced: Callable[[], bool | None] = lambda: clock_facts()["synced"]


class HealthMonitor:
    """Runs beside the vision thread, on the loop."""

    def __init__(self, store: Store, data_dir: Path, min_free_bytes: int, inputs: Inputs, queue: FeedQueue) -> None:
        self._store = store
        self._data_dir = data_dir
        self.min_free_bytes = min_free_bytes
        self._inputs = inputs
        self._recorded: list[Watching] = []
        self._extended_at = float("-inf")
        self._blind_since: dict[str, tuple[dt.datetime, str]] = {}
        self._failing: set[str] = set()
        self._intervals: dict[str, tuple[int, int, float]] = {}
        """By camera: number and monotonic time of the newest processed frame, seconds a frame before it."""
        self._queue = queue
        self.conditions = Conditions(queue.add_item, inputs.publish)
        self._load = checks.LoadCheck()
        self._overload: tuple[dt.datetime, int] | None = None
        self._consumers_at = float("-inf")
        moment = store.coverage.moment()
        self._started_at = moment.wall
        self._clock = checks.ClockCheck(moment.wall.timestamp(), moment.boot_ns / 1e9)

    async def run(self) -> None:
        """Check once a second until cancelled, then close the coverage record, so that the next start sees no crash."""
        self.log_failure_of(self._store.coverage.begin(), "the start of coverage")
        try:
            while True:
                await asyncio.to_thread(self.check_safely)
                await asyncio.sleep(CHECK_EVERY_S)
        finally:
            self.log_failure_of(self._store.coverage.note(self._recorded, is_last=True), "the end of coverage")

    def check_safely(self) -> None:
        """Check once. A failing database or disk becomes the condition `database` and never ends the loop."""
        try:
            self.check_once()
            self._log_change("the check of the appliance", None)
        except (EdgeError, OSError) as error:
            self._log_change("the check of the appliance", error)
            self.conditions.set("database", "failing", str(error), self._store.coverage.moment().wall)

    def check_once(self) -> None:
        """Check cameras and appliance once; raises EdgeError or OSError."""
        moment, trouble = self._store.coverage.moment(), self._store.trouble()
        self._check_device(moment, trouble)
        watching = self.camera_coverage(moment.wall)
        changed = watching != self._recorded
        if changed or time.monotonic() - self._extended_at >= EXTEND_EVERY_S:
            self._extended_at = time.monotonic()
            self.log_failure_of(self._store.coverage.note(watching), "coverage")
        if changed:
            self._send_gaps(watching, moment.wall)
            self._recorded = watching
        is_wrong = trouble is not None and trouble[0] != "full"
        self._set_condition(
            "database", trouble if trouble and is_wrong else (checks.OK, "hits are stored again"), moment.wall
        )
        self._check_consumers(moment.wall)
        self._queue.retry()

    def _check_consumers(self, now: dt.datetime) -> None:
        if self._inputs.consumer_warn_minutes <= 0 or time.monotonic() - self._consumers_at < CONSUMERS_EVERY_S:
            return
        self._consumers_at = time.monotonic()
        known = self._store.consumers()
        found = checks.consumers(known, self._started_at, now, self._inputs.consumer_warn_minutes)
        self._set_condition("consumers", found, now)

    def camera_coverage(self, now: dt.datetime) -> list[Watching]:
        """Return what each camera does now."""
        pause = self._inputs.pause()
        return [self._camera_coverage(health, pause, now) for health in self._inputs.cameras()]

    def _camera_coverage(self, health: CameraHealth, pause: PauseFacts | None, now: dt.datetime) -> Watching:
        if (why := self._inputs.blind()) is not None:
            return Watching(health.camera, BLIND, why)
        if pause is not None and pause.until > now:
            return Watching(health.camera, PAUSED, pause.reason, pause.by)
        if not self._inputs.is_scheduled(health.camera, now):
            return Watching(health.camera, PAUSED, "outside its hours", "schedule")
        if health.state not in SEEING_STATES:
            return Watching(health.camera, BLIND, health.state.value)
        view = self._inputs.newest(health.camera)
        if view is None or time.monotonic_ns() - view.captured_mono_ns > self._blind_after_s(view) * 1e9:
            return Watching(health.camera, BLIND, "frames not processed")
        return Watching(health.camera, WATCHED)

    def _blind_after_s(self, view: LiveView) -> float:
        """How old the newest processed frame may be: a camera that sends one in five seconds is watched between two."""
        number, mono_ns, every_s = self._intervals.get(view.camera, (view.frame_id, view.captured_mono_ns, 0.0))
        if view.frame_id > number:
            every_s = (view.captured_mono_ns - mono_ns) / 1e9 / (view.frame_id - number)
        self._intervals[view.camera] = view.frame_id, view.captured_mono_ns, every_s
        return max(BLIND_AFTER_S, BLIND_AFTER_FRAMES * every_s)

    def _send_gaps(self, watching: Sequence[Watching], now: dt.datetime) -> None:
        """Send one `gap` per blind period when it ends; `coverage.begin` has sent the gap before this start."""
        former = {one.camera: one for one in self._recorded}
        for one in watching:
            was = former.get(one.camera)
            if was is not None and was.state == BLIND and was != one and one.camera in self._blind_since:
                since, reason = self._blind_since.pop(one.camera)
                times = {"from": time_to_text(since), "to": time_to_text(now)}
                self._queue.add_item("gap", {"cause": f"camera {reason}", "camera": one.camera, **times})
            if one.state == BLIND and was is not None:
                self._blind_since.setdefault(one.camera, (now, one.reason))

    def _check_device(self, moment: Moment, trouble: tuple[str, str] | None) -> None:
        """Check disk, heat, clock, models, load and age of the watchlist; none of it needs the database."""
        inputs, wall = self._inputs, moment.wall
        free, full = shutil.disk_usage(self._data_dir).free, trouble is not None and trouble[0] == "full"
        self._set_condition("disk", checks.disk(free, self.min_free_bytes, self._state("disk"), is_full=full), wall)
        self._set_condition("heat", checks.heat(inputs.temperature_c(), inputs.throttled(), self._state("heat")), wall)
        state, detail, step_s = self._clock.check(wall.timestamp(), moment.boot_ns / 1e9, inputs.is_synced())
        # The clock stepped again while the first step is still shown: send a new item.
        if step_s and self._state("clock") == state:
            self.conditions.set("clock", checks.OK, "the clock is set again", wall)
        self._set_condition("clock", (state, detail), wall, **({"seconds": round(step_s, 3)} if step_s else {}))
        self._set_condition("models", inputs.models(), wall)
        self._set_condition("identity", inputs.identity(), wall)
        self._set_condition("damage", checks.damage(self._store.damage(), wall), wall)
        losses = self._store.losses.now()
        self._set_condition("pictures", checks.pictures(losses), wall)
        self._set_condition("hits", checks.hits(losses), wall)
        off = [one.camera for one in inputs.cameras() if not inputs.is_scheduled(one.camera, wall)]
        self._set_condition("schedule", checks.schedule(off), wall, cameras=tuple(off))
        if (drift := inputs.drift(wall)) is not None:
            # Each day sends an item of its own.
            self.conditions.set("drift", checks.OK, "another day was measured", wall)
            self._set_condition("drift", drift, wall)
        self._check_load(wall)
        self._set_condition("lowering", inputs.lowering(self._state, time.monotonic()), wall)
        stale = inputs.is_list_stale(wall)
        said = "the list has not been confirmed for too long" if stale else "the watchlist is in use again"
        self._set_condition("watchlist", ("stale" if stale else checks.OK, said), wall)

    def _check_load(self, now: dt.datetime) -> None:
        inputs = self._inputs
        seeing = [health.camera for health in inputs.cameras() if health.state in SEEING_STATES]
        live = sum(inputs.is_scheduled(camera, now) for camera in seeing)
        count = checks.FrameCount(time.monotonic(), inputs.frames_done(), inputs.frames_dropped())
        found = self._load.check(count, live, self._state("load"))
        if found is None:
            return
        if found[0] == "overloaded":
            self._overload = self._overload or (now, self._load.dropped_at_window_start())
        elif self._overload is not None:
            since, before = self._overload
            self._overload = None
            times = {"from": time_to_text(since), "to": time_to_text(now)}
            self._queue.add_item("gap", {"cause": "overload", "lost": count.dropped - before, **times})
        self._set_condition("load", found, now)

    def _state(self, subject: str) -> str:
        return self.conditions.state(subject)

    def _set_condition(self, subject: str, found: tuple[str, str], at: dt.datetime, **more: Any) -> None:
        self.conditions.set(subject, found[0], found[1], at, **more)

    def log_failure_of(self, future: Future[Any], what: str) -> None:
        """Log a failure of this write once, without waiting for it."""
        future.add_done_callback(lambda finished: self._log_change(what, finished.exception()))

    def _log_change(self, what: str, error: BaseException | None) -> None:
        """Log a failure once when it starts and once when it ends."""
        if error is not None and what not in self._failing:
            self._failing.add(what)
            log.error("%s failed: %s", what, error)
        elif error is None and what in self._failing:
            self._failing.discard(what)
            log.info("%s works again", what)
