"""The watchlist as the rest of the store sees it: changes as jobs of the write thread, and its version from memory."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace

from edge.store import images
from edge.store.audit.audit import LOCAL
from edge.store.core import Core
from edge.store.database import connect, gaps, meta, slices
from edge.store.database.jobs import Change
from edge.store.people import changes, copies, erasure, people
from edge.store.people.changes import Listing
from edge.store.rows import Receipt

LOCK = "erasing.lock"
"""Held by whoever erases, so that no other process takes that for an erasure that was cut off."""
SCRUB_TRIES = 100
"""Slices that may find the log held by a reader."""


class Watchlist:
    """Part of the store. With `if_version`, a change is refused with PreconditionError if the list has another one."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._known: tuple[int, str] | None = None
        self._leaving: set[str] = set()

    def version(self) -> tuple[int, str]:
        """Version and digest; the digest is computed once per version."""
        known = self._known

        def query(db: sqlite3.Connection) -> tuple[int, str]:
            version = people.version(db)
            return known if known is not None and known[0] == version else (version, people.digest(db))

        self._known = found = self._core.read(query)
        return found

    def put(self, listing: Listing, *, by: str = LOCAL, if_version: int | None = None) -> Future[tuple[int, str]]:
        """Add or change a person; the new version and digest."""

        def apply(change: Change) -> tuple[int, str]:
            return changes.put_person(change, self._core.blobs, listing, if_version, by, self._core.clock())

        return self._core.write_with_pictures(apply, listing.images)

    def replace(
        self, listings: Sequence[Listing], *, by: str = LOCAL, if_version: int | None = None
    ) -> Future[list[Receipt]]:
        """Make this the whole list in one transaction; receipts of those who were not on it, and were erased."""

        def apply(change: Change) -> list[str]:
            return changes.replace_list(change, self._core.blobs, listings, if_version, by, self._core.clock())

        pictures = {sha256: data for listing in listings for sha256, data in listing.images.items()}
        return slices.after(self._core.write_with_pictures(apply, pictures), self._erase)

    def erase(self, person_id: str, *, by: str = LOCAL, if_version: int | None = None) -> Future[Receipt]:
        """Erase a person: rows, hits, pictures no other row names, and their traces in log and unused bytes.

        They are off the list at once. The rest goes in slices, between which alerts are stored; the Future is done when
        all is gone.
        """

        def apply(change: Change) -> list[str]:
            return changes.begin_erasure(change, person_id, if_version, by, self._core.clock())

        def choose(receipts: list[Receipt]) -> Receipt:
            return next(receipt for receipt in receipts if receipt.person_id == person_id)

        return slices.after(self._core.write(apply), lambda ids: slices.then(self._erase(ids), choose))

    def resume_erasures(self) -> None:
        """Go on with erasures that a stop, a crash or readers have cut off, unless somebody is at it."""
        person_ids, due = self._core.read(lambda db: (erasure.unfinished(db), meta.get(db, meta.Key.SCRUB_DUE)))
        if (person_ids or due) and (lock := connect.lock_file(self._core.folder / LOCK, is_shared=False)) is not None:
            self._erase(person_ids, lock)

    def _erase(self, person_ids: Sequence[str], lock: int | None = None) -> Future[list[Receipt]]:
        """Remove what is kept of people who are off the list, and then what unused bytes hold of them."""
        mine = [person_id for person_id in person_ids if person_id not in self._leaving]
        if not mine and lock is None:
            return slices.finished([])
        if lock is None:
            lock = connect.lock_file(self._core.folder / LOCK, is_shared=True)
        self._leaving.update(mine)
        erasing = erasure.Erasing(mine, self._core.clock)
        done = slices.after(slices.until_done(lambda: self._core.write(erasing.run_slice)), self._scrub)

        def end(_: Future[list[Receipt]]) -> None:
            self._leaving.difference_update(mine)
            if lock is not None:
                os.close(lock)

        done.add_done_callback(end)
        return done

    def _scrub(self, receipts: list[Receipt]) -> Future[list[Receipt]]:
        """Give free pages back and zero the gaps of the others; where readers keep the log for long, it stays due."""
        scrub = gaps.GapScrub(self._core.path, self._core.file_key)
        tries = iter(range(SCRUB_TRIES))

        def run_slice(db: sqlite3.Connection, _: bool | None) -> bool | None:
            if scrub.page == 2 and not gaps.give_back_pages(db, self._core.path):
                return None
            done = scrub.run_slice(db, erasure.SLICE_S)
            if done is None:
                return None if next(tries, None) is not None else False
            return done or None

        def tell(is_scrubbed: bool) -> Future[list[Receipt]]:
            def apply(change: Change) -> list[Receipt]:
                if is_scrubbed:  # this commit also makes other processes drop the pages they remember
                    meta.take(change.db, meta.Key.SCRUB_DUE)
                return [replace(receipt, is_scrubbed=is_scrubbed) for receipt in receipts]

            return self._core.write(apply, finish=self._erase_files)

        return slices.after(slices.until_done(lambda: self._core.write(_nothing, finish=run_slice)), tell)

    def _erase_files(self, db: sqlite3.Connection, receipts: list[Receipt]) -> list[Receipt]:
        """Delete the pictures, every file that no row names, and the people in copies of the database.

        What a kill left between file and commit may show them, and nobody can tell; so all of it goes, of any age.
        """
        blobs, now = self._core.blobs, self._core.clock()
        images.delete_released(db, blobs)
        images.sweep_orphans(db, blobs, min_age_s=0)
        is_clean = copies.drop_set_aside(self._core.folder) and not images.count_unnamed(db, blobs)
        for receipt in receipts:
            is_clean = copies.erase_from_copies(self._core.folder, receipt.person_id, now) and is_clean
        return [replace(receipt, is_scrubbed=receipt.is_scrubbed and is_clean) for receipt in receipts]


def _nothing(change: Change) -> bool | None:
    """A job that only has something to do after its commit."""
    return None
