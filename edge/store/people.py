"""The watchlist's rows: people and their references, and the list's version."""

from __future__ import annotations

import datetime as dt
import hashlib
import sqlite3
from collections.abc import Mapping, Sequence

import numpy as np

from edge.errors import ConflictError
from edge.records import Person, Reference
from edge.store import images
from edge.store.blobs import Blobs
from edge.store.codec import from_line, time_from_text, time_to_text, to_line
from edge.store.writer import Change


def put(
    change: Change,
    blobs: Blobs,
    person: Person,
    references: Sequence[Reference],
    pictures: Mapping[str, bytes],
    now: dt.datetime,
) -> None:
    """Add or change a person and add references; one with the same id replaces the former."""
    db = change.db
    expires = None if person.expires_at is None else time_to_text(person.expires_at)
    db.execute(
        """INSERT INTO people (person_id, name, status, expires_at, changed_at) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT (person_id) DO UPDATE SET name = excluded.name, status = excluded.status,
               expires_at = excluded.expires_at, changed_at = excluded.changed_at""",
        (person.person_id, person.name, person.status, expires, time_to_text(now)),
    )
    images.require_rows(db, blobs, [reference.image_sha256 for reference in references], pictures, now)
    for reference in references:
        _put_reference(db, person, reference, now)
    bump_version(db)


def _put_reference(db: sqlite3.Connection, person: Person, reference: Reference, now: dt.datetime) -> None:
    known = "SELECT person_id, image_sha256 FROM person_references WHERE reference_id = ?"
    former = db.execute(known, (reference.reference_id,)).fetchone()
    if reference.person_id != person.person_id or (former is not None and former[0] != person.person_id):
        raise ConflictError(f"reference {reference.reference_id} belongs to another person; give it an id of its own")
    db.execute(
        """INSERT OR REPLACE INTO person_references
           (reference_id, person_id, image_sha256, embedding, model_sha256, quality, source, added_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            reference.reference_id,
            reference.person_id,
            reference.image_sha256,
            np.ascontiguousarray(reference.embedding, dtype="<f4").tobytes(),
            reference.model_sha256,
            to_line(reference.quality),
            reference.source,
            time_to_text(now),
        ),
    )
    if former is not None:
        images.release(db, [former[1]])


def all_people(db: sqlite3.Connection) -> list[Person]:
    """Everyone, by id."""
    rows = db.execute("SELECT person_id, name, status, expires_at FROM people ORDER BY person_id")
    return [_person(row) for row in rows]


def get(db: sqlite3.Connection, person_id: str) -> Person | None:
    """One person."""
    query = "SELECT person_id, name, status, expires_at FROM people WHERE person_id = ?"
    row = db.execute(query, (person_id,)).fetchone()
    return None if row is None else _person(row)


def references(db: sqlite3.Connection, model_sha256: str | None) -> list[Reference]:
    """References, by person and id; those of one model, or all."""
    rows = db.execute(
        """SELECT reference_id, person_id, image_sha256, embedding, model_sha256, quality, source
           FROM person_references WHERE ?1 IS NULL OR model_sha256 = ?1 ORDER BY person_id, reference_id""",
        (model_sha256,),
    )
    return [
        Reference(
            reference_id=row[0],
            person_id=row[1],
            image_sha256=row[2],
            embedding=np.frombuffer(row[3], dtype="<f4").astype(np.float32),
            model_sha256=row[4],
            quality=from_line(row[5]),
            source=row[6],
        )
        for row in rows
    ]


def version(db: sqlite3.Connection) -> int:
    """Number of changes the list has seen."""
    row = db.execute("SELECT value FROM meta WHERE key = 'watchlist_version'").fetchone()
    return int(row[0]) if row else 0


def bump_version(db: sqlite3.Connection) -> None:
    """Count a change of the list, inside the transaction that makes it."""
    row = ("watchlist_version", str(version(db) + 1))
    db.execute("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", row)


def digest(db: sqlite3.Connection) -> str:
    """SHA-256 over all people and references: two lists with the same digest recognise alike."""
    total = hashlib.sha256()
    queries = (
        "SELECT person_id, name, status, expires_at FROM people ORDER BY person_id",
        "SELECT reference_id, person_id, image_sha256, hex(embedding), model_sha256 FROM person_references ORDER BY 1",
    )
    for query in queries:
        for row in db.execute(query):
            total.update(to_line({"row": list(row)}).encode() + b"\n")
    return total.hexdigest()


def _person(row: tuple[str, str, str, str | None]) -> Person:
    return Person(row[0], row[1], row[2], None if row[3] is None else time_from_text(row[3]))
