"""Looks for damage before a database is opened, and mends it in place; what can't be mended is replaced.

Called while no other process has the database open. At every instant there is a whole database, the old one or the new
one; the old one lies in `quarantine` afterwards, if it isn't large.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from edge.errors import StoreError
from edge.store import migrate
from edge.store.blobs import Blobs
from edge.store.codec import time_to_text
from edge.store.database import connect
from edge.store.database.jobs import Change
from edge.store.feed.epoch_file import EpochFile
from edge.store.repair import first_pages, header, list_copy, replacement, schema, swap
from edge.store.repair.damage import Damage, problems, record, tells_damage

CHECKED_AT_START_BYTES = 400_000_000
"""A larger database is not read from end to end before it is used: with a million hits that takes minutes on a slow
disk, in which nobody is recognised. It is checked soon after the start, and damage that shows before is met where it is
read (`app.service.database_check`).
"""
_HEADER = "the header of the database was damaged and is written anew, nothing is lost"
_SCHEMA = "the schema of the database was damaged and is written anew, nothing is lost"


class _NotWell(Exception):
    """Takes back a try to put something right."""


def mend(path: Path, blobs: Blobs, now: dt.datetime, *, is_damaged: bool = False) -> Damage | None:
    """Look for damage and mend it; None where all is well. StoreError where the file is not ours.

    `is_damaged`: some was met, which a quick check may not see.
    """
    swap.finish(path)
    if not path.exists() or path.stat().st_size == 0:
        return None
    _roll_back(path)
    had_wrong = [_HEADER] if header.mend(path) else []
    # SQLite removes the log when the last connection is closed: where there is one, the end was not orderly.
    was_closed = not path.with_name(path.name + "-wal").exists()
    try:
        had_wrong += [_SCHEMA] if first_pages.put_back(path) or schema.mend_record(path) else []
        with contextlib.closing(connect.open_reader(path)) as db:
            migrate.require_own_schema(db, path)
            # Small, and worth most: looked at however large the rest is.
            is_list_well = list_copy.is_well(db)
        if was_closed and path.stat().st_size % header.PAGE_BYTES:  # cut within a page: no check sees what is missing
            return replacement.make(path, blobs, now)
        if is_list_well and not had_wrong and not is_damaged and path.stat().st_size > CHECKED_AT_START_BYTES:
            return None
        with contextlib.closing(connect.open_writer(path)) as db:
            had_wrong += [_SCHEMA] if schema.mend(db) and _SCHEMA not in had_wrong else []
            if not (found := problems(db, is_thorough=is_damaged)):
                return _tell_mended(db, had_wrong, now) if had_wrong else None
            # Where pages point back at each other, the rows of a table never end, and neither would new indexes.
            if not any("reference to page" in problem for problem in found):
                if not list_copy.is_all(found) and _rebuild_indexes(db):
                    return _tell_mended(db, [f"damaged indexes were rebuilt, nothing is lost ({found[0]})"], now)
                if damage := _put_list_right(db, now):
                    return damage
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        if not tells_damage(error) or EpochFile(path.parent).read() is None:
            raise
    return replacement.make(path, blobs, now)


def _roll_back(path: Path) -> None:
    """Let SQLite take back, or throw away, what a journal beside the file holds: a reader may do neither."""
    if path.with_name(path.name + "-journal").exists():
        with contextlib.suppress(sqlite3.Error, StoreError), contextlib.closing(connect.open_writer(path)) as db:
            db.execute("SELECT count(*) FROM sqlite_schema").fetchone()


def _tell_mended(db: sqlite3.Connection, parts: Sequence[str], now: dt.datetime) -> Damage:
    damage = Damage("rebuilt", "; ".join(parts), time_to_text(now))
    with connect.immediate(db):
        record(Change(db), damage, now)
    return damage


def _put_list_right(db: sqlite3.Connection, now: dt.datetime) -> Damage | None:
    """Put the list right from its copy; None where that doesn't make all well, or rows of another table are there."""
    if not list_copy.is_all(list_copy.problems(db)):
        return None
    with contextlib.suppress(_NotWell), connect.immediate(db):
        done = list_copy.put_right(db)
        if not done.sentences() or problems(db, is_thorough=True):
            raise _NotWell
        damage = Damage("repaired" if done.doubtful else "rebuilt", "; ".join(done.sentences()), time_to_text(now))
        done.tell_whose(db, now)
        record(Change(db), damage, now)
        return damage
    return None


def _rebuild_indexes(db: sqlite3.Connection) -> bool:
    try:
        db.execute("REINDEX")
    except sqlite3.DatabaseError as error:
        # Without room for the log of new indexes a copy is tried, for which room is made; also of double keys.
        is_twice = isinstance(error, sqlite3.IntegrityError)
        if not (is_twice or connect.is_damaged(error) or connect.is_full(error)):
            raise
        return False
    return not problems(db, is_thorough=True)
