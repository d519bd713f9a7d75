"""What is done with a data directory before the store works on it: mend, migrate, choose the epoch, sweep, reserve."""

from __future__ import annotations

import datetime as dt
import logging
import sqlite3
from pathlib import Path

from edge.store import images, reserve, retention, update
from edge.store.backup import restore
from edge.store.blobs import Blobs
from edge.store.core import Clocks, Core, Steps
from edge.store.database import connect, meta
from edge.store.database.jobs import Change
from edge.store.feed import epoch
from edge.store.identity import identity
from edge.store.repair import first_pages, former_data, mending, room

log = logging.getLogger(__name__)


def open_core(data_dir: Path, clocks: Clocks) -> Core:
    """Open or create a data directory; StoreError where it can't be used."""

    untold: list[former_data.Dropped] = []

    def prepare(db: sqlite3.Connection, blobs: Blobs) -> None:
        meta.device_id(db)
        identity.bind_first(db, clocks.wall())
        epoch.choose_epoch(db, data_dir, clocks.wall())
        while untold:
            with connect.immediate(db):
                retention.tell_dropped(Change(db), untold[-1], clocks.wall())
            untold.pop()
        _put_pictures_in_order(db, blobs, clocks.wall())
        reserve.create(data_dir)
        connect.truncate_log(db, data_dir / "edge.db", tries=1)

    def make_room(db: sqlite3.Connection, blobs: Blobs) -> None:
        images.forget_missing(db, blobs)  # whose files went so that the database could be opened
        if (lacking := retention.SHED_BYTES - reserve.free_bytes(data_dir)) > 0:
            retention.make_room(db, blobs, data_dir, clocks.wall(), lacking)

    def mend(blobs: Blobs, is_damaged: bool) -> None:
        restore.finish(data_dir)
        update.drop_unswapped(data_dir)
        mending.mend(data_dir / "edge.db", blobs, clocks.wall(), is_damaged=is_damaged)

    def drop_former_data(is_alone: bool) -> bool:
        if dropped := former_data.drop(data_dir):
            untold.append(dropped)
        return bool(dropped)

    give_up = (
        drop_former_data,
        lambda is_alone: reserve.release(data_dir),
        lambda is_alone: is_alone and room.delete_pictures(data_dir / "edge.db", Blobs(data_dir / "blobs")),
    )
    core = Core(data_dir, clocks, Steps(prepare, make_room, give_up, mend))
    first_pages.keep(core.path, core.file_key)
    return core


def _put_pictures_in_order(db: sqlite3.Connection, blobs: Blobs, now: dt.datetime) -> None:
    """Delete files that nothing names, forget those that are gone; a folder that can't be used stops no start."""
    try:
        images.delete_released(db, blobs)
        images.sweep_if_due(db, blobs, now)
    except OSError as error:
        if connect.is_full(error):
            raise
        log.error("pictures can't be looked through: %s", error)
