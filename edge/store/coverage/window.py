"""The recorded spans of one stretch of time, found by the order in which they were recorded: cost follows the stretch.

Within one boot spans begin in the order of recording. Between boots the later recorded wins: what an earlier boot
recorded counts up to the first span of any later one, as `timeline` cuts it.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field

from edge.store.coverage.timeline import Span

Row = tuple[str, str, str, str | None, int, int, int]


@dataclass(frozen=True, slots=True)
class Clock:
    """A pair of both clocks of one boot."""

    wall: dt.datetime
    ns: int

    def at(self, ns: int) -> dt.datetime:
        """The wall time of a moment of that boot."""
        return self.wall + dt.timedelta(microseconds=(ns - self.ns) / 1000)

    def ns_at(self, wall: dt.datetime) -> int:
        """The moment of that boot at a wall time."""
        return self.ns + (wall - self.wall) // dt.timedelta(microseconds=1) * 1000


@dataclass(frozen=True, slots=True)
class BootSpans:
    """The first and the last span that one boot recorded."""

    boot_id: str
    first_id: int
    last_id: int


@dataclass(slots=True)
class Window:
    """What was recorded around a stretch of time."""

    spans: dict[str, list[Span]] = field(default_factory=dict)
    """By camera, in the order of recording, each camera that was ever recorded."""
    first: dt.datetime | None = None
    """When anything was recorded first."""
    num_rows: int = 0
    """Rows that were read for it."""


def read(
    db: sqlite3.Connection, clocks: Mapping[str, Clock], start: dt.datetime, end: dt.datetime, most: int
) -> Window:
    """Spans that may reach into `start`..`end`; reading stops once there are more than `most`."""
    found = Window({camera: [] for camera in cameras(db)})
    later: dict[str, dt.datetime] = {}
    parts: list[dict[str, list[Span]]] = []
    for boot in reversed(boots(db)):  # the last recorded first: it cuts those before it
        boot_id, clock, part = boot.boot_id, clocks[boot.boot_id], {}
        low, high = (first_from(db, boot, ns) for ns in (clock.ns_at(start), clock.ns_at(end) + 1000))
        left = most + 1 - found.num_rows
        rows = between(db, boot_id, low, high, left)
        found.num_rows += len(rows)
        for camera in found.spans:
            earliest = next_start(db, camera, boot_id, boot.first_id)
            if earliest is None:
                continue
            before = last_before(db, camera, boot_id, low)
            own = [*([before] if before else []), *(row for row in rows if row[0] == camera)]
            part[camera] = [span for row in own if (span := _cut(_span(row, clock), later.get(camera))) is not None]
            seen = next_start(db, camera, boot_id, boot.first_id, "AND end_ns > start_ns")
            if seen is not None and (camera not in later or clock.at(seen) < later[camera]):
                found.first = min(clock.at(seen), found.first or clock.at(seen))
            began = clock.at(earliest)
            later[camera] = min(began, later.get(camera, began))
        parts.append(part)
        if found.num_rows > most:
            break
    for part in reversed(parts):
        for camera, spans in part.items():
            found.spans[camera] += spans
    return found


def cameras(db: sqlite3.Connection) -> list[str]:
    """Every camera ever recorded, by one step through the index for each."""
    names: list[str] = []
    query = "SELECT camera FROM spans WHERE camera > ? ORDER BY camera LIMIT 1"
    while (row := db.execute(query, (names[-1] if names else "",)).fetchone()) is not None:
        names.append(row[0])
    return names


def boots(db: sqlite3.Connection) -> list[BootSpans]:
    """All boots that recorded anything, in the order of recording."""
    first = "SELECT span_id FROM spans WHERE boot_id = ? ORDER BY span_id LIMIT 1"
    last = "SELECT span_id FROM spans WHERE boot_id = ? ORDER BY span_id DESC LIMIT 1"
    found = []
    for (boot_id,) in db.execute("SELECT boot_id FROM boots").fetchall():
        row = db.execute(first, (boot_id,)).fetchone()
        if row is not None:
            found.append(BootSpans(boot_id, row[0], db.execute(last, (boot_id,)).fetchone()[0]))
    return sorted(found, key=lambda boot: boot.first_id)


def first_from(db: sqlite3.Connection, boot: BootSpans, ns: int) -> int:
    """Id of the boot's first span that begins at `ns` or later; one past the last where there is none."""
    query = "SELECT span_id, start_ns FROM spans WHERE boot_id = ? AND span_id >= ? ORDER BY span_id LIMIT 1"
    low, high = boot.first_id, boot.last_id + 1
    while low < high:
        middle = (low + high) // 2
        row = db.execute(query, (boot.boot_id, middle)).fetchone()
        if row is None or row[1] >= ns:
            high = middle
        else:
            low = row[0] + 1
    return low


_COLUMNS = "camera, state, reason, by, start_ns, end_ns, span_id"


def between(db: sqlite3.Connection, boot_id: str, low: int, high: int, most: int) -> list[Row]:
    """At most that many spans of the boot, by their ids."""
    query = f"SELECT {_COLUMNS} FROM spans WHERE boot_id = ? AND span_id >= ? AND span_id < ? ORDER BY span_id LIMIT ?"
    return db.execute(query, (boot_id, low, high, max(most, 0))).fetchall()


def last_before(db: sqlite3.Connection, camera: str, boot_id: str, span_id: int) -> Row | None:
    """The camera's last span before that one: it may still last when the stretch begins."""
    query = f"SELECT {_COLUMNS}, boot_id FROM spans WHERE camera = ? AND span_id < ? ORDER BY span_id DESC LIMIT 1"
    row = db.execute(query, (camera, span_id)).fetchone()
    return None if row is None or row[7] != boot_id else row[:7]


def next_start(db: sqlite3.Connection, camera: str, boot_id: str, span_id: int, condition: str = "") -> int | None:
    """When the camera's first span of the boot begins, of those that meet a condition."""
    query = (
        f"SELECT start_ns, boot_id FROM spans WHERE camera = ? AND span_id >= ? {condition} ORDER BY span_id LIMIT 1"
    )
    row = db.execute(query, (camera, span_id)).fetchone()
    return None if row is None or row[1] != boot_id else int(row[0])


def _span(row: Row, clock: Clock) -> Span:
    return Span(clock.at(row[4]), clock.at(row[5]), row[1], row[2], row[3])


def _cut(span: Span, later: dt.datetime | None) -> Span | None:
    """The span up to the first one that a later boot recorded."""
    if later is None or span.end <= later:
        return span
    return None if span.start >= later else Span(span.start, later, span.state, span.reason, span.by)
