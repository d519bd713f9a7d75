"""The pause of recognition: cameras go on, faces are not compared, and pullers learn from when to when."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging

from edge.app.service.vision import VisionThread
from edge.store import Store, time_to_text
from edge.store.coverage.pause import Pause

log = logging.getLogger(__name__)

CHECK_EVERY_S = 0.5


class RecognitionSwitch:
    """`edge.serve.ports.RecognitionSwitch` over the vision thread. A pause outlives a restart and ends by itself."""

    def __init__(self, store: Store, vision: VisionThread) -> None:
        self._store = store
        self._vision = vision
        self.pause_now: Pause | None = store.pauses.current()
        vision.paused = self.pause_now is not None

    async def pause(self, by: str, reason: str, minutes: float) -> Pause:
        """Pause from now on; where it is paused already, with the new reason and end."""
        now = dt.datetime.now(dt.UTC)
        since = self.pause_now.since if self.pause_now else now
        pause = Pause(by, reason, since, now + dt.timedelta(minutes=minutes))
        body: dict[str, object] = {"subject": "recognition", "state": "paused", "detail": reason, "by": by}
        body["until"] = time_to_text(pause.until)
        await asyncio.wrap_future(self._store.pauses.set(pause, [("health", body)], by=by))
        self.pause_now = pause
        self._vision.paused = True
        log.info("recognition is paused until %s", time_to_text(pause.until))
        return pause

    async def resume(self, by: str) -> None:
        """Go on at once."""
        pause = self.pause_now
        if pause is None:
            return
        now = dt.datetime.now(dt.UTC)
        gap: dict[str, object] = {"cause": "paused", "by": pause.by, "reason": pause.reason}
        gap |= {"from": time_to_text(pause.since), "to": time_to_text(now)}
        health: dict[str, object] = {"subject": "recognition", "state": "running", "detail": "", "by": by}
        await asyncio.wrap_future(self._store.pauses.set(None, [("gap", gap), ("health", health)], by=by))
        self.pause_now = None
        self._vision.paused = False
        log.info("recognition goes on")

    async def watch(self) -> None:
        """End a pause when its time is up; runs as long as the service does."""
        while True:
            if self.pause_now is not None and dt.datetime.now(dt.UTC) >= self.pause_now.until:
                await self.resume("timer")
            await asyncio.sleep(CHECK_EVERY_S)
