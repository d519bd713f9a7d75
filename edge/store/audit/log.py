"""The audit as the rest of the program sees it (`store.audit_log`): note, read, verify. Its rows are in audit.py."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from typing import Any

from edge.store.audit import audit, chain
from edge.store.audit.tally import Tally
from edge.store.core import Core
from edge.store.database import meta
from edge.store.database.jobs import Change, Listener
from edge.store.rows import AuditEntry, AuditHead, AuditReport

PAGE = 500
MORE = "more of this kind"
"""Object of a row that counts reads without saying of what."""
MAX_LISTED_READS = 20
"""Reads of one kind by one caller that get a row each within a minute."""


class AuditLog:
    """Who did what, in a chain that shows what was altered. `head` is the newest row, from memory."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.head = core.read(audit.head)
        self._equal: Tally[tuple[str, str, str]] = Tally(1)
        self._alike: Tally[tuple[str, str]] = Tally(MAX_LISTED_READS)
        core.listen(
            Listener(
                committed=lambda db, _: self._remember_head(db),
                foreign_commit=self._remember_head,
                tick=self._note_counts,
            )
        )

    def note(
        self,
        actor: str,
        action: str,
        subject: str,
        detail: Mapping[str, Any] | None = None,
        *,
        person_id: str | None = None,
    ) -> Future[None]:
        """Add a row; `person_id` where it is about a person, so that it is blanked when they are erased."""
        now = self._core.clock
        return self._core.write(
            lambda change: audit.append(change.db, now(), actor, action, subject, detail, person_id=person_id)
        )

    def note_read(
        self, actor: str, action: str, subject: str, detail: Mapping[str, Any], *, person_id: str | None = None
    ) -> Future[None] | None:
        """Note that somebody read something; None where it is only counted.

        Within a minute equal reads are one row and a later one with the count of the repeats, and one caller's reads of
        one kind are a few rows: nobody can fill the audit by reading.
        """
        if not self._alike.is_listed((actor, action)) or not self._equal.is_listed((actor, action, subject)):
            return None
        return self._note_later(actor, action, subject, detail, person_id)

    def _note_later(
        self, actor: str, action: str, subject: str, detail: Mapping[str, Any], person_id: str | None = None
    ) -> Future[None]:
        """`note`, without saying of what where another process erases somebody before the row is written."""
        now, seen = self._core.clock, self.head.seq if self.head else 0

        def apply(change: Change) -> None:
            if audit.is_erased_after(change.db, seen):
                audit.append(change.db, now(), actor, action, MORE, {"count": detail.get("count", 1)})
            else:
                audit.append(change.db, now(), actor, action, subject, detail, person_id=person_id)

        return self._core.write(apply)

    def _note_counts(self, is_last: bool) -> None:
        for (actor, action, subject), count in self._equal.take_counts(all_of_them=is_last):
            self._note_later(actor, action, subject, {"count": count})
        for (actor, action), count in self._alike.take_counts(all_of_them=is_last):
            self.note(actor, action, MORE, {"count": count})

    def _forget_subjects(self) -> None:
        """Somebody was erased, here or by another process: what is only counted yet must not name them afterwards."""
        counts: Counter[tuple[str, str]] = Counter()
        for (actor, action, _), count in self._equal.take_counts(all_of_them=True):
            counts[actor, action] += count
        for (actor, action), count in counts.items():
            self.note(actor, action, MORE, {"count": count})

    def record_settings(self, settings: Mapping[str, str]) -> Future[None]:
        """Audit the settings that changed since the last start, each with its old and new value."""

        def apply(change: Change) -> None:
            kept = meta.get(change.db, meta.Key.SETTINGS)
            former: dict[str, str] = json.loads(kept) if kept else {}
            keys = sorted(key for key in {*former, *settings} if former.get(key) != settings.get(key))
            if kept is not None and not keys:
                return
            changes = {key: [former.get(key), settings.get(key)] for key in keys}
            audit.append(change.db, self._core.clock(), audit.LOCAL, "settings.change", "settings", changes)
            meta.put(change.db, meta.Key.SETTINGS, json.dumps(dict(settings)))

        return self._core.write(apply)

    def newest(self, before: int | None = None, limit: int = 50) -> list[AuditEntry]:
        """Rows, newest first; the next page begins `before` the last number of this one."""
        return self._core.read(lambda db: audit.newest(db, before, limit))

    def lines(self) -> Iterator[Mapping[str, object]]:
        """Every row as JSON, oldest first, with all that is needed to check the chain elsewhere."""
        after = 0
        while page := self._page(after):
            yield from map(chain.export_line, page)
            after = page[-1].seq

    def _page(self, after: int) -> list[AuditEntry]:
        return self._core.read(lambda db: list(audit.entries(db, after, PAGE)))

    def verify(
        self, known: tuple[AuditHead, ...] = (), progress: Callable[[int, int], None] = lambda done, total: None
    ) -> AuditReport:
        """Check the whole chain, also against heads somebody wrote down before; `progress` hears of entries done."""
        return self._core.read(lambda db: chain.verify(db, self._core.folder, known, progress))

    def _remember_head(self, db: sqlite3.Connection) -> None:
        """Keep the newest row in memory and in the file `audit.head`."""
        head = audit.head(db)
        if head is not None and head != self.head:
            before, self.head = self.head, head
            chain.write_head(self._core.folder, head)
            if audit.is_erased_after(db, before.seq if before else 0):
                self._forget_subjects()
