"""Search for hits by person, camera, state and time: newest first, page by page, on indexes only.

A hit's id is a UUIDv7 of its visit's first moment, so times are ranges of ids and the order needs no sorting.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from edge.records import Hit
from edge.store import losses

COUNT_UP_TO = 1000
"""Counting stops here, so that a wide filter doesn't read every row."""


@dataclass(frozen=True, slots=True)
class HitFilter:
    """Conditions on hits; None means any. `since` is inclusive, `until` exclusive."""

    person_id: str | None = None
    camera: str | None = None
    state: str | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is no condition."""
        return self == HitFilter()


def page(
    db: sqlite3.Connection,
    which: HitFilter,
    before: str | None,
    limit: int,
    on_damaged: Callable[[str], None] = lambda hit_id: None,
) -> list[Hit]:
    """Hits, newest first, older than the hit `before`. One whose row is damaged is left out, and its id told.

    As many as asked for where there are so many: a page that is short is the last one.
    """
    found: list[Hit] = []
    while (wanted := limit - len(found)) > 0:
        sql, given = build_query("body, hit_id", which, before)
        rows = db.execute(f"{sql} ORDER BY hit_id DESC LIMIT ?", [*given, wanted]).fetchall()
        for body, hit_id in rows:
            if (hit := losses.read_hit(body)) is not None:
                found.append(hit)
            else:
                on_damaged(hit_id)
        if len(rows) < wanted:
            break
        before = rows[-1][1]
    return found


def count(db: sqlite3.Connection, which: HitFilter | None) -> int:
    """Number of hits; of a filter, also an open one, at most `COUNT_UP_TO` + 1. None counts every row there is."""
    sql, given = build_query("1", which or HitFilter(), None)
    limit = -1 if which is None else COUNT_UP_TO + 1
    return int(db.execute(f"SELECT count(*) FROM ({sql} LIMIT ?)", [*given, limit]).fetchone()[0])


def cameras(db: sqlite3.Connection) -> list[str]:
    """Cameras that have hits: one index look-up per camera instead of a scan of all hits."""
    rows = db.execute(
        """WITH RECURSIVE names (camera) AS (
               SELECT min(camera) FROM hits
               UNION ALL SELECT (SELECT min(camera) FROM hits WHERE camera > names.camera) FROM names
               WHERE names.camera IS NOT NULL)
           SELECT camera FROM names WHERE camera IS NOT NULL"""
    )
    return [row[0] for row in rows]


def build_query(columns: str, which: HitFilter, before: str | None) -> tuple[str, list[str]]:
    """SQL and its values, without order and limit."""
    terms: list[tuple[str, str]] = []
    if which.person_id is not None:
        terms.append(("person_id = ?", which.person_id))
    if which.camera is not None:
        terms.append(("camera = ?", which.camera))
    if which.state is not None:
        terms.append(("review_state = ?", which.state))
    if which.since is not None:
        terms.append(("hit_id >= ?", least_id_at(which.since)))
    if which.until is not None:
        terms.append(("hit_id < ?", least_id_at(which.until)))
    if before is not None:
        terms.append(("hit_id < ?", before))
    where = " AND ".join(term for term, _ in terms)
    return f"SELECT {columns} FROM hits{_index(which)}" + (f" WHERE {where}" if where else ""), [v for _, v in terms]


def _index(which: HitFilter) -> str:
    """The index to use. Without statistics, which a young database has none of, SQLite often chooses a worse one."""
    if which.person_id is not None:
        return " INDEXED BY hits_of_person" + ("_by_state" if which.state is not None else "")
    if which.camera is not None:
        return " INDEXED BY hits_at_camera" + ("_by_state" if which.state is not None else "")
    if which.state is not None:
        return " INDEXED BY hits_by_review"
    return ""


def least_id_at(at: dt.datetime) -> str:
    """The least id that a hit of this moment can have."""
    digits = f"{max(int(at.timestamp() * 1000), 0):012x}"
    return f"{digits[:8]}-{digits[8:12]}-0"
