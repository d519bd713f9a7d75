"""One open data directory: write thread, readers, picture files. The parts of the store share it and nothing else.

No table is named here. The public verbs are in store.py.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from edge.store import connect, images, migrate, reserve
from edge.store.blobs import Blobs
from edge.store.clocks import Moment, mark, read_boot_clock
from edge.store.gaps import RawFiles
from edge.store.writer import Change, Listener, Writer

T = TypeVar("T")
Prepare = Callable[[sqlite3.Connection, Blobs], None]
"""Puts a database that was just opened in order, while no other process can open the folder."""


def utc_now() -> dt.datetime:
    """Current UTC time; tests pass a clock of their own instead."""
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, slots=True)
class Clocks:
    """Where time comes from; tests pass clocks of their own."""

    wall: Callable[[], dt.datetime] = utc_now
    boot: Callable[[], tuple[str, int]] = read_boot_clock
    """The boot's id, and nanoseconds since it began."""
    is_synced: Callable[[], bool | None] = lambda: None
    """Whether a time server keeps the wall clock right; None where nobody can tell."""

    def moment(self) -> Moment:
        """All of them, now."""
        return Moment(*self.boot(), self.wall(), self.is_synced())


class Core:
    """How every part of the store reads, writes and learns of commits. Nothing is written before `start`."""

    def __init__(self, folder: Path, clocks: Clocks, prepare: Prepare, make_room: Prepare) -> None:
        """`make_room` frees disk space; called where opening finds the disk full and the reserve was given up."""
        self.folder = folder
        self.path = folder / "edge.db"
        self.clock = clocks.wall
        self._clocks = clocks
        try:
            with connect.lock_folder(folder):
                try:
                    self._open(prepare)
                except (sqlite3.Error, OSError) as error:
                    if not connect.is_full_at_start(error, folder) or not reserve.release(folder):
                        raise
                    self._open(prepare, make_room)
        except (sqlite3.Error, OSError) as error:
            raise connect.explain(error, self.path) from error
        self._readers = connect.Readers(self.path)
        self.file_key = RawFiles.register(self.path)
        self._is_registered = True

    def _open(self, prepare: Prepare, make_room: Prepare = lambda db, blobs: None) -> None:
        """Open the database for writing; `make_room` comes first, even before the schema is brought up to date."""
        self.blobs = Blobs(self.folder / "blobs")
        db = migrate.open_database(self.path, self.clock(), lambda db: make_room(db, self.blobs))
        try:
            prepare(db, self.blobs)
            self.writer = Writer(db, self.path)
        except BaseException:
            db.close()
            raise

    def listen(self, listener: Listener) -> None:
        """Add a listener, before `start`; they are called in the order in which they were added."""
        self.writer.listen(listener)

    def start(self) -> None:
        """Start the write thread, once all listeners are there."""
        self.writer.start()

    def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run a query on a connection of its own."""
        with self._readers.snapshot() as db:
            return query(db)

    def write(
        self, apply: Callable[[Change], T], *, finish: Callable[[sqlite3.Connection, T], T] | None = None
    ) -> Future[T]:
        """Queue a job for the writer thread; `finish` runs there after the commit."""
        return self.writer.submit(self._marking(apply), finish=finish)

    def write_with_pictures(
        self,
        apply: Callable[[Change], T],
        pictures: Mapping[str, bytes],
        *,
        finish: Callable[[sqlite3.Connection, T], T] | None = None,
    ) -> Future[T]:
        """Queue a job that names pictures: their files are written first, and deleted if the job is refused."""
        return self.writer.submit(
            self._marking(apply),
            prepare=lambda: images.write_files(self.blobs, pictures),
            finish=finish,
            undo=lambda change: images.release_unnamed(change.db, pictures),
        )

    def moment(self) -> Moment:
        """Both clocks, now."""
        return self._clocks.moment()

    def _marking(self, apply: Callable[[Change], T]) -> Callable[[Change], T]:
        """The job, which also notes when the feed items that it adds were added."""

        def apply_and_mark(change: Change) -> T:
            num_items = len(change.items)
            result = apply(change)
            if len(change.items) > num_items:
                mark(change.db, self.moment(), change.items[num_items].seq)
            return result

        return apply_and_mark

    def close(self) -> None:
        """Finish the queue and close everything. May be called twice."""
        # Readers first: SQLite checkpoints and removes the log when the last connection closes; a read-only one can't.
        self._readers.close()
        self.writer.close()
        if self._is_registered:
            self._is_registered = False
            RawFiles.unregister(self.file_key)
