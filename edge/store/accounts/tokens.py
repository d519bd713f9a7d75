"""Tokens of machines, by hash. Checked in memory: a poll without news costs no query."""

from __future__ import annotations

import datetime as dt
import sqlite3
import threading
from collections.abc import Sequence

from edge.errors import AuthError, ConfigError, ConflictError, NotFoundError
from edge.store.accounts.last_use import LastUses
from edge.store.accounts.users import hash_secret
from edge.store.codec import time_from_text, time_to_text
from edge.store.core import Core
from edge.store.database.connect import table
from edge.store.rows import SCOPES, Token

PREFIX = "edge_"
MAX_OF_ONE_NAME = 2
MIN_SECRET = 32
"""Minimum length of a token made elsewhere: only an unguessable secret may be stored under a fast hash."""


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


def require_unguessable(secret: str) -> str:
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


class TokenCache:
    """Tokens by hash, read again after `invalidate`: own changes at once, other processes' within half a second."""

    def __init__(self, core: Core, uses: LastUses) -> None:
        self._core = core
        self._uses = uses
        self._lock = threading.Lock()
        self._known: dict[str, Token] | None = None
        self._generation = 0

    def invalidate(self) -> None:
        """The rows have changed."""
        with self._lock:
            self._known = None
            self._generation += 1

    def find(self, secret: str) -> Token | None:
        """The token a secret stands for, if it is still good."""
        known, generation = self._known, self._generation
        if known is None:
            known = dict(self._core.read(all_tokens))
            with self._lock:
                if generation == self._generation:
                    self._known = known
        sha256 = hash_secret(secret)
        token = known.get(sha256)
        if token is None or (token.expires_at is not None and token.expires_at <= self._core.clock()):
            return None
        self._uses.note(sha256)
        return token
