"""Free pages are given back to the disk as far as the file allows it."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from edge.store.database.gaps import give_back_pages


@pytest.mark.parametrize("is_kept", [False, True])
def test_giving_back_ends_also_where_the_file_keeps_its_free_pages(tmp_path: Path, *, is_kept: bool) -> None:
    path = tmp_path / "edge.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(f"PRAGMA auto_vacuum = {'NONE' if is_kept else 'INCREMENTAL'}")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE words (word BLOB)")
        db.execute("INSERT INTO words VALUES (zeroblob(400000))")
        db.execute("DELETE FROM words")
        tries = next(number for number in range(1, 500) if give_back_pages(db, path))
        assert (tries == 1) == is_kept
        assert (db.execute("PRAGMA freelist_count").fetchone()[0] > 0) == is_kept
