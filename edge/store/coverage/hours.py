"""Sums of coverage: kept for whole hours, so that the cost of a long stretch follows its hours and not its changes.

Hours are those of a boot's own clock: setting the wall clock moves them along with the boot, and changes no sum.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from edge.store.coverage import window
from edge.store.coverage.timeline import NOT_RECORDED, NOT_RUNNING, NOT_SET_UP
from edge.store.coverage.window import BootSpans, Clock

HOUR_NS = 3600 * 10**9
MAX_HOURS_AT_ONCE = 48
"""Hours that one call of `keep` sums up: some milliseconds each."""

Key = tuple[str, str, str, str]
"""Camera ("" for any), state, reason, by whom ("" for nobody)."""
ANY_CAMERA: Key = ("", "running", "", "")


@dataclass(slots=True)
class Totals:
    """Nanoseconds by camera, state, reason and by whom; and when anything was recorded first."""

    ns: Counter[Key] = field(default_factory=Counter)
    first: dt.datetime | None = None

    def account(
        self, start: dt.datetime, end: dt.datetime, cameras: Iterable[str]
    ) -> dict[str, dict[tuple[str, str, str], float]]:
        """Seconds by state, reason and by whom for each camera; those of one camera add up to the stretch."""
        whole_s = (end - start).total_seconds()
        before_s = whole_s if self.first is None else max(0.0, (min(self.first, end) - start).total_seconds())
        running_s = self.ns[ANY_CAMERA] / 1e9
        answer: dict[str, dict[tuple[str, str, str], float]] = {camera: {} for camera in cameras}
        for (camera, *what), ns in self.ns.items():
            if camera:
                answer.setdefault(camera, {})[what[0], what[1], what[2]] = ns / 1e9
        for sums in answer.values():
            own_s = sum(sums.values())
            not_set_up_s = max(0.0, running_s - own_s)
            holes = {NOT_RECORDED: before_s, NOT_SET_UP: not_set_up_s}
            holes[NOT_RUNNING] = whole_s - own_s - before_s - not_set_up_s
            for reason, seconds in holes.items():
                if round(seconds, 3) > 0:
                    sums["blind", reason, ""] = sums.get(("blind", reason, ""), 0.0) + seconds
        return answer


def keep(db: sqlite3.Connection, boot: BootSpans, until_ns: int) -> bool:
    """Sum up the boot's next whole hours before `until_ns`; False where more are left for another call."""
    last = db.execute("SELECT max(hour) FROM span_hours WHERE boot_id = ? AND camera = ''", (boot.boot_id,)).fetchone()
    first = db.execute("SELECT start_ns FROM spans WHERE span_id = ?", (boot.first_id,)).fetchone()
    next_hour = first[0] // HOUR_NS if last[0] is None else last[0] + 1
    for hour in range(next_hour, min(until_ns // HOUR_NS, next_hour + MAX_HOURS_AT_ONCE)):
        sums = _sum(db, boot, hour * HOUR_NS, (hour + 1) * HOUR_NS)
        rows = [(boot.boot_id, hour, *key, ns) for key, ns in ({ANY_CAMERA: 0} | sums).items()]
        db.executemany("INSERT INTO span_hours VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    return bool(until_ns // HOUR_NS <= next_hour + MAX_HOURS_AT_ONCE)


def read(
    db: sqlite3.Connection,
    clocks: Mapping[str, Clock],
    start: dt.datetime,
    end: dt.datetime,
    live: Mapping[int, int],
) -> Totals:
    """Sums of a stretch. `live` has ends, in ns, of spans that last until now. The later recorded boot counts."""
    found, cut = Totals(), end
    for boot in reversed(window.boots(db)):
        clock = clocks[boot.boot_id]
        began_ns, ended_ns = _extent(db, boot, live)
        low, high = max(clock.ns_at(start), began_ns), min(clock.ns_at(cut), ended_ns)
        if low < high:
            found.ns.update(_stretch(db, boot, low, high, live))
        seen_ns = _first_recorded(db, boot, live)
        if seen_ns is not None and clock.at(seen_ns) < cut:
            found.first = min(clock.at(seen_ns), found.first or clock.at(seen_ns))
        cut = min(cut, clock.at(began_ns))
    return found


def _stretch(db: sqlite3.Connection, boot: BootSpans, low: int, high: int, live: Mapping[int, int]) -> Counter[Key]:
    """Sums between two moments of a boot: kept ones of whole hours, the rest from its spans."""
    first, last = -(-low // HOUR_NS), high // HOUR_NS
    if first >= last:
        return _sum(db, boot, low, high, live)
    sums = _sum(db, boot, low, first * HOUR_NS, live) + _sum(db, boot, last * HOUR_NS, high, live)
    between = (boot.boot_id, first, last)
    kept = {
        hour
        for (hour,) in db.execute(
            "SELECT hour FROM span_hours WHERE boot_id = ? AND hour >= ? AND hour < ? AND camera = ''", between
        )
    }
    for *key, ns in db.execute(
        """SELECT camera, state, reason, by, sum(ns) FROM span_hours WHERE boot_id = ? AND hour >= ? AND hour < ?
           GROUP BY camera, state, reason, by""",
        between,
    ):
        sums[key[0], key[1], key[2], key[3]] += ns
    for hour in range(first, last):
        if hour not in kept:
            sums += _sum(db, boot, hour * HOUR_NS, (hour + 1) * HOUR_NS, live)
    return sums


def _sum(
    db: sqlite3.Connection, boot: BootSpans, low: int, high: int, live: Mapping[int, int] | None = None
) -> Counter[Key]:
    """Sums from the spans themselves; where two of a camera overlap, the one recorded later counts."""
    sums: Counter[Key] = Counter()
    if low >= high:
        return sums
    low_id = window.first_from(db, boot, low)
    high_id = window.first_from(db, boot, high)
    rows = window.between(db, boot.boot_id, low_id, high_id, high_id - low_id)
    rows += [row for one in window.cameras(db) if (row := window.last_before(db, one, boot.boot_id, low_id))]
    begins: dict[str, int] = {}
    stretches: list[tuple[int, int]] = []
    for camera, state, reason, by, start_ns, end_ns, span_id in sorted(rows, key=lambda row: row[6], reverse=True):
        ends = min((live or {}).get(span_id, end_ns), begins.get(camera, high), high)
        if ends > max(start_ns, low):
            sums[camera, state, reason, by or ""] += ends - max(start_ns, low)
            stretches.append((max(start_ns, low), ends))
        begins[camera] = min(start_ns, begins.get(camera, high))
    if running := _length_of_union(stretches):
        sums[ANY_CAMERA] = running
    return sums


def _length_of_union(stretches: list[tuple[int, int]]) -> int:
    length, reached = 0, -1
    for start, end in sorted(stretches):
        length += max(0, end - max(start, reached))
        reached = max(reached, end)
    return length


def _first_recorded(db: sqlite3.Connection, boot: BootSpans, live: Mapping[int, int]) -> int | None:
    """When the boot's first span of any length begins."""
    starts = [
        window.next_start(db, camera, boot.boot_id, boot.first_id, "AND end_ns > start_ns")
        for camera in window.cameras(db)
    ]
    query = "SELECT start_ns FROM spans WHERE span_id = ? AND boot_id = ? AND start_ns < ?"
    starts += [row[0] for one, end in live.items() if (row := db.execute(query, (one, boot.boot_id, end)).fetchone())]
    return min((start for start in starts if start is not None), default=None)


def _extent(db: sqlite3.Connection, boot: BootSpans, live: Mapping[int, int]) -> tuple[int, int]:
    """When the boot's first span begins and its last ones end."""
    began = db.execute("SELECT start_ns FROM spans WHERE span_id = ?", (boot.first_id,)).fetchone()[0]
    query = "SELECT span_id, end_ns FROM spans WHERE camera = ? AND boot_id = ? ORDER BY span_id DESC LIMIT 1"
    last = [db.execute(query, (camera, boot.boot_id)).fetchone() for camera in window.cameras(db)]
    return began, max([began, *(live.get(row[0], row[1]) for row in last if row is not None)])
