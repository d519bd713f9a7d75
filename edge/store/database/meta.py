"""Table `meta`: facts about this database, one text for each key. No other module names the table."""

from __future__ import annotations

import contextlib
import datetime as dt
import enum
import secrets
import sqlite3

from edge.store.codec import time_from_text
from edge.store.database.connect import immediate


class Key(enum.StrEnum):
    """What is kept; the values are the stored keys and never change."""

    DEVICE_ID = "box_id"
    EPOCH = "epoch"
    LAST_SWEEP_AT = "last_sweep_at"
    WATCHLIST_VERSION = "watchlist_version"
    WATCHLIST_AT = "watchlist_at"
    THRESHOLDS = "thresholds"
    SETTINGS = "settings"
    CLAIM = "claim"
    PAUSE = "pause"
    RUN_ENDED = "run_ended"
    SCRUB_DUE = "scrub_due"
    DEVICE_KEY = "device_key"
    DAMAGE = "damage"
    LOST_PICTURES = "lost_pictures"
    MACHINE = "machine"
    AUDIT_ORIGIN = "audit_origin"


def get(db: sqlite3.Connection, key: Key) -> str | None:
    """The value, or None."""
    row = db.execute("SELECT value FROM meta WHERE key = ?", (key.value,)).fetchone()
    return None if row is None else str(row[0])


def get_time(db: sqlite3.Connection, key: Key) -> dt.datetime | None:
    """The value as a time; None where there is none, or damage has made it something else."""
    with contextlib.suppress(ValueError):
        return time_from_text(get(db, key) or "")
    return None


def put(db: sqlite3.Connection, key: Key, value: str) -> None:
    """Set the value, whether or not there was one."""
    sql = "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
    db.execute(sql, (key.value, value))


def take(db: sqlite3.Connection, key: Key) -> str | None:
    """Delete the value and return it; None if there was none."""
    row = db.execute("DELETE FROM meta WHERE key = ? RETURNING value", (key.value,)).fetchone()
    return None if row is None else str(row[0])


def device_id(db: sqlite3.Connection) -> str:
    """This device's id; created when the database is first opened."""
    with immediate(db):
        known = get(db, Key.DEVICE_ID)
        if known is None:
            known = "edge-" + secrets.token_hex(4)
            put(db, Key.DEVICE_ID, known)
    return known
