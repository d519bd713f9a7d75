"""Keeps watch over the watching: what each camera covers, and what the box has to say of itself, into store and feed.

Coverage is extended every few seconds and at once when something changes. A camera that sees again leaves a `gap`
behind; disk, load, list and clock are told as `health` when they go bad and when they are well again.
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

from edge.errors import EdgeError
from edge.records import CameraHealth, CameraState, LiveView
from edge.store import Store, Watching, time_to_text

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
EXTEND_EVERY_S = 5.0
UNSEEN_AFTER_S = 5.0
"""A camera whose newest processed frame is older is not watched, whatever the camera says."""
LOAD_WINDOW_S = 10.0
MIN_FPS = 2.0
"""Frames per second and camera below which a box that drops frames is overloaded: faces may pass between them."""
STEP_S = 2.0
"""A wall clock that moved this much against the boot's own clock was set."""
PAUSED, BLIND, WATCHED = "paused", "blind", "watched"


class Pausing(Protocol):
    """Who paused recognition, and why."""

    @property
    def by(self) -> str: ...

    @property
    def reason(self) -> str: ...

    @property
    def until(self) -> dt.datetime: ...


@dataclass(frozen=True, slots=True)
class Eyes:
    """What the keeper looks at."""

    cameras: Callable[[], Sequence[CameraHealth]]
    newest: Callable[[str], LiveView | None]
    frames_done: Callable[[], int]
    frames_dropped: Callable[[], int]
    pause: Callable[[], Pausing | None]
    is_list_stale: Callable[[dt.datetime], bool]


class Keeper:
    """Runs beside the vision thread, on the loop."""

    def __init__(self, store: Store, data_dir: Path, min_free_bytes: int, eyes: Eyes) -> None:
        self._store = store
        self._data_dir = data_dir
        self._min_free_bytes = min_free_bytes
        self._eyes = eyes
        self._told: list[Watching] = []
        self._extended_at = float("-inf")
        self._blind_since: dict[str, tuple[dt.datetime, str]] = {}
        self._conditions: dict[str, str] = {}
        self.conditions: dict[str, str] = {}
        """What is wrong now, in words, by subject; for the page and `/api/v1/health`."""
        self._failing: set[str] = set()
        self._load: list[tuple[float, int, int]] = []
        self._overload: tuple[dt.datetime, int] | None = None
        moment = store.coverage.moment()
        self._clock_offset_s = moment.wall.timestamp() - moment.boot_ns / 1e9

    async def run(self) -> None:
        """Look until cancelled; the last look closes the account, so that the next start knows it was no crash."""
        self._watched(self._store.coverage.begin(), "the start of coverage")
        try:
            while True:
                try:
                    await asyncio.to_thread(self.look)
                    self._say("a look at the box", None)
                except (EdgeError, OSError) as error:  # what can't be seen now is blind; the cameras go on
                    self._say("a look at the box", error)
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            self._watched(self._store.coverage.note(self._told, is_last=True), "the end of coverage")

    def look(self) -> None:
        """One look at everything."""
        moment = self._store.coverage.moment()
        watching = self.watching(moment.wall)
        changed = watching != self._told
        if changed or time.monotonic() - self._extended_at >= EXTEND_EVERY_S:
            self._extended_at = time.monotonic()
            self._watched(self._store.coverage.note(watching), "coverage")
        if changed:
            self._tell_gaps(watching, moment.wall)
            self._told = watching
        self._look_at_clock(moment.wall.timestamp() - moment.boot_ns / 1e9)
        self._look_at_disk()
        self._look_at_load(moment.wall)
        stale = self._eyes.is_list_stale(moment.wall)
        detail = "the watchlist has not been confirmed for too long: nobody is alerted on until it is sent again"
        self._tell("watchlist", "stale" if stale else "ok", detail if stale else "the watchlist is in use again")

    def watching(self, now: dt.datetime) -> list[Watching]:
        """What each camera does now."""
        pause = self._eyes.pause()
        return [self._one(health, pause, now) for health in self._eyes.cameras()]

    def _one(self, health: CameraHealth, pause: Pausing | None, now: dt.datetime) -> Watching:
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
                self._item("gap", {"cause": f"camera {reason}", "camera": one.camera, **times})
            if one.state == BLIND and was is not None:
                self._blind_since.setdefault(one.camera, (now, one.reason))

    def _look_at_clock(self, offset_s: float) -> None:
        step_s = offset_s - self._clock_offset_s
        self._clock_offset_s = offset_s
        if abs(step_s) >= STEP_S:
            detail = f"the clock was set {abs(step_s):.0f} s {'forward' if step_s > 0 else 'back'}"
            log.warning("%s", detail)
            self._item(
                "health", {"subject": "clock", "state": "stepped", "detail": detail, "seconds": round(step_s, 3)}
            )

    def _look_at_disk(self) -> None:
        free = shutil.disk_usage(self._data_dir).free
        low = free < self._min_free_bytes
        detail = f"{free // 1_000_000} MB are free, {self._min_free_bytes // 1_000_000} MB are asked for"
        self._tell("disk", "low" if low else "ok", f"{detail}: old pictures are shed" if low else detail)

    def _look_at_load(self, now: dt.datetime) -> None:
        """Overloaded: over some seconds frames were dropped and hardly any processed, though cameras give some."""
        at, done, dropped = time.monotonic(), self._eyes.frames_done(), self._eyes.frames_dropped()
        self._load = [look for look in self._load if at - look[0] <= LOAD_WINDOW_S] + [(at, done, dropped)]
        span_s = at - self._load[0][0]
        if span_s < LOAD_WINDOW_S * 0.8:
            return
        live = sum(health.state is CameraState.LIVE for health in self._eyes.cameras())
        fps, shed = (done - self._load[0][1]) / span_s, dropped - self._load[0][2]
        if live and shed > 0 and fps < MIN_FPS * live:
            self._overload = self._overload or (now, self._load[0][2])
            self._tell("load", "overloaded", f"{fps:.1f} frames/s are processed, the others are shed")
        elif self._overload is not None:
            since, before = self._overload
            self._overload = None
            times = {"from": time_to_text(since), "to": time_to_text(now)}
            self._item("gap", {"cause": "overload", "lost": dropped - before, **times})
            self._tell("load", "ok", f"{fps:.1f} frames/s are processed")

    def _tell(self, subject: str, state: str, detail: str) -> None:
        """A health item when a condition changes; that all is well is not told at the start."""
        if self._conditions.get(subject, "ok") == state:
            return
        self._conditions[subject] = state
        wrong = {} if state == "ok" else {subject: detail}
        self.conditions = {key: text for key, text in self.conditions.items() if key != subject} | wrong
        log.log(logging.INFO if state == "ok" else logging.WARNING, "%s is %s: %s", subject, state, detail)
        self._item("health", {"subject": subject, "state": state, "detail": detail})

    def _item(self, kind: str, body: Mapping[str, Any]) -> None:
        self._watched(self._store.add_item(kind, body), f"a {kind} item")

    def _watched(self, future: Future[Any], what: str) -> None:
        """Nothing waits for the store; what it can't take is said in the log."""
        future.add_done_callback(lambda finished: self._say(what, finished.exception()))

    def _say(self, what: str, error: BaseException | None) -> None:
        """Log a failure once when it starts and once when it ends."""
        if error is not None and what not in self._failing:
            self._failing.add(what)
            log.error("%s failed: %s", what, error)
        elif error is None and what in self._failing:
            self._failing.discard(what)
            log.info("%s works again", what)
