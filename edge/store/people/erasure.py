"""Erasing people: rows, feed bodies, pictures, audit, and what free space and the write-ahead log still hold of them.

It begins in one short transaction: who is to be erased is no longer on the list. Then all of them are removed together
from everywhere, in slices between which alerts are stored; an erasure that was cut off goes on at the next start.
Feed items keep their seq and become tombstones, so that no puller sees a hole; one more tombstone for each hit reaches
those who have pulled it already.
"""

from __future__ import annotations

import copy
import datetime as dt
import json
import sqlite3
from collections.abc import Callable, Sequence

from edge.errors import NotFoundError
from edge.store import images
from edge.store.audit import audit
from edge.store.audit.spellings import Wanted
from edge.store.codec import time_from_text, time_to_text, to_line
from edge.store.database import meta, slices
from edge.store.database.jobs import Change
from edge.store.database.slices import Piece, TimeSlice
from edge.store.feed import feed
from edge.store.hits import hits
from edge.store.people import notes, people
from edge.store.rows import Receipt

HITS_AT_A_TIME = 4
ROWS_AT_A_TIME = 200
"""Rows looked through before the time is looked at, at most; see `TimeSlice`."""

_PROGRESS = ("_ids", "_with_rows", "_at", "_item", "_unkept", "_receipts", "_steps")
_COUNTS = {"hits": 0, "references": 0, "images": 0, "feed_items": 0}
_LEAVING = "(SELECT value FROM json_each(?))"


def begin(change: Change, person_ids: Sequence[str], by: str, now: dt.datetime) -> None:
    """Take people off the list; what is kept of them follows in slices. NotFoundError for somebody who is not on it."""
    there = {person.person_id for person in people.all_people(change.db)} if person_ids else set()
    for person_id in person_ids:
        if person_id not in there:
            raise NotFoundError(f"{person_id!r} is not on the watchlist; 'edge watchlist list' shows who is")
    at, nothing = time_to_text(now), to_line({**_COUNTS, "blanked": []})
    rows = [(person_id, by, at, nothing) for person_id in person_ids]
    change.db.executemany("INSERT INTO erasures (person_id, by, at, done) VALUES (?, ?, ?, ?)", rows)
    if rows:
        people.bump_version(change.db, now)


def unfinished(db: sqlite3.Connection) -> list[str]:
    """People whose erasure has begun."""
    return [row[0] for row in db.execute("SELECT person_id FROM erasures ORDER BY person_id")]


class Erasing:
    """The erasure of some people, all at once. Begun anew after a crash, it finds what is left."""

    def __init__(self, person_ids: Sequence[str], clock: Callable[[], dt.datetime]) -> None:
        self._ids = list(person_ids)
        self._clock = clock
        self._with_rows = list(person_ids)
        self._slice = TimeSlice()
        self._at = {"feed": 0, "hits": 0, "verdicts": 0, "audit": 0}
        self._item = ("", 0)
        """The hit whose items are being blanked, and the last of them that is."""
        self._unkept: list[tuple[str, str]] = []
        """Hits that are kept no more and are named by items of the feed, and of whom they are."""
        self._shared: dict[str, set[str]] = {person_id: set() for person_id in person_ids}
        self._about: audit.About | None = None
        self._receipts: list[Receipt] = []
        self._steps = [
            self._remove_rows,
            self._scan_feed,
            self._scan_hits,
            self._scan_verdicts,
            self._scan_audit,
        ]

    def next_slice(self) -> Callable[[Change], list[Receipt] | None]:
        """The next slice as a job of the write thread, which runs it again where nothing of it could be kept."""
        before = {name: copy.copy(getattr(self, name)) for name in _PROGRESS}

        def run(change: Change) -> list[Receipt] | None:
            for name, value in before.items():
                setattr(self, name, copy.copy(value))
            return self.run_slice(change)

        return run

    def run_slice(self, change: Change) -> list[Receipt] | None:
        """Work for a moment; the receipts once all is removed."""
        self._slice.begin(slices.SLICE_S)
        begun = set(unfinished(change.db))
        self._ids = [person_id for person_id in self._ids if person_id in begun]
        while self._steps and self._ids:
            if self._steps[0](change):
                self._steps.pop(0)
            if self._slice.is_over():
                return None
        return self._finish(change)

    def _remove_rows(self, change: Change) -> bool:
        """References and hits of one person after the other."""
        if not self._with_rows:
            return True
        db, person_id = change.db, self._with_rows[0]
        if person_id in self._ids and (self._remove_references(db, person_id) or self._remove_hits(change, person_id)):
            return False
        self._with_rows.pop(0)
        return not self._with_rows

    def _remove_references(self, db: sqlite3.Connection, person_id: str) -> bool:
        query = "SELECT reference_id, image_sha256 FROM person_references WHERE person_id = ? LIMIT ?"
        with self._slice.piece("references", HITS_AT_A_TIME) as piece:
            found = db.execute(query, (person_id, piece.size)).fetchall()
            piece.done = len(found)
            for reference_id, sha256 in found:
                db.execute("DELETE FROM person_references WHERE reference_id = ?", (reference_id,))
                released, _ = images.release(db, [sha256])
                self._shared[person_id].add(sha256)
                self._count(db, person_id, references=1, images=released)
        return bool(found)

    def _remove_hits(self, change: Change, person_id: str) -> bool:
        query = "SELECT hit_id FROM hits WHERE person_id = ? ORDER BY hit_id LIMIT 1"
        found = change.db.execute(query, (person_id,)).fetchone()
        if found is not None:
            self._erase_hit(change, found[0], person_id, is_kept=True)
        return found is not None

    def _erase_hit(self, change: Change, hit_id: str, person_id: str, *, is_kept: bool) -> bool:
        """Blank some of a hit's items, of which a long stay has thousands; with the last of them the hit goes too."""
        with self._slice.piece("items", ROWS_AT_A_TIME) as piece:
            done = self._blank_items(change.db, hit_id, person_id, piece)
            if done:
                self._remove_hit(change, hit_id, person_id, is_kept=is_kept)
        return done

    def _blank_items(self, db: sqlite3.Connection, hit_id: str, person_id: str, piece: Piece) -> bool:
        after = self._item[1] if self._item[0] == hit_id else 0
        query = "SELECT seq FROM feed WHERE hit_id = ? AND seq > ? ORDER BY seq LIMIT ?"
        found = [row[0] for row in db.execute(query, (hit_id, after, piece.size)).fetchall()]
        tombstone = to_line({"hit_id": hit_id, "cause": "person_erased"})
        blank = "UPDATE feed SET type = 'alert.erased', body = ? WHERE seq = ?"
        db.executemany(blank, [(tombstone, seq) for seq in found])
        self._count(db, person_id, feed_items=len(found))
        self._item = (hit_id, found[-1]) if found else self._item
        piece.done = max(len(found), 1)
        return len(found) < piece.size

    def _remove_hit(self, change: Change, hit_id: str, person_id: str, *, is_kept: bool) -> None:
        db, tombstone = change.db, {"hit_id": hit_id, "cause": "person_erased"}
        named = db.execute("SELECT sha256 FROM hit_images WHERE hit_id = ?", (hit_id,)).fetchall()
        self._shared[person_id].update(row[0] for row in named)
        released, _ = hits.remove(db, [hit_id])
        feed.append(change, self._clock(), "alert.erased", tombstone, hit_id)
        self._count(db, person_id, hits=int(is_kept), images=released)

    def _scan_feed(self, change: Change) -> bool:
        """Retention may have deleted a hit whose newest feed items remain; others may name the erased as runner-up."""
        if self._unkept:
            if self._erase_hit(change, *self._unkept[-1], is_kept=False):
                self._unkept.pop()
            return False
        with self._slice.piece("feed", ROWS_AT_A_TIME) as piece:
            first, last = self._next_range(change.db, "feed", "seq", piece)
            self._look_through_feed(change, first, last)
        return last == 0

    def _look_through_feed(self, change: Change, first: int, last: int) -> None:
        # Nobody can tell whom a damaged body names, and nobody gets it: pullers are given a gap.
        blank = (
            "UPDATE feed SET type = 'gap', hit_id = NULL, body = ? WHERE seq BETWEEN ? AND ? AND NOT json_valid(body)"
        )
        change.db.execute(blank, (to_line(feed.DAMAGED), first, last))
        named = f"""SELECT DISTINCT hit_id, json_extract(body, '$.person.id') FROM feed
            WHERE seq BETWEEN ? AND ? AND json_extract(body, '$.person.id') IN {_LEAVING}"""
        self._unkept = change.db.execute(named, (first, last, *self._given)).fetchall()
        self._drop_runner_up(change.db, "feed", "seq", first, last)
        notes.blank_in_bodies(change.db, "feed", "seq", (first, last), self._words(change.db))

    def _scan_hits(self, change: Change) -> bool:
        with self._slice.piece("hits", ROWS_AT_A_TIME) as piece:
            first, last = self._next_range(change.db, "hits", "rowid", piece)
            self._look_through_hits(change, first, last)
        return last == 0

    def _look_through_hits(self, change: Change, first: int, last: int) -> None:
        damaged = "SELECT hit_id, body FROM hits WHERE rowid BETWEEN ? AND ? AND NOT json_valid(body)"
        if rows := change.db.execute(damaged, (first, last)).fetchall():
            among = Wanted(self._words(change.db))
            hits.remove(change.db, [hit_id for hit_id, body in rows if among.is_named_in(body)])
        self._drop_runner_up(change.db, "hits", "rowid", first, last)
        notes.blank_in_bodies(change.db, "hits", "rowid", (first, last), self._words(change.db))

    def _scan_verdicts(self, change: Change) -> bool:
        """Guards may have named them in notes on hits of others."""
        with self._slice.piece("verdicts", ROWS_AT_A_TIME) as piece:
            first, last = self._next_range(change.db, "verdicts", "verdict_id", piece)
            notes.blank_in_verdicts(change.db, (first, last), self._words(change.db))
        return last == 0

    def _words(self, db: sqlite3.Connection) -> list[str]:
        """Ids and names of the erased."""
        rows = db.execute(f"SELECT person_id, name FROM people WHERE person_id IN {_LEAVING}", self._given)
        return [word for row in rows for word in row]

    def _drop_runner_up(self, db: sqlite3.Connection, table: str, column: str, first: int, last: int) -> None:
        db.execute(
            f"""UPDATE {table} SET body = json_set(body, '$.runner_up_id', NULL) WHERE {column} BETWEEN ? AND ?
                AND CASE WHEN json_valid(body) THEN json_extract(body, '$.runner_up_id') IN {_LEAVING} END""",
            (first, last, *self._given),
        )

    def _scan_audit(self, change: Change) -> bool:
        """Blank what the audit tells of them; it keeps that somebody was erased, by whom, and how much."""
        db = change.db
        if self._about is None:
            query = f"SELECT person_id, name FROM people WHERE person_id IN {_LEAVING}"
            self._about = audit.About({row[0]: row[1:] for row in db.execute(query, self._given)})
            return False
        with self._slice.piece("audit", ROWS_AT_A_TIME) as piece:
            first, last = self._next_range(db, "audit", "seq", piece)
            found = audit.blank_rows_about(db, self._about, between=(first, last)) if last else {}
            for person_id, blanked in found.items():
                self._count(db, person_id, blanked=blanked)
        return last == 0

    def _next_range(self, db: sqlite3.Connection, table: str, column: str, piece: Piece) -> tuple[int, int]:
        """The next rows of a table that is read once, in order; (0, 0) at its end."""
        at = self._at[table]
        query = f"""SELECT min(number), max(number), count(*) FROM (
            SELECT {column} AS number FROM {table} WHERE {column} > ? ORDER BY {column} LIMIT ?)"""
        first, last, piece.done = db.execute(query, (at, piece.size)).fetchone()
        if first is None:
            return 0, 0
        self._at[table] = last
        return first, last

    def _finish(self, change: Change) -> list[Receipt] | None:
        """Delete the people themselves and note each erasure, except those that another process has finished."""
        db = change.db
        query = f"SELECT person_id, by, at, done FROM erasures WHERE person_id IN {_LEAVING} ORDER BY person_id LIMIT ?"
        while rows := db.execute(query, (*self._given, ROWS_AT_A_TIME)).fetchall():
            meta.put(db, meta.Key.SCRUB_DUE, time_to_text(self._clock()))
            for row in rows:
                self._receipts.append(self._finish_one(db, *row))
                if self._slice.is_over():
                    return None
        return self._receipts

    def _finish_one(self, db: sqlite3.Connection, person_id: str, by: str, at: str, text: str) -> Receipt:
        done = json.loads(text)
        blanked = done.pop("blanked")
        db.execute("DELETE FROM erasures WHERE person_id = ?", (person_id,))
        db.execute("DELETE FROM people WHERE person_id = ?", (person_id,))
        detail = {key: done[key] for key in ("hits", "references", "images")} | {"blanked": blanked}
        audit.append(db, self._clock(), by, audit.ERASED, f"watchlist version {people.version(db)}", detail)
        shared = sum(images.is_kept(db, sha256) for sha256 in self._shared[person_id])
        return Receipt(person_id, time_from_text(at), **done, images_shared=shared, is_scrubbed=False)

    @property
    def _given(self) -> tuple[str]:
        return (json.dumps(self._ids),)

    def _count(self, db: sqlite3.Connection, person_id: str, *, blanked: Sequence[int] = (), **more: int) -> None:
        row = db.execute("SELECT done FROM erasures WHERE person_id = ?", (person_id,)).fetchone()
        if row is None:
            return
        done = json.loads(row[0])
        for key, number in more.items():
            done[key] += number
        done["blanked"] = [*done["blanked"], *blanked]
        db.execute("UPDATE erasures SET done = ? WHERE person_id = ?", (to_line(done), person_id))
