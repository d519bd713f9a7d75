"""What is done with a data directory before the store works on it: mend, migrate, choose the epoch, sweep, reserve."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from edge.store import images, reserve, retention
from edge.store.backup import restore
from edge.store.blobs import Blobs
from edge.store.core import Clocks, Core, Steps
from edge.store.database import meta
from edge.store.feed import epoch
from edge.store.identity import identity
from edge.store.repair import damage, room, set_aside


def open_core(data_dir: Path, clocks: Clocks) -> Core:
    """Open or create a data directory; StoreError where it can't be used."""

    def prepare(db: sqlite3.Connection, blobs: Blobs) -> None:
        meta.device_id(db)
        identity.bind_first(db, clocks.wall())
        epoch.choose_epoch(db, data_dir, clocks.wall())
        images.delete_released(db, blobs)
        images.sweep_if_due(db, blobs, clocks.wall())
        reserve.create(data_dir)

    def make_room(db: sqlite3.Connection, blobs: Blobs) -> None:
        images.forget_missing(db, blobs)  # whose files went so that the database could be opened
        retention.make_room(db, blobs, data_dir)

    def mend(blobs: Blobs) -> None:
        restore.finish(data_dir)
        damage.mend(data_dir / "edge.db", blobs, clocks.wall())

    give_up = (
        lambda is_alone: bool(set_aside.drop(data_dir)),
        lambda is_alone: reserve.release(data_dir),
        lambda is_alone: is_alone and room.delete_pictures(data_dir / "edge.db", Blobs(data_dir / "blobs")),
    )
    return Core(data_dir, clocks, Steps(prepare, make_room, give_up, mend))
