"""Retention: delete pictures and hits by age, by bytes of pictures and by free disk space. Files go later: see rounds.

Pictures go before alerts, the oldest first, and references of people never. Alerts go from the old end of the feed, so
that it never has a hole inside. What some puller hasn't got yet goes last and leaves a `gap` item.
"""

from __future__ import annotations

import datetime as dt
import shutil
import sqlite3
from dataclasses import dataclass, replace
from pathlib import Path

from edge.store import clocks, images, reserve
from edge.store.audit import trim
from edge.store.blobs import Blobs
from edge.store.clocks import Moment
from edge.store.codec import time_to_text
from edge.store.database import connect
from edge.store.database.jobs import Change
from edge.store.feed import feed, pictures
from edge.store.hits import hits
from edge.store.repair import former_data
from edge.store.rows import RetentionReport

MAX_ROUND = 50
"""Hits and feed items that one transaction removes by age, so that new alerts never wait long."""
KEEP_ALERTS = 1000
"""The newest alerts are never deleted for space: with a few kilobytes each, they don't fill a disk."""
MAX_FEED_BYTES = 256_000_000
"""Bytes of feed items; beyond them the oldest go, as they do when the disk is short of space."""
FEED_SHARE = 16
"""On a small disk the feed gets this part of it at most: a repair needs room for a copy of the whole database."""
ROUND_BYTES = 500_000
"""Of these, so many in one transaction."""
_RETENTION = "retention"
"""Cause of the gap that tells of alerts which went before somebody pulled them."""
SAMPLE = 500
CHUNK = 200
SHED_BYTES = 3 * reserve.NUM_BYTES
"""Bytes of pictures deleted at once when a write finds the disk full."""


@dataclass(frozen=True, slots=True)
class RetentionLimits:
    """What may be kept."""

    max_age_days: float
    max_image_bytes: int
    min_free_bytes: int


def max_feed_bytes(folder: Path) -> int:
    """Bytes that the feed's items may have on the disk of this folder."""
    return min(MAX_FEED_BYTES, shutil.disk_usage(folder).total // FEED_SHARE)


def run_round(
    change: Change, folder: Path, limits: RetentionLimits, pulled_seq: int | None, moment: Moment
) -> RetentionReport:
    """One round of removing what is too old or too much. `pulled_seq`: all pullers have that; None: nobody pulls."""
    db, now = change.db, moment.wall
    feed_floor = clocks.last_seq_older_than(db, moment, limits.max_age_days * 86400)
    old = "SELECT hit_id FROM hits WHERE seen_seq <= ? LIMIT ?"
    hit_ids = _ids(db.execute(old, (feed_floor, MAX_ROUND)))
    this_floor = min(feed_floor, _first_seq(db) + MAX_ROUND)
    report = _cut_feed(change, this_floor, hit_ids, pulled_seq, now)
    if len(hit_ids) == MAX_ROUND or this_floor < feed_floor:
        return replace(report, is_complete=False)
    if trim.trim_if_due(db, folder, now) == trim.MAX_AT_ONCE:
        return replace(report, is_complete=False)
    too_long = _feed_bytes(db) - max_feed_bytes(folder)
    if too_long > 0:
        report = add(report, _shed_alerts(change, min(too_long, ROUND_BYTES), pulled_seq, now))
        if too_long > ROUND_BYTES and report.feed_items_removed:
            return replace(report, is_complete=False)
    excess = image_bytes(db) - limits.max_image_bytes
    lacking = limits.min_free_bytes - reserve.free_bytes(folder) - report.image_bytes_removed
    if lacking > 0 and (freed := drop_former_data(change, folder, now)):
        lacking -= freed
    if max(excess, lacking) > 0:
        removed, num_bytes = shed_images(db, max(excess, lacking))
        report = add(report, RetentionReport(images_removed=removed, image_bytes_removed=num_bytes))
        if lacking > num_bytes:
            report = add(report, _shed_alerts(change, lacking - num_bytes, pulled_seq, now))
    return replace(report, image_bytes_left=image_bytes(db))


def make_room(
    db: sqlite3.Connection, blobs: Blobs, folder: Path, now: dt.datetime, num_bytes: int = SHED_BYTES
) -> bool:
    """Free disk space: drop the reserve and copies of former data, else the oldest hit pictures; create a new reserve.

    Returns whether a retry of the write makes sense.
    """
    reserve.release(folder)
    with connect.immediate(db):
        freed = drop_former_data(Change(db), folder, now)
        removed, _ = shed_images(db, num_bytes - freed)
    images.delete_released(db, blobs)
    reserve.create(folder)
    return removed > 0 or freed > 0


def drop_former_data(change: Change, folder: Path, now: dt.datetime) -> int:
    """Delete copies of former data, which go before any picture, and tell it; returns the bytes freed."""
    if dropped := former_data.drop(folder):
        tell_dropped(change, dropped, now)
    return dropped.num_bytes


def tell_dropped(change: Change, dropped: former_data.Dropped, now: dt.datetime) -> None:
    """Add the `health` item that says what was deleted."""
    told = {"state": former_data.DROPPED, "detail": dropped.sentence(), "since": time_to_text(now)}
    feed.append(change, now, "health", {"subject": former_data.QUARANTINE} | told)


def shed_images(db: sqlite3.Connection, num_bytes: int) -> tuple[int, int]:
    """Mark the oldest pictures for deletion until that many bytes are freed; returns how many, and their bytes."""
    oldest = """SELECT sha256, num_bytes FROM images WHERE NOT EXISTS (
            SELECT 1 FROM person_references r WHERE r.image_sha256 = images.sha256)
        ORDER BY rowid"""  # as they were added: a date may be wrong
    chosen: list[str] = []
    freed = 0
    for sha256, size in db.execute(oldest):
        if freed >= num_bytes:
            break
        chosen.append(sha256)
        freed += size
    for sha256 in chosen:
        db.execute("DELETE FROM hit_images WHERE sha256 = ?", (sha256,))
        db.execute("DELETE FROM item_images WHERE sha256 = ?", (sha256,))
    return images.release(db, chosen)


def _shed_alerts(change: Change, num_bytes: int, pulled_seq: int | None, now: dt.datetime) -> RetentionReport:
    """Cut the feed's old end: first what has been pulled, then the rest, until about that many bytes are freed."""
    db = change.db
    keep_from = db.execute(
        "SELECT latest_seq FROM hits ORDER BY latest_seq DESC LIMIT 1 OFFSET ?", (KEEP_ALERTS - 1,)
    ).fetchone()
    total = RetentionReport()
    if keep_from is None:
        return total
    freed = 0
    while freed < num_bytes:
        rows = db.execute(
            "SELECT seq, length(body) FROM feed WHERE seq < ? ORDER BY seq LIMIT ?", (keep_from[0], CHUNK)
        ).fetchall()
        if not rows:
            break
        freed += sum(size for _, size in rows)
        hit_ids = _ids(db.execute("SELECT hit_id FROM hits WHERE latest_seq <= ?", (rows[-1][0],)))
        total = add(total, _cut_feed(change, rows[-1][0], hit_ids, pulled_seq, now))
    return total


def _first_seq(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT coalesce(min(seq), 0) FROM feed").fetchone()[0])


def _cut_feed(
    change: Change, last_seq: int, hit_ids: list[str], pulled_seq: int | None, now: dt.datetime
) -> RetentionReport:
    """Delete hits, and the feed up to `last_seq`; adds a `gap` item if a puller misses something."""
    db = change.db
    num_images, num_bytes = hits.remove(db, hit_ids)
    report = RetentionReport(num_images, num_bytes, len(hit_ids))
    cut = db.execute(
        "SELECT count(*), min(seq), max(seq), min(at), max(at) FROM feed WHERE seq <= ?", (last_seq,)
    ).fetchone()
    if cut[0] == 0:
        return report
    missed, told = _unpulled_alerts(db, last_seq, pulled_seq), _unpulled_gaps(db, last_seq, pulled_seq)
    of_items = RetentionReport(*pictures.unlink(db, last_seq))
    db.execute("DELETE FROM feed WHERE seq <= ?", (last_seq,))
    clocks.drop_marks(db, last_seq)
    db.execute("INSERT INTO trims (first_seq, last_seq, first_at, last_at) VALUES (?, ?, ?, ?)", cut[1:])
    if missed[0] or told[0]:
        times = {"from": min(filter(None, (told[1], missed[1]))), "to": max(filter(None, (told[2], missed[2])))}
        lost = {"cause": _RETENTION, "lost": missed[0] + told[0]}
        feed.append(change, now, "gap", {**lost, **times, "last_seq": cut[2]})
    return add(of_items, replace(report, feed_items_removed=cut[0], unpulled_alerts_removed=missed[0]))


def _unpulled_alerts(
    db: sqlite3.Connection, last_seq: int, pulled_seq: int | None
) -> tuple[int, str | None, str | None]:
    """Alerts about to be cut that some puller doesn't have: how many, and their time span."""
    if pulled_seq is None:
        return 0, None, None
    query = "SELECT count(*), min(at), max(at) FROM feed WHERE seq > ? AND seq <= ? AND type LIKE 'alert.%'"
    row = db.execute(query, (pulled_seq, last_seq)).fetchone()
    return row[0], row[1], row[2]


def _unpulled_gaps(db: sqlite3.Connection, last_seq: int, pulled_seq: int | None) -> tuple[int, str | None, str | None]:
    """The same of alerts that were cut earlier, and whose gaps are now about to be cut unread themselves."""
    if pulled_seq is None:
        return 0, None, None
    query = """SELECT coalesce(sum(json_extract(body, '$.lost')), 0), min(json_extract(body, '$.from')),
            max(json_extract(body, '$.to')) FROM feed
        WHERE seq > ? AND seq <= ? AND type = 'gap' AND json_extract(body, '$.cause') = ?"""
    row = db.execute(query, (pulled_seq, last_seq, _RETENTION)).fetchone()
    return row[0], row[1], row[2]


def _feed_bytes(db: sqlite3.Connection) -> int:
    """About the bytes of all items, by the newest of them."""
    newest = "SELECT length(body) AS n FROM feed ORDER BY seq DESC LIMIT ?"
    query = f"SELECT coalesce((SELECT avg(n) FROM ({newest})), 0) * (SELECT count(*) FROM feed)"
    return int(db.execute(query, (SAMPLE,)).fetchone()[0])


def image_bytes(db: sqlite3.Connection) -> int:
    """Bytes of all kept pictures."""
    return int(db.execute("SELECT coalesce(sum(num_bytes), 0) FROM images").fetchone()[0])


def _ids(rows: sqlite3.Cursor) -> list[str]:
    return [row[0] for row in rows.fetchall()]


def add(one: RetentionReport, two: RetentionReport) -> RetentionReport:
    """Sums of what was removed; what is left is taken from the later report."""
    return replace(
        two,
        images_removed=one.images_removed + two.images_removed,
        image_bytes_removed=one.image_bytes_removed + two.image_bytes_removed,
        hits_removed=one.hits_removed + two.hits_removed,
        feed_items_removed=one.feed_items_removed + two.feed_items_removed,
        unpulled_alerts_removed=one.unpulled_alerts_removed + two.unpulled_alerts_removed,
    )
