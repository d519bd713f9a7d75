"""When each login and each token was last used: in memory first, since a request must cost no commit.

Kept by the hashes under which the secrets are kept; written now and then, so that a crash forgets a minute at most.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
import threading
from collections.abc import Callable, Mapping

from edge.store.codec import time_from_text, time_to_text
from edge.store.rows import Login

MAX_FRESH = 10_000
ID_LETTERS = 16
"""So much of a hash names its row on a page: it tells nothing of the secret."""


class Uses:
    """All methods may be called on any thread."""

    def __init__(self, clock: Callable[[], dt.datetime]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._fresh: dict[str, dt.datetime] = {}
        self._unsaved: set[str] = set()

    def note(self, secret_sha256: str) -> None:
        """The secret of this hash was used now."""
        with self._lock:
            if len(self._fresh) >= MAX_FRESH:
                self._fresh.clear()
            self._fresh[secret_sha256] = self._clock()
            self._unsaved.add(secret_sha256)

    def last(self, secret_sha256: str, kept: dt.datetime | None) -> dt.datetime | None:
        """When it was last used: what memory knows, else what the row says."""
        return self._fresh.get(secret_sha256, kept)

    def take_unsaved(self) -> dict[str, dt.datetime]:
        """What has changed since the last call."""
        with self._lock:
            names, self._unsaved = self._unsaved, set()
            return {name: self._fresh[name] for name in names if name in self._fresh}


def save(db: sqlite3.Connection, uses: Mapping[str, dt.datetime]) -> None:
    """Write what `take_unsaved` gave; a secret that is gone meanwhile has no row."""
    rows = [(time_to_text(at), name) for name, at in uses.items()]
    db.executemany("UPDATE sessions SET last_used_at = ? WHERE secret_sha256 = ?", rows)
    db.executemany("UPDATE tokens SET last_used_at = ? WHERE token_sha256 = ?", rows)


def logins(db: sqlite3.Connection, uses: Uses, now: dt.datetime) -> list[Login]:
    """Everybody who is logged in, by name, the newest login first."""
    rows = db.execute(
        """SELECT secret_sha256, user, role, sessions.created_at, expires_at, last_used_at, address
           FROM sessions JOIN users ON users.name = sessions.user
           WHERE expires_at > ? ORDER BY user, sessions.created_at DESC, secret_sha256""",
        (time_to_text(now),),
    )
    return [
        Login(
            row[0][:ID_LETTERS],
            row[1],
            row[2],
            time_from_text(row[3]),
            time_from_text(row[4]),
            uses.last(row[0], time_from_text(row[5]) if row[5] else None),
            row[6],
        )
        for row in rows
    ]


def end_login(db: sqlite3.Connection, login_id: str) -> str | None:
    """End one login by the start of its hash; the name of whose it was, None where it is over already."""
    row = db.execute(
        "DELETE FROM sessions WHERE substr(secret_sha256, 1, ?) = ? RETURNING user", (ID_LETTERS, login_id)
    ).fetchone()
    return None if row is None else str(row[0])
