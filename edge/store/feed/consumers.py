"""Consumers of the feed: how far each token's holder has come. In memory first, so that a pull costs no commit."""

from __future__ import annotations

import datetime as dt
import sqlite3
import threading
import time
from collections.abc import Mapping

from edge.store.accounts import tokens
from edge.store.audit import audit
from edge.store.codec import time_from_text, time_to_text
from edge.store.core import Core
from edge.store.database.jobs import Listener
from edge.store.feed import feed
from edge.store.rows import Consumer

SAVE_EVERY_S = 5.0

Pull = tuple[int, dt.datetime, dt.datetime | None]
"""The last seq a puller has, when it said so, and when its token was made: another's of that name knows nothing of it.

None for the last stands for any token of the name.
"""
Progress = Mapping[str, Pull]
"""By token name."""


class Consumers:
    """All methods may be called on any thread."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._lock = threading.Lock()
        self._fresh: dict[str, Pull] = {}
        """What is not saved yet; all else is in the rows, which go when a token is revoked."""
        self._saved_at = time.monotonic()
        core.listen(Listener(tick=self._save_if_due))

    def note_pull(self, name: str, seq: int, made_at: dt.datetime | None = None) -> None:
        """`name` has everything up to `seq`; `made_at` says which token of that name."""
        with self._lock:
            self._fresh[name] = (seq, self._core.clock(), made_at)

    def all(self, db: sqlite3.Connection) -> list[Consumer]:
        """Every name that may read alerts now, with its lag; one that never pulled has seq 0."""
        with self._lock:
            fresh = dict(self._fresh)  # before the rows are read: what is saved meanwhile is in one of the two
        head = feed.head(db)
        rows = {
            name: (seq, time_from_text(at))
            for name, seq, at in db.execute("SELECT name, seq, last_pull_at FROM consumers")
        }
        now = self._core.clock()
        known_tokens = [token for _, token in tokens.all_tokens(db)]
        made = {(token.name, token.created_at) for token in known_tokens}
        rows |= {
            name: (seq, at) for name, (seq, at, made_at) in fresh.items() if not made_at or (name, made_at) in made
        }
        valid = [token for token in known_tokens if token.expires_at is None or token.expires_at > now]
        names = sorted({token.name for token in valid if "alerts:read" in token.scopes})
        known = [(name, *rows.get(name, (0, None))) for name in names]
        return [Consumer(name, seq, max(head - seq, 0), at) for name, seq, at in known]

    def _save_if_due(self, is_last: bool) -> None:
        if not is_last and time.monotonic() - self._saved_at < SAVE_EVERY_S:
            return
        self._saved_at = time.monotonic()
        with self._lock:
            progress = dict(self._fresh)
        if progress:
            saved = self._core.write(lambda change: save(change.db, progress, self._core.clock()))
            saved.add_done_callback(lambda done: None if done.exception() else self._forget(progress))

    def _forget(self, saved: Progress) -> None:
        with self._lock:
            self._fresh = {name: last for name, last in self._fresh.items() if saved.get(name) != last}


def save(db: sqlite3.Connection, progress: Progress, now: dt.datetime) -> None:
    """Write how far consumers have come, and note in the audit who has got alerts since the last time."""
    for name, (seq, _, _) in progress.items():
        _note_pulled_alerts(db, name, seq, now)
    rows = [
        (name, seq, time_to_text(at), None if made_at is None else time_to_text(made_at))
        for name, (seq, at, made_at) in progress.items()
    ]
    db.executemany(
        """INSERT INTO consumers (name, seq, last_pull_at) SELECT ?1, ?2, ?3
           WHERE EXISTS (SELECT 1 FROM tokens WHERE name = ?1 AND (?4 IS NULL OR created_at = ?4))
           ON CONFLICT DO UPDATE SET seq = excluded.seq, last_pull_at = excluded.last_pull_at""",
        rows,
    )


def _note_pulled_alerts(db: sqlite3.Connection, name: str, seq: int, now: dt.datetime) -> None:
    row = db.execute("SELECT seq FROM consumers WHERE name = ?", (name,)).fetchone()
    query = "SELECT count(*), min(seq), max(seq) FROM feed WHERE seq > ? AND seq <= ? AND type LIKE 'alert.%'"
    alerts, first, last = db.execute(query, (row[0] if row else 0, seq)).fetchone()
    if alerts:
        audit.append(db, now, name, "feed.pull", f"items {first} to {last}", {"alerts": alerts})
