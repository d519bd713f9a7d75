"""The watchlist as the rest of the store sees it: changes as jobs of the write thread, and its version from memory."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

from edge.store import images
from edge.store.audit.audit import LOCAL
from edge.store.core import Core
from edge.store.database import connect, gaps, meta, slices
from edge.store.database.jobs import Change, Listener
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
        self._beside: list[threading.Thread] = []
        self._copies = threading.Lock()
        core.listen(Listener(tick=self._join))

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
        done = slices.after(
            slices.until_done(lambda: self._core.write(erasing.next_slice(), is_slice=True)), self._scrub
        )

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

        def run_slice(db: sqlite3.Connection) -> bool | None:
            if scrub.page == 2 and not gaps.give_back_pages(db, self._core.path):
                return None
            done = scrub.run_slice(db, slices.SLICE_S)
            if done is None:
                return None if next(tries, None) is not None else False
            return done or None

        def go_on(is_scrubbed: bool) -> Future[list[Receipt]]:
            cleaned = slices.after(self._erase_pictures(), lambda _: self._erase_copies(receipts))
            return slices.after(cleaned, lambda doubtful: self._tell(receipts, doubtful if is_scrubbed else None))

        return slices.after(self._in_slices(run_slice), go_on)

    def _erase_pictures(self) -> Future[bool]:
        """Delete the pictures and every file that no row names.

        What a kill left between file and commit may show them, and nobody can tell; so all of it goes, of any age.
        """
        blobs = self._core.blobs
        sweep = images.OrphanSweep(blobs)

        def run_slice(db: sqlite3.Connection) -> bool | None:
            if not images.delete_released(db, blobs, slices.SLICE_S):
                return None
            return sweep.run_slice(db, slices.SLICE_S) or None

        return self._in_slices(run_slice)

    def _erase_copies(self, receipts: list[Receipt]) -> Future[list[Path] | None]:
        """Erase them from copies of former data, while alerts are stored; None where something is left.

        Else picture files that no row names: those of an alert that is being stored, or one that can't be deleted.
        """

        def work() -> list[Path] | None:
            person_ids = [receipt.person_id for receipt in receipts]
            listed = self._core.read(lambda db: [person.person_id for person in people.all_people(db)])
            with self._copies:
                is_clean = copies.drop_former_data(self._core.folder)
                is_gone = copies.erase_from_copies(self._core.folder, person_ids, listed, self._core.clock())
            is_clean = is_clean and is_gone
            return self._core.read(lambda db: images.unnamed(db, self._core.blobs.files())) if is_clean else None

        done, thread = slices.beside(work)
        self._beside.append(thread)
        return done

    def _tell(self, receipts: list[Receipt], doubtful: list[Path] | None) -> Future[list[Receipt]]:
        """The receipts; what could not be wiped, or was cut off by a kill, stays due."""

        def apply(change: Change) -> list[Receipt]:
            is_scrubbed = doubtful is not None and not images.unnamed(change.db, doubtful)
            if is_scrubbed:  # this commit also makes other processes drop the pages they remember
                meta.take(change.db, meta.Key.SCRUB_DUE)
            return [replace(receipt, is_scrubbed=is_scrubbed) for receipt in receipts]

        return self._core.write(apply)

    def _in_slices(self, run_slice: Callable[[sqlite3.Connection], bool | None]) -> Future[bool]:
        """Run slices outside a transaction, on the writer thread, until one has a result."""
        return slices.until_done(lambda: self._core.write(_nothing, finish=lambda db, _: run_slice(db), is_slice=True))

    def _join(self, is_last: bool) -> None:
        """Before the store closes, wait for what is done beside it; of those that are done nothing need be kept."""
        self._beside = [thread for thread in self._beside if thread.is_alive()]
        for thread in self._beside if is_last else ():
            thread.join()


def _nothing(change: Change) -> bool | None:
    """A job that only has something to do after its commit."""
    return None
