"""Pauses recognition: cameras go on, faces are not compared, and the feed says from when to when."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time

from edge.app.service.vision import VisionThread
from edge.store import Store, time_to_text
from edge.store.coverage.pause import Pause

log = logging.getLogger(__name__)

CHECK_EVERY_S = 0.5
passed_s = time.monotonic


def wall() -> dt.datetime:
    """The time of day, which somebody may set."""
    return dt.datetime.now(dt.UTC)


class RecognitionSwitch:
    """`edge.serve.ports.RecognitionSwitch` over the vision thread. A pause outlives a restart and ends by itself."""

    def __init__(self, store: Store, vision: VisionThread) -> None:
        self._store = store
        self._vision = vision
        self.pause_now: Pause | None = store.pauses.current()
        self._ends_s = _end(self.pause_now)
        vision.paused = self.pause_now is not None

    async def pause(self, by: str, reason: str, minutes: float) -> Pause:
        """Pause from now on; a pause in force gets the new reason and end."""
        now = wall()
        since = self.pause_now.since if self.pause_now else now
        pause = Pause(by, reason, since, now + dt.timedelta(minutes=minutes))
        body: dict[str, object] = {"subject": "recognition", "state": "paused", "detail": reason, "by": by}
        body["until"] = time_to_text(pause.until)
        await asyncio.wrap_future(self._store.pauses.set(pause, [("health", body)], by=by))
        self.pause_now, self._ends_s = pause, _end(pause)
        self._vision.paused = True
        log.info("recognition is paused until %s", time_to_text(pause.until))
        return pause

    async def resume(self, by: str) -> None:
        """Resume at once."""
        pause = self.pause_now
        if pause is None:
            return
        now = wall()
        gap: dict[str, object] = {"cause": "paused", "by": pause.by, "reason": pause.reason}
        gap |= {"from": time_to_text(pause.since), "to": time_to_text(now)}
        health: dict[str, object] = {"subject": "recognition", "state": "running", "detail": "", "by": by}
        await asyncio.wrap_future(self._store.pauses.set(None, [("gap", gap), ("health", health)], by=by))
        self.pause_now = None
        self._vision.paused = False
        log.info("recognition goes on")

    async def run(self) -> None:
        """End a pause when its time is up; runs as long as the service does."""
        while True:
            if self.is_over():
                await self.resume("timer")
            await asyncio.sleep(CHECK_EVERY_S)

    def is_over(self) -> bool:
        """Whether the pause's time is up, by the wall clock or by the time that has passed since.

        By the latter, because a clock that is set back would leave the cameras unwatched for as long again.
        """
        if self.pause_now is None:
            return False
        return wall() >= self.pause_now.until or passed_s() >= self._ends_s


def _end(pause: Pause | None) -> float:
    """When a pause ends, by the monotonic clock: never later than its whole length from now."""
    if pause is None:
        return 0.0
    left = min(pause.until - wall(), pause.until - pause.since)
    return passed_s() + left.total_seconds()
