"""An update of the program brings the database along: a copy is migrated and put in its place, the old one kept aside.

Called while the service is stopped. At every instant `edge.db` is whole: either the old one or the new one.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from edge.durable import sync
from edge.errors import StoreError
from edge.store import connect, migrate
from edge.store.feed import cursor, feed

BEFORE = "edge.db.before"
_COPY = "edge.db.copy"


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """What an update has to know of a database: its schema, the one this program writes, and the end of its feed."""

    schema: int
    knows: int
    seq: int
    cursor: str | None


def facts(data_dir: Path) -> DatabaseFacts:
    """Look at the database; a box that has none yet needs no migration. StoreError where it is not ours."""
    path, knows = data_dir / "edge.db", migrate.known()[-1].number
    if not path.exists() or path.stat().st_size == 0:
        return DatabaseFacts(knows, knows, 0, None)
    try:
        with contextlib.closing(connect.open_reader(path)) as db:
            migrate.require_ours(db, path)
            row = db.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()
            head = feed.head(db)
            return DatabaseFacts(migrate.version_of(db), knows, head, cursor.encode(row[0], head) if row else None)
    except sqlite3.Error as error:
        raise connect.explain(error, path) from error


def migrate_copy(data_dir: Path, now: dt.datetime) -> bool:
    """Migrate a copy and swap it in, the old one staying as `edge.db.before`; False where no migration is due."""
    about = facts(data_dir)
    if about.schema == about.knows:
        return False
    path, copy, before = data_dir / "edge.db", data_dir / _COPY, data_dir / BEFORE
    for name in (copy, Path(f"{copy}-wal"), Path(f"{copy}-shm"), before):
        name.unlink(missing_ok=True)
    try:
        os.close(os.open(copy, os.O_RDWR | os.O_CREAT, 0o600))
        with contextlib.closing(connect.open_writer(path)) as old, contextlib.closing(sqlite3.connect(copy)) as new:
            old.backup(new)
        with contextlib.closing(connect.open_writer(copy)) as db:
            migrate.migrate(db, copy, now)
        _require_alone(path)
        os.link(path, before)
        sync(copy)
        copy.replace(path)
        sync(data_dir)
    except (sqlite3.Error, OSError) as error:
        raise connect.explain(error, copy) from error
    return True


def put_back(data_dir: Path) -> bool:
    """Put the database of before the update back, if one was kept; what came since is left as `edge.db.refused`."""
    path, before = data_dir / "edge.db", data_dir / BEFORE
    if not before.exists():
        return False
    try:
        with contextlib.closing(connect.open_writer(path)):  # folds the log into the file; who closes last removes it
            pass
        _require_alone(path)
        refused = data_dir / "edge.db.refused"
        refused.unlink(missing_ok=True)
        os.link(path, refused)
        before.replace(path)
        sync(data_dir)
    except (sqlite3.Error, OSError) as error:
        raise connect.explain(error, path) from error
    return True


def keep(data_dir: Path) -> None:
    """The update counts: the old database, with whoever was erased since, goes."""
    for name in (BEFORE, "edge.db.refused"):
        (data_dir / name).unlink(missing_ok=True)


def _require_alone(path: Path) -> None:
    log = path.with_name(path.name + "-wal")
    if log.exists() and log.stat().st_size:
        raise StoreError(f"{path}: another process has it open; stop the service first")
