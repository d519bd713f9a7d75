"""The watchlist as the rest of the store sees it: changes as jobs of the write thread, and its version from memory."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace

from edge.store import connect, gaps, meta, slices
from edge.store.core import Core
from edge.store.people import changes, erasure, people
from edge.store.people.changes import Listing
from edge.store.repair import damage
from edge.store.rows import Receipt
from edge.store.writer import Change

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

    def put(self, listing: Listing, by: str, if_version: int | None) -> Future[tuple[int, str]]:
        """Add or change a person; the new version and digest."""

        def apply(change: Change) -> tuple[int, str]:
            return changes.put_person(change, self._core.blobs, listing, if_version, by, self._core.clock())

        return self._core.write_with_pictures(apply, listing.images)

    def replace(self, listings: Sequence[Listing], by: str, if_version: int | None) -> Future[list[Receipt]]:
        """Make this the whole list; receipts of those who were erased."""

        def apply(change: Change) -> list[str]:
            return changes.replace_list(change, self._core.blobs, listings, if_version, by, self._core.clock())

        pictures = {sha256: data for listing in listings for sha256, data in listing.images.items()}
        return slices.after(self._core.write_with_pictures(apply, pictures), self._erase)

    def erase(self, person_id: str, by: str, if_version: int | None) -> Future[Receipt]:
        """Erase a person."""

        def apply(change: Change) -> list[str]:
            return changes.begin_erasure(change, person_id, if_version, by, self._core.clock())

        def choose(receipts: list[Receipt]) -> Receipt:
            return next(receipt for receipt in receipts if receipt.person_id == person_id)

        return slices.after(self._core.write(apply), lambda ids: slices.then(self._erase(ids), choose))

    def resume_erasures(self) -> None:
        """Go on with erasures that a stop or a crash has cut off, unless another process is at it."""
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

        damage.drop_quarantine(self._core.folder)

        def tell(is_scrubbed: bool) -> Future[list[Receipt]]:
            told = [replace(receipt, is_scrubbed=is_scrubbed) for receipt in receipts]

            def apply(change: Change) -> list[Receipt]:
                if is_scrubbed:  # this commit also makes other processes drop the pages they remember
                    meta.take(change.db, meta.Key.SCRUB_DUE)
                return told

            return self._core.write(apply)

        return slices.after(slices.until_done(lambda: self._core.write(_nothing, finish=run_slice)), tell)


def _nothing(change: Change) -> bool | None:
    """A job that only has something to do after its commit."""
    return None
