"""Ends of feed and audit beside the database, when a rollback puts the former database in the place of the refused one.

Both files then name items and rows of the refused database. Taken for those of the restored one, they would make the
next start warn of an older database, although nobody is missing. The numbers are given again, so the feed begins a new
epoch; that is told in feed and audit as after a restore.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from edge.store.audit import audit, chain
from edge.store.database import connect
from edge.store.feed import epoch, epoch_file, feed
from edge.store.rows import AuditHead

log = logging.getLogger(__name__)

_HELD = (
    "SELECT person_id, name, status, expires_at FROM {0}.people",
    "SELECT reference_id, person_id, image_sha256 FROM {0}.person_references",
    "SELECT name, role, password_hash FROM {0}.users",
    "SELECT token_sha256 FROM {0}.tokens",
    "SELECT hit_id, review_state FROM {0}.hits",
)
"""What somebody would miss, in columns that the first schema had."""


@dataclass(frozen=True, slots=True)
class Heads:
    """The ends of one database."""

    epoch: str
    seq: int
    audited: AuditHead | None

    def write(self, folder: Path) -> None:
        """Write them beside the database."""
        epoch_file.EpochFile(folder).write(self.epoch, self.seq)
        if self.audited is not None:
            chain.write_head(folder, self.audited)


def go_on_from(before: Path, refused: Path, now: dt.datetime) -> Heads | None:
    """Begin a new epoch in the database `before`, and take away the heads of the one `refused`, which lies beside it.

    None, and nothing is changed, where `refused` holds something that `before` lacks, or can't be compared: then it is
    right to warn. A rollback never fails of this.
    """
    folder = before.parent
    try:
        with contextlib.closing(connect.open_writer(before)) as db:
            if not _holds_all(db, refused):
                return None
            with connect.immediate(db):
                number = epoch.begin_restored(db, now, epoch_file.EpochFile(folder).read())
                heads = Heads(number, feed.head(db), audit.head(db))
        # Cut off from here on, the next start finds no heads, and begins one epoch more.
        for name in (epoch_file.FILE, chain.FILE):
            (folder / name).unlink(missing_ok=True)
    except (sqlite3.Error, OSError) as error:
        log.warning("the ends of feed and audit stay those of the refused database: %s", error)
        return None
    return heads


def _holds_all(db: sqlite3.Connection, refused: Path) -> bool:
    """Whether the database `db` holds all that the file `refused` does."""
    db.execute("ATTACH ? AS refused", (str(refused),))
    try:
        for query in _HELD:
            only = f"SELECT count(*) FROM ({query.format('refused')} EXCEPT {query.format('main')})"
            if db.execute(only).fetchone()[0]:
                return False
    finally:
        db.execute("DETACH refused")
    return True
