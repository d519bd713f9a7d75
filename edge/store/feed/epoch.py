"""The epoch names one history of the database.

A database that was restored from a backup, or put in another's place, has an older head than the file `epoch` beside
it, or another epoch. It gets a new epoch, so that cursors of the old history are answered with 410 and skip no items.
"""

from __future__ import annotations

import datetime as dt
import json
import secrets
import sqlite3
from pathlib import Path

from edge.store.audit import audit, chain
from edge.store.codec import time_to_text
from edge.store.database import meta
from edge.store.database.connect import immediate
from edge.store.database.jobs import Change
from edge.store.feed import feed
from edge.store.feed.epoch_file import EpochFile

_OLDER = "the database is an older one than was here before, or another one: what came since is missing, people too"


def choose_epoch(db: sqlite3.Connection, folder: Path, now: dt.datetime) -> str:
    """The epoch of this database: a new one where it is not the database that was here before."""
    # Read the file before the database: another process may commit in between, and a database ahead of the file is
    # normal; the reverse means a restore.
    seen, audited = EpochFile(folder).read(), chain.read_head(folder)
    with immediate(db):
        epoch = meta.get(db, meta.Key.EPOCH)
        head = feed.head(db)
        # A change of the list adds no item to the feed, but a row to the audit.
        is_behind = audited is not None and audited.seq > audit.last_given(db)
        if epoch is None:
            epoch = _new_epoch(db)
            if seen is not None:
                _record_replacement(db, now, "wiped", seen, head)
        elif is_behind or not ((seen is None and head == 0) or (seen and seen[0] == epoch and seen[1] <= head)):
            epoch = _new_epoch(db)
            _record_replacement(db, now, "restored", seen, head)
            if is_behind or seen is not None:  # else only the file beside it is gone
                older = {"state": "older", "detail": _OLDER, "since": time_to_text(now)}
                meta.put(db, meta.Key.DAMAGE, json.dumps(older))  # as a repair does
        after, last = feed.head(db), audit.head(db)
    EpochFile(folder).write(epoch, after)
    if is_behind and last is not None:
        chain.write_head(folder, last)
    return epoch


def begin(db: sqlite3.Connection, now: dt.datetime, cause: str) -> str:
    """Begin a new epoch within the caller's transaction, with a `gap` that says why; returns it."""
    epoch = _new_epoch(db)
    feed.append(Change(db), now, "gap", {"cause": cause, "from": None, "to": None})
    return epoch


def begin_restored(db: sqlite3.Connection, now: dt.datetime, seen: tuple[str, int] | None) -> str:
    """Begin the epoch of a database that takes the place of another, whose epoch and head were `seen`; returns it."""
    head, epoch = feed.head(db), _new_epoch(db)
    _record_replacement(db, now, "restored", seen, head)
    return epoch


def _new_epoch(db: sqlite3.Connection) -> str:
    epoch = secrets.token_hex(8)
    meta.put(db, meta.Key.EPOCH, epoch)
    return epoch


def _record_replacement(
    db: sqlite3.Connection, now: dt.datetime, what: str, seen: tuple[str, int] | None, head: int
) -> None:
    """Record in feed and audit that the database was replaced."""
    had = None if seen is None else seen[1]
    feed.append(Change(db), now, "gap", {"cause": f"database {what}", "from": None, "to": None})
    audit.append(db, now, audit.LOCAL, chain.RESTORED, "database", {"what": what, "had": had, "has": head})
