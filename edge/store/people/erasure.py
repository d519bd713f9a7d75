"""Erasing a person: rows, feed bodies, pictures, and what free space and the write-ahead log still hold of them.

`secure_delete` overwrites deleted rows, but where pages were split or merged, copies may remain in their gaps: so the
database is written anew (VACUUM) and its log emptied after the commit. Feed items keep their seq and become tombstones,
so that no puller sees a hole; one more tombstone for each hit reaches those who have pulled it already.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from dataclasses import replace
from pathlib import Path

from edge.errors import NotFoundError
from edge.store import connect, images
from edge.store.blobs import Blobs
from edge.store.codec import to_line
from edge.store.feed import feed
from edge.store.hits import hits
from edge.store.people import people
from edge.store.rows import Receipt
from edge.store.writer import Change


def delete_rows(change: Change, person_id: str, now: dt.datetime) -> Receipt:
    """Delete all rows of a person; the files and the log follow in `erase_traces`."""
    db = change.db
    if people.get(db, person_id) is None:
        raise NotFoundError(f"{person_id!r} is not on the watchlist; 'edge watchlist list' shows who is")
    hit_ids = [row[0] for row in db.execute("SELECT hit_id FROM hits WHERE person_id = ?", (person_id,))]
    # Retention may have deleted a hit whose newest feed items remain.
    named_in_feed = "SELECT DISTINCT hit_id FROM feed WHERE json_extract(body, '$.person.id') = ?"
    all_hit_ids = sorted({*hit_ids, *(row[0] for row in db.execute(named_in_feed, (person_id,)))})
    blanked = sum(_turn_into_tombstones(db, hit_id) for hit_id in all_hit_ids)
    named = _images_of(db, person_id)
    hits.remove(db, hit_ids)
    references = db.execute("DELETE FROM person_references WHERE person_id = ?", (person_id,)).rowcount
    images.release(db, named)
    db.execute("DELETE FROM people WHERE person_id = ?", (person_id,))
    _drop_runner_up(db, person_id)
    shared = sum(images.is_kept(db, sha256) for sha256 in named)
    people.bump_version(db, now)
    for hit_id in all_hit_ids:
        feed.append(change, now, "alert.erased", {"hit_id": hit_id, "cause": "person_erased"}, hit_id)
    return Receipt(
        person_id=person_id,
        erased_at=now,
        hits=len(hit_ids),
        references=references,
        images=len(named) - shared,
        images_shared=shared,
        feed_items=blanked,
        is_scrubbed=False,
    )


def erase_traces(db: sqlite3.Connection, blobs: Blobs, path: Path, receipt: Receipt) -> Receipt:
    """After the commit: delete the files and all that no row names, write the database anew, empty the log.

    What a kill left between file and commit may show the person, and nobody can tell; so all of it goes, of any age.
    """
    images.delete_released(db, blobs)
    images.sweep_orphans(db, blobs, min_age_s=0)
    is_compact = connect.compact(db)
    is_empty = connect.truncate_log(db, path) == 0
    return replace(receipt, is_scrubbed=is_empty and is_compact and not images.count_unnamed(db, blobs))


def _images_of(db: sqlite3.Connection, person_id: str) -> set[str]:
    rows = db.execute(
        """SELECT sha256 FROM hit_images JOIN hits USING (hit_id) WHERE person_id = ?1
           UNION SELECT image_sha256 FROM person_references WHERE person_id = ?1""",
        (person_id,),
    )
    return {row[0] for row in rows}


def _turn_into_tombstones(db: sqlite3.Connection, hit_id: str) -> int:
    body = to_line({"hit_id": hit_id, "cause": "person_erased"})
    return db.execute("UPDATE feed SET type = 'alert.erased', body = ? WHERE hit_id = ?", (body, hit_id)).rowcount


def _drop_runner_up(db: sqlite3.Connection, person_id: str) -> None:
    """Other people's hits may name the erased person as the runner-up."""
    for table in ("hits", "feed"):
        db.execute(
            f"""UPDATE {table} SET body = json_set(body, '$.runner_up_id', NULL)
                WHERE json_extract(body, '$.runner_up_id') = ?""",
            (person_id,),
        )
