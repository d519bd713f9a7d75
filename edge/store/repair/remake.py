"""Makes up what a copy of a damaged database has lost, from the copy of the list and from rows that tell of it."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections import Counter

from edge.store.blobs import Blobs, is_sha256
from edge.store.codec import time_to_text
from edge.store.repair import list_copy
from edge.store.repair.salvage import Salvage


def complete(db: sqlite3.Connection, blobs: Blobs, now: dt.datetime, found: Salvage) -> None:
    """Put the list right from its copy, and make up rows of other tables that lost some from rows that tell of them.

    Rows whose other half is lost are deleted.
    """
    lost = found.incomplete
    before = {name: _count(db, name) for name in ("people", "hits", "images", "hit_images")}
    _remake_images(db, blobs, now)
    people = _count(db, "people")
    found.put_right = list_copy.put_right(db)
    before["people"] += _count(db, "people") - people
    if "hits" in lost:
        db.execute(_HITS_FROM_FEED)
        _remake_images(db, blobs, now)
    # Whatever seems to be whole: a page of another table in the place of one's first may only look like fewer rows.
    for statement in (_PEOPLE_FROM_HITS, _PEOPLE_FROM_REFERENCES, *([_PEOPLE_FROM_AUDIT] if "people" in lost else [])):
        db.execute(statement, (time_to_text(now),))
    db.execute(_HIT_IMAGES_FROM_HITS)
    found.remade = +Counter({name: _count(db, name) - count for name, count in before.items()})
    for statement in _WITHOUT_PARENT:
        db.execute(statement)


def _count(db: sqlite3.Connection, name: str) -> int:
    return int(db.execute(f"SELECT count(*) FROM {name}").fetchone()[0])


def _remake_images(db: sqlite3.Connection, blobs: Blobs, now: dt.datetime) -> None:
    named = db.execute(
        """SELECT sha256 FROM hit_images UNION SELECT image_sha256 FROM person_references
           UNION SELECT image_sha256 FROM references_copy
           UNION SELECT sha256 FROM item_images
           UNION SELECT j.value FROM hits, json_each(hits.body, '$.images') AS j WHERE j.type = 'text'"""
    ).fetchall()
    there = {row[0] for row in db.execute("SELECT sha256 FROM images")}
    for (sha256,) in named:
        if sha256 in there:
            continue
        if is_sha256(sha256) and (path := blobs.path(sha256)).is_file() and (size := path.stat().st_size):
            db.execute("INSERT OR IGNORE INTO images VALUES (?, ?, ?)", (sha256, size, time_to_text(now)))


_HITS_FROM_FEED = """INSERT OR IGNORE INTO hits
    (hit_id, person_id, camera, kind, review_state, last_at, latest_seq, seen_seq, body)
    SELECT hit_id, json_extract(body, '$.person.id'), json_extract(body, '$.camera'),
        json_extract(body, '$.kind'), coalesce(json_extract(body, '$.review.state'), ''),
        json_extract(body, '$.visit.last'), seq, seq, body
    FROM feed WHERE type IN ('alert.created', 'alert.updated', 'alert.reviewed')
        AND hit_id NOT IN (SELECT hit_id FROM hits)
        AND json_extract(body, '$.person.id') IS NOT NULL
    ORDER BY seq DESC"""
_PEOPLE_FROM_HITS = """INSERT OR IGNORE INTO people (person_id, name, status, changed_at)
    SELECT person_id, json_extract(body, '$.person.name'), json_extract(body, '$.person.status'), ? FROM hits
    WHERE person_id NOT IN (SELECT person_id FROM people) ORDER BY latest_seq DESC"""
_PEOPLE_FROM_REFERENCES = """INSERT OR IGNORE INTO people (person_id, name, status, changed_at)
    SELECT DISTINCT person_id, person_id, 'unknown', ? FROM person_references
    WHERE person_id NOT IN (SELECT person_id FROM people)"""
_PEOPLE_FROM_AUDIT = """INSERT OR IGNORE INTO people (person_id, name, status, changed_at)
    SELECT DISTINCT person_id, person_id, 'unknown', ? FROM audit
    WHERE action = 'person.put' AND person_id NOT IN (SELECT person_id FROM people)"""
_HIT_IMAGES_FROM_HITS = """INSERT OR IGNORE INTO hit_images (hit_id, role, sha256)
    SELECT hits.hit_id, j.key, j.value FROM hits, json_each(hits.body, '$.images') AS j
    WHERE j.value IN (SELECT sha256 FROM images)"""
_WITHOUT_PARENT = (
    "DELETE FROM person_references WHERE image_sha256 NOT IN (SELECT sha256 FROM images)",
    "DELETE FROM hit_images WHERE hit_id NOT IN (SELECT hit_id FROM hits)",
    "DELETE FROM hit_images WHERE sha256 NOT IN (SELECT sha256 FROM images)",
    "DELETE FROM item_images WHERE seq NOT IN (SELECT seq FROM feed)",
    "DELETE FROM item_images WHERE sha256 NOT IN (SELECT sha256 FROM images)",
    "DELETE FROM verdicts WHERE hit_id NOT IN (SELECT hit_id FROM hits)",
    "DELETE FROM sessions WHERE user NOT IN (SELECT name FROM users)",
    "DELETE FROM login_links WHERE user NOT IN (SELECT name FROM users)",
    "DELETE FROM staged_embeddings WHERE reference_id NOT IN (SELECT reference_id FROM person_references)",
    "DELETE FROM erasures WHERE person_id NOT IN (SELECT person_id FROM people)",
    "DELETE FROM spans WHERE boot_id NOT IN (SELECT boot_id FROM boots)",
    """INSERT OR IGNORE INTO doomed_images SELECT sha256 FROM images
       WHERE sha256 NOT IN (SELECT sha256 FROM hit_images)
         AND sha256 NOT IN (SELECT sha256 FROM item_images)
         AND sha256 NOT IN (SELECT image_sha256 FROM person_references)""",
    "DELETE FROM images WHERE sha256 IN (SELECT sha256 FROM doomed_images)",
)
