"""The epoch: which life of the database a cursor belongs to. Kept in the database and, with the head, beside it.

A database that was restored from a backup, or put in another's place, has an older head than the one kept beside it, or
another epoch: it gets a new epoch, so that no puller goes on in it as if nothing had happened. The file is written in
place after each commit, without fsync: after a power loss it may be behind the database, which is no reason to doubt.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import re
import secrets
import sqlite3
from pathlib import Path

from edge.store.audit import audit, chain
from edge.store.connect import immediate
from edge.store.feed import feed
from edge.store.writer import Change

FILE = "epoch"
_LINE = re.compile(rb"([0-9a-f]{16}) ([0-9]{20})\n")


class Witness:
    """The file beside the database."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def read(self) -> tuple[str, int] | None:
        """Epoch and head as last seen; None where there is no file, or none of ours."""
        try:
            found = _LINE.fullmatch(self._path.read_bytes())
        except OSError:
            return None
        return (found[1].decode(), int(found[2])) if found else None

    def write(self, epoch: str, head: int) -> None:
        """Overwrite in place: the file is at no instant empty or half."""
        with contextlib.suppress(OSError):  # a full disk must not stop what was committed
            is_new = not self._path.exists()
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                os.pwrite(handle, f"{epoch} {head:020d}\n".encode(), 0)
                if is_new:
                    os.fsync(handle)
            finally:
                os.close(handle)


def settle(db: sqlite3.Connection, folder: Path, now: dt.datetime) -> str:
    """The epoch of this database, made anew where it is not the one that was here before."""
    # The file first: another process may commit in between, and the database may only be ahead of it.
    seen = Witness(folder).read()
    with immediate(db):
        row = db.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()
        head = feed.head(db)
        if row is None:
            epoch = _put(db)
            if seen is not None:
                _tell(db, now, "wiped", seen, head)
        elif (seen is None and head == 0) or (seen is not None and seen[0] == row[0] and seen[1] <= head):
            epoch = str(row[0])
        else:
            epoch = _put(db)
            _tell(db, now, "restored", seen, head)
        after = feed.head(db)
    Witness(folder).write(epoch, after)
    return epoch


def _put(db: sqlite3.Connection) -> str:
    epoch = secrets.token_hex(8)
    row = ("epoch", epoch)
    db.execute("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", row)
    return epoch


def _tell(db: sqlite3.Connection, now: dt.datetime, what: str, seen: tuple[str, int] | None, head: int) -> None:
    """Say in feed and audit that this is another database than before."""
    had = None if seen is None else seen[1]
    feed.append(Change(db), now, "gap", {"cause": f"database {what}", "from": None, "to": None})
    audit.append(db, now, audit.LOCAL, chain.RESTORED, "database", {"what": what, "had": had, "has": head})
