"""One open data directory: write thread, readers, picture files. The parts of the store share it and nothing else.

No table is named here. The public verbs are in store.py.
"""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from edge.errors import StoreError
from edge.store import images, migrate
from edge.store.blobs import Blobs
from edge.store.clocks import Moment, mark, read_boot_clock
from edge.store.database import connect
from edge.store.database.alone import IN_USE
from edge.store.database.gaps import RawFiles
from edge.store.database.jobs import Change, Listener
from edge.store.database.writer import Writer

T = TypeVar("T")
REPAIR_EVERY_S = 3600.0
"""How often readers that meet damage have it looked for: what can't be mended would be looked for again and again."""
Prepare = Callable[[sqlite3.Connection, Blobs], None]
"""Done with a database that was just opened."""


@dataclass(frozen=True, slots=True)
class Steps:
    """What is done with a data directory when it is opened, while no other process can open it."""

    prepare: Prepare
    """Puts the opened database in order."""
    make_room: Prepare
    """Frees disk space, where opening found the disk full."""
    give_up: Sequence[Callable[[bool], bool]]
    """What is given up in turn so that a database on a full disk can be opened at all; each tells whether anything was.

    Called with whether no other process has the database open.
    """
    mend: Callable[[Blobs, bool], object]
    """Looks for damage, before the database is opened; not called while another process has it open.

    Called with whether some was met: then it is looked for more closely.
    """


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

    def __init__(self, folder: Path, clocks: Clocks, steps: Steps) -> None:
        self.folder = folder
        self.path = folder / "edge.db"
        self.clock = clocks.wall
        self._clocks = clocks
        self._steps = steps
        self._in_use = -1
        self._next_repair = 0.0
        try:
            self.writer = Writer(self._open_database(), self.path, self._reopen)
        except (sqlite3.Error, OSError) as error:
            raise connect.explain(error, self.path) from error
        self._readers = connect.Readers(self.path)
        self.file_key = RawFiles.register(self.path)
        self._is_registered = True

    def _open_database(self, is_damaged: bool = False) -> sqlite3.Connection:
        """A connection that may write; where the disk is full, something is given up and room is made first."""
        make_room: Prepare = lambda db, blobs: None  # noqa: E731
        ways = iter(self._steps.give_up)
        with connect.lock_folder(self.folder):
            while True:
                try:
                    return self._try_to_open(make_room, is_damaged)
                except (sqlite3.Error, OSError) as error:
                    if not connect.is_full_at_start(error, self.folder) or not self._give_up(ways):
                        raise
                    make_room = self._steps.make_room

    def _give_up(self, ways: Iterator[Callable[[bool], bool]]) -> bool:
        """Go on with the next ways until something was given up."""
        handle = os.open(self.folder / IN_USE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            is_alone = connect.lock_alone(handle)
            return any(way(is_alone) for way in ways)
        finally:
            os.close(handle)

    def _try_to_open(self, make_room: Prepare, is_damaged: bool) -> sqlite3.Connection:
        """Mend the database if nobody else uses it, and open it; `make_room` comes before its schema is brought up."""
        self.blobs = Blobs(self.folder / "blobs")
        if self._in_use < 0:
            self._in_use = os.open(self.folder / IN_USE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if connect.lock_alone(self._in_use):
                self._steps.mend(self.blobs, is_damaged)
            db = migrate.open_database(self.path, self.clock(), lambda db: make_room(db, self.blobs))
            try:
                self._steps.prepare(db, self.blobs)
            except BaseException:
                db.close()
                raise
        except BaseException:
            os.close(self._in_use)
            self._in_use = -1
            raise
        connect.lock_shared(self._in_use)
        return db

    def _reopen(self) -> sqlite3.Connection:
        """Mend the database while it is in use, and open it again. Called on the writer thread."""
        self._readers.renew()
        former = self.file_key
        db = self._open_database(is_damaged=True)
        self.file_key = RawFiles.register(self.path)
        RawFiles.unregister(former)
        return db

    def listen(self, listener: Listener) -> None:
        """Add a listener, before `start`; they are called in the order in which they were added."""
        self.writer.listen(listener)

    def start(self) -> None:
        """Start the write thread, once all listeners are there."""
        self.writer.start()

    def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run a query on a connection of its own. Damage that it meets is mended before the next write."""
        try:
            with self._readers.snapshot() as db:
                return query(db)
        except StoreError as error:
            is_damage = error.__cause__ is not None and connect.is_damaged(error.__cause__)
            if is_damage and time.monotonic() >= self._next_repair:
                self._next_repair = time.monotonic() + REPAIR_EVERY_S
                self.writer.repair()
            raise

    def write(
        self,
        apply: Callable[[Change], T],
        *,
        finish: Callable[[sqlite3.Connection, T], T] | None = None,
        is_slice: bool = False,
    ) -> Future[T]:
        """Queue a job for the writer thread; `finish` runs there after the commit. See `Turns` for slices."""
        return self.writer.submit(self._marking(apply), finish=finish, is_slice=is_slice)

    def write_with_pictures(
        self,
        apply: Callable[[Change], T],
        pictures: Mapping[str, bytes],
        *,
        finish: Callable[[sqlite3.Connection, T], T] | None = None,
        are_needed: bool = True,
    ) -> Future[T]:
        """Queue a job that names pictures: their files are written first, and deleted if the job is refused.

        Unless they `are_needed`, it is done without them where their folder can't be used: `blobs.problem` says so.
        """
        write = images.write_files if are_needed else images.try_to_write_files
        return self.writer.submit(
            self._marking(apply),
            prepare=lambda: write(self.blobs, pictures),
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
            if self._in_use >= 0:
                os.close(self._in_use)
            RawFiles.unregister(self.file_key)
