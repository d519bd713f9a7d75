"""The texts of the schema: where damage has changed letters of one, the text that the migrations made takes its place.

SQLite finds no fault with a column that is called otherwise; nobody could use the table any more.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from edge.store import migrate
from edge.store.database import connect

MAX_WRONG = 8
"""Letters that may differ: with more, or another length, the text was made by another version of SQLite."""


def mend_record(path: Path) -> bool:
    """Put the texts right where the record of migrations, by which a database is known, can't be read for one."""
    with contextlib.closing(connect.open_reader(path)) as db:
        if _version_of(db) is not None or db.execute("PRAGMA application_id").fetchone()[0] != migrate.APPLICATION_ID:
            return False
    with contextlib.closing(connect.open_writer(path)) as db:
        return mend(db)


def _version_of(db: sqlite3.Connection) -> int | None:
    """The number of the last migration; None where a column of their record is called otherwise."""
    try:
        return migrate.version_of(db)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
            raise
        return None


def mend(db: sqlite3.Connection) -> bool:
    """Put the texts right; returns whether one was wrong. sqlite3.Error where the schema can't be read."""
    kept = dict(db.execute("SELECT rowid, CAST(sql AS BLOB) FROM sqlite_schema WHERE sql IS NOT NULL"))
    version = _version_of(db)
    right = _own_texts(migrate.migrations()[-1].number if version is None else version)
    wrong = {
        rowid: text
        for rowid, sql in kept.items()
        if sql not in right.values() and (text := _meant(sql, right)) is not None
    }
    if not wrong:
        return False
    db.execute("PRAGMA writable_schema = ON")
    try:
        with connect.immediate(db):
            for rowid, text in wrong.items():
                db.execute("UPDATE sqlite_schema SET sql = ? WHERE rowid = ?", (text.decode(), rowid))
    finally:
        db.execute("PRAGMA writable_schema = RESET")
    return True


def names(version: int) -> frozenset[str]:
    """Tables, indexes and triggers of a database of that version."""
    return frozenset(_own_texts(version))


def _own_texts(version: int) -> Mapping[str, bytes]:
    """The texts of a database of that version, by name."""
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        migrate.make_schema(db, version)
        rows = db.execute("SELECT name, CAST(sql AS BLOB) FROM sqlite_schema WHERE sql IS NOT NULL")
        return dict(rows.fetchall())


def _meant(sql: bytes, right: Mapping[str, bytes]) -> bytes | None:
    """Which of the right texts a damaged one was."""
    close = [
        text
        for text in right.values()
        if len(text) == len(sql) and sum(a != b for a, b in zip(text, sql, strict=True)) <= MAX_WRONG
    ]
    return close[0] if len(close) == 1 else None
