"""Update of the database with the program: a copy is migrated and swapped in; the old file stays until accepted.

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
from edge.store import heads, migrate
from edge.store.database import connect, meta
from edge.store.database.alone import alone
from edge.store.feed import cursor, feed
from edge.store.repair.former_data import REFUSED

BEFORE = "edge.db.before"
COPY = "edge.db.copy"
WAIT_S = 30.0
"""How long an update waits for a command that still has the database open."""


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """What an update has to know: the database's schema, the one this program writes, and the end of the feed."""

    schema: int
    knows: int
    seq: int
    cursor: str | None


def database_facts(data_dir: Path) -> DatabaseFacts:
    """Read the database; where there is none yet, no migration is needed. StoreError where it is not ours."""
    path, newest = data_dir / "edge.db", migrate.migrations()[-1].number
    if not path.exists() or path.stat().st_size == 0:
        return DatabaseFacts(newest, newest, 0, None)
    try:
        with contextlib.closing(connect.open_reader(path)) as db:
            migrate.require_own_schema(db, path)
            epoch = meta.get(db, meta.Key.EPOCH)
            head = feed.head(db)
            return DatabaseFacts(migrate.version_of(db), newest, head, cursor.encode(epoch, head) if epoch else None)
    except sqlite3.Error as error:
        raise connect.explain(error, path) from error


def migrate_copy(data_dir: Path, now: dt.datetime, *, always: bool = False) -> bool:
    """Migrate a copy and swap it in, the old one staying as `edge.db.before`; False where no migration is due.

    With `always` the database is kept also where its schema stays: something else in it is about to change.
    """
    drop_unswapped(data_dir)
    about = database_facts(data_dir)
    path, copy, before = data_dir / "edge.db", data_dir / COPY, data_dir / BEFORE
    if about.schema == about.knows and (not always or before.exists() or not path.exists()):
        return False
    with alone(data_dir, WAIT_S):  # what is written after the copy was made would be lost
        _drop_copy(data_dir)
        before.unlink(missing_ok=True)
        try:
            os.close(os.open(copy, os.O_RDWR | os.O_CREAT, 0o600))
            with contextlib.closing(connect.open_writer(path)) as old, contextlib.closing(sqlite3.connect(copy)) as new:
                old.backup(new)
            with contextlib.closing(connect.open_writer(copy)) as db:
                migrate.upgrade(db, copy, now)
            _require_closed(path)
            os.link(path, before)
            sync(copy)
            copy.replace(path)
            sync(data_dir)
        except (sqlite3.Error, OSError) as error:
            raise connect.explain(error, copy) from error
    return True


def roll_back(data_dir: Path, now: dt.datetime) -> bool:
    """Restore the database from before the update, if it was kept. The one it replaces stays as `edge.db.refused`.

    Where that one held nothing that would be missed, feed and audit go on from the restored one; else the next start
    tells that the database is older than the one that was here.
    """
    path, before = data_dir / "edge.db", data_dir / BEFORE
    drop_unswapped(data_dir)
    if not before.exists():
        return False
    with alone(data_dir, WAIT_S):
        try:
            # Opening and closing moves the log into the file; the last connection to close deletes the log.
            with contextlib.closing(connect.open_writer(path)):
                pass
            ends = heads.go_on_from(before, path, now)
            _require_closed(path)
            _require_closed(before)
            refused = data_dir / REFUSED
            refused.unlink(missing_ok=True)
            os.link(path, refused)
            before.replace(path)
            sync(data_dir)
            if ends is not None:
                ends.write(data_dir)
        except (sqlite3.Error, OSError) as error:
            raise connect.explain(error, path) from error
    return True


def drop_unswapped(data_dir: Path) -> None:
    """Delete what a migration left that was cut off: its copy, and a second name of the database.

    Before the swap `edge.db.before` is the database itself. Two names for one file would each get a write-ahead log,
    and the file would be damaged. Called while no migration is at work.
    """
    path, before = data_dir / "edge.db", data_dir / BEFORE
    if before.exists() and path.exists() and before.samefile(path):
        before.unlink()
        sync(data_dir)
    _drop_copy(data_dir)


def _drop_copy(data_dir: Path) -> None:
    for file in connect.files_of(data_dir / COPY):
        file.unlink(missing_ok=True)


def accept(data_dir: Path) -> None:
    """Accept the update: delete the old database, which may still hold people erased since."""
    for name in (BEFORE, REFUSED):
        (data_dir / name).unlink(missing_ok=True)


def _require_closed(path: Path) -> None:
    if connect.log_bytes(path):
        raise StoreError(f"{path}: another process has it open; stop the service first")
