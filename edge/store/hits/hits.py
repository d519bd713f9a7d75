"""Hits: added, updated and reviewed together with their feed item, in one transaction."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from edge.errors import ConflictError, NotFoundError, StoreError
from edge.records import FeedItem, Hit
from edge.store import images, losses
from edge.store.blobs import Blobs
from edge.store.codec import from_line, hit_to_json, to_line
from edge.store.database.jobs import Change
from edge.store.feed import feed

WriteHit = Callable[[Change, Blobs, Hit, Mapping[str, bytes], dt.datetime], FeedItem]
"""Signature shared by `add` and `update`."""


def add(change: Change, blobs: Blobs, hit: Hit, pictures: Mapping[str, bytes], now: dt.datetime) -> FeedItem:
    """Store a new hit of a person on the watchlist."""
    if _body(change.db, hit.hit_id) is not None:
        raise ConflictError(f"hit {hit.hit_id} is stored already; update it instead")
    _require_listed(change.db, hit)
    body = _drop_erased_runner_up(change.db, hit_to_json(hit))
    item = feed.append(change, now, "alert.created", body, hit.hit_id)
    change.db.execute(
        """INSERT INTO hits (hit_id, person_id, camera, kind, review_state, last_at, latest_seq, seen_seq, body)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (hit.hit_id, hit.person.person_id, *_columns(hit, body), item.seq, item.seq, to_line(body)),
    )
    # The reference picture may have been replaced during the visit: keep the alert without it.
    _link_images(change.db, blobs, hit, pictures, now, may_be_gone={hit.images.reference})
    return item


def update(change: Change, blobs: Blobs, hit: Hit, pictures: Mapping[str, bytes], now: dt.datetime) -> FeedItem:
    """Replace a stored hit by a better sighting; a verdict given meanwhile stays."""
    stored = _require(change, hit)
    if stored["person"]["id"] != hit.person.person_id:
        raise ConflictError(f"hit {hit.hit_id} is of another person; a hit never changes its person")
    _require_listed(change.db, hit)
    body = _drop_erased_runner_up(change.db, hit_to_json(hit) | {"review": stored["review"]})
    item = feed.append(change, now, "alert.updated", body, hit.hit_id)
    change.db.execute(
        """UPDATE hits SET camera = ?, kind = ?, review_state = ?, last_at = ?, latest_seq = ?,
           seen_seq = ?, body = ? WHERE hit_id = ?""",
        (*_columns(hit, body), item.seq, item.seq, to_line(body), hit.hit_id),
    )
    # A picture named before may have been deleted for space: keep the update without it.
    may_be_gone = {*stored["images"].values(), hit.images.reference}
    _link_images(change.db, blobs, hit, pictures, now, may_be_gone)
    return item


def get(db: sqlite3.Connection, hit_id: str) -> Hit | None:
    """One hit."""
    body = _body(db, hit_id)
    return None if body is None else _hit(hit_id, body)


def last_of(db: sqlite3.Connection, person_id: str, camera: str) -> Hit | None:
    """The newest hit of a person at a camera, so that a visit outlives a restart; a drill is no visit."""
    row = db.execute(
        "SELECT body FROM hits WHERE person_id = ? AND camera = ? AND kind != 'drill' ORDER BY hit_id DESC LIMIT 1",
        (person_id, camera),
    ).fetchone()
    return None if row is None else losses.read_hit(row[0])


def remove(db: sqlite3.Connection, hit_ids: list[str]) -> tuple[int, int]:
    """Delete hits and release their pictures; returns pictures released and their bytes. Leaves the feed as it is."""
    named: set[str] = set()
    for hit_id in hit_ids:
        named.update(row[0] for row in db.execute("SELECT sha256 FROM hit_images WHERE hit_id = ?", (hit_id,)))
        db.execute("DELETE FROM hits WHERE hit_id = ?", (hit_id,))
    return images.release(db, named)


def _columns(hit: Hit, body: Mapping[str, Any]) -> tuple[str, str, str, str]:
    return hit.camera, hit.kind, str(body["review"].get("state", "")), body["visit"]["last"]


def _link_images(
    db: sqlite3.Connection,
    blobs: Blobs,
    hit: Hit,
    pictures: Mapping[str, bytes],
    now: dt.datetime,
    may_be_gone: set[str | None],
) -> None:
    named = {role: sha256 for role, sha256 in asdict(hit.images).items() if sha256 is not None}
    given, pictures = pictures, images.writable(blobs, pictures)
    if blobs.problem or len(pictures) < len(given):  # an alert is worth more than its pictures
        may_be_gone = {*named.values()}
    gone = {name for name in may_be_gone if name and name not in pictures and not images.is_kept(db, name)}
    roles = {role: sha256 for role, sha256 in named.items() if sha256 not in gone}
    images.require_rows(db, blobs, roles.values(), pictures, now)
    rows = [(hit.hit_id, role, sha256) for role, sha256 in roles.items()]
    db.executemany("INSERT OR IGNORE INTO hit_images (hit_id, role, sha256) VALUES (?, ?, ?)", rows)


def _require_listed(db: sqlite3.Connection, hit: Hit) -> None:
    """NotFoundError where the person was erased during the visit: nothing of them may come back."""
    if not _is_listed(db, hit.person.person_id):
        raise NotFoundError(f"hit {hit.hit_id} names a person who is not on the watchlist; it is not kept")


def _is_listed(db: sqlite3.Connection, person_id: str) -> bool:
    listed = "SELECT 1 FROM people WHERE person_id = ?1 AND ?1 NOT IN (SELECT person_id FROM erasures)"
    return db.execute(listed, (person_id,)).fetchone() is not None


def _drop_erased_runner_up(db: sqlite3.Connection, body: dict[str, Any]) -> dict[str, Any]:
    """The hit without a runner-up who was erased during the visit."""
    runner_up = body["runner_up_id"]
    return body if runner_up is None or _is_listed(db, runner_up) else body | {"runner_up_id": None}


def _body(db: sqlite3.Connection, hit_id: str) -> str | None:
    row = db.execute("SELECT body FROM hits WHERE hit_id = ?", (hit_id,)).fetchone()
    return None if row is None else str(row[0])


def _hit(hit_id: str, body: str) -> Hit:
    if (hit := losses.read_hit(body)) is None:
        raise StoreError(f"hit {hit_id} can't be read: {losses.DAMAGED_ROW}")
    return hit


def require_body(change: Change, hit_id: str) -> dict[str, Any]:
    """The stored hit, which others may change; NotFoundError, or StoreError where its row is damaged for good."""
    body = _body(change.db, hit_id)
    if body is None:
        raise NotFoundError(f"hit {hit_id} is not kept; it never existed, was erased, or is too old")
    if losses.read_hit(body) is None and losses.make_anew(change, hit_id):
        body = str(_body(change.db, hit_id))
    _hit(hit_id, body)
    return from_line(body)


def _require(change: Change, hit: Hit) -> dict[str, Any]:
    """The stored hit; where its row is damaged for good, the better sighting takes its place."""
    try:
        return require_body(change, hit.hit_id)
    except StoreError as error:
        if isinstance(error, NotFoundError):
            raise
        return hit_to_json(hit)
