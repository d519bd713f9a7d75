"""Rows of kept pictures, and when their files may go.

The rule: no row without its file. A file is written before its row is committed, and deleted after its row's removal is
committed. Deleting happens under the write lock, and whoever adds a row looks under the same lock whether the file is
still there, so two processes can't cross each other.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import math
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from edge.errors import NotFoundError
from edge.store import losses
from edge.store.blobs import MIN_AGE_TO_DELETE_S, Blobs, is_sha256
from edge.store.codec import time_to_text
from edge.store.database import meta, slices
from edge.store.database.connect import immediate, is_full
from edge.store.database.slices import TimeSlice

DELETE_S = 0.03
"""Seconds for which files are deleted after a commit, before alerts get their turn."""
FILES_AT_A_TIME = 8
"""Files deleted before the time is looked at, at most: each may wait for the disk."""
_SLICE = TimeSlice()
_UNNAMED = """NOT EXISTS (SELECT 1 FROM hit_images h WHERE h.sha256 = images.sha256)
    AND NOT EXISTS (SELECT 1 FROM item_images i WHERE i.sha256 = images.sha256)
    AND NOT EXISTS (SELECT 1 FROM person_references r WHERE r.image_sha256 = images.sha256)"""


def write_files(blobs: Blobs, images: Mapping[str, bytes]) -> None:
    """Put pictures on the disk, before the transaction that names them."""
    for sha256, data in images.items():
        blobs.write(sha256, data)


def try_to_write_files(blobs: Blobs, images: Mapping[str, bytes]) -> None:
    """Put those pictures on the disk that can be; a full disk is an error all the same."""
    for sha256, data in images.items():
        _try_to_write(blobs, sha256, data)


def writable(blobs: Blobs, images: Mapping[str, bytes]) -> dict[str, bytes]:
    """Those of the pictures that are on the disk: one that another process has swept is written again."""
    return {
        sha256: data
        for sha256, data in images.items()
        if blobs.has(sha256, len(data)) or _try_to_write(blobs, sha256, data)
    }


def _try_to_write(blobs: Blobs, sha256: str, data: bytes) -> bool:
    try:
        blobs.write(sha256, data)
    except OSError as error:
        if is_full(error):
            raise
        return False
    return True


def require_rows(
    db: sqlite3.Connection, blobs: Blobs, names: Iterable[str], images: Mapping[str, bytes], now: dt.datetime
) -> None:
    """Make sure each named picture has its row and file; NotFoundError if one was neither given nor kept."""
    for sha256 in dict.fromkeys(names):  # each once, in the order given
        data = images.get(sha256)
        if data is not None:
            if not blobs.has(sha256, len(data)):  # swept by another process since it was written
                blobs.write(sha256, data)
            row = (sha256, len(data), time_to_text(now))
            db.execute("INSERT OR IGNORE INTO images (sha256, num_bytes, added_at) VALUES (?, ?, ?)", row)
            db.execute("DELETE FROM doomed_images WHERE sha256 = ?", (sha256,))
        elif not is_kept(db, sha256):
            raise NotFoundError(f"picture {sha256} was neither passed nor kept; pass its bytes")


def is_kept(db: sqlite3.Connection, sha256: str) -> bool:
    """Whether a row names the picture."""
    return db.execute("SELECT 1 FROM images WHERE sha256 = ?", (sha256,)).fetchone() is not None


def find(db: sqlite3.Connection, blobs: Blobs, sha256: str) -> Path | None:
    """File of a kept picture."""
    return blobs.path(sha256) if is_sha256(sha256) and is_kept(db, sha256) else None


def release(db: sqlite3.Connection, names: Iterable[str]) -> tuple[int, int]:
    """Mark for deletion those of the pictures that no row names any more; returns how many, and their bytes."""
    count = num_bytes = 0
    for sha256 in dict.fromkeys(names):  # each once, in the order given
        row = db.execute(f"SELECT num_bytes FROM images WHERE sha256 = ? AND {_UNNAMED}", (sha256,)).fetchone()
        if row is not None:
            db.execute("INSERT OR IGNORE INTO doomed_images (sha256) VALUES (?)", (sha256,))
            db.execute("DELETE FROM images WHERE sha256 = ?", (sha256,))
            count, num_bytes = count + 1, num_bytes + int(row[0])
    return count, num_bytes


def release_unnamed(db: sqlite3.Connection, names: Iterable[str]) -> None:
    """Mark for deletion files that were written for a row that was then refused."""
    rows = [(sha256,) for sha256 in names if not is_kept(db, sha256)]
    db.executemany("INSERT OR IGNORE INTO doomed_images (sha256) VALUES (?)", rows)


def has_released(db: sqlite3.Connection) -> bool:
    """Whether files are marked for deletion that are not deleted yet."""
    return db.execute("SELECT 1 FROM doomed_images LIMIT 1").fetchone() is not None


def delete_released(db: sqlite3.Connection, blobs: Blobs, seconds: float = math.inf) -> bool:
    """Delete the files that were marked, for about that long; returns whether none is left.

    In transactions of their own, after the one that marked them.
    """
    until = slices.now() + seconds
    while True:
        with _SLICE.piece("deleted", FILES_AT_A_TIME) as piece:
            number = -1 if math.isinf(seconds) else piece.size
            piece.done = _delete_some(db, blobs, number)
        is_done = piece.done < number or number < 0
        if is_done or slices.now() >= until:
            return is_done


def _delete_some(db: sqlite3.Connection, blobs: Blobs, number: int) -> int:
    """Delete so many of the files that were marked, or all; returns how many."""
    query = "SELECT sha256 FROM doomed_images ORDER BY sha256 LIMIT ?"  # by folder, which are few then
    doomed = [row[0] for row in db.execute(query, (number,)).fetchall()]
    if doomed:
        with immediate(db):
            blobs.remove(sha256 for sha256 in doomed if not is_kept(db, sha256))
            db.executemany("DELETE FROM doomed_images WHERE sha256 = ?", [(sha256,) for sha256 in doomed])
    return len(doomed)


def sweep_if_due(db: sqlite3.Connection, blobs: Blobs, now: dt.datetime) -> None:
    """Delete orphaned pictures, at most once an hour.

    Every `edge` command opens the store, and younger files are never deleted.
    """
    last = meta.get_time(db, meta.Key.LAST_SWEEP_AT)
    if last is not None and abs((now - last).total_seconds()) < MIN_AGE_TO_DELETE_S:
        return
    sweep_orphans(db, blobs)
    if next(blobs.names(), None) is not None:  # else the folder may be on a disk that is away
        losses.note_forgotten(db, forget_missing(db, blobs), now)
    meta.put(db, meta.Key.LAST_SWEEP_AT, time_to_text(now))


def unnamed(db: sqlite3.Connection, files: Iterable[Path]) -> list[Path]:
    """Those files of the folder of pictures that no row names, half-written ones too."""
    return [file for file in files if not (is_sha256(file.name) and is_kept(db, file.name)) and file.exists()]


def forget_missing(db: sqlite3.Connection, blobs: Blobs) -> int:
    """Delete the rows of pictures of hits and cameras whose file is not there; returns how many.

    The rule is broken where files had to go before the database could be opened, and where a disk has lost them. People
    on the list keep theirs: the embedding is worth more than the picture.
    """
    there = set(blobs.names())
    query = """SELECT sha256 FROM images WHERE NOT EXISTS (
        SELECT 1 FROM person_references r WHERE r.image_sha256 = images.sha256)"""
    doubtful = [row[0] for row in db.execute(query) if row[0] not in there]
    if not doubtful:
        return 0
    with contextlib.nullcontext() if db.in_transaction else immediate(db):
        # Looked for again under the lock: another process may have added one meanwhile.
        gone = [(sha256,) for sha256 in doubtful if not (is_sha256(sha256) and blobs.path(sha256).is_file())]
        db.executemany("DELETE FROM hit_images WHERE sha256 = ?", gone)
        db.executemany("DELETE FROM item_images WHERE sha256 = ?", gone)
        db.executemany("DELETE FROM images WHERE sha256 = ?", gone)
    return len(gone)


def sweep_orphans(db: sqlite3.Connection, blobs: Blobs, chunk: int = 500) -> int:
    """Delete files that no row names, left behind by a crash between file and commit."""
    removed = 0
    names = _orphans(db, blobs.deletable_files(MIN_AGE_TO_DELETE_S))
    while orphans := list(islice(names, chunk)):
        removed += _remove_orphans(db, blobs, orphans)
    return removed


class OrphanSweep:
    """Deletes every file that no row names, whatever its age, in slices.

    A row that another process is about to commit gets its file back from `require_rows`.
    """

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._files = blobs.deletable_files(0)

    def run_slice(self, db: sqlite3.Connection, seconds: float) -> bool:
        """Look through files for about that long; returns whether all were looked at."""
        until = slices.now() + seconds
        while True:
            with _SLICE.piece("swept", FILES_AT_A_TIME) as piece:
                files = list(islice(self._files, piece.size))
                piece.done = len(files)
                if orphans := list(_orphans(db, files)):
                    _remove_orphans(db, self._blobs, orphans)
            if not files or slices.now() >= until:
                return not files


def _orphans(db: sqlite3.Connection, files: Iterable[str]) -> Iterator[str]:
    """Those that no row names; what is marked for deletion is `delete_released`'s."""
    marked = "SELECT 1 FROM doomed_images WHERE sha256 = ?"
    return (sha256 for sha256 in files if not is_kept(db, sha256) and db.execute(marked, (sha256,)).fetchone() is None)


def _remove_orphans(db: sqlite3.Connection, blobs: Blobs, orphans: Sequence[str]) -> int:
    with immediate(db):
        # checked again under the lock: another process may have named one meanwhile
        return blobs.remove(sha256 for sha256 in orphans if not is_kept(db, sha256))
