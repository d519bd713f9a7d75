"""A new database in the place of one too damaged to mend: what can be read is copied, and the rest made up or told."""

from __future__ import annotations

import contextlib
import datetime as dt
import secrets
import sqlite3
from pathlib import Path

from edge.errors import StoreError
from edge.store import migrate, reserve
from edge.store.audit import audit, chain
from edge.store.blobs import Blobs
from edge.store.codec import from_line, time_to_text
from edge.store.database import connect, meta
from edge.store.database.jobs import Change
from edge.store.feed import feed
from edge.store.feed.epoch_file import EpochFile
from edge.store.images import forget_missing
from edge.store.repair import remake, room, salvage, swap
from edge.store.repair.damage import Damage, record, tells_damage
from edge.store.repair.former_data import megabytes

_MARGIN_BYTES = 1_000_000
"""Room for a copy beyond the size of what is copied."""


def make(path: Path, blobs: Blobs, now: dt.datetime) -> Damage:
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
            needed = max(needed, reserve.free_bytes(path.parent) + room.STEP_BYTES)
            if not (more := room.make(path, blobs, needed)):
                free = megabytes(reserve.free_bytes(path.parent))
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
            record(Change(db), damage, now)
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
        if not tells_damage(error) or (not found.copied and connect.is_unreadable(error)):
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
