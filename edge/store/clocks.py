"""The boots of this device, and how long ago something was: counted by each boot's own clock, which no one can set.

A boot is placed by its latest anchor, a pair of both clocks. A wall clock that was set thus moves the whole boot along.
The time between two boots counts only where the wall clocks of both could be trusted. An age is at no time too high.
"""

from __future__ import annotations

import datetime as dt
import functools
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge.store.codec import time_from_text, time_to_text

STEP_S = 3600.0
"""A wall clock set by more than this is a step."""
QUIET_S = 86400.0
"""Nothing is removed by age for so long after a step: whoever set the clock wrongly has that time to notice."""
MARK_EVERY_S = 600.0
"""Between two marks of the feed, at most. Items without a mark are taken for younger than they are, by this at most."""
IMPLAUSIBLE_BEFORE = "2025"
"""A date before this was given by a clock that nobody had set."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Both clocks at one moment: the boot's own, which also runs in suspend, and the wall clock."""

    boot_id: str
    boot_ns: int
    wall: dt.datetime
    is_synced: bool | None = None
    """Whether a time server keeps the wall clock right; None where nobody can tell."""


@dataclass(frozen=True, slots=True)
class Boot:
    """What is known of one boot: its latest anchor, and since when."""

    boot_id: str
    wall: dt.datetime
    boot_ns: int
    first_ns: int
    is_trusted: bool
    stepped_ns: int | None

    def wall_at(self, boot_ns: int) -> dt.datetime:
        """Wall time of a moment of this boot."""
        return self.wall + dt.timedelta(microseconds=(boot_ns - self.boot_ns) / 1000)


def read_boot_clock() -> tuple[str, int]:
    """This boot's id and nanoseconds since it began."""
    return _boot_id(), time.clock_gettime_ns(time.CLOCK_BOOTTIME)


@functools.cache
def _boot_id() -> str:
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text("ascii").strip() if path.is_file() else "unknown"


def save_anchor(db: sqlite3.Connection, moment: Moment) -> Boot:
    """Keep both clocks as they are now, and notice that the wall clock was set."""
    known = boots(db)
    former = next((boot for boot in known if boot.boot_id == moment.boot_id), None)
    stepped_ns = _jumped_ns(known, moment) if former is None else former.stepped_ns
    has_stepped = former is not None and abs((moment.wall - former.wall_at(moment.boot_ns)).total_seconds()) > STEP_S
    if has_stepped:
        stepped_ns = moment.boot_ns
    if former is None or has_stepped:
        is_trusted = moment.is_synced is not False
    else:  # a clock that was right once in this boot stays right when its time server goes away
        is_trusted = moment.is_synced or former.is_trusted
    is_trusted = is_trusted and time_to_text(moment.wall) >= IMPLAUSIBLE_BEFORE
    wall = moment.wall.astimezone(dt.UTC).isoformat(timespec="microseconds")
    db.execute(
        """INSERT INTO boots (boot_id, wall_at, boot_ns, number, first_ns, is_trusted, stepped_ns)
           VALUES (?1, ?2, ?3, (SELECT coalesce(max(number), 0) + 1 FROM boots), ?3, ?4, ?5)
           ON CONFLICT DO UPDATE SET wall_at = excluded.wall_at, boot_ns = excluded.boot_ns,
           is_trusted = excluded.is_trusted, stepped_ns = excluded.stepped_ns""",
        (moment.boot_id, wall, moment.boot_ns, int(is_trusted), stepped_ns),
    )
    first_ns = moment.boot_ns if former is None else former.first_ns
    return Boot(moment.boot_id, moment.wall, moment.boot_ns, first_ns, is_trusted, stepped_ns)


def _jumped_ns(known: list[Boot], moment: Moment) -> int | None:
    """Since when the clock of a new boot counts as set; None where it goes on from the last boot.

    A jump over more than a day, forward or back, may be a long time off as well as a wrong clock. What is left of the
    quiet of the last boot goes on in this one: a second start makes no clock right.
    """
    if not known:
        return None
    last = known[-1]
    since_s = (moment.wall - last.wall).total_seconds()
    if not -STEP_S <= since_s <= QUIET_S:
        return moment.boot_ns
    return None if last.stepped_ns is None else moment.boot_ns - (last.boot_ns - last.stepped_ns)


def boots(db: sqlite3.Connection) -> list[Boot]:
    """All boots that are known, in order."""
    rows = db.execute(
        """SELECT boot_id, wall_at, boot_ns, coalesce(first_ns, boot_ns), is_trusted, stepped_ns FROM boots
           ORDER BY number IS NOT NULL, number, wall_at"""
    )
    return [Boot(row[0], time_from_text(row[1]), row[2], row[3], bool(row[4]), row[5]) for row in rows]


def mark(db: sqlite3.Connection, moment: Moment, seq: int) -> None:
    """Note when the feed item `seq` was added, if the last mark is some minutes old or of another boot."""
    last = db.execute("SELECT boot_id, boot_ns FROM marks ORDER BY seq DESC LIMIT 1").fetchone()
    if last is not None and last[0] == moment.boot_id and 0 <= moment.boot_ns - last[1] < MARK_EVERY_S * 1e9:
        return
    save_anchor(db, moment)
    db.execute("INSERT OR REPLACE INTO marks VALUES (?, ?, ?)", (seq, moment.boot_id, moment.boot_ns))


def drop_marks(db: sqlite3.Connection, last_seq: int) -> None:
    """Delete the marks of items up to `last_seq`, which were cut off; the newest stays, for those that follow it."""
    db.execute("DELETE FROM marks WHERE seq < (SELECT max(seq) FROM marks WHERE seq <= ?)", (last_seq,))


class Ages:
    """How old what was noted in each boot is, at least. `moment` must have been saved."""

    def __init__(self, db: sqlite3.Connection, moment: Moment) -> None:
        self._now_ns = moment.boot_ns
        self._ended = dict(_seconds_since_end(boots(db), moment))

    def seconds(self, boot_id: str, boot_ns: int) -> float:
        """Age of a moment of a boot; 0 for a boot that nothing is known of."""
        if boot_id not in self._ended:
            return 0.0
        since_end, end_ns = self._ended[boot_id]
        return since_end + max(end_ns - boot_ns, 0) / 1e9


def _seconds_since_end(known: list[Boot], moment: Moment) -> Iterator[tuple[str, tuple[float, int]]]:
    """Per boot, newest first: how long ago it was last heard of, and what its clock said then."""
    age, ran, later = 0.0, 0.0, None
    is_trusted_now = any(boot.boot_id == moment.boot_id and boot.is_trusted for boot in known)
    for boot in reversed(known):
        end_ns = moment.boot_ns if boot.boot_id == moment.boot_id else boot.boot_ns
        if later is not None and boot.is_trusted and later.is_trusted:
            age += max((later.wall_at(later.first_ns) - boot.wall_at(end_ns)).total_seconds(), 0.0)
        by_wall = (moment.wall - boot.wall_at(end_ns)).total_seconds()
        # A clock that was far ahead in between must not make what was before it older than both clocks say.
        is_bounded = boot.is_trusted and is_trusted_now
        yield boot.boot_id, (max(ran, min(age, by_wall)) if is_bounded else age, end_ns)
        ran += max(end_ns - boot.first_ns, 0) / 1e9
        age += max(end_ns - boot.first_ns, 0) / 1e9
        later = boot


def has_stepped_lately(db: sqlite3.Connection, moment: Moment) -> bool:
    """Whether the clock was set by more than an hour within the last day."""
    row = db.execute("SELECT stepped_ns FROM boots WHERE boot_id = ?", (moment.boot_id,)).fetchone()
    return row is not None and row[0] is not None and moment.boot_ns - row[0] < QUIET_S * 1e9


def last_seq_older_than(db: sqlite3.Connection, moment: Moment, max_age_s: float) -> int:
    """The last feed item that is surely older; 0 where none is, or the clock was set within the last day."""
    save_anchor(db, moment)
    if has_stepped_lately(db, moment):
        return 0
    ages = Ages(db, moment)
    rows = db.execute("SELECT seq, boot_id, boot_ns FROM marks ORDER BY seq DESC").fetchall()
    next_seq = None
    for seq, boot_id, boot_ns in rows:
        if ages.seconds(boot_id, boot_ns) > max_age_s + (MARK_EVERY_S if next_seq != seq + 1 else 0.0):
            break
        next_seq = int(seq)
    else:
        return _last_unmarked_older_than(db, moment, max_age_s, next_seq)
    head = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'feed'").fetchone()
    return next_seq - 1 if next_seq is not None else int(head[0])


def _last_unmarked_older_than(db: sqlite3.Connection, moment: Moment, max_age_s: float, first_mark: int | None) -> int:
    """The same among items from before there were marks: by their dates, where the clock can be trusted."""
    if not all(boot.is_trusted for boot in boots(db)):
        return 0
    cutoff = time_to_text(moment.wall - dt.timedelta(seconds=max_age_s))
    young = "SELECT min(seq) FROM feed WHERE seq < ?1 AND (at >= ?2 OR at < ?3)"
    end = 2**62 if first_mark is None else first_mark
    first = db.execute(young, (end, cutoff, IMPLAUSIBLE_BEFORE)).fetchone()[0]
    if first is None:
        first = db.execute("SELECT coalesce(max(seq), 0) + 1 FROM feed WHERE seq < ?", (end,)).fetchone()[0]
    return int(first) - 1
