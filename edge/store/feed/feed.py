"""The pull feed: rows appended inside the transaction of what they tell, read page by page, passed to subscribers."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from edge.errors import CursorExpiredError
from edge.records import FeedItem, FeedPage
from edge.store.codec import from_line, time_from_text, time_to_text, to_line
from edge.store.core import Core
from edge.store.database import meta
from edge.store.database.jobs import Change, Listener
from edge.store.feed import cursor, pictures
from edge.store.feed.epoch_file import EpochFile

_log = logging.getLogger(__name__)


class Feed:
    """The feed of one database, with its newest seq in memory: a poll without news costs no query."""

    def __init__(self, core: Core) -> None:
        self.epoch = core.read(lambda db: meta.get(db, meta.Key.EPOCH) or "")
        self._core = core
        self._file = EpochFile(core.folder)
        self._lock = threading.Lock()
        self._subscribers: list[Callable[[FeedItem], None]] = []
        self.head = core.read(head)
        core.listen(Listener(committed=self._publish, foreign_commit=self._publish_foreign, replaced=self._take_epoch))

    def page(self, after: str | None, limit: int, fields: Sequence[str] | None, max_bytes: int | None) -> FeedPage:
        """One answer; see the function `page`."""
        return self._core.read(lambda db: page(db, self.epoch, after, limit, fields, max_bytes))

    def add(
        self, type_: str, body: Mapping[str, object], images: Mapping[str, bytes] | None = None
    ) -> Future[FeedItem]:
        """Add an item that tells of no hit, and the pictures that its body names; `images`: bytes by SHA-256."""
        given = images or {}

        def apply(change: Change) -> FeedItem:
            now = self._core.clock()
            item = append(change, now, type_, body)
            pictures.link(change.db, self._core.blobs, item, given, now)
            return item

        return self._core.write_with_pictures(apply, given, are_needed=False)

    def head_cursor(self) -> str:
        """Cursor after the newest item."""
        return cursor.encode(self.epoch, self.head)

    def subscribe(self, callback: Callable[[FeedItem], None]) -> Callable[[], None]:
        """Call `callback` with each new item; the returned function unsubscribes, and may be called twice."""
        with self._lock:
            self._subscribers.append(callback)

        def unsubscribe() -> None:
            with self._lock, contextlib.suppress(ValueError):
                self._subscribers.remove(callback)

        return unsubscribe

    def _publish(self, db: sqlite3.Connection, items: list[FeedItem]) -> None:
        """Pass new items to the subscribers.

        Where another process added some in between, those are read too: no seq may be missing.
        """
        if items and items[0].seq != self.head + 1:
            items = items_after(db, self.head, -1)
        if not items:
            return
        self.head = items[-1].seq
        self._file.write(self.epoch, self.head)
        with self._lock:
            callbacks = list(self._subscribers)
        for item in items:
            for callback in callbacks:
                try:
                    callback(item)
                except Exception:  # noqa: BLE001
                    _log.exception("a feed subscriber failed")

    def _take_epoch(self, db: sqlite3.Connection) -> None:
        """A repaired database has another epoch; what it recorded itself is published like any other news."""
        self.epoch = meta.get(db, meta.Key.EPOCH) or self.epoch

    def _publish_foreign(self, db: sqlite3.Connection) -> None:
        if head(db) > self.head:
            self._publish(db, items_after(db, self.head, -1))


DAMAGED = {"cause": "item damaged", "from": None, "to": None}
"""Body of the gap that stands for an item that can't be read any more."""
UNKNOWN_TIME = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def append(
    change: Change, now: dt.datetime, type_: str, body: Mapping[str, Any], hit_id: str | None = None
) -> FeedItem:
    """Add an item; its seq counts once the transaction commits."""
    at = time_to_text(now)
    row = (at, type_, hit_id, to_line(body))
    seq = change.db.execute("INSERT INTO feed (at, type, hit_id, body) VALUES (?, ?, ?, ?)", row).lastrowid
    assert seq is not None
    item = FeedItem(seq, time_from_text(at), type_, dict(body))
    change.items.append(item)
    return item


def head(db: sqlite3.Connection) -> int:
    """Seq of the last item ever added, kept or not; 0 before the first."""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'feed'").fetchone()
    return int(row[0]) if row else 0


def floor(db: sqlite3.Connection) -> int:
    """Seq of the last item that retention cut off; 0 if none was."""
    return int(db.execute("SELECT coalesce(max(last_seq), 0) FROM trims").fetchone()[0])


def items_after(db: sqlite3.Connection, seq: int, limit: int) -> list[FeedItem]:
    """Items in order, from the one after `seq`."""
    rows = db.execute("SELECT seq, at, type, body FROM feed WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit))
    return [_item(row) for row in rows]


def page(
    db: sqlite3.Connection,
    epoch: str,
    after: str | None,
    limit: int,
    fields: Sequence[str] | None,
    max_bytes: int | None = None,
) -> FeedPage:
    """One answer; CursorError or CursorExpiredError where `after` can't be followed without a hole.

    `max_bytes` ends it before the item that would make it larger, but never before the first.
    """
    if limit < 1:
        raise ValueError(f"limit is {limit}: ask for at least one item")
    start = floor(db) if after is None else _start(db, epoch, after)
    rows = db.execute("SELECT seq, at, type, body FROM feed WHERE seq > ? ORDER BY seq LIMIT ?", (start, limit + 1))
    items: list[FeedItem] = []
    more, num_bytes = False, 0
    for row in rows:
        num_bytes += len(row[3])
        if more := len(items) == limit or (max_bytes is not None and bool(items) and num_bytes > max_bytes):
            break
        items.append(_item(row))
    kept = tuple(_choose(item, fields) for item in items)
    last = kept[-1].seq if kept else start
    return FeedPage(kept, cursor.encode(epoch, last), epoch, cursor.encode(epoch, head(db)), more)


def _item(row: tuple[int, str, str, str]) -> FeedItem:
    """The item; a gap in the place of one whose row is damaged, so that pullers get all that follow it."""
    at = UNKNOWN_TIME
    try:
        at = time_from_text(row[1])
        return FeedItem(row[0], at, row[2], from_line(row[3]))
    except ValueError:
        return FeedItem(row[0], at, "gap", dict(DAMAGED))


def _start(db: sqlite3.Connection, epoch: str, after: str) -> int:
    of_epoch, seq = cursor.decode(after)
    oldest = floor(db)
    if of_epoch != epoch or seq > head(db):
        # nothing is known of the former database: count what this one has cut off
        message = (
            "this cursor is from before the box was restored or reset: what was told after the copy that is in use now "
            "can't be counted, and is not in 'lost'; start again from 'oldest'"
        )
        told = cursor.encode(epoch, oldest)
        raise CursorExpiredError(message, oldest=told, lost=oldest, span=_span(db, 0), is_least=True)
    if seq < oldest:
        lost = oldest - seq
        message = f"{lost} items after this cursor are no longer kept; start again from 'oldest'"
        raise CursorExpiredError(message, oldest=cursor.encode(epoch, oldest), lost=lost, span=_span(db, seq))
    return seq


def _span(db: sqlite3.Connection, seq: int) -> tuple[str | None, str | None]:
    """First and last time of what was cut off after `seq`, as far as the cuts tell."""
    row = db.execute("SELECT min(first_at), max(last_at) FROM trims WHERE last_seq > ?", (seq,)).fetchone()
    return row[0], row[1]


def _choose(item: FeedItem, fields: Sequence[str] | None) -> FeedItem:
    if fields is None:
        return item
    return FeedItem(item.seq, item.at, item.type, {key: value for key, value in item.body.items() if key in fields})
