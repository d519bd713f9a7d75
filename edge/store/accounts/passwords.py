"""Password checks: argon2id, one at a time; equal work for unknown names; a lock-out stored in the database.

A restart doesn't reset the counters. The rows of users are in users.py.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import sqlite3
import threading
import unicodedata
from functools import partial

import argon2

from edge.errors import AuthError, PasswordError
from edge.store.accounts import users
from edge.store.audit import audit
from edge.store.audit.tally import Tally
from edge.store.codec import time_from_text, time_to_text
from edge.store.core import Core
from edge.store.database.jobs import Change, Listener
from edge.store.rows import ROLES, User

MIN_PASSWORD = 8
MAX_PASSWORD = 1024
FAILURES_BEFORE_LOCK = 5
FIRST_LOCK_S = 30
LONGEST_LOCK_S = 3600
MAX_LISTED_REFUSALS = 20
"""Refused logins a minute that get an audit row each; the rest is one row with a count."""
MAX_UNKNOWN_NAMES = 1000
"""Failures kept for names that don't exist, so that guessing names can't fill the disk."""
MAX_SOURCES = 10_000
"""Failures kept for users, one for each address or device that a wrong password came from."""
HASHER = argon2.PasswordHasher()
"""Takes 64 MiB and a core for some 0.2 s, so that a stolen hash is expensive to guess."""


class Passwords:
    """Makes and checks the hashes of passwords."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._hasher = HASHER
        self._one_at_a_time = threading.Lock()  # argon2 takes 64 MiB per check
        self._decoy: str | None = None
        self._refused: Tally[str] = Tally(MAX_LISTED_REFUSALS)
        core.listen(Listener(tick=self._note_counts))

    def hash(self, password: str) -> str:
        """Hash of a new password; PasswordError if it is too short or too long."""
        if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
            raise PasswordError(f"a password needs {MIN_PASSWORD} to {MAX_PASSWORD} characters")
        with self._one_at_a_time:
            return self._hasher.hash(_normal(password))

    def check(self, name: str, password: str, source: str = "") -> User | None:
        """The user, or None where name or password is wrong; AuthError 429 while the name is locked for `source`.

        `source` is where the attempt comes from, an address or a known device: wrong passwords from one lock nobody out
        elsewhere.
        """
        key = _key(name, source)
        with self._one_at_a_time:
            self._require_unlocked(key)
            found = self._core.read(lambda db: users.find(db, name))
            decoy = self._decoy_hash()
            is_right = self._verify(found[1] if found else decoy, password[: MAX_PASSWORD + 1])
            if found is None or not is_right:
                now = self._core.clock()
                # An unknown name is not audited: it may be a password typed into the wrong field.
                audited_name = found[0].name if found else None
                is_listed = self._refused.is_listed("login")
                self._core.write(
                    lambda change: _count_failure(change.db, key, now, audited_name, is_listed=is_listed)
                ).result()
                return None
            user = found[0].name
            self._core.write(lambda change: _clear_failures(change.db, key, user, self._core.clock())).result()
            if self._hasher.check_needs_rehash(found[1]):
                new = self._hasher.hash(_normal(password))
                self._core.write(lambda change: users.set_password_hash(change.db, name, new, end_sessions=False))
        return found[0]

    def _note_counts(self, is_last: bool) -> None:
        """One row for the refused logins of the last minute that were too many to be listed."""
        for _, count in self._refused.take_counts(all_of_them=is_last):
            self._core.write(partial(self._append_count, count))

    def _append_count(self, count: int, change: Change) -> None:
        audit.append(change.db, self._core.clock(), "somebody", "login.failed", "more logins", {"count": count})

    def _require_unlocked(self, key: str) -> None:
        failures, last_at = self._core.read(lambda db: _failures(db, key))
        lock_s = lock_seconds(failures)
        if last_at is None or lock_s == 0:
            return
        left_s = min(
            lock_s, lock_s - (self._core.clock() - last_at).total_seconds()
        )  # a clock set back must not lengthen the lock
        if left_s > 0:
            wait_s = int(left_s) + 1
            text = f"too many failed logins; try again in {wait_s} s"
            raise AuthError(text, status=429, retry_after_s=wait_s)

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, _normal(password))
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False

    def _decoy_hash(self) -> str:
        """Verified against for unknown names, so that they take as long as known ones."""
        if self._decoy is None:
            self._decoy = self._hasher.hash(users.new_secret())
        return self._decoy


def require_role(role: str) -> None:
    """AuthError if there is no such role."""
    if role not in ROLES:
        raise AuthError(f"there is no role {role!r}; choose one of {', '.join(ROLES)}", status=422)


def lock_seconds(failures: int) -> int:
    """Seconds a name is locked after its last failure: none for the first few, then doubling."""
    if failures < FAILURES_BEFORE_LOCK:
        return 0
    return min(LONGEST_LOCK_S, FIRST_LOCK_S << min(failures - FAILURES_BEFORE_LOCK, 20))


def _key(name: str, source: str) -> str:
    """Hashes of the name and, behind a dot, of the source: rows of users are told from those of other names."""
    parts = [_normal(name), *([source] if source else [])]
    return ".".join(hashlib.sha256(part.encode("utf-8", "surrogatepass")).hexdigest() for part in parts)


def _normal(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _failures(db: sqlite3.Connection, key: str) -> tuple[int, dt.datetime | None]:
    row = db.execute("SELECT failures, last_at FROM login_failures WHERE name_sha256 = ?", (key,)).fetchone()
    return (0, None) if row is None else (row[0], time_from_text(row[1]))


def _count_failure(db: sqlite3.Connection, key: str, now: dt.datetime, user: str | None, *, is_listed: bool) -> None:
    if is_listed:
        audit.append(db, now, user or "somebody", "login.failed", f"user {user}" if user else "no such user")
    db.execute(
        """INSERT INTO login_failures (name_sha256, failures, last_at) VALUES (?, 1, ?)
           ON CONFLICT DO UPDATE SET failures = failures + 1, last_at = excluded.last_at""",
        (key, time_to_text(now)),
    )
    known = [_key(row[0], "") for row in db.execute("SELECT name FROM users")]
    marks = ",".join("?" * len(known))
    for which, most in (("NOT IN", MAX_UNKNOWN_NAMES), ("IN", MAX_SOURCES)):
        db.execute(
            f"""DELETE FROM login_failures WHERE name_sha256 IN (
                SELECT name_sha256 FROM login_failures WHERE substr(name_sha256, 1, 64) {which} ({marks})
                ORDER BY last_at DESC LIMIT -1 OFFSET {most})""",
            known,
        )


def _clear_failures(db: sqlite3.Connection, key: str, user: str, now: dt.datetime) -> None:
    audit.append(db, now, user, "login", f"user {user}")
    db.execute("DELETE FROM login_failures WHERE name_sha256 = ?", (key,))
