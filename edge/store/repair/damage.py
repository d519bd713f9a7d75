"""Finds a damaged database before it is opened, and mends it: indexes are rebuilt, or all rows copied into a new file.

Called while no other process has the database open. At every instant there is a whole database, the old one or the new
one; the old one lies in `quarantine` afterwards, if it isn't large. What was done is recorded in feed and audit, and
kept for the page.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from edge.errors import StoreError
from edge.store import migrate
from edge.store.audit import audit, chain
from edge.store.blobs import Blobs
from edge.store.codec import from_line, time_to_text
from edge.store.database import connect, meta
from edge.store.database.jobs import Change
from edge.store.feed import feed
from edge.store.feed.epoch_file import EpochFile
from edge.store.images import forget_missing
from edge.store.repair import first_pages, header, list_copy, remake, room, salvage, schema, swap
from edge.store.repair.set_aside import megabytes

CHECKED_AT_START_BYTES = 400_000_000
"""A larger database is not read from end to end before it is used: with a million hits that takes minutes on a slow
disk, in which nobody is recognised. It is checked soon after the start, and damage that shows before is met where it is
read (`app.service.database_check`).
"""
ACTION = "database.repaired"
"""Action of the audit row."""
_HEADER = "the header of the database was damaged and is written anew, nothing is lost"
_SCHEMA = "the schema of the database was damaged and is written anew, nothing is lost"
_MARGIN_BYTES = 1_000_000
"""Room for a copy beyond the size of what is copied."""


class _NotWell(Exception):
    """Takes back a try to put something right."""


@dataclass(frozen=True, slots=True)
class Damage:
    """What was found and done: state `rebuilt` (nothing is lost), `repaired` (some may be) or `older` (an old copy)."""

    state: str
    detail: str
    since: str


def problems(db: sqlite3.Connection, *, is_thorough: bool = False) -> list[str]:
    """What SQLite's quick check finds wrong, and times that are none; empty when all is well.

    The thorough one also holds indexes against their tables. A check that can't be made is a finding.
    """
    check = "PRAGMA integrity_check" if is_thorough else "PRAGMA quick_check"
    try:
        found = [row[0] for row in db.execute(check) if row[0] != "ok"] or salvage.odd_times(db)
        return found or list_copy.problems(db)
    except sqlite3.DatabaseError as error:
        if not connect.is_damaged(error):
            raise
        return [str(error)]


def mend(path: Path, blobs: Blobs, now: dt.datetime, *, is_damaged: bool = False) -> Damage | None:
    """Look for damage and mend it; None where all is well. StoreError where the file is not ours.

    `is_damaged`: some was met, which a quick check may not see.
    """
    swap.finish(path)
    if not path.exists() or path.stat().st_size == 0:
        return None
    _roll_back(path)
    had_wrong = [_HEADER] if header.mend(path) else []
    # SQLite removes the log when the last connection is closed: where there is one, the end was not orderly.
    was_closed = not path.with_name(path.name + "-wal").exists()
    try:
        had_wrong += [_SCHEMA] if first_pages.put_back(path) or schema.mend_record(path) else []
        with contextlib.closing(connect.open_reader(path)) as db:
            migrate.require_own_schema(db, path)
            # Small, and worth most: looked at however large the rest is.
            is_list_well = list_copy.is_well(db)
        if was_closed and path.stat().st_size % header.PAGE_BYTES:  # cut within a page: no check sees what is missing
            return _replace(path, blobs, now)
        if is_list_well and not had_wrong and not is_damaged and path.stat().st_size > CHECKED_AT_START_BYTES:
            return None
        with contextlib.closing(connect.open_writer(path)) as db:
            had_wrong += [_SCHEMA] if schema.mend(db) and _SCHEMA not in had_wrong else []
            if not (found := problems(db, is_thorough=is_damaged)):
                return _tell_mended(db, had_wrong, now) if had_wrong else None
            # Where pages point back at each other, the rows of a table never end, and neither would new indexes.
            if not any("reference to page" in problem for problem in found):
                if not list_copy.is_all(found) and _rebuild_indexes(db):
                    return _tell_mended(db, [f"damaged indexes were rebuilt, nothing is lost ({found[0]})"], now)
                if damage := _put_list_right(db, now):
                    return damage
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        if not _tells_damage(error) or EpochFile(path.parent).read() is None:
            raise
    return _replace(path, blobs, now)


def _roll_back(path: Path) -> None:
    """Let SQLite take back, or throw away, what a journal beside the file holds: a reader may do neither."""
    if path.with_name(path.name + "-journal").exists():
        with contextlib.suppress(sqlite3.Error, StoreError), contextlib.closing(connect.open_writer(path)) as db:
            db.execute("SELECT count(*) FROM sqlite_schema").fetchone()


def _tell_mended(db: sqlite3.Connection, parts: Sequence[str], now: dt.datetime) -> Damage:
    damage = Damage("rebuilt", "; ".join(parts), time_to_text(now))
    with connect.immediate(db):
        _record(Change(db), damage, now)
    return damage


def _put_list_right(db: sqlite3.Connection, now: dt.datetime) -> Damage | None:
    """Put the list right from its copy; None where that doesn't make all well, or rows of another table are there."""
    if not list_copy.is_all(list_copy.problems(db)):
        return None
    with contextlib.suppress(_NotWell), connect.immediate(db):
        done = list_copy.put_right(db)
        if not done.sentences() or problems(db, is_thorough=True):
            raise _NotWell
        damage = Damage("repaired" if done.doubtful else "rebuilt", "; ".join(done.sentences()), time_to_text(now))
        done.tell_whose(db, now)
        _record(Change(db), damage, now)
        return damage
    return None


def _tells_damage(error: Exception) -> bool:
    """Whether SQLite tells of damage; of a schema that is no text any more, Python can't read what it tells."""
    return isinstance(error, UnicodeDecodeError) or connect.is_damaged(error)


def kept(db: sqlite3.Connection) -> Damage | None:
    """What was mended last, as kept for the page."""
    text = meta.get(db, meta.Key.DAMAGE)
    return None if text is None else Damage(**json.loads(text))


def record_remade_hits(change: Change, count: int, now: dt.datetime) -> None:
    """Record that hits whose rows were damaged were made anew from the feed."""
    many = f"{count:,} damaged hits were made anew from the feed, nothing is lost"
    told = "1 damaged hit was made anew from the feed, nothing is lost" if count == 1 else many
    _record(change, Damage("rebuilt", told, time_to_text(now)), now)


def _rebuild_indexes(db: sqlite3.Connection) -> bool:
    try:
        db.execute("REINDEX")
    except sqlite3.DatabaseError as error:
        # Without room for the log of new indexes a copy is tried, for which room is made; also of double keys.
        is_twice = isinstance(error, sqlite3.IntegrityError)
        if not (is_twice or connect.is_damaged(error) or connect.is_full(error)):
            raise
        return False
    return not problems(db, is_thorough=True)


def _replace(path: Path, blobs: Blobs, now: dt.datetime) -> Damage:
    """Copy what can be read into a new database, for which room is made, and put it in the place of the damaged one.

    StoreError where there is no room, whatever is given up for it.
    """
    needed = swap.num_bytes(path) + _MARGIN_BYTES
    swap.remove_new(path)
    freed = room.make(path, blobs, needed)
    while True:
        try:
            damage, epoch, head = _copy_into_new(path, blobs, now, freed)
            break
        except (sqlite3.Error, OSError) as error:
            is_full = connect.is_full_at_start(error, path.parent)
            swap.remove_new(path)
            if not is_full:
                raise
            needed = max(needed, room.free_bytes(path.parent) + room.STEP_BYTES)
            if not (more := room.make(path, blobs, needed)):
                free = megabytes(room.free_bytes(path.parent))
                raise StoreError(
                    f"{path}: the database is damaged, and there is no room to copy what can be read of it: about "
                    f"{megabytes(needed)} are needed beside it and {free} are free; free some space on this disk, and "
                    "start again: no picture was deleted for it"
                ) from error
            freed += more
    swap.finish(path)
    EpochFile(path.parent).write(epoch, head)
    return damage


def _copy_into_new(path: Path, blobs: Blobs, now: dt.datetime, freed: room.Freed) -> tuple[Damage, str, int]:
    """Write the new database beside the old one, ready to be swapped in; returns its epoch and head too."""
    with contextlib.closing(migrate.open_database(swap.new_path(path), now)) as db:
        # The file counts only once it is whole: with a log beside it, it would take twice the room.
        db.execute("PRAGMA journal_mode = MEMORY")
        db.execute("PRAGMA foreign_keys = OFF")
        with connect.immediate(db):
            found = _copy(path, db, blobs, now)
            told = [found.sentence(), *freed.sentences(), *swap.not_kept(path)]
            if (missing := found.without_file - freed.pictures) > 0:
                told.append(f"{missing} pictures of hits were not there any more")
            damage = Damage("repaired", "; ".join(told), time_to_text(now))
            epoch = secrets.token_hex(8)
            meta.put(db, meta.Key.EPOCH, epoch)
            gap = {"cause": "database damaged", "from": None, "to": None, "tables": found.incomplete}
            feed.append(Change(db), now, "gap", gap)
            _record(Change(db), damage, now)
            head = feed.head(db)
    swap.make_ready(path)
    return damage, epoch, head


def _copy(path: Path, new: sqlite3.Connection, blobs: Blobs, now: dt.datetime) -> salvage.Salvage:
    found, sequences = _read_old(path, new)
    if not found.copied:
        found.incomplete = ["the whole database"]
    remake.complete(new, blobs, now, found)
    found.without_file = forget_missing(new, blobs)
    if "meta" in found.incomplete:
        _find_device_id(new)
    seen, head = EpochFile(path.parent).read(), chain.read_head(path.parent)
    least = sequences | {
        "feed": max(sequences.get("feed", 0), seen[1] if seen else 0),
        "audit": max(sequences.get("audit", 0), head.seq if head else 0),
    }
    for name, seq in least.items():  # a number is never given twice, even where its row is lost
        new.execute(
            "INSERT INTO sqlite_sequence SELECT ?1, 0 WHERE ?1 NOT IN (SELECT name FROM sqlite_sequence)", (name,)
        )
        new.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (seq, name))
    if "feed" in found.incomplete:
        found.remade["feed"] = _tell_again(new, now)
    meta.take(new, meta.Key.DAMAGE)
    found.put_right.tell_whose(new, now)
    return found


def _read_old(path: Path, new: sqlite3.Connection) -> tuple[salvage.Salvage, dict[str, int]]:
    """Copy rows; the highest numbers given. Raises where nothing can be read now, but perhaps another time."""
    found, sequences = salvage.Salvage(), dict[str, int]()
    try:
        with contextlib.closing(connect.open_reader(path)) as old:
            # Without it, SQLite refuses all of a file that was cut off, and of one with a damaged entry in its schema.
            old.execute("PRAGMA writable_schema = ON")
            found = salvage.copy_rows(old, new)
            numbers = salvage.readable(old, "sqlite_sequence", ("name", "seq"))
            sequences = {str(name): seq for name, seq in numbers if isinstance(seq, int)}
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        # An error for another reason, such as a full disk, says nothing about what can be read.
        if not _tells_damage(error) or (not found.copied and connect.is_unreadable(error)):
            raise
    if not found.copied and found.is_disk_failing:
        raise StoreError(f"{path}: the disk can't read any of it; look at the kernel log, and replace the disk")
    return found, sequences


def _find_device_id(db: sqlite3.Connection) -> None:
    """The id that hits name, if the audit's first row proves that it is this device's; the newest where it was renewed.

    The machine is left out: what the device is bound to is found anew.
    """
    first = next(audit.entries(db, limit=1), None)
    renewed = "SELECT object, json_extract(detail, '$.former') FROM audit WHERE action = ? ORDER BY seq"
    if ids := db.execute(renewed, (audit.RENEWED,)).fetchall():
        meta.put(db, meta.Key.DEVICE_ID, str(ids[-1][0]))
        meta.put(db, meta.Key.AUDIT_ORIGIN, str(ids[0][1]))
        return
    for (device_id,) in db.execute("SELECT DISTINCT json_extract(body, '$.box_id') FROM hits").fetchall():
        meta.put(db, meta.Key.DEVICE_ID, str(device_id))
        if first is not None and chain.follows(first, audit.first_hash(db)):
            return
        meta.take(db, meta.Key.DEVICE_ID)


def _tell_again(db: sqlite3.Connection, now: dt.datetime) -> int:
    """Add alerts whose feed items are lost to the feed again: some puller may not have got them."""
    lost = """SELECT hit_id, body FROM hits WHERE hit_id NOT IN (SELECT hit_id FROM feed WHERE hit_id IS NOT NULL)
        ORDER BY latest_seq"""
    rows = db.execute(lost).fetchall()
    for hit_id, body in rows:
        item = feed.append(Change(db), now, "alert.created", from_line(body), hit_id)
        db.execute("UPDATE hits SET latest_seq = ?1, seen_seq = ?1 WHERE hit_id = ?2", (item.seq, hit_id))
    return len(rows)


def _record(change: Change, damage: Damage, now: dt.datetime) -> None:
    db, body = change.db, {"subject": "damage", "state": damage.state, "detail": damage.detail, "since": damage.since}
    feed.append(change, now, "health", body)
    audit.append(db, now, audit.LOCAL, ACTION, "database", {"state": damage.state, "detail": damage.detail})
    meta.put(db, meta.Key.DAMAGE, json.dumps(asdict(damage)))
