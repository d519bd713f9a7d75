"""Keeps watch over the watching: what each camera covers, and what the box has to say of itself, into store and feed.

Coverage is extended every few seconds and at once when something changes. A camera that sees again leaves a `gap`
behind. How the box itself is, `checks` judges; each condition is told as `health` when it begins and when it ends.
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
from edge.records import CameraHealth, CameraState, LiveView
from edge.serve.board import Condition
from edge.store import Store, Watching, time_to_text
from edge.store.coverage.coverage import Moment

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
EXTEND_EVERY_S = 5.0
UNSEEN_AFTER_S = 5.0
"""A camera whose newest processed frame is older is not watched, whatever the camera says."""
PAUSED, BLIND, WATCHED = "paused", "blind", "watched"


class Pausing(Protocol):
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
class Eyes:
    """What the keeper looks at."""

    cameras: Callable[[], Sequence[CameraHealth]]
    newest: Callable[[str], LiveView | None]
    frames_done: Callable[[], int]
    frames_dropped: Callable[[], int]
    pause: Callable[[], Pausing | None]
    is_list_stale: Callable[[dt.datetime], bool]
    publish: Callable[[tuple[Condition, ...]], None] = lambda conditions: None
    models: Callable[[], tuple[str, str]] = lambda: (checks.OK, "")
    """State and sentence of the model files."""
    blind: Callable[[], str | None] = lambda: None
    """Why nobody is recognised at all, whatever the cameras see."""
    temperature_c: Callable[[], float | None] = sensors.temperature_c
    throttled: Callable[[], str | None] = sensors.throttled
    is_synced: Callable[[], bool | None] = lambda: clock_facts()["synced"]


class Keeper:
    """Runs beside the vision thread, on the loop."""

    def __init__(self, store: Store, data_dir: Path, min_free_bytes: int, eyes: Eyes, queue: FeedQueue) -> None:
        self._store = store
        self._data_dir = data_dir
        self._min_free_bytes = min_free_bytes
        self._eyes = eyes
        self._told: list[Watching] = []
        self._extended_at = float("-inf")
        self._blind_since: dict[str, tuple[dt.datetime, str]] = {}
        self._failing: set[str] = set()
        self._queue = queue
        self.conditions = Conditions(queue.add_item, eyes.publish)
        self._load = checks.Load()
        self._overload: tuple[dt.datetime, int] | None = None
        moment = store.coverage.moment()
        self._clock = checks.Clock(moment.wall.timestamp(), moment.boot_ns / 1e9)

    async def run(self) -> None:
        """Look until cancelled; the last look closes the account, so that the next start knows it was no crash."""
        self.watched(self._store.coverage.begin(), "the start of coverage")
        try:
            while True:
                await asyncio.to_thread(self.try_to_look)
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            self.watched(self._store.coverage.note(self._told, is_last=True), "the end of coverage")

    def try_to_look(self) -> None:
        """One look; what can't be seen now is blind, and the cameras go on."""
        try:
            self.look()
            self._say("a look at the box", None)
        except (EdgeError, OSError) as error:
            self._say("a look at the box", error)
            self.conditions.set("database", "failing", str(error), self._store.coverage.moment().wall)

    def look(self) -> None:
        """One look at everything."""
        moment, trouble = self._store.coverage.moment(), self._store.trouble()
        self._look_at_box(moment, trouble)
        watching = self.watching(moment.wall)
        changed = watching != self._told
        if changed or time.monotonic() - self._extended_at >= EXTEND_EVERY_S:
            self._extended_at = time.monotonic()
            self.watched(self._store.coverage.note(watching), "coverage")
        if changed:
            self._tell_gaps(watching, moment.wall)
            self._told = watching
        is_wrong = trouble is not None and trouble[0] != "full"
        self._set("database", trouble if trouble and is_wrong else (checks.OK, "hits are stored again"), moment.wall)
        self._queue.retry()

    def watching(self, now: dt.datetime) -> list[Watching]:
        """What each camera does now."""
        pause = self._eyes.pause()
        return [self._one(health, pause, now) for health in self._eyes.cameras()]

    def _one(self, health: CameraHealth, pause: Pausing | None, now: dt.datetime) -> Watching:
        if (why := self._eyes.blind()) is not None:
            return Watching(health.camera, BLIND, why)
        if pause is not None and pause.until > now:
            return Watching(health.camera, PAUSED, pause.reason, pause.by)
        if health.state is not CameraState.LIVE:
            return Watching(health.camera, BLIND, health.state.value)
        view = self._eyes.newest(health.camera)
        if view is None or time.monotonic_ns() - view.captured_mono_ns > UNSEEN_AFTER_S * 1e9:
            return Watching(health.camera, BLIND, "frames not processed")
        return Watching(health.camera, WATCHED)

    def _tell_gaps(self, watching: Sequence[Watching], now: dt.datetime) -> None:
        """A gap per blind stretch, once it is over; the first look after the start is told by `coverage.begin`."""
        former = {one.camera: one for one in self._told}
        for one in watching:
            was = former.get(one.camera)
            if was is not None and was.state == BLIND and was != one and one.camera in self._blind_since:
                since, reason = self._blind_since.pop(one.camera)
                times = {"from": time_to_text(since), "to": time_to_text(now)}
                self._queue.add_item("gap", {"cause": f"camera {reason}", "camera": one.camera, **times})
            if one.state == BLIND and was is not None:
                self._blind_since.setdefault(one.camera, (now, one.reason))

    def _look_at_box(self, moment: Moment, trouble: tuple[str, str] | None) -> None:
        """All that can be seen without the database."""
        eyes, wall = self._eyes, moment.wall
        free, full = shutil.disk_usage(self._data_dir).free, trouble is not None and trouble[0] == "full"
        self._set("disk", checks.disk(free, self._min_free_bytes, self._state("disk"), is_full=full), wall)
        self._set("heat", checks.heat(eyes.temperature_c(), eyes.throttled(), self._state("heat")), wall)
        state, detail, step_s = self._clock.look(wall.timestamp(), moment.boot_ns / 1e9, eyes.is_synced())
        if step_s and self._state("clock") == state:  # set once more while the last time is still shown
            self.conditions.set("clock", checks.OK, "the clock is set again", wall)
        self._set("clock", (state, detail), wall, **({"seconds": round(step_s, 3)} if step_s else {}))
        self._set("models", eyes.models(), wall)
        self._look_at_load(wall)
        stale = eyes.is_list_stale(wall)
        said = "the list has not been confirmed for too long" if stale else "the watchlist is in use again"
        self._set("watchlist", ("stale" if stale else checks.OK, said), wall)

    def _look_at_load(self, now: dt.datetime) -> None:
        eyes = self._eyes
        live = sum(health.state is CameraState.LIVE for health in eyes.cameras())
        count = checks.Count(time.monotonic(), eyes.frames_done(), eyes.frames_dropped())
        found = self._load.look(count, live, self._state("load"))
        if found is None:
            return
        if found[0] == "overloaded":
            self._overload = self._overload or (now, self._load.dropped_before())
        elif self._overload is not None:
            since, before = self._overload
            self._overload = None
            times = {"from": time_to_text(since), "to": time_to_text(now)}
            self._queue.add_item("gap", {"cause": "overload", "lost": count.dropped - before, **times})
        self._set("load", found, now)

    def _state(self, subject: str) -> str:
        return self.conditions.state(subject)

    def _set(self, subject: str, found: tuple[str, str], at: dt.datetime, **more: Any) -> None:
        self.conditions.set(subject, found[0], found[1], at, **more)

    def watched(self, future: Future[Any], what: str) -> None:
        """Nothing waits for the store; what it can't take is said in the log, once."""
        future.add_done_callback(lambda finished: self._say(what, finished.exception()))

    def _say(self, what: str, error: BaseException | None) -> None:
        """Log a failure once when it starts and once when it ends."""
        if error is not None and what not in self._failing:
            self._failing.add(what)
            log.error("%s failed: %s", what, error)
        elif error is None and what in self._failing:
            self._failing.discard(what)
            log.info("%s works again", what)
