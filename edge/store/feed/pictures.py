"""Pictures of feed items that tell of a camera. They go with their item, or before it where space is short."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from edge.records import FeedItem
from edge.store import images
from edge.store.blobs import Blobs
from edge.store.codec import from_line, time_from_text
from edge.store.core import Core

Pictures = Mapping[str, bytes]
"""File bytes by SHA-256."""
FIELD = "pictures"
"""The body's field that names them: SHA-256 by role."""


@dataclass(frozen=True, slots=True)
class PicturedItem:
    """An item and the pictures of it that are still kept, SHA-256 by role."""

    item: FeedItem
    pictures: Mapping[str, str]


def link(db: sqlite3.Connection, blobs: Blobs, item: FeedItem, given: Pictures, now: dt.datetime) -> None:
    """Keep the pictures that a new item names; `given` holds their file bytes by SHA-256."""
    named: Mapping[str, str] = item.body.get(FIELD) or {}
    kept = images.writable(blobs, given)
    if blobs.problem or len(kept) < len(given):  # the item is worth more than its pictures
        named = {role: name for role, name in named.items() if name in kept}
    images.require_rows(db, blobs, named.values(), given, now)
    rows = [(item.seq, role, sha256) for role, sha256 in named.items()]
    db.executemany("INSERT INTO item_images (seq, role, sha256) VALUES (?, ?, ?)", rows)


def unlink(db: sqlite3.Connection, last_seq: int) -> tuple[int, int]:
    """Release the pictures of all items up to `last_seq`; returns how many, and their bytes."""
    named = [row[0] for row in db.execute("SELECT sha256 FROM item_images WHERE seq <= ? ORDER BY seq", (last_seq,))]
    db.execute("DELETE FROM item_images WHERE seq <= ?", (last_seq,))
    return images.release(db, named)


class PicturedItems:
    """Reads the items that have pictures."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def newest(self, limit: int) -> list[PicturedItem]:
        """The newest that still have one, newest first."""
        return self._core.read(lambda db: newest(db, limit))

    def one(self, seq: int) -> PicturedItem | None:
        """The item of that number, if it was given pictures; those deleted for newer ones are left out."""
        return self._core.read(lambda db: one(db, seq))


def newest(db: sqlite3.Connection, limit: int) -> list[PicturedItem]:
    """The newest items that have pictures, newest first."""
    query = "SELECT DISTINCT seq FROM item_images ORDER BY seq DESC LIMIT ?"
    found = [one(db, seq) for (seq,) in db.execute(query, (limit,)).fetchall()]
    return [item for item in found if item is not None]


def one(db: sqlite3.Connection, seq: int) -> PicturedItem | None:
    """The item of that number, if it was given pictures; those that were deleted for newer ones are left out."""
    row = db.execute("SELECT seq, at, type, body FROM feed WHERE seq = ?", (seq,)).fetchone()
    try:
        if row is None or FIELD not in (body := from_line(row[3])):
            return None
        item = FeedItem(row[0], time_from_text(row[1]), row[2], body)
    except ValueError:  # damaged: pullers get a gap
        return None
    kept = dict(db.execute("SELECT role, sha256 FROM item_images WHERE seq = ?", (seq,)).fetchall())
    return PicturedItem(item, kept)
