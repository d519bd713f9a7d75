"""The watchlist as the rest of the store sees it: changes as jobs of the write thread, and its version from memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace

from edge.store.core import Core
from edge.store.people import changes, copies, erasure, people
from edge.store.people.changes import Listing
from edge.store.rows import Receipt
from edge.store.writer import Change


class Watchlist:
    """Part of the store. With `if_version`, a change is refused with PreconditionError if the list has another one."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._known: tuple[int, str] | None = None

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

        def apply(change: Change) -> list[Receipt]:
            return changes.replace_list(change, self._core.blobs, listings, if_version, by, self._core.clock())

        def finish(db: sqlite3.Connection, receipts: list[Receipt]) -> list[Receipt]:
            return [self._erase_traces(db, receipt) for receipt in receipts]

        pictures = {sha256: data for listing in listings for sha256, data in listing.images.items()}
        return self._core.write_with_pictures(apply, pictures, finish=finish)

    def erase(self, person_id: str, by: str, if_version: int | None) -> Future[Receipt]:
        """Erase a person."""

        def apply(change: Change) -> Receipt:
            return changes.erase_person(change, person_id, if_version, by, self._core.clock())

        return self._core.write(apply, finish=self._erase_traces)

    def _erase_traces(self, db: sqlite3.Connection, receipt: Receipt) -> Receipt:
        done = erasure.erase_traces(db, self._core.blobs, self._core.path, receipt)
        are_clean = copies.erase_from_copies(self._core.folder, receipt.person_id, self._core.clock())
        return replace(done, is_scrubbed=done.is_scrubbed and are_clean)
