"""A pause of recognition: kept, so that it outlasts a restart, and audited."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from edge.store.audit import audit
from edge.store.codec import time_from_text, time_to_text
from edge.store.core import Core
from edge.store.database import meta
from edge.store.database.jobs import Change
from edge.store.feed import feed


@dataclass(frozen=True, slots=True)
class Pause:
    """Who paused recognition, why, since when, and when it resumes by itself."""

    by: str
    reason: str
    since: dt.datetime
    until: dt.datetime


class Pauses:
    """Part of the store."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def current(self) -> Pause | None:
        """The pause in force, or None."""
        text = self._core.read(lambda db: meta.get(db, meta.Key.PAUSE))
        if text is None:
            return None
        kept = json.loads(text)
        return Pause(kept["by"], kept["reason"], time_from_text(kept["since"]), time_from_text(kept["until"]))

    def set(
        self, pause: Pause | None, items: Sequence[tuple[str, dict[str, object]]], *, by: str = audit.LOCAL
    ) -> Future[None]:
        """Begin a pause, or with None end it; `items` (type and body) go into the feed in the same transaction."""

        def apply(change: Change) -> None:
            now = self._core.clock()
            if pause is None:
                audit.append(change.db, now, by, "recognition.resume", "recognition", {})
                meta.take(change.db, meta.Key.PAUSE)
            else:
                until = time_to_text(pause.until)
                detail = {"reason": pause.reason, "until": until}
                audit.append(change.db, now, by, "recognition.pause", "recognition", detail)
                kept = {"by": pause.by, "reason": pause.reason, "since": time_to_text(pause.since), "until": until}
                meta.put(change.db, meta.Key.PAUSE, json.dumps(kept))
            for type_, body in items:
                feed.append(change, now, type_, body)

        return self._core.write(apply)
