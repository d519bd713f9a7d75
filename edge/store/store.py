"""The store as the rest of the program sees it: one object, plain verbs. SQL is in the modules beside this one.

Reading answers at once, from any thread. Writing returns a Future that resolves after the commit; never wait for one on
the writer thread (in a `subscribe` callback).
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from edge.records import FeedItem, FeedPage, Hit, Person, Reference
from edge.store import core as opening
from edge.store import guarding, images, retention
from edge.store.accounts.accounts import Accounts
from edge.store.audit.audit import LOCAL
from edge.store.audit.log import Ledger
from edge.store.coverage.coverage import Coverage
from edge.store.feed import feed
from edge.store.hits import hits
from edge.store.people import changes, erasure, people
from edge.store.people.calibration import Tuning
from edge.store.people.changes import Listing
from edge.store.rows import AuditHead, Consumer, Receipt, RetentionReport
from edge.store.writer import Change

T = TypeVar("T")


class Store(Accounts):
    """Hits, feed, pictures, people and accounts of one box, in one data directory."""

    def __init__(self, core: opening.Core) -> None:
        self._core = core
        self.epoch = core.epoch
        self.box_id = core.box_id
        self._read = core.read
        self._write = core.write
        self._blobs = core.blobs
        super().__init__(core)
        self.page = guarding.Page(core, self._logins.hash)
        self.ledger = Ledger(core)
        self.coverage = Coverage(core)
        self.tuning = Tuning(core)

    @classmethod
    def open(cls, data_dir: Path, *, clock: Callable[[], dt.datetime] = opening.utc_now) -> Store:
        """Open or create the data directory; StoreError where it can't be used."""
        return cls(opening.Core(data_dir, clock))

    def close(self) -> None:
        """Finish what is queued, then close. May be called twice."""
        self._core.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # hits

    def add_hit(self, hit: Hit, images: Mapping[str, bytes]) -> Future[FeedItem]:
        """Store a new hit with its pictures (SHA-256 to file bytes) and its `alert.created`."""
        return self._write_hit(hits.add, hit, images)

    def update_hit(self, hit: Hit, images: Mapping[str, bytes]) -> Future[FeedItem]:
        """Replace a hit by a better sighting, `alert.updated`; its review stays as it is."""
        return self._write_hit(hits.update, hit, images)

    def _write_hit(self, verb: hits.Verb, hit: Hit, pictures: Mapping[str, bytes]) -> Future[FeedItem]:
        def apply(change: Change) -> FeedItem:
            return verb(change, self._blobs, hit, pictures, self._core.clock())

        return self._core.write_with_pictures(apply, pictures)

    def set_review(self, hit_id: str, state: str, by: str, reason: str | None) -> Future[FeedItem]:
        """Record a verdict for which one person is enough, `alert.reviewed`."""
        return self.page.give_verdict(hit_id, by, state, reason=reason, note=None, needs_second=False)

    def hit(self, hit_id: str) -> Hit | None:
        """One hit."""
        return self._read(lambda db: hits.get(db, hit_id))

    def hits(self, before: str | None = None, limit: int = 50) -> list[Hit]:
        """Hits, newest first; the next page begins `before` the last id of this one."""
        return self._read(lambda db: hits.newest(db, before, limit))

    def count_hits(self) -> int:
        """Number of hits kept."""
        return self._read(hits.count)

    def last_hit_of(self, person_id: str, camera: str) -> Hit | None:
        """The newest hit of a person at a camera."""
        return self._read(lambda db: hits.last_of(db, person_id, camera))

    # feed

    def feed(
        self, after: str | None, limit: int, fields: Sequence[str] | None = None, *, max_bytes: int | None = None
    ) -> FeedPage:
        """A page of the feed; `fields` names the keys of the body to keep. CursorError, CursorExpiredError."""
        return self._read(lambda db: feed.page(db, self.epoch, after, limit, fields, max_bytes))

    def add_item(self, type: str, body: Mapping[str, object]) -> Future[FeedItem]:
        """Add `health`, `gap` or `heartbeat`."""
        return self._write(lambda change: feed.append(change, self._core.clock(), type, body))

    def head_seq(self) -> int:
        """Seq of the newest item, from memory."""
        return self._core.head

    def head_cursor(self) -> str:
        """Cursor after the newest item, from memory."""
        return self._core.head_cursor()

    def subscribe(self, callback: Callable[[FeedItem], None]) -> Callable[[], None]:
        """Have `callback` called on the writer thread with each new item, in order; returns the way out."""
        return self._core.subscribe(callback)

    # pictures

    def image_path(self, sha256: str) -> Path | None:
        """File of a picture that some row names."""
        return self._read(lambda db: images.find(db, self._blobs, sha256))

    # people

    def people(self) -> list[Person]:
        """The watchlist, by id."""
        return self._read(people.all_people)

    def person(self, person_id: str) -> Person | None:
        """One person."""
        return self._read(lambda db: people.get(db, person_id))

    def put_person(
        self, person: Person, references: Sequence[Reference], images: Mapping[str, bytes], *, by: str = LOCAL
    ) -> Future[tuple[int, str]]:
        """Add or change a person and add references, with their pictures; the list's new version and digest."""
        return self.put_listing(Listing(person, tuple(references), images), by=by)

    def put_listing(
        self, listing: Listing, *, by: str = LOCAL, if_version: int | None = None
    ) -> Future[tuple[int, str]]:
        """Add or change a person; PreconditionError if the list is not `if_version` any more."""

        def apply(change: Change) -> tuple[int, str]:
            return changes.put(change, self._blobs, listing, if_version, by, self._core.clock())

        return self._core.write_with_pictures(apply, listing.images)

    def replace_people(
        self, listings: Sequence[Listing], *, by: str = LOCAL, if_version: int | None = None
    ) -> Future[list[Receipt]]:
        """Make this the whole list in one transaction; whoever is not on it is erased."""

        def apply(change: Change) -> list[Receipt]:
            return changes.replace_all(change, self._blobs, listings, if_version, by, self._core.clock())

        def finish(db: sqlite3.Connection, receipts: list[Receipt]) -> list[Receipt]:
            return [erasure.scrub(db, self._blobs, self._core.path, receipt) for receipt in receipts]

        pictures = {sha256: data for listing in listings for sha256, data in listing.images.items()}
        return self._core.write_with_pictures(apply, pictures, finish=finish)

    def forget_person(self, person_id: str, *, by: str = LOCAL, if_version: int | None = None) -> Future[Receipt]:
        """Erase a person: rows, hits, pictures no other row names, and their traces in the log."""
        return self._write(
            lambda change: changes.forget(change, person_id, if_version, by, self._core.clock()),
            finish=lambda db, receipt: erasure.scrub(db, self._blobs, self._core.path, receipt),
        )

    def watchlist_changed_at(self) -> dt.datetime | None:
        """When the list was last changed or confirmed."""
        return self._read(people.changed_at)

    def references(self, model_sha256: str | None = None) -> list[Reference]:
        """References made by a model, or all."""
        return self._read(lambda db: people.references(db, model_sha256))

    def watchlist_version(self) -> tuple[int, str]:
        """Number of changes and digest of the watchlist."""
        return self._core.watchlist_version()

    def data_version(self) -> int:
        """A number, from memory, that moves within half a second of another process' commit."""
        return self._core.foreign_changes

    # audit

    def audit(
        self,
        actor: str,
        action: str,
        subject: str,
        detail: Mapping[str, object] | None = None,
        *,
        person_id: str | None = None,
    ) -> Future[None]:
        """Note who did what to what; `person_id` where it tells of a person. Reading and checking: `store.ledger`."""
        return self.ledger.note(actor, action, subject, detail, person_id=person_id)

    def audit_head(self) -> AuditHead | None:
        """Number and hash of the newest audit row, from memory."""
        return self._core.audit_head

    # consumers and upkeep

    def note_pull(self, token_name: str, seq: int) -> None:
        """A puller has everything up to `seq`: the cursor it came with. Saved every few seconds."""
        self._core.pulls.note(token_name, seq)

    def consumers(self) -> list[Consumer]:
        """Every token name that may read alerts, and how far it has come."""
        return self._read(lambda db: self._core.pulls.consumers(db, self._core.head))

    def enforce_retention(
        self, *, max_age_days: float, max_image_bytes: int, min_free_bytes: int, now: dt.datetime
    ) -> Future[RetentionReport]:
        """Remove what is too old or too much."""
        limits = retention.Limits(max_age_days, max_image_bytes, min_free_bytes)

        def apply(change: Change) -> RetentionReport:
            pulled = [consumer.seq for consumer in self._core.pulls.consumers(change.db, self._core.head)]
            return retention.enforce(change, self._core.path.parent, limits, min(pulled, default=None), now)

        def settle(db: sqlite3.Connection, report: RetentionReport) -> RetentionReport:
            return retention.settle(db, self._blobs, self._core.path, report)

        return retention.in_rounds(lambda: self._write(apply, finish=settle))

    def trouble(self) -> tuple[str, str] | None:
        """What writing meets now, from memory: `locked`, `full` or `failing`, and a sentence; None where it works."""
        return self._core.trouble()

    def stats(self) -> dict[str, int | float]:
        """Counts, bytes and queue depth."""
        return self._core.stats()

    def check(self) -> list[str]:
        """What SQLite's own integrity check finds wrong; empty when all is well."""
        return self._read(lambda db: [row[0] for row in db.execute("PRAGMA integrity_check") if row[0] != "ok"])
