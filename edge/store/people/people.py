"""The watchlist's rows: people and their references, and the list's version."""

from __future__ import annotations

import datetime as dt
import hashlib
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edge.errors import ConflictError, PreconditionError
from edge.records import Person, Reference
from edge.store import images
from edge.store.blobs import Blobs
from edge.store.codec import from_line, time_from_text, time_to_text, to_line
from edge.store.database import meta
from edge.store.database.jobs import Change

LISTED = "person_id NOT IN (SELECT person_id FROM erasures)"
"""Condition for people and their references: whose erasure has begun is not on the list any more."""
_COLUMNS = "person_id, name, status, expires_at, reason, owner"
_PUT = f"""INSERT INTO people ({_COLUMNS}, changed_at)
    VALUES (:person_id, :name, :status, :expires_at, :reason, :owner, :changed_at)
    ON CONFLICT (person_id) DO UPDATE SET name = excluded.name, status = excluded.status,
    expires_at = excluded.expires_at, reason = excluded.reason, owner = excluded.owner,
    changed_at = excluded.changed_at"""


def put(
    change: Change,
    blobs: Blobs,
    person: Person,
    references: Sequence[Reference],
    pictures: Mapping[str, bytes],
    now: dt.datetime,
    *,
    replace: bool = False,
) -> None:
    """Add or change a person and add references; one with the same id replaces the former, `replace` all of them.

    One that was set aside stays so.
    """
    db = change.db
    if db.execute("SELECT 1 FROM erasures WHERE person_id = ?", (person.person_id,)).fetchone():
        raise ConflictError(f"{person.person_id!r} is being erased; try again in a moment")
    entry = {
        "person_id": person.person_id,
        "name": person.name,
        "status": person.status,
        "expires_at": None if person.expires_at is None else time_to_text(person.expires_at),
        "reason": person.reason,
        "owner": person.owner,
        "changed_at": time_to_text(now),
    }
    db.execute(_PUT, entry)
    images.require_rows(db, blobs, [reference.image_sha256 for reference in references], pictures, now)
    for reference in references:
        _put_reference(db, person, reference, now)
    if replace:
        _drop_others(db, person.person_id, {reference.reference_id for reference in references})
    bump_version(db, now)


def _drop_others(db: sqlite3.Connection, person_id: str, kept: set[str]) -> None:
    """Remove the person's references that are not among `kept`, and pictures that nothing else names."""
    query = "SELECT reference_id, image_sha256 FROM person_references WHERE person_id = ?"
    gone = [row for row in db.execute(query, (person_id,)).fetchall() if row[0] not in kept]
    db.executemany("DELETE FROM person_references WHERE reference_id = ?", [(row[0],) for row in gone])
    images.release(db, [row[1] for row in gone])


def _put_reference(db: sqlite3.Connection, person: Person, reference: Reference, now: dt.datetime) -> None:
    known = "SELECT person_id, image_sha256, aside_at FROM person_references WHERE reference_id = ?"
    former = db.execute(known, (reference.reference_id,)).fetchone()
    if reference.person_id != person.person_id or (former is not None and former[0] != person.person_id):
        raise ConflictError(f"reference {reference.reference_id} belongs to another person; give it an id of its own")
    db.execute(
        """INSERT OR REPLACE INTO person_references
           (reference_id, person_id, image_sha256, embedding, model_sha256, quality, source, added_at, aside_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            reference.reference_id,
            reference.person_id,
            reference.image_sha256,
            np.ascontiguousarray(reference.embedding, dtype="<f4").tobytes(),
            reference.model_sha256,
            to_line(reference.quality),
            reference.source,
            time_to_text(now),
            # Only whoever set it aside knows why: it may show somebody else. A list that is sent anew does not.
            None if former is None else former[2],
        ),
    )
    if former is not None:
        images.release(db, [former[1]])


def all_people(db: sqlite3.Connection) -> list[Person]:
    """Everyone, by id."""
    return [_person(row) for row in db.execute(f"SELECT {_COLUMNS} FROM people WHERE {LISTED} ORDER BY person_id")]


def get(db: sqlite3.Connection, person_id: str) -> Person | None:
    """One person."""
    row = db.execute(f"SELECT {_COLUMNS} FROM people WHERE person_id = ? AND {LISTED}", (person_id,)).fetchone()
    return None if row is None else _person(row)


def of_picture(db: sqlite3.Connection, sha256: str) -> str | None:
    """Id of the person whose reference has that picture."""
    query = "SELECT person_id FROM person_references WHERE image_sha256 = ? ORDER BY person_id LIMIT 1"
    row = db.execute(query, (sha256,)).fetchone()
    return None if row is None else str(row[0])


def references(db: sqlite3.Connection, model_sha256: str | None, person_id: str | None = None) -> list[Reference]:
    """References of all people or one, and of all models, or of one those not set aside; by person, the best first.

    The best is the one of the highest quality score among those that are searched. This order alone says which of a
    person's pictures is shown first.
    """
    rows = db.execute(
        f"""SELECT reference_id, person_id, image_sha256, embedding, model_sha256, quality, source, aside_at IS NOT NULL
           FROM person_references WHERE {LISTED} AND (?1 IS NULL OR (model_sha256 = ?1 AND aside_at IS NULL))
           AND (?2 IS NULL OR person_id = ?2)""",
        (model_sha256, person_id),
    )
    found = [(reference(row), bool(row[7])) for row in rows]
    found.sort(key=lambda one: (one[0].person_id, one[1], -_score(one[0].quality), one[0].reference_id))
    return [reference for reference, _ in found]


def reference(row: Sequence[Any]) -> Reference:
    """A reference of its columns, from id to source."""
    return Reference(
        reference_id=row[0],
        person_id=row[1],
        image_sha256=row[2],
        embedding=np.frombuffer(row[3], dtype="<f4").astype(np.float32),
        model_sha256=row[4],
        quality=_quality(row[5]),
        source=row[6],
    )


def _score(quality: Mapping[str, Any]) -> float:
    """The quality score, 0..100; 0 where damage or an old release left none."""
    score = quality.get("score")
    return float(score) if isinstance(score, int | float) else 0.0


def _quality(text: str) -> dict[str, Any]:
    """The quality of a reference; none where damage has changed it, for the embedding is what counts."""
    try:
        return from_line(text)
    except ValueError:
        return {}


def version(db: sqlite3.Connection) -> int:
    """Number of changes the list has seen."""
    text = meta.get(db, meta.Key.WATCHLIST_VERSION) or ""
    return int(text) if text.isdecimal() else 0  # a damaged number keeps nobody from changing the list


def require_version(db: sqlite3.Connection, expected: int | None) -> None:
    """PreconditionError if the list has changed since it had the expected version."""
    if expected is not None and expected != (now := version(db)):
        raise PreconditionError(
            f"the watchlist has changed since it was read: it is version {now} now, not {expected}; "
            "read it again and repeat the change on what it says"
        )


def changed_at(db: sqlite3.Connection) -> dt.datetime | None:
    """When the list was last changed or confirmed; None before the first time."""
    return meta.get_time(db, meta.Key.WATCHLIST_AT)


def bump_version(db: sqlite3.Connection, now: dt.datetime) -> None:
    """Count a change of the list, inside the transaction that makes it."""
    meta.put(db, meta.Key.WATCHLIST_VERSION, str(version(db) + 1))
    meta.put(db, meta.Key.WATCHLIST_AT, time_to_text(now))


def digest(db: sqlite3.Connection) -> str:
    """SHA-256 over all people and references: two lists with the same digest recognise alike."""
    total = hashlib.sha256()
    queries = (
        f"SELECT person_id, name, status, expires_at FROM people WHERE {LISTED} ORDER BY person_id",
        "SELECT reference_id, person_id, image_sha256, hex(embedding), model_sha256 FROM person_references "
        f"WHERE aside_at IS NULL AND {LISTED} ORDER BY 1",
    )
    for query in queries:
        for row in db.execute(query):
            total.update(to_line({"row": list(row)}).encode() + b"\n")
    return total.hexdigest()


def _person(row: tuple[str, str, str, str | None, str | None, str | None]) -> Person:
    return Person(row[0], row[1], row[2], None if row[3] is None else time_from_text(row[3]), row[4], row[5])
