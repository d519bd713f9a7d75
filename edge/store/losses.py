"""What damage has taken that no repair brings back: kept pictures whose file is gone, hits whose row makes no sense.

A hit whose row is damaged is made anew from the feed, where that still holds it. What is lost is counted, so that feed,
page and doctor can say it.
"""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from edge.records import Hit
from edge.store.blobs import Blobs
from edge.store.codec import from_line, hit_from_json, time_from_text, time_to_text
from edge.store.database import meta
from edge.store.database.jobs import Change

KEPT_FOR = dt.timedelta(days=7)
"""How long it is said that pictures were lost whose rows are deleted."""
DAMAGED_ROW = "its row in the database is damaged"
HITS_AT_A_TIME = 100


@dataclass(frozen=True, slots=True)
class Losses:
    """What is lost now, as far as it is known."""

    pictures: int = 0
    """Kept pictures whose file is not there."""
    hits: int = 0
    """Hits whose row can't be read."""
    folder: str = ""
    """Why pictures can't be kept now."""


def missing_pictures(db: sqlite3.Connection, blobs: Blobs) -> int:
    """Number of kept pictures whose file is not there, or is empty; OSError where the folder can't be read."""
    there = {file.name for file in blobs.files() if _has_bytes(file)}
    missing = [row for row in db.execute("SELECT sha256 FROM images") if row[0] not in there]
    # Looked for again: files of new hits came after the list was made.
    return sum(not blobs.is_kept(str(sha256)) for (sha256,) in missing)


def _has_bytes(file: Path) -> bool:
    try:
        return file.stat().st_size > 0
    except FileNotFoundError:  # deleted, or called by its right name, since it was listed
        return False


def note_forgotten(db: sqlite3.Connection, count: int, now: dt.datetime) -> None:
    """Remember that pictures were found lost, and their rows deleted."""
    if count:
        told = {"pictures": count + forgotten(db, now), "at": time_to_text(now)}
        meta.put(db, meta.Key.LOST_PICTURES, json.dumps(told))


def forgotten(db: sqlite3.Connection, now: dt.datetime) -> int:
    """Number of pictures that were found lost in the last days."""
    try:
        told = json.loads(meta.get(db, meta.Key.LOST_PICTURES) or "{}")
        return int(told["pictures"]) if abs(now - time_from_text(told["at"])) < KEPT_FOR else 0
    except (ValueError, TypeError, KeyError):
        return 0


def damaged_hits(db: sqlite3.Connection, after: int, limit: int = HITS_AT_A_TIME) -> tuple[list[str], int]:
    """Ids of hits whose row makes no sense, among some rows; the last of these rows, 0 at the end."""
    query = "SELECT rowid, hit_id, body FROM hits WHERE rowid > ? ORDER BY rowid LIMIT ?"
    rows = db.execute(query, (after, limit)).fetchall()
    return [hit_id for _, hit_id, body in rows if read_hit(body) is None], rows[-1][0] if len(rows) == limit else 0


def read_hit(body: str) -> Hit | None:
    """The hit of a row; None where its body makes no sense."""
    try:
        return hit_from_json(from_line(body))
    except (ValueError, TypeError, KeyError, AttributeError, IndexError):
        return None


def still_damaged(db: sqlite3.Connection, hit_ids: Iterable[str]) -> list[str]:
    """Those of some hits that are kept and can't be read."""
    query = "SELECT hit_id, body FROM hits WHERE hit_id = ?"
    found = [row for hit_id in hit_ids for row in db.execute(query, (hit_id,))]
    return [hit_id for hit_id, body in found if read_hit(body) is None]


def make_anew(change: Change, hit_id: str) -> bool:
    """Take the body of a damaged hit from the newest item of the feed that tells of it; returns whether one does."""
    for body in _told(change.db, hit_id):
        change.db.execute("UPDATE hits SET body = ? WHERE hit_id = ?", (body, hit_id))
        return True
    return False


def _told(db: sqlite3.Connection, hit_id: str) -> Iterator[str]:
    query = "SELECT body FROM feed WHERE hit_id = ? AND type LIKE 'alert.%' ORDER BY seq DESC"
    for (body,) in db.execute(query, (hit_id,)):
        if (hit := read_hit(body)) is not None and hit.hit_id == hit_id:
            yield body
