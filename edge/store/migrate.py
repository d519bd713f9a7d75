"""Numbered migrations: `migrations/NNNN_name.sql`, each applied and recorded in one transaction, never edited."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from edge.errors import StoreError
from edge.store.codec import time_to_text
from edge.store.database.connect import immediate, open_reader, open_writer

APPLICATION_ID = 0x45444745
"""Marks the file as ours ("EDGE"), so that some other program's database is never altered."""
OWN_TABLES = frozenset({"migrations", "meta", "people", "hits", "images", "feed", "audit"})
"""Tables, with the record of the first migration, by which a file without the mark is known to be ours."""

_RECORD = """CREATE TABLE IF NOT EXISTS migrations (
    number INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_at TEXT NOT NULL) STRICT"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered step of the schema."""

    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """Hash of the SQL text, recorded with it."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def open_database(
    path: Path, now: dt.datetime, before: Callable[[sqlite3.Connection], None] = lambda db: None
) -> sqlite3.Connection:
    """A connection that may write to the database at `path`, created or brought up to this version.

    `before` is called with a database that has a schema, before that is brought up to date.
    """
    if path.exists() and path.stat().st_size > 0:
        with contextlib.closing(open_reader(path)) as db:
            require_own_schema(db, path)  # before anything of it is changed
    else:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    db = open_writer(path)
    try:
        if version_of(db):
            before(db)
        upgrade(db, path, now)
    except BaseException:
        db.close()
        raise
    return db


def migrations() -> tuple[Migration, ...]:
    """Migrations of this version, in order."""
    files = (
        file for file in resources.files("edge.store").joinpath("migrations").iterdir() if file.name[-4:] == ".sql"
    )
    found = [Migration(int(file.name[:4]), file.name[5:-4], file.read_text("utf-8")) for file in files]
    return tuple(sorted(found, key=lambda migration: migration.number))


def require_own_schema(db: sqlite3.Connection, path: Path) -> None:
    """StoreError if the database is some other program's, or newer than this version. Changes nothing."""
    is_empty = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0
    mark = db.execute("PRAGMA application_id").fetchone()[0]
    if mark != APPLICATION_ID and not is_empty and not has_own_tables(db):
        raise StoreError(f"{path}: a database of some other program; move it away, or choose another data_dir")
    version, newest = version_of(db), migrations()[-1].number
    require_whole_record(db)
    if version > newest:
        raise StoreError(
            f"{path}: written by a newer version (schema {version}, this one knows {newest}); "
            "install that version, or choose another data_dir"
        )


def require_whole_record(db: sqlite3.Connection) -> None:
    """sqlite3.DatabaseError, as of damage, where the record of migrations leaves one out, or is none."""
    if (version := version_of(db)) == 0:
        return
    numbers = {row[0] for row in db.execute("SELECT number FROM migrations")}
    newest = migrations()[-1].number
    is_whole = numbers.issuperset(range(1, min(version, newest) + 1))
    # Rows of another table, whose page lies in the place of the record's, pass for a newer version.
    if not is_whole or (version > newest and not _has_first(db)):
        error = sqlite3.DatabaseError("the record of migrations has a hole")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error


def has_own_tables(db: sqlite3.Connection) -> bool:
    """Whether the schema is ours, whatever the header says: damage may have changed that."""
    tables = {row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    return tables >= OWN_TABLES and _has_first(db)


def _has_first(db: sqlite3.Connection) -> bool:
    first = migrations()[0]
    query = "SELECT count(*) FROM migrations WHERE number = ? AND name = ? AND sha256 = ?"
    return bool(db.execute(query, (first.number, first.name, first.sha256)).fetchone()[0])


def upgrade(db: sqlite3.Connection, path: Path, now: dt.datetime) -> None:
    """Bring the schema up to this version."""
    steps = migrations()
    if version_of(db) == steps[-1].number:
        return
    with immediate(db):  # lock before reading the version: another process may be migrating at the same time
        require_own_schema(db, path)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(_RECORD)
        version = version_of(db)
        for migration in steps:
            if migration.number > version:
                _apply(db, migration, now)


def make_schema(db: sqlite3.Connection, version: int) -> None:
    """Bring an empty database up to a version, without a record of it."""
    db.execute(_RECORD)
    for migration in migrations():
        if migration.number <= version:
            for statement in _statements(migration.sql):
                db.execute(statement)


def _apply(db: sqlite3.Connection, migration: Migration, now: dt.datetime) -> None:
    for statement in _statements(migration.sql):
        db.execute(statement)
    row = (migration.number, migration.name, migration.sha256, time_to_text(now))
    db.execute("INSERT INTO migrations (number, name, sha256, applied_at) VALUES (?, ?, ?, ?)", row)


def version_of(db: sqlite3.Connection) -> int:
    """Number of the newest migration in the database, 0 for an empty one."""
    if db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'migrations'").fetchone()[0] == 0:
        return 0
    return int(db.execute("SELECT coalesce(max(number), 0) FROM migrations").fetchone()[0])


def _statements(sql: str) -> Iterator[str]:
    """Single statements of a script; `executescript` would commit before it starts."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        raise ValueError("a migration doesn't end with a whole statement")
