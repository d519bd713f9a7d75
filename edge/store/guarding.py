"""What the store keeps for the people at the page: verdicts, finding hits, the claim of a new box, language, pause.

One object beside the `Store`'s own verbs (`store.page`), with the same rules: reading answers at once, writing returns
a Future that resolves after the commit.
"""

from __future__ import annotations

import datetime as dt
import hmac
import json
import secrets
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol, TypeVar

from edge.errors import AuthError, ConfigError, ConflictError
from edge.records import FeedItem, Hit
from edge.store.accounts import users
from edge.store.audit import audit
from edge.store.codec import time_from_text, time_to_text
from edge.store.feed import feed
from edge.store.hits import reviews, search
from edge.store.hits.reviews import Verdict
from edge.store.hits.search import HitFilter
from edge.store.writer import Change

T = TypeVar("T")

_CLAIM, _PAUSE = "claim", "pause"
_LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
"""Without those that are read as another: I, L, O, U, 0, 1."""
CODE_LETTERS = 12


class Access(Protocol):
    """How the store is read and written, and what time it is."""

    @property
    def clock(self) -> Callable[[], dt.datetime]: ...

    def read(self, query: Callable[[sqlite3.Connection], T]) -> T: ...

    def write(self, apply: Callable[[Change], T]) -> Future[T]: ...


@dataclass(frozen=True, slots=True)
class Pause:
    """Recognition is paused: by whom, why, since when, and when it goes on by itself."""

    by: str
    reason: str
    since: dt.datetime
    until: dt.datetime


class Page:
    """The page's part of the store."""

    def __init__(self, access: Access, hash_password: Callable[[str], str]) -> None:
        self._access = access
        self._hash = hash_password

    # verdicts

    def give_verdict(
        self, hit_id: str, by: str, state: str, *, reason: str | None, note: str | None, needs_second: bool
    ) -> Future[FeedItem]:
        """Record what somebody says of a hit."""
        verdict = Verdict(by, self._access.clock(), state, reason, note, needs_second)
        return self._access.write(lambda change: reviews.give(change, hit_id, verdict))

    def undo_verdict(self, hit_id: str, by: str, within_s: float) -> Future[FeedItem]:
        """Take back one's own last verdict; ConflictError where it is too old or somebody else's."""
        within = dt.timedelta(seconds=within_s)
        return self._access.write(lambda change: reviews.undo(change, hit_id, by, self._access.clock(), within))

    def verdicts(self, hit_id: str) -> list[Verdict]:
        """All verdicts on a hit, oldest first."""
        return self._access.read(lambda db: reviews.of(db, hit_id))

    # hits

    def find_hits(self, which: HitFilter, before: str | None = None, limit: int = 50) -> list[Hit]:
        """Hits, newest first; the next page begins `before` the last id of this one."""
        return self._access.read(lambda db: search.page(db, which, before, limit))

    def count_hits(self, which: HitFilter) -> int:
        """Number of hits; of a filter at most `finding.COUNT_UP_TO` + 1."""
        return self._access.read(lambda db: search.count(db, which))

    def cameras_with_hits(self) -> list[str]:
        """Names of cameras that have hits."""
        return self._access.read(search.cameras)

    # the claim of a new box

    def is_claimed(self) -> bool:
        """Whether anybody can log in."""
        return self._access.read(_has_users)

    def new_claim_code(self, given: str | None = None) -> Future[str]:
        """A code that makes whoever has it the first supervisor, drawn or `given`; ConflictError once there is a user.

        ConfigError for a given code of fewer than 12 letters and digits that count.
        """
        code = "".join(secrets.choice(_LETTERS) for _ in range(CODE_LETTERS)) if given is None else _typed(given)
        if len(code) < CODE_LETTERS:
            raise ConfigError(f"the claim code has {len(code)} usable letters and digits; give it {CODE_LETTERS}")

        def apply(change: Change) -> str:
            _require_unclaimed(change.db)
            _put(change.db, _CLAIM, users.hash_secret(code))
            return "-".join(code[at : at + 4] for at in range(0, len(code), 4))

        return self._access.write(apply)

    def claim(self, code: str, name: str, password: str) -> Future[None]:
        """Use the code up and make the first supervisor; AuthError where it is not the right one."""
        given = users.hash_secret(_typed(code))
        # Looked at twice: before the costly hash, so that guessing costs the box nothing, and inside the transaction.
        self._access.read(lambda db: _require_code(db, given))
        password_hash = self._hash(password)

        def apply(change: Change) -> None:
            _require_code(change.db, given)
            users.add(change.db, name, "supervisor", password_hash, self._access.clock())
            audit.append(change.db, self._access.clock(), name, "box.claim", name)
            change.db.execute("DELETE FROM meta WHERE key = ?", (_CLAIM,))

        return self._access.write(apply)

    # a user's language

    def set_language(self, user: str, language: str) -> Future[None]:
        """Remember in which language somebody reads the page."""

        def apply(change: Change) -> None:
            change.db.execute("UPDATE users SET language = ? WHERE name = ?", (language, user))

        return self._access.write(apply)

    # pause

    def set_pause(
        self, pause: Pause | None, items: list[tuple[str, dict[str, object]]], *, by: str = audit.LOCAL
    ) -> Future[None]:
        """Keep that recognition is paused, or not any more, together with what pullers are told of it."""

        def apply(change: Change) -> None:
            detail = {} if pause is None else {"reason": pause.reason, "until": time_to_text(pause.until)}
            action = "recognition.resume" if pause is None else "recognition.pause"
            audit.append(change.db, self._access.clock(), by, action, "recognition", detail)
            if pause is None:
                change.db.execute("DELETE FROM meta WHERE key = ?", (_PAUSE,))
            else:
                times = {"since": time_to_text(pause.since), "until": time_to_text(pause.until)}
                _put(change.db, _PAUSE, json.dumps({"by": pause.by, "reason": pause.reason, **times}))
            for type_, body in items:
                feed.append(change, self._access.clock(), type_, body)

        return self._access.write(apply)

    def pause(self) -> Pause | None:
        """The pause that was set last and not ended."""
        text = self._access.read(lambda db: _get(db, _PAUSE))
        if text is None:
            return None
        kept = json.loads(text)
        return Pause(kept["by"], kept["reason"], time_from_text(kept["since"]), time_from_text(kept["until"]))


def _typed(code: str) -> str:
    """The letters of a code that count, however it was typed."""
    return "".join(letter for letter in code.upper() if letter in _LETTERS)


def _has_users(db: sqlite3.Connection) -> bool:
    return db.execute("SELECT 1 FROM users LIMIT 1").fetchone() is not None


def _require_unclaimed(db: sqlite3.Connection) -> None:
    if _has_users(db):
        raise ConflictError("this box has been claimed: log in, or have somebody who can log in add a user")


def _require_code(db: sqlite3.Connection, given: str) -> None:
    _require_unclaimed(db)
    kept = _get(db, _CLAIM)
    if kept is None or not hmac.compare_digest(kept, given):
        raise AuthError(
            "this is not the code that the box printed last: 'edge user claim' prints a new one", status=403
        )


def _put(db: sqlite3.Connection, key: str, value: str) -> None:
    row = (key, value)
    db.execute("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", row)


def _get(db: sqlite3.Connection, key: str) -> str | None:
    row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])
