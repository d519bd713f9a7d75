"""What is wrong with a database, and the record of it in feed, audit and for the page. Nothing is mended here."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from dataclasses import asdict, dataclass

from edge.store.audit import audit
from edge.store.codec import time_to_text
from edge.store.database import connect, meta
from edge.store.database.jobs import Change
from edge.store.feed import feed
from edge.store.repair import list_copy, salvage

ACTION = "database.repaired"
"""Action of the audit row."""


@dataclass(frozen=True, slots=True)
class Damage:
    """What was found and done: state `rebuilt` (nothing is lost), `repaired` (some may be) or `older` (an old copy)."""

    state: str
    detail: str
    since: str


def problems(db: sqlite3.Connection, *, is_thorough: bool = False) -> list[str]:
    """What SQLite's quick check finds wrong, and times that are none; empty when all is well.

    The thorough one also holds indexes against their tables. A check that can't be made is a finding.
    """
    check = "PRAGMA integrity_check" if is_thorough else "PRAGMA quick_check"
    try:
        found = [row[0] for row in db.execute(check) if row[0] != "ok"] or salvage.odd_times(db)
        return found or list_copy.problems(db)
    except sqlite3.DatabaseError as error:
        if not connect.is_damaged(error):
            raise
        return [str(error)]


def tells_damage(error: Exception) -> bool:
    """Whether SQLite tells of damage; of a schema that is no text any more, Python can't read what it tells."""
    return isinstance(error, UnicodeDecodeError) or connect.is_damaged(error)


def record(change: Change, damage: Damage, now: dt.datetime) -> None:
    """Tell of damage and what was done: a `health` item, an audit row, and the record that is kept for the page."""
    db, body = change.db, {"subject": "damage", "state": damage.state, "detail": damage.detail, "since": damage.since}
    feed.append(change, now, "health", body)
    audit.append(db, now, audit.LOCAL, ACTION, "database", {"state": damage.state, "detail": damage.detail})
    meta.put(db, meta.Key.DAMAGE, json.dumps(asdict(damage)))


def record_remade_hits(change: Change, count: int, now: dt.datetime) -> None:
    """Record that hits whose rows were damaged were made anew from the feed."""
    many = f"{count:,} damaged hits were made anew from the feed, nothing is lost"
    told = "1 damaged hit was made anew from the feed, nothing is lost" if count == 1 else many
    record(change, Damage("rebuilt", told, time_to_text(now)), now)


def kept(db: sqlite3.Connection) -> Damage | None:
    """What was mended last, as kept for the page."""
    text = meta.get(db, meta.Key.DAMAGE)
    return None if text is None else Damage(**json.loads(text))
