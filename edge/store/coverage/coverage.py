"""Coverage (`store.coverage`): spans of what each camera did, extended every few seconds, and the account of them.

A span is timed by the boot's monotonic clock and placed on the wall clock by the boot's latest anchor: a clock that is
set moves all of that boot, and neither tears a hole nor counts a second twice. What was not recorded, because the
service was not there to record it, is blind.
"""

from __future__ import annotations

import datetime as dt
import functools
import secrets
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from edge.store.codec import time_from_text, time_to_text
from edge.store.coverage import timeline
from edge.store.coverage.timeline import Span
from edge.store.feed import feed
from edge.store.writer import Change

T = TypeVar("T")
LIVE_FOR_S = 15.0
"""The newest span of a service that still runs lasts until now if it was extended this recently."""
KEEP_DAYS = 400


class Access(Protocol):
    """How the store is read and written."""

    clock: Callable[[], dt.datetime]

    def read(self, query: Callable[[sqlite3.Connection], T]) -> T: ...

    def write(self, apply: Callable[[Change], T]) -> Future[T]: ...


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, by the boot's own clock (`boot_ns` goes on through a suspend) and by the wall clock."""

    boot_id: str
    boot_ns: int
    wall: dt.datetime


@dataclass(frozen=True, slots=True)
class Watching:
    """What one camera does now: "watched", "blind" (reason) or "paused" (reason, by whom)."""

    camera: str
    state: str
    reason: str = ""
    by: str | None = None


class Coverage:
    """Written by the one service that runs; read by anybody."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._run_id: str | None = None

    def moment(self) -> Moment:
        """Both clocks, now."""
        return Moment(_boot_id(), time.clock_gettime_ns(time.CLOCK_BOOTTIME), self._access.clock())

    def begin(self) -> Future[None]:
        """A service starts: say in the feed since when nobody watched, and why, as far as it can be told."""
        self._run_id = secrets.token_hex(8)
        moment = self.moment()

        def apply(change: Change) -> None:
            _drop_old(change.db, moment)
            before = change.db.execute("SELECT boot_id, end_ns FROM spans ORDER BY span_id DESC LIMIT 1").fetchone()
            ended = change.db.execute("DELETE FROM meta WHERE key = 'run_ended' RETURNING value").fetchone()
            _anchor(change.db, moment)
            if before is not None:
                cause = "service stopped" if ended else "crash" if before[0] == moment.boot_id else "power loss"
                since = _wall(_anchors(change.db), before[0], before[1])
                body = {"cause": cause, "from": time_to_text(since), "to": time_to_text(moment.wall)}
                feed.append(change, self._access.clock(), "gap", body)

        return self._access.write(apply)

    def note(self, watching: Sequence[Watching], *, is_last: bool = False) -> Future[None]:
        """Extend each camera's span up to now, and begin another where its state changed."""
        run_id, moment = self._run_id or "", self.moment()

        def apply(change: Change) -> None:
            _anchor(change.db, moment)
            for one in watching:
                _extend(change.db, run_id, one, moment)
            if is_last:
                row = ("run_ended", run_id)
                change.db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", row)

        return self._access.write(apply)

    def report(self, start: dt.datetime, end: dt.datetime, cameras: Sequence[str] = ()) -> dict[str, tuple[Span, ...]]:
        """Per camera (those of `cameras` and those recorded), what was watched and what not, without a hole."""
        recorded: dict[str, list[Span]] = {camera: [] for camera in cameras}
        moment = self.moment()
        recorded |= self._access.read(lambda db: _recorded(db, self._run_id, moment))
        return timeline.account(recorded, start, end)


@functools.cache
def _boot_id() -> str:
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text("ascii").strip() if path.is_file() else "unknown"


def _extend(db: sqlite3.Connection, run_id: str, one: Watching, moment: Moment) -> None:
    row = db.execute(
        """SELECT span_id, state, reason, by, end_ns FROM spans WHERE camera = ? AND run_id = ?
           ORDER BY span_id DESC LIMIT 1""",
        (one.camera, run_id),
    ).fetchone()
    now = moment.boot_ns
    if row is not None:
        db.execute("UPDATE spans SET end_ns = max(end_ns, ?) WHERE span_id = ?", (now, row[0]))
        if (row[1], row[2], row[3]) == (one.state, one.reason, one.by):
            return
    db.execute(
        """INSERT INTO spans (run_id, boot_id, camera, state, reason, by, start_ns, end_ns)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
        (run_id, moment.boot_id, one.camera, one.state, one.reason, one.by, now, now),
    )


def _anchor(db: sqlite3.Connection, moment: Moment) -> None:
    db.execute(
        """INSERT INTO boots (boot_id, wall_at, boot_ns) VALUES (?, ?, ?)
           ON CONFLICT DO UPDATE SET wall_at = excluded.wall_at, boot_ns = excluded.boot_ns""",
        (moment.boot_id, moment.wall.astimezone(dt.UTC).isoformat(timespec="microseconds"), moment.boot_ns),
    )


def _anchors(db: sqlite3.Connection) -> dict[str, tuple[dt.datetime, int]]:
    rows = db.execute("SELECT boot_id, wall_at, boot_ns FROM boots")
    return {row[0]: (time_from_text(row[1]), row[2]) for row in rows}


def _wall(anchors: dict[str, tuple[dt.datetime, int]], boot_id: str, boot_ns: int) -> dt.datetime:
    wall, ns = anchors[boot_id]
    return wall + dt.timedelta(microseconds=(boot_ns - ns) / 1000)


def _recorded(db: sqlite3.Connection, run_id: str | None, moment: Moment) -> dict[str, list[Span]]:
    # The reader's own look at the clocks is the newest anchor of this boot.
    anchors = _anchors(db) | {moment.boot_id: (moment.wall, moment.boot_ns)}
    found: dict[str, list[Span]] = {}
    last: dict[str, tuple[str, str, int]] = {}
    query = "SELECT camera, boot_id, run_id, state, reason, by, start_ns, end_ns FROM spans ORDER BY span_id"
    for camera, boot, run, state, reason, by, start_ns, end_ns in db.execute(query):
        span = Span(_wall(anchors, boot, start_ns), _wall(anchors, boot, end_ns), state, reason, by)
        found.setdefault(camera, []).append(span)
        last[camera] = (boot, run, end_ns)
    for camera, (boot, run, end_ns) in last.items():
        is_live = run == run_id and boot == moment.boot_id
        if is_live and 0 <= moment.boot_ns - end_ns <= LIVE_FOR_S * 1e9:
            former = found[camera][-1]
            found[camera][-1] = Span(former.start, moment.wall, former.state, former.reason, former.by)
    return found


def _drop_old(db: sqlite3.Connection, moment: Moment) -> None:
    """Forget boots that are long past."""
    oldest = moment.wall - dt.timedelta(days=KEEP_DAYS)
    for boot_id, (wall, _) in _anchors(db).items():
        if wall < oldest and boot_id != moment.boot_id:
            db.execute("DELETE FROM spans WHERE boot_id = ?", (boot_id,))
            db.execute("DELETE FROM boots WHERE boot_id = ?", (boot_id,))
