"""The audit's rows: who did what, in a hash chain. Appended inside the transaction of what they tell.

    told   = SHA-256 of [salt, object, detail]
    sha256 = SHA-256 of [sha256 of the row before, seq, at, actor, action, told]

Erasing a person blanks salt, object and detail of the rows about them and adds a row that says so; without the salt,
`told` gives nothing away. Where else the head of the chain is kept, and how a chain is checked, is in chain.py.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from edge.store.audit.spellings import Wanted
from edge.store.codec import time_from_text, time_to_text, to_line
from edge.store.database import meta
from edge.store.rows import AuditEntry, AuditHead

LOCAL = "local"
"""Actor recorded for a command run on the device itself."""

ERASED = "person.erase"
"""Action of the row that says which rows were blanked."""
RENEWED = "identity.new"
"""Action of the row that says that the device got a new id."""
MAX_SEQ = 2**63 - 1

_COLUMNS = "seq, at, actor, action, object, detail, salt, told_sha256, sha256"


def append(
    db: sqlite3.Connection,
    now: dt.datetime,
    actor: str,
    action: str,
    subject: str,
    detail: Mapping[str, Any] | None = None,
    *,
    person_id: str | None = None,
) -> None:
    """Add a row; `person_id` where it is about a person, so that it is blanked when they are erased."""
    at, salt, text = time_to_text(now), secrets.token_hex(16), to_line(detail or {})
    before = head(db)
    seq = last_given(db) + 1
    told = hash_detail(salt, subject, text)
    sha256 = hash_row(before.sha256 if before else first_hash(db), seq, at, actor, action, told)
    db.execute(
        f"INSERT INTO audit ({_COLUMNS}, person_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (seq, at, actor, action, subject, text, salt, told, sha256, person_id),
    )


def head(db: sqlite3.Connection) -> AuditHead | None:
    """The newest row's number and hash."""
    row = db.execute("SELECT seq, sha256 FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    return None if row is None else AuditHead(row[0], row[1])


def last_given(db: sqlite3.Connection) -> int:
    """The highest number that a row was ever given, whether or not that row is still there; 0 before the first."""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'audit'").fetchone()
    return 0 if row is None else int(row[0])


def first_hash(db: sqlite3.Connection) -> str:
    """Hash before the first row; made from the device id it began with, so that each device has its own chain."""
    origin = meta.get(db, meta.Key.AUDIT_ORIGIN) or meta.get(db, meta.Key.DEVICE_ID) or ""
    return hashlib.sha256(f"edge audit of {origin}".encode()).hexdigest()


def entries(db: sqlite3.Connection, after: int = 0, limit: int = -1) -> Iterator[AuditEntry]:
    """Rows in order."""
    query = f"SELECT {_COLUMNS} FROM audit WHERE seq > ? ORDER BY seq LIMIT ?"
    for row in db.execute(query, (after, limit)):
        yield AuditEntry(row[0], time_from_text(row[1]), row[2], row[3], row[4], row[5], row[6], row[7], row[8])


def newest(db: sqlite3.Connection, before: int | None, limit: int) -> list[AuditEntry]:
    """Rows, newest first, older than `before`."""
    query = f"SELECT {_COLUMNS} FROM audit WHERE ?1 IS NULL OR seq < ?1 ORDER BY seq DESC LIMIT ?2"
    rows = db.execute(query, (before, limit))
    return [AuditEntry(r[0], time_from_text(r[1]), r[2], r[3], r[4], r[5], r[6], r[7], r[8]) for r in rows]


def is_erased_after(db: sqlite3.Connection, seq: int) -> bool:
    """Whether somebody was erased in a row after that number."""
    return db.execute("SELECT 1 FROM audit WHERE seq > ? AND action = ?", (seq, ERASED)).fetchone() is not None


class About:
    """Finds the rows that are about some people, by id or by a name, in every spelling there is.

    A name of a few letters counts only where it is a whole value: as a part it would be in all rows.
    """

    def __init__(self, names: Mapping[str, Iterable[str]]) -> None:
        """`names`: by a person's id what else names them."""
        self._ids = frozenset(names)
        self._whose = {word: person_id for person_id, words in names.items() for word in (*words, person_id)}
        self._wanted = Wanted(self._whose)

    def whom(self, person_id: str | None, *texts: str) -> str | None:
        """The id of one of them; None where a row is about none."""
        if person_id in self._ids:
            return person_id
        word = next((word for text in texts for word in self._wanted.named_in(text)), None)
        return None if word is None else self._whose[word]


def blank_rows_about(
    db: sqlite3.Connection, people: About, *, between: tuple[int, int] = (0, MAX_SEQ)
) -> dict[str, list[int]]:
    """Blank the rows `between` two numbers that are about one of the people; returns their numbers, by person.

    Rows that record erasures name nobody, and stay.
    """
    query = """SELECT seq, object, detail, person_id FROM audit
        WHERE seq BETWEEN ? AND ? AND object IS NOT NULL AND action <> ? ORDER BY seq"""
    found: dict[str, list[int]] = {}
    for seq, subject, detail, about in db.execute(query, (*between, ERASED)).fetchall():
        if (whom := people.whom(about, subject, detail)) is not None:
            found.setdefault(whom, []).append(seq)
    blanked = "UPDATE audit SET object = NULL, detail = NULL, salt = NULL, person_id = NULL WHERE seq = ?"
    db.executemany(blanked, [(seq,) for rows in found.values() for seq in rows])
    return found


def hash_detail(salt: str, subject: str, detail: str) -> str:
    """Hash of a row's object and detail."""
    return _hash([salt, subject, detail])


def hash_row(before: str, seq: int, at: str, actor: str, action: str, told: str) -> str:
    """Hash of a row, over the one before it."""
    return _hash([before, seq, at, actor, action, told])


def _hash(values: list[Any]) -> str:
    return hashlib.sha256(json.dumps(values, ensure_ascii=True, separators=(",", ":")).encode()).hexdigest()
