"""Tokens of machines, by hash, and how far each has pulled. Checked in memory: a poll without news costs no query."""

from __future__ import annotations

import datetime as dt
import sqlite3
import threading
from collections.abc import Callable, Sequence

from edge.errors import AuthError, ConfigError, ConflictError, NotFoundError
from edge.store.accounts.last_use import Uses
from edge.store.accounts.users import hash_secret
from edge.store.audit import audit
from edge.store.codec import time_from_text, time_to_text
from edge.store.connect import table
from edge.store.rows import SCOPES, Consumer, Token

PREFIX = "edge_"
MAX_OF_ONE_NAME = 2
MIN_SECRET = 32
"""Characters of a token that somebody else drew: only what can't be guessed may be kept as a fast hash."""


def add(
    db: sqlite3.Connection,
    name: str,
    scopes: Sequence[str],
    secret: str,
    now: dt.datetime,
    expires_at: dt.datetime | None,
) -> None:
    """Keep the hash of a new token. Two may share a name while one replaces the other."""
    remove_expired(db, now)
    if db.execute("SELECT count(*) FROM tokens WHERE name = ?", (name,)).fetchone()[0] >= MAX_OF_ONE_NAME:
        raise ConflictError(
            f"{MAX_OF_ONE_NAME} tokens named {name!r} are valid already; revoke them, or choose another name"
        )
    expires = None if expires_at is None else time_to_text(expires_at)
    scope_text = " ".join(dict.fromkeys(scopes))
    times = {"created_at": time_to_text(now), "expires_at": expires}
    table(db, "tokens").insert({"token_sha256": hash_secret(secret), "name": name, "scopes": scope_text, **times})


def require_strong(secret: str) -> str:
    """The secret, if it can be one; ConfigError."""
    if len(secret) < MIN_SECRET or not secret.isascii() or not secret.isprintable() or " " in secret:
        raise ConfigError(f"the token has {len(secret)} characters: draw at least {MIN_SECRET} letters and digits")
    return secret


def require_scopes(scopes: Sequence[str]) -> None:
    """AuthError if a scope doesn't exist, or none is given."""
    wrong = [scope for scope in scopes if scope not in SCOPES]
    if wrong or not scopes:
        raise AuthError(
            f"there is no scope {', '.join(wrong) or '(none given)'}; choose of {', '.join(SCOPES)}", status=422
        )


def remove_expired(db: sqlite3.Connection, now: dt.datetime) -> None:
    """Drop tokens past their time."""
    db.execute("DELETE FROM tokens WHERE expires_at <= ?", (time_to_text(now),))


def revoke(db: sqlite3.Connection, name: str, *, only_older: bool = False) -> None:
    """Drop all tokens of a name and what is known of their puller, or all but the newest one."""
    if only_older:
        query = "SELECT token_sha256 FROM tokens WHERE name = ? ORDER BY created_at DESC LIMIT -1 OFFSET 1"
        older = db.execute(query, (name,)).fetchall()
        if not older:
            raise NotFoundError(f"{name!r} has no older token to revoke; 'edge token list' shows those there are")
        db.executemany("DELETE FROM tokens WHERE token_sha256 = ?", older)
        return
    if db.execute("DELETE FROM tokens WHERE name = ?", (name,)).rowcount == 0:
        raise NotFoundError(f"there is no token {name!r}; 'edge token list' shows those there are")
    db.execute("DELETE FROM consumers WHERE name = ?", (name,))


def all_tokens(db: sqlite3.Connection) -> list[tuple[str, Token]]:
    """Hash and token, by name."""
    columns = "token_sha256, name, scopes, created_at, expires_at, last_used_at"
    rows = db.execute(f"SELECT {columns} FROM tokens ORDER BY name, created_at")
    return [
        (sha256, Token(name, tuple(scopes.split()), time_from_text(made_at), *map(_time, times)))
        for sha256, name, scopes, made_at, *times in rows
    ]


def _time(text: str | None) -> dt.datetime | None:
    return time_from_text(text) if text else None


class TokenCheck:
    """Valid tokens by hash, read again after `forget`: own changes at once, other processes' within half a second."""

    def __init__(
        self, load: Callable[[], list[tuple[str, Token]]], clock: Callable[[], dt.datetime], uses: Uses
    ) -> None:
        self._load = load
        self._clock = clock
        self._uses = uses
        self._lock = threading.Lock()
        self._known: dict[str, Token] | None = None
        self._generation = 0

    def forget(self) -> None:
        """The rows have changed."""
        with self._lock:
            self._known = None
            self._generation += 1

    def find(self, secret: str) -> Token | None:
        """The token a secret stands for, if it is still good."""
        known, generation = self._known, self._generation
        if known is None:
            known = dict(self._load())
            with self._lock:
                if generation == self._generation:
                    self._known = known
        sha256 = hash_secret(secret)
        token = known.get(sha256)
        if token is None or (token.expires_at is not None and token.expires_at <= self._clock()):
            return None
        self._uses.note(sha256)
        return token


class Pulls:
    """How far each token's holder has come, in memory first: a pull costs no commit."""

    def __init__(self, clock: Callable[[], dt.datetime]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._fresh: dict[str, tuple[int, dt.datetime]] = {}
        self._unsaved: set[str] = set()

    def note(self, name: str, seq: int) -> None:
        """`name` has everything up to `seq`."""
        with self._lock:
            self._fresh[name] = (seq, self._clock())
            self._unsaved.add(name)

    def take_unsaved(self) -> dict[str, tuple[int, dt.datetime]]:
        """What has changed since the last call."""
        with self._lock:
            names, self._unsaved = self._unsaved, set()
            return {name: self._fresh[name] for name in names}

    def consumers(self, db: sqlite3.Connection, head: int) -> list[Consumer]:
        """Every name that may read alerts, with its lag; one that never pulled has seq 0."""
        rows = {
            name: (seq, time_from_text(at))
            for name, seq, at in db.execute("SELECT name, seq, last_pull_at FROM consumers")
        }
        with self._lock:
            rows |= self._fresh
        names = sorted({token.name for _, token in all_tokens(db) if "alerts:read" in token.scopes})
        known = [(name, *rows.get(name, (0, None))) for name in names]
        return [Consumer(name, seq, max(head - seq, 0), at) for name, seq, at in known]


def save_pulls(db: sqlite3.Connection, pulls: dict[str, tuple[int, dt.datetime]], now: dt.datetime) -> None:
    """Write what `take_unsaved` gave, and note in the audit who has got alerts since the last time."""
    for name, (seq, _) in pulls.items():
        _note_pull(db, name, seq, now)
    rows = [(name, seq, time_to_text(at)) for name, (seq, at) in pulls.items()]
    db.executemany(
        """INSERT INTO consumers (name, seq, last_pull_at) SELECT ?1, ?2, ?3
           WHERE EXISTS (SELECT 1 FROM tokens WHERE name = ?1)
           ON CONFLICT DO UPDATE SET seq = excluded.seq, last_pull_at = excluded.last_pull_at""",
        rows,
    )


def _note_pull(db: sqlite3.Connection, name: str, seq: int, now: dt.datetime) -> None:
    row = db.execute("SELECT seq FROM consumers WHERE name = ?", (name,)).fetchone()
    query = "SELECT count(*), min(seq), max(seq) FROM feed WHERE seq > ? AND seq <= ? AND type LIKE 'alert.%'"
    alerts, first, last = db.execute(query, (row[0] if row else 0, seq)).fetchone()
    if alerts:
        audit.append(db, now, name, "feed.pull", f"items {first} to {last}", {"alerts": alerts})
