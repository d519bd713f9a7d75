"""The store as the rest of the program sees it: one object, plain verbs. SQL is in the modules beside this one.

Reading answers at once, from any thread. Writing returns a Future that resolves after the commit; never wait for one on
the writer thread (in a `subscribe` callback).
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from types import TracebackType

from edge.records import FeedItem, FeedPage, Hit, Person, Reference
from edge.store import images, retention, rounds, start, stats
from edge.store.accounts.accounts import Accounts
from edge.store.accounts.claim import Claim
from edge.store.audit.audit import LOCAL
from edge.store.audit.log import AuditLog
from edge.store.clocks import read_boot_clock
from edge.store.core import Clocks, Core, utc_now
from edge.store.coverage.coverage import Coverage
from edge.store.coverage.pause import Pauses
from edge.store.database import meta
from edge.store.database.jobs import Change, Listener
from edge.store.drill import Drills
from edge.store.feed.consumers import Consumers
from edge.store.feed.feed import Feed
from edge.store.feed.pictures import PicturedItems, Pictures
from edge.store.hits import hits, search
from edge.store.hits.reviews import Reviews
from edge.store.hits.search import HitFilter
from edge.store.identity.identity import Identity
from edge.store.people import people, traces
from edge.store.people.calibration import CalibrationStore
from edge.store.people.changes import Listing
from edge.store.people.watchlist import Watchlist
from edge.store.repair import damage
from edge.store.repair.loss_keeper import LossKeeper
from edge.store.rows import AuditHead, Consumer, RetentionReport


class Store:
    """Hits, feed, pictures, people and accounts of one device, in one data directory.

    `accounts`, `claim`, `reviews`, `drills`, `audit_log`, `coverage`, `pauses`, `calibration`, `identity`,
    `losses` and `pictured` have their own verbs.
    """

    def __init__(self, core: Core) -> None:
        self._core, self.folder = core, core.folder
        self.box_id = core.read(lambda db: meta.get(db, meta.Key.DEVICE_ID) or "")
        # Listeners are called in this order: whoever reads a new feed item finds the audit head that belongs to it.
        self.accounts = Accounts(core)
        self.audit_log = AuditLog(core)
        self._feed = Feed(core)
        self._consumers, self.pictured = Consumers(core), PicturedItems(core)
        core.listen(Listener(committed=partial(_delete_files, core), disk_full=partial(_make_room, core)))
        self.claim = Claim(core, self.accounts.passwords)
        self.reviews, self.drills, self.losses = Reviews(core), Drills(core), LossKeeper(core)
        self.coverage = Coverage(core)
        self.pauses = Pauses(core)
        self.calibration, self.identity = CalibrationStore(core), Identity(core)
        watchlist = self._watchlist = Watchlist(core)
        self.put_listing, self.replace_people = watchlist.put, watchlist.replace
        self.forget_person, self.resume_erasures = watchlist.erase, watchlist.resume_erasures
        self._share_accounts()

    @property
    def epoch(self) -> str:
        """Name of this history of the database; another one after a restore or a repair."""
        return self._feed.epoch

    def _share_accounts(self) -> None:
        """The verbs of accounts are the store's own too."""
        own = self.accounts
        self.add_user, self.remove_user, self.users = own.add_user, own.remove_user, own.users
        self.set_password, self.check_password, self.set_language = (
            own.set_password,
            own.check_password,
            own.set_language,
        )
        self.add_session, self.check_session, self.end_session = own.add_session, own.check_session, own.end_session
        self.logins, self.end_login, self.tokens = own.logins, own.end_login, own.tokens
        self.add_login_link, self.use_login_link = own.add_login_link, own.use_login_link
        self.add_token, self.revoke_token, self.check_token = own.add_token, own.revoke_token, own.check_token

    @classmethod
    def open(
        cls,
        data_dir: Path,
        *,
        clock: Callable[[], dt.datetime] = utc_now,
        boot_clock: Callable[[], tuple[str, int]] = read_boot_clock,
        is_clock_synced: Callable[[], bool | None] = lambda: None,
    ) -> Store:
        """Open or create the data directory; StoreError where it can't be used.

        `boot_clock` returns the boot's id and the nanoseconds since it began; `is_clock_synced` whether a time server
        keeps the wall clock right, None where nobody can tell.
        """

        core = start.open_core(data_dir, Clocks(clock, boot_clock, is_clock_synced))
        try:
            store = cls(core)
        except BaseException:
            core.close()
            raise
        core.start()
        store.resume_erasures()
        return store

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

    def _write_hit(self, verb: hits.WriteHit, hit: Hit, pictures: Mapping[str, bytes]) -> Future[FeedItem]:
        def apply(change: Change) -> FeedItem:
            return verb(change, self._core.blobs, hit, pictures, self._core.clock())

        return self._core.write_with_pictures(apply, pictures, are_needed=False)

    def hit(self, hit_id: str) -> Hit | None:
        """One hit."""
        return self._core.read(lambda db: hits.get(db, hit_id))

    def hits(self, before: str | None = None, limit: int = 50) -> list[Hit]:
        """Hits, newest first; the next page begins `before` the last id of this one."""
        return self.find_hits(HitFilter(), before, limit)

    def find_hits(self, which: HitFilter, before: str | None = None, limit: int = 50) -> list[Hit]:
        """Hits that meet the conditions, newest first, page by page as with `hits`."""
        return self._core.read(lambda db: search.page(db, which, before, limit, self.losses.note_damaged))

    def count_hits(self, which: HitFilter | None = None) -> int:
        """Number of hits kept; of a filter at most `search.COUNT_UP_TO` + 1. Without one, all rows are read."""
        return self._core.read(lambda db: search.count(db, which))

    def cameras_with_hits(self) -> list[str]:
        """Names of cameras that have hits."""
        return self._core.read(search.cameras)

    def last_hit_of(self, person_id: str, camera: str) -> Hit | None:
        """The newest hit of a person at a camera."""
        return self._core.read(lambda db: hits.last_of(db, person_id, camera))

    # feed

    def feed(
        self, after: str | None, limit: int, fields: Sequence[str] | None = None, *, max_bytes: int | None = None
    ) -> FeedPage:
        """A page of the feed; `fields` names the keys of the body to keep. CursorError, CursorExpiredError."""
        return self._feed.page(after, limit, fields, max_bytes)

    def add_item(self, type: str, body: Mapping[str, object], images: Pictures | None = None) -> Future[FeedItem]:
        """Add `health`, `gap` or `heartbeat`; `images` are the pictures that the body names, bytes by SHA-256."""
        return self._feed.add(type, body, images)

    def head_seq(self) -> int:
        """Seq of the newest item, from memory."""
        return self._feed.head

    def head_cursor(self) -> str:
        """Cursor after the newest item, from memory."""
        return self._feed.head_cursor()

    def subscribe(self, callback: Callable[[FeedItem], None]) -> Callable[[], None]:
        """Call `callback` with each new item, in order, on the writer thread; returns a function that unsubscribes."""
        return self._feed.subscribe(callback)

    # pictures

    def image_path(self, sha256: str) -> Path | None:
        """File of a picture that some row names."""
        return self._core.read(lambda db: images.find(db, self._core.blobs, sha256))

    def pictured_in_reference(self, sha256: str) -> str | None:
        """Id of the person whose enrolled picture that is; None for other pictures."""
        return self._core.read(lambda db: people.of_picture(db, sha256))

    # people

    def people(self) -> list[Person]:
        """The watchlist, by id."""
        return self._core.read(people.all_people)

    def person(self, person_id: str) -> Person | None:
        """One person."""
        return self._core.read(lambda db: people.get(db, person_id))

    def put_person(
        self, person: Person, references: Sequence[Reference], images: Mapping[str, bytes], *, by: str = LOCAL
    ) -> Future[tuple[int, str]]:
        """Add or change a person and add references, with their pictures; the list's new version and digest."""
        return self.put_listing(Listing(person, tuple(references), images), by=by)

    def watchlist_changed_at(self) -> dt.datetime | None:
        """When the list was last changed or confirmed."""
        return self._core.read(people.changed_at)

    def references(self, model_sha256: str | None = None, *, person_id: str | None = None) -> list[Reference]:
        """References made by a model, or all; with `person_id` those of one person."""
        return self._core.read(lambda db: people.references(db, model_sha256, person_id))

    def watchlist_version(self) -> tuple[int, str]:
        """Number of changes and digest of the watchlist."""
        return self._watchlist.version()

    def data_version(self) -> int:
        """A number from memory that changes within half a second of another process' commit."""
        return self._core.writer.foreign_commits

    def traces(self, wanted: Sequence[str], *, pictures: bool = True) -> dict[str, int]:
        """What still holds one of these ids or names: rows by table, files by area, and files that no row names."""
        return traces.find(self._core, wanted, pictures=pictures)

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
        """Note who did what to what; `person_id` where it is about a person."""
        return self.audit_log.note(actor, action, subject, detail, person_id=person_id)

    def audit_head(self) -> AuditHead | None:
        """Number and hash of the newest audit row, from memory."""
        return self.audit_log.head

    # consumers and upkeep

    def note_pull(self, token_name: str, seq: int, made_at: dt.datetime | None = None) -> None:
        """The puller whose token was made then has everything up to `seq`: its cursor. Saved every few seconds."""
        self._consumers.note_pull(token_name, seq, made_at)

    def consumers(self) -> list[Consumer]:
        """Every token name that may read alerts, and how far it has come."""
        return self._core.read(self._consumers.all)

    def enforce_retention(
        self, *, max_age_days: float, max_image_bytes: int, min_free_bytes: int, now: dt.datetime
    ) -> Future[RetentionReport]:
        """Remove what is too old or too much. Age is counted by the boots' own clocks: see clocks.py."""
        limits = retention.RetentionLimits(max_age_days, max_image_bytes, min_free_bytes)
        return rounds.Rounds(self._core, limits, now, self._consumers.all).start()

    def trouble(self) -> tuple[str, str] | None:
        """What is wrong with writing now: `locked`, `full` or `failing`, and a sentence; None if nothing."""
        return self._core.writer.trouble()

    def stats(self) -> dict[str, int | float]:
        """Counts, bytes and queue depth."""
        return stats.stats(self._core, self._feed.head)

    def check(self) -> list[str]:
        """What SQLite's quick check finds wrong; empty when all is well. Takes seconds a gigabyte, on this thread."""
        return self._core.read(damage.problems)

    def repair(self) -> None:
        """Mend the database before the next write (repair/mending.py). Not done while another process has it open."""
        self._core.writer.repair()

    def damage(self) -> damage.Damage | None:
        """What was found damaged last, and mended."""
        return self._core.read(damage.kept)


def _make_room(core: Core, db: sqlite3.Connection) -> bool:
    return retention.make_room(db, core.blobs, core.folder, core.clock())


def _delete_files(core: Core, db: sqlite3.Connection, _: Sequence[FeedItem]) -> None:
    if not images.delete_released(db, core.blobs, images.DELETE_S):
        core.write(lambda change: None, is_slice=True)  # its commit goes on, behind the alerts that wait
