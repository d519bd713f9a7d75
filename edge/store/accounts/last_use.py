"""When each login and each token was last used: in memory first, since a request must cost no commit.

Kept under the hashes of the secrets, and written once a minute: a crash loses no more than that.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
import threading
import time
from collections.abc import Mapping

from edge.store.codec import time_from_text, time_to_text
from edge.store.core import Core
from edge.store.database.jobs import Listener
from edge.store.rows import Login

MAX_FRESH = 10_000
LOGIN_ID_LENGTH = 16
"""Length of the hash prefix that names a login on the page; it does not reveal the secret."""
SAVE_EVERY_S = 60.0


class LastUses:
    """All methods may be called on any thread."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._lock = threading.Lock()
        self._fresh: dict[str, dt.datetime] = {}
        self._unsaved: set[str] = set()
        self._saved_at = time.monotonic()
        core.listen(Listener(tick=self._save_if_due))

    def note(self, secret_sha256: str) -> None:
        """The secret of this hash was used now."""
        with self._lock:
            if len(self._fresh) >= MAX_FRESH:
                self._fresh.clear()
            self._fresh[secret_sha256] = self._core.clock()
            self._unsaved.add(secret_sha256)

    def last(self, secret_sha256: str, kept: dt.datetime | None) -> dt.datetime | None:
        """When it was last used: what memory knows, else what the row says."""
        return self._fresh.get(secret_sha256, kept)

    def _save_if_due(self, is_last: bool) -> None:
        if not is_last and time.monotonic() - self._saved_at < SAVE_EVERY_S:
            return
        self._saved_at = time.monotonic()
        with self._lock:
            names, self._unsaved = self._unsaved, set()
            uses = {name: self._fresh[name] for name in names if name in self._fresh}
        if uses:
            self._core.write(lambda change: save(change.db, uses))


def save(db: sqlite3.Connection, uses: Mapping[str, dt.datetime]) -> None:
    """Write last uses; a secret that was deleted meanwhile has no row."""
    rows = [(time_to_text(at), name) for name, at in uses.items()]
    db.executemany("UPDATE sessions SET last_used_at = ? WHERE secret_sha256 = ?", rows)
    db.executemany("UPDATE tokens SET last_used_at = ? WHERE token_sha256 = ?", rows)


def logins(db: sqlite3.Connection, uses: LastUses, now: dt.datetime) -> list[Login]:
    """Everybody who is logged in, by name, the newest login first."""
    rows = db.execute(
        """SELECT secret_sha256, user, role, sessions.created_at, expires_at, last_used_at, address
           FROM sessions JOIN users ON users.name = sessions.user
           WHERE expires_at > ? ORDER BY user, sessions.created_at DESC, secret_sha256""",
        (time_to_text(now),),
    )
    return [
        Login(
            row[0][:LOGIN_ID_LENGTH],
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
    """End one login by the start of its hash; returns its user's name, None where it is over already."""
    row = db.execute(
        "DELETE FROM sessions WHERE substr(secret_sha256, 1, ?) = ? RETURNING user", (LOGIN_ID_LENGTH, login_id)
    ).fetchone()
    return None if row is None else str(row[0])
