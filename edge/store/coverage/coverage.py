"""Coverage (`store.coverage`): records spans of what each camera did, every few seconds, and sums them up.

Spans are measured with the boot's monotonic clock and turned into wall time by the latest pair of both clocks of that
boot. Setting the wall clock shifts the whole boot: no gap, no overlap. Unrecorded time is blind.
"""

from __future__ import annotations

import datetime as dt
import secrets
import sqlite3
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from edge.errors import EdgeError
from edge.store import clocks
from edge.store.clocks import Moment
from edge.store.codec import time_to_text
from edge.store.core import Core
from edge.store.coverage import hours, timeline, window
from edge.store.coverage.timeline import Span
from edge.store.database import meta
from edge.store.database.jobs import Change
from edge.store.feed import feed

STILL_RUNNING_S = 15.0
"""A newest span extended this recently belongs to a running service and lasts until now."""
KEEP_DAYS = 400
MAX_SPANS = 100_000
"""Spans that one report may be made of."""


class TooManySpansError(EdgeError):
    """A stretch of time in which too much was recorded to list it; its sums can still be had."""

    http_status = 400


@dataclass(frozen=True, slots=True)
class Watching:
    """What one camera does now: "watched", "blind" (reason) or "paused" (reason, by whom)."""

    camera: str
    state: str
    reason: str = ""
    by: str | None = None


class Coverage:
    """Written by the one service that runs; read by anybody."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._run_id: str | None = None
        self._summed: set[str] = set()
        """Former boots all of whose hours are summed up."""

    def moment(self) -> Moment:
        """Both clocks, now."""
        return self._core.moment()

    def begin(self) -> Future[None]:
        """A service starts: record in the feed since when no camera was watched, and why, as far as is known."""
        self._run_id = secrets.token_hex(8)
        moment = self.moment()

        def apply(change: Change) -> None:
            before = change.db.execute("SELECT boot_id, end_ns FROM spans ORDER BY span_id DESC LIMIT 1").fetchone()
            ended = meta.take(change.db, meta.Key.RUN_ENDED)
            clocks.save_anchor(change.db, moment)
            _drop_old(change.db, moment)
            if before is not None:
                cause = "service stopped" if ended else "crash" if before[0] == moment.boot_id else "power loss"
                placed = {boot.boot_id: boot for boot in clocks.boots(change.db)}
                since = placed[before[0]].wall_at(before[1])
                body = {"cause": cause, "from": time_to_text(since), "to": time_to_text(moment.wall)}
                feed.append(change, self._core.clock(), "gap", body)

        return self._core.write(apply)

    def note(self, watching: Sequence[Watching], *, is_last: bool = False) -> Future[None]:
        """Extend each camera's span up to now, and begin another where its state changed."""
        run_id, moment = self._run_id or "", self.moment()

        def apply(change: Change) -> None:
            clocks.save_anchor(change.db, moment)
            for one in watching:
                _extend(change.db, run_id, one, moment)
            self._sum_up(change.db, moment)
            if is_last:
                meta.put(change.db, meta.Key.RUN_ENDED, run_id)

        return self._core.write(apply)

    def report(
        self, start: dt.datetime, end: dt.datetime, cameras: Sequence[str] = (), most: int = MAX_SPANS
    ) -> dict[str, tuple[Span, ...]]:
        """Per camera (those of `cameras` and those recorded), what was watched and what not, without a hole.

        TooManySpansError where more than `most` spans were recorded in that time.
        """
        moment = self.moment()

        def query(db: sqlite3.Connection) -> window.Window:
            found = window.read(db, _placed(db, moment), start, end, most)
            _extend_live(db, found, self._run_id, moment)
            return found

        found = self._core.read(query)
        if found.num_rows > most:
            raise TooManySpansError(f"more than {most} changes were recorded in that time: ask for their sums")
        recorded: dict[str, list[Span]] = {camera: [] for camera in cameras} | found.spans
        return timeline.account(recorded, start, end, found.first)

    def sums(
        self, start: dt.datetime, end: dt.datetime, cameras: Sequence[str] = ()
    ) -> dict[str, dict[tuple[str, str, str], float]]:
        """Per camera, seconds by state, reason and by whom ("" for nobody), however much was recorded."""
        moment = self.moment()

        def query(db: sqlite3.Connection) -> dict[str, dict[tuple[str, str, str], float]]:
            live = _live_ends(db, self._run_id, moment)
            found = hours.read(db, _placed(db, moment), start, end, live)
            return found.account(start, end, dict.fromkeys([*cameras, *window.cameras(db)]))

        return self._core.read(query)

    def _sum_up(self, db: sqlite3.Connection, moment: Moment) -> None:
        """Keep the sums of hours that are over; of former boots up to and with their last one."""
        for boot in (one for one in reversed(window.boots(db)) if one.boot_id not in self._summed):
            if boot.boot_id == moment.boot_id:
                hours.keep(db, boot, moment.boot_ns)
                continue
            ended = db.execute("SELECT end_ns FROM spans WHERE span_id = ?", (boot.last_id,)).fetchone()[0]
            if not hours.keep(db, boot, ended + hours.HOUR_NS):
                return
            self._summed.add(boot.boot_id)


def _placed(db: sqlite3.Connection, moment: Moment) -> dict[str, window.Clock]:
    """Both clocks of each boot; for the running one as they are now."""
    placed = {boot.boot_id: window.Clock(boot.wall, boot.boot_ns) for boot in clocks.boots(db)}
    placed[moment.boot_id] = window.Clock(moment.wall, moment.boot_ns)
    return placed


def _live_ends(db: sqlite3.Connection, run_id: str | None, moment: Moment) -> dict[int, int]:
    """The newest spans of cameras that are running now, and the moment until which they last."""
    query = "SELECT span_id, boot_id, run_id, end_ns FROM spans WHERE camera = ? ORDER BY span_id DESC LIMIT 1"
    newest = [db.execute(query, (camera,)).fetchone() for camera in window.cameras(db)]
    return {
        span_id: moment.boot_ns
        for span_id, boot, run, end_ns in newest
        if (boot, run) == (moment.boot_id, run_id) and 0 <= moment.boot_ns - end_ns <= STILL_RUNNING_S * 1e9
    }


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


def _extend_live(db: sqlite3.Connection, found: window.Window, run_id: str | None, moment: Moment) -> None:
    """Let the newest span of a camera that is running now last until now."""
    query = "SELECT boot_id, run_id, start_ns, end_ns FROM spans WHERE camera = ? ORDER BY span_id DESC LIMIT 1"
    clock = window.Clock(moment.wall, moment.boot_ns)
    for camera, spans in found.spans.items():
        boot, run, start_ns, end_ns = db.execute(query, (camera,)).fetchone()
        is_live = run == run_id and boot == moment.boot_id
        is_newest = bool(spans) and spans[-1].start == clock.at(start_ns)
        if is_live and is_newest and 0 <= moment.boot_ns - end_ns <= STILL_RUNNING_S * 1e9:
            former = spans[-1]
            spans[-1] = Span(former.start, moment.wall, former.state, former.reason, former.by)
            if moment.wall > former.start:
                found.first = min(former.start, found.first or former.start)


def _drop_old(db: sqlite3.Connection, moment: Moment) -> None:
    """Delete the spans of boots that are long past, and the boots that nothing is timed by any more."""
    ages = clocks.Ages(db, moment)
    for boot in clocks.boots(db):
        if ages.seconds(boot.boot_id, boot.boot_ns) <= KEEP_DAYS * 86400 or clocks.has_stepped_lately(db, moment):
            continue
        db.execute("DELETE FROM spans WHERE boot_id = ?", (boot.boot_id,))
        db.execute("DELETE FROM span_hours WHERE boot_id = ?", (boot.boot_id,))
        db.execute(
            "DELETE FROM boots WHERE boot_id = ?1 AND NOT EXISTS (SELECT 1 FROM marks WHERE boot_id = ?1)",
            (boot.boot_id,),
        )
