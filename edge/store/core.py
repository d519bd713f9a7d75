"""Opening a data directory, and what a store holds open: writer, readers, files, and what is kept in memory.

The facade's verbs are in store.py; this file is what they run on.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import logging
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

from edge.errors import StoreError
from edge.records import FeedItem
from edge.store import connect, images, migrate, reserve, retention
from edge.store.accounts import last_use, tokens
from edge.store.audit import audit, chain
from edge.store.blobs import YOUNG_S, Blobs
from edge.store.codec import time_from_text, time_to_text
from edge.store.feed import cursor, epoch, feed
from edge.store.people import people
from edge.store.writer import Change, Hooks, Writer

T = TypeVar("T")
_log = logging.getLogger(__name__)

SAVE_PULLS_S = 5.0
SAVE_USES_S = 60.0
SLOW_S = 2.0
"""A write that takes longer than this is held up: by another process, or by a disk that fails."""
SHED_BYTES = 3 * reserve.NUM_BYTES
"""How much is shed at once when a write finds the disk full."""


def utc_now() -> dt.datetime:
    """The clock, unless a test brings its own."""
    return dt.datetime.now(dt.UTC)


class Core:
    """One open data directory."""

    def __init__(self, data_dir: Path, clock: Callable[[], dt.datetime]) -> None:
        self.clock = clock
        self.path = data_dir / "edge.db"
        self._lock = threading.Lock()
        self._witness = epoch.Witness(data_dir)
        self._subscribers: list[Callable[[FeedItem], None]] = []
        self._digest: tuple[int, str] | None = None
        self.foreign_changes = 0
        self._saved_pulls_at = self._saved_uses_at = time.monotonic()
        try:
            with _opening(data_dir):
                self.blobs = Blobs(data_dir / "blobs")
                db = _open_database(self.path, clock())
                try:
                    self.box_id = _box_id(db)
                    self.epoch = epoch.settle(db, data_dir, clock())
                    self.head = feed.head(db)
                    self.audit_head = audit.head(db)
                    images.remove_doomed(db, self.blobs)
                    _sweep_if_due(db, self.blobs, clock())
                    reserve.lay_out(data_dir)
                except BaseException:
                    db.close()
                    raise
        except (sqlite3.Error, OSError) as error:
            raise connect.explain(error, self.path) from error
        self._readers = connect.Readers(self.path)
        self.uses = last_use.Uses(clock)
        self.token_check = tokens.TokenCheck(lambda: self.read(tokens.all_tokens), clock, self.uses)
        self.pulls = tokens.Pulls(clock)
        self._writer = Writer(db, self.path, Hooks(self._committed, self._see_others, self._save_pulls, self._relieve))

    def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run a query on a connection of its own."""
        with self._readers.snapshot() as db:
            return query(db)

    def write(
        self,
        apply: Callable[[Change], T],
        *,
        prepare: Callable[[], None] | None = None,
        finish: Callable[[sqlite3.Connection, T], T] | None = None,
    ) -> Future[T]:
        """Queue a job for the writer thread."""
        return self._writer.submit(apply, prepare=prepare, finish=finish)

    def write_with_pictures(
        self,
        apply: Callable[[Change], T],
        pictures: Mapping[str, bytes],
        *,
        finish: Callable[[sqlite3.Connection, T], T] | None = None,
    ) -> Future[T]:
        """Queue a job that names pictures: their files come first, and go again if it is refused."""
        return self._writer.submit(
            apply,
            prepare=lambda: images.write_files(self.blobs, pictures),
            finish=finish,
            undo=lambda change: images.doom_unnamed(change.db, pictures),
        )

    def close(self) -> None:
        """Save what is only in memory, finish the queue, close everything."""
        self._save_pulls(is_last=True)
        self._readers.close()  # first: the last connection to go tidies up, and only the writer may
        self._writer.close()

    def subscribe(self, callback: Callable[[FeedItem], None]) -> Callable[[], None]:
        """Add a callback; the returned function removes it, and may be called twice."""
        with self._lock:
            self._subscribers.append(callback)

        def unsubscribe() -> None:
            with self._lock, contextlib.suppress(ValueError):
                self._subscribers.remove(callback)

        return unsubscribe

    def head_cursor(self) -> str:
        """Cursor after the newest item."""
        return cursor.encode(self.epoch, self.head)

    def watchlist_version(self) -> tuple[int, str]:
        """Version and digest; the digest is computed once per version."""
        known = self._digest

        def query(db: sqlite3.Connection) -> tuple[int, str]:
            version = people.version(db)
            return known if known is not None and known[0] == version else (version, people.digest(db))

        self._digest = found = self.read(query)
        return found

    def tokens_changed(self, db: sqlite3.Connection, result: T) -> T:
        """Finish of jobs that change tokens: the next check reads them again."""
        self.token_check.forget()
        return result

    def trouble(self) -> tuple[str, str] | None:
        """State and sentence of what writing meets now."""
        if self._writer.problem is None and self._writer.busy_s > SLOW_S:
            return "locked", f"a write has been waiting for {self._writer.busy_s:.0f} s for another process or the disk"
        return self._writer.problem

    def stats(self) -> dict[str, int | float]:
        """Counts, bytes and queue depth."""
        queries = {
            "hits": "SELECT count(*) FROM hits",
            "feed_items": "SELECT count(*) FROM feed",
            "people": "SELECT count(*) FROM people",
            "references": "SELECT count(*) FROM person_references",
            "images": "SELECT count(*) FROM images",
            "image_bytes": "SELECT coalesce(sum(num_bytes), 0) FROM images",
        }
        counts: dict[str, int | float] = self.read(
            lambda db: {name: db.execute(query).fetchone()[0] for name, query in queries.items()}
        )
        log = self.path.with_name(self.path.name + "-wal")
        return counts | {
            "db_bytes": self.path.stat().st_size,
            "wal_bytes": log.stat().st_size if log.exists() else 0,
            "free_bytes": retention.free_bytes(self.path.parent),
            "queue_depth": self._writer.depth,
            "commits": self._writer.commits,
            "failed_writes": self._writer.failures,
            "head_seq": self.head,
        }

    def _committed(self, db: sqlite3.Connection, items: list[FeedItem]) -> None:
        if items:
            self._publish(db, items)
        self._note_audit(db)
        images.remove_doomed(db, self.blobs)

    def _note_audit(self, db: sqlite3.Connection) -> None:
        """Keep the head of the audit chain in memory and in its second place."""
        head = audit.head(db)
        if head is not None and head != self.audit_head:
            chain.keep_head(self.path.parent, head)
            self.audit_head = head

    def _publish(self, db: sqlite3.Connection, items: list[FeedItem]) -> None:
        """Tell subscribers what is new, without a hole: another process may have added items in between."""
        if items[0].seq != self.head + 1:
            items = feed.items_after(db, self.head, -1)
        if not items:
            return
        self.head = items[-1].seq
        self._witness.write(self.epoch, self.head)
        with self._lock:
            callbacks = list(self._subscribers)
        for item in items:
            for callback in callbacks:
                try:
                    callback(item)
                except Exception:  # noqa: BLE001
                    _log.exception("a feed subscriber failed")

    def _see_others(self, db: sqlite3.Connection) -> None:
        """Another process has committed something."""
        self.foreign_changes += 1
        self.token_check.forget()
        self._note_audit(db)
        if feed.head(db) > self.head:
            self._publish(db, feed.items_after(db, self.head, -1))

    def _save_pulls(self, *, is_last: bool = False) -> None:
        if not is_last and time.monotonic() - self._saved_pulls_at < SAVE_PULLS_S:
            return
        self._saved_pulls_at = time.monotonic()
        if pulls := self.pulls.take_unsaved():
            self.write(lambda change: tokens.save_pulls(change.db, pulls, self.clock()))
        if (is_last or time.monotonic() - self._saved_uses_at >= SAVE_USES_S) and (used := self.uses.take_unsaved()):
            self._saved_uses_at = time.monotonic()
            self.write(lambda change: last_use.save(change.db, used))

    def _relieve(self, db: sqlite3.Connection) -> bool:
        """The disk is full: shed the oldest pictures so that alerts can be kept."""
        reserve.give_up(self.path.parent)
        with connect.immediate(db):
            removed, _ = retention.shed_images(db, SHED_BYTES)
        images.remove_doomed(db, self.blobs)
        reserve.lay_out(self.path.parent)
        return removed > 0


@contextlib.contextmanager
def _opening(data_dir: Path) -> Iterator[None]:
    """Make the folder if need be, and let one process at a time open it."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(data_dir / "open.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        text = f"{data_dir}: can't be written ({error.strerror}); check who owns it, or choose another data_dir"
        raise StoreError(text) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _open_database(path: Path, now: dt.datetime) -> sqlite3.Connection:
    if path.exists() and path.stat().st_size > 0:
        with contextlib.closing(connect.open_reader(path)) as db:
            migrate.require_ours(db, path)  # before anything of it is changed
    else:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    db = connect.open_writer(path)
    try:
        migrate.migrate(db, path, now)
    except BaseException:
        db.close()
        raise
    return db


def _box_id(db: sqlite3.Connection) -> str:
    """The box's own name, made once."""
    with connect.immediate(db):
        made = ("box_id", "edge-" + secrets.token_hex(4))
        db.execute("INSERT OR IGNORE INTO meta (key, value) VALUES (?, ?)", made)
        return str(db.execute("SELECT value FROM meta WHERE key = 'box_id'").fetchone()[0])


def _sweep_if_due(db: sqlite3.Connection, blobs: Blobs, now: dt.datetime) -> None:
    """Sweep orphans at most once an hour: younger ones are left alone anyway, and commands open the store too."""
    row = db.execute("SELECT value FROM meta WHERE key = 'last_sweep_at'").fetchone()
    if row is not None and abs((now - time_from_text(row[0])).total_seconds()) < YOUNG_S:
        return
    images.sweep_orphans(db, blobs)
    value = ("last_sweep_at", time_to_text(now))
    db.execute("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", value)
