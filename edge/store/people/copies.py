"""Erasing a person from the copies of the database that an update has left beside it."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import shutil
import sqlite3
from collections.abc import Collection, Sequence
from pathlib import Path

from edge.errors import EdgeError
from edge.store.audit import audit
from edge.store.backup import parts
from edge.store.blobs import FORMER
from edge.store.database import connect
from edge.store.database.jobs import Change
from edge.store.people import erasure, people
from edge.store.repair.former_data import QUARANTINE, REFUSED
from edge.store.update import BEFORE, COPY, drop_unswapped

log = logging.getLogger(__name__)


def erase_from_copies(folder: Path, person_ids: Sequence[str], listed: Collection[str], now: dt.datetime) -> bool:
    """Erase people also from the database before an update; returns whether no copy can name them any more.

    Besides those given, everybody in the copy goes who is no longer `listed`: an erasure that was cut off is made good.
    That copy is needed if the update is taken back, so only people go. One that can't be changed is deleted, as
    are the database that a rollback has replaced and one whose migration was cut off: nothing needs them.
    """
    before = folder / BEFORE
    try:
        drop_unswapped(folder)
        if before.exists() and not _erase_from(before, person_ids, listed, now):
            log.warning("%s was deleted: an erasure could not change it, and it may name who was erased", before)
            _remove(before)
        _remove(folder / REFUSED)
        _remove(folder / COPY)
    except OSError as error:
        log.warning("a copy of the database may still name who was erased: %s", error)
        return False
    return True


def drop_former_data(folder: Path) -> bool:
    """Delete the copies of former data that a repair, a restore or a backup has made; returns whether none is left.

    It can't be searched for people: a damaged database least of all.
    """
    shutil.rmtree(folder / QUARANTINE, ignore_errors=True)
    with contextlib.suppress(OSError):
        (folder / FORMER).unlink(missing_ok=True)
    is_gone = parts.drop_copies(folder) and not any((folder / name).exists() for name in (QUARANTINE, FORMER))
    if not is_gone:
        log.warning(
            "%s: copies of former data that may name who was erased can't be deleted; delete it by hand", folder
        )
    return is_gone


def _erase_from(path: Path, person_ids: Sequence[str], listed: Collection[str], now: dt.datetime) -> bool:
    try:
        with contextlib.closing(connect.open_writer(path)) as db:
            with connect.immediate(db):
                there = {person.person_id for person in people.all_people(db)}
                if away := [person_id for person_id in person_ids if person_id not in there]:
                    audit.blank_rows_about(db, audit.About(dict.fromkeys(away, ())))
                gone = sorted(one for one in there if one in person_ids or one not in listed)
                change = Change(db)
                erasure.begin(change, gone, audit.LOCAL, now)
                erasing = erasure.Erasing(erasure.unfinished(db), lambda: now)
                while erasing.run_slice(change) is None:
                    pass  # nobody waits for this copy
            db.execute("VACUUM")  # written anew: nothing is left between the rows
            return connect.truncate_log(db, path) == 0
    except (sqlite3.Error, EdgeError):
        return False


def _remove(path: Path) -> None:
    for file in connect.files_of(path):
        file.unlink(missing_ok=True)
