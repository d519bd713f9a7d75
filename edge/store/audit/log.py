"""The audit as the rest of the program sees it (`store.ledger`): note, read, verify. Its rows are audit.py's."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Protocol, TypeVar

from edge.store.audit import audit, chain
from edge.store.rows import AuditEntry, AuditHead, AuditReport
from edge.store.writer import Change

T = TypeVar("T")
PAGE = 500


class Access(Protocol):
    """How the store is read and written."""

    path: Path
    clock: Callable[[], dt.datetime]

    def read(self, query: Callable[[sqlite3.Connection], T]) -> T: ...

    def write(self, apply: Callable[[Change], T]) -> Future[T]: ...


class Ledger:
    """Who did what, in a chain that shows what was altered."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def note(
        self,
        actor: str,
        action: str,
        subject: str,
        detail: Mapping[str, Any] | None = None,
        *,
        person_id: str | None = None,
    ) -> Future[None]:
        """Add a row; `person_id` where it tells of a person, so that it is blanked when they are erased."""
        now = self._access.clock
        return self._access.write(
            lambda change: audit.append(change.db, now(), actor, action, subject, detail, person_id=person_id)
        )

    def note_settings(self, settings: Mapping[str, str]) -> Future[None]:
        """Add a row about settings that are others than those told last; former and present value of each."""

        def apply(change: Change) -> None:
            row = change.db.execute("SELECT value FROM meta WHERE key = 'settings'").fetchone()
            former: dict[str, str] = json.loads(row[0]) if row else {}
            keys = sorted(key for key in {*former, *settings} if former.get(key) != settings.get(key))
            if row is not None and not keys:
                return
            changes = {key: [former.get(key), settings.get(key)] for key in keys}
            audit.append(change.db, self._access.clock(), audit.LOCAL, "settings.change", "settings", changes)
            kept = ("settings", json.dumps(dict(settings)))
            change.db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", kept)

        return self._access.write(apply)

    def newest(self, before: int | None = None, limit: int = 50) -> list[AuditEntry]:
        """Rows, newest first; the next page begins `before` the last number of this one."""
        return self._access.read(lambda db: audit.newest(db, before, limit))

    def lines(self) -> Iterator[Mapping[str, object]]:
        """Every row as JSON, oldest first, with all that is needed to check the chain elsewhere."""
        after = 0
        while page := self._page(after):
            yield from map(chain.export_line, page)
            after = page[-1].seq

    def _page(self, after: int) -> list[AuditEntry]:
        return self._access.read(lambda db: list(audit.entries(db, after, PAGE)))

    def verify(self, known: tuple[AuditHead, ...] = ()) -> AuditReport:
        """Check the whole chain, also against heads somebody wrote down before."""
        return self._access.read(lambda db: chain.verify(db, self._access.path.parent, known))
