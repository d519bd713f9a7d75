"""Zeroes the unused bytes of the database's pages, where SQLite may leave copies of rows that were deleted.

`secure_delete` overwrites deleted rows, but where pages were split or merged, copies stay in the gaps. VACUUM would
write all anew, and hold every alert for as long as that takes. Here a slice of pages is read from the file and its
gaps are zeroed in place, under the write lock and with an empty log. SQLite gives the bytes of a gap no meaning, so a
reader, or a power cut in the middle, sees the same rows as before.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge.store.database import connect, slices
from edge.store.database.slices import TimeSlice

_HEADER_BYTES = {2: 12, 5: 12, 10: 8, 13: 8}
"""Length of a page's header by its first byte: index and table pages, with and without children."""
MAX_PAGES = 1 << 24
"""Up to here the first byte of an overflow page, part of a page number, is 0: it is never taken for a tree's page."""
LOCK_PAGE_AT = 1 << 30
"""SQLite never uses the page at this offset."""
READ_PAGES = 64
FREE_PAGES = 64
"""Pages read, and free pages given back to the disk, at a time at most."""
_SLICE = TimeSlice()
WAIT_MS = 50
"""How long a slice waits for readers of the log, before alerts get their turn."""


class RawFiles:
    """File handles of databases that are open in this process, by inode.

    Closing any handle of a file drops all of SQLite's locks on it in this process. So a handle is closed only when no
    connection of this process is left.
    """

    _lock = threading.Lock()
    _known: dict[tuple[int, int], list[int]] = {}  # noqa: RUF012 - one for the whole process

    @classmethod
    def register(cls, path: Path) -> tuple[int, int]:
        """Count a user of the file; returns the key for `handle` and `unregister`."""
        about = path.stat()
        key = about.st_dev, about.st_ino
        with cls._lock:
            cls._known.setdefault(key, [0, -1])[0] += 1
        return key

    @classmethod
    def handle(cls, key: tuple[int, int], path: Path) -> int:
        """A handle for reading and writing."""
        with cls._lock:
            entry = cls._known[key]
            if entry[1] < 0:
                entry[1] = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            return entry[1]

    @classmethod
    def unregister(cls, key: tuple[int, int]) -> None:
        """The caller's connections are closed; with the last of them the handle is closed too."""
        with cls._lock:
            entry = cls._known[key]
            entry[0] -= 1
            if entry[0] == 0:
                del cls._known[key]
                if entry[1] >= 0:
                    os.close(entry[1])


@dataclass(slots=True)
class GapScrub:
    """One pass over all pages; a new one begins at the first."""

    path: Path
    key: tuple[int, int]
    page: int = 2
    """The next page; the first holds only the schema."""

    def run_slice(self, db: sqlite3.Connection, seconds: float) -> bool | None:
        """Scrub for about that long; True at the end, False before it, None where a reader holds the log.

        Called on the writer thread, outside a transaction.
        """
        until = slices.now() + seconds
        db.execute(f"PRAGMA busy_timeout = {WAIT_MS}")
        try:
            if connect.truncate_log(db, self.path, tries=1):
                return None
            db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if not connect.is_locked(error):
                raise
            return None
        finally:
            db.execute(f"PRAGMA busy_timeout = {connect.BUSY_MS}")
        try:
            if connect.log_bytes(self.path):
                return None  # another process has committed since
            return self._scrub_until(db, until)
        finally:
            db.execute("ROLLBACK")
            db.execute("PRAGMA shrink_memory")  # pages in memory still have their gaps

    def _scrub_until(self, db: sqlite3.Connection, until: float) -> bool:
        handle = RawFiles.handle(self.key, self.path)
        size, reserved = db.execute("PRAGMA page_size").fetchone()[0], os.pread(handle, 1, 20)[0]
        last = db.execute("PRAGMA page_count").fetchone()[0]
        if last >= MAX_PAGES:
            raise sqlite3.DataError("the database has too many pages to be scrubbed")
        is_first = True
        while self.page <= last and (is_first or slices.now() < until):
            is_first = False
            with _SLICE.piece("read", READ_PAGES) as piece:
                piece.done = min(piece.size, last + 1 - self.page)
                self._scrub_pages(handle, size, reserved, piece.done)
        if self.page <= last:
            return False
        os.fdatasync(handle)
        return True

    def _scrub_pages(self, handle: int, size: int, reserved: int, count: int) -> None:
        data = os.pread(handle, count * size, (self.page - 1) * size)
        for start in range(0, len(data), size):
            number = self.page + start // size
            if _is_map(number, size - reserved) or (number - 1) * size == LOCK_PAGE_AT:
                continue
            page = data[start : start + size]
            scrubbed = scrub_page(page, size - reserved)
            if scrubbed != page:
                os.pwrite(handle, scrubbed, (number - 1) * size)
        self.page += count


def scrub_page(page: bytes, usable: int) -> bytes:
    """The page with zeroes wherever no cell is; pages that are none of a tree, or look damaged, stay as they are."""
    header = _HEADER_BYTES.get(page[0])
    if header is None:
        return page
    gaps = list(_gaps(page, header, usable))
    if any(not header <= start <= end <= usable for start, end in gaps):
        return page
    scrubbed = bytearray(page)
    for start, end in gaps:
        scrubbed[start:end] = bytes(end - start)
    return bytes(scrubbed)


def _gaps(page: bytes, header: int, usable: int) -> Iterator[tuple[int, int]]:
    """The space between the list of cells and the first of them, and within each free block."""
    free, cells, content = struct.unpack_from(">HHH", page, 1)
    yield header + 2 * cells, content or 65536
    before = 0
    while free:
        if free <= before or free + 4 > usable:
            yield -1, -1  # damaged
            return
        before, (free, length) = free, struct.unpack_from(">HH", page, free)
        yield before + 4, before + length


def _is_map(number: int, usable: int) -> bool:
    """Whether this page tells which page points to which, as incremental vacuum needs."""
    return (number - 2) % (usable // 5 + 1) == 0


def give_back_pages(db: sqlite3.Connection, path: Path) -> bool:
    """Give some free pages back to the disk; returns whether none is left that can be given."""
    with contextlib.suppress(sqlite3.OperationalError):
        before = _num_free(db)
        with _SLICE.piece("free", FREE_PAGES) as piece:
            piece.done = min(piece.size, before)
            db.executescript(f"PRAGMA incremental_vacuum({piece.size})")
        db.execute(f"PRAGMA busy_timeout = {WAIT_MS}")
        try:
            connect.truncate_log(db, path, tries=1)
        finally:
            db.execute(f"PRAGMA busy_timeout = {connect.BUSY_MS}")
        # A database that was made without `auto_vacuum` keeps its free pages.
        return _num_free(db) in (0, before)
    return True


def _num_free(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA freelist_count").fetchone()[0])
