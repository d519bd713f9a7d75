"""Cases that take pictures and hits from the data directory."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from edge.ops.doctor import Check
from edge.ops.doctor.people import check_losses
from edge.store import Store
from tests.support import store as material
from tests.support.doctor.cases import Case, one


def without_a_picture(folder: Path) -> Check:
    with Store.open(folder) as store:
        material.enrol(store, material.ANN)
        material.kept_files(folder)[0].unlink()
        return one(check_losses(store), "pictures")


def without_a_folder_of_pictures(folder: Path) -> Check:
    (folder / "blobs").symlink_to(folder / "away")
    with Store.open(folder) as store:
        return one(check_losses(store), "pictures")


def with_a_damaged_hit(folder: Path) -> Check:
    with Store.open(folder) as store:
        material.enrol(store, material.ANN)
        material.add_hits(store, material.ANN, [1])
    with contextlib.closing(sqlite3.connect(folder / "edge.db")) as db, db:
        for table in ("hits", "feed"):
            db.execute(f"UPDATE {table} SET body = substr(body, 2)")
    with Store.open(folder) as store:
        return one(check_losses(store), "hits")


LOSSES: list[Case] = [
    (without_a_picture, "pictures", "warn", "edge backup restore"),
    (without_a_folder_of_pictures, "pictures", "fail", "blobs"),
    (with_a_damaged_hit, "hits", "warn", "edge backup restore"),
]
