"""The pages of the schema are kept a second time: a lost first page costs nothing, and that is told."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path

import pytest

from edge.errors import StoreError
from edge.store import Store
from edge.store.repair import first_pages
from tests.support.store import ANN, PAGE, add_hits


def pages_of_schema(folder: Path) -> list[int]:
    with contextlib.closing(sqlite3.connect(folder / "edge.db")) as db:
        return [row[0] for row in db.execute("SELECT pageno FROM dbstat WHERE name = 'sqlite_schema' ORDER BY path")]


@pytest.mark.parametrize("which", [0, 1, -1])
@pytest.mark.parametrize("content", [bytes(PAGE), b"\xff" * PAGE])
def test_a_lost_page_of_the_schema_costs_nothing_and_is_told(
    good: Path, tmp_path: Path, which: int, content: bytes
) -> None:
    folder = shutil.copytree(good, tmp_path / "bad")
    page = pages_of_schema(folder)[which]
    with (folder / "edge.db").open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(content)
    with Store.open(folder) as store:
        found = store.damage()
        assert found is not None
        assert (found.state, "nothing is lost" in found.detail) == ("rebuilt", True)
        assert store.people() == [ANN]
        assert [user.name for user in store.users()] == ["ann"]
        assert len(store.hits()) == 12
        add_hits(store, ANN, [200])
        assert store.check() == []
        assert store.forget_person(ANN.person_id).result(20).is_scrubbed


def test_free_pages_that_nobody_knows_any_more_make_a_copy_of_every_row(good: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(good, tmp_path / "bad")
    with contextlib.closing(sqlite3.connect(folder / "edge.db")) as db:
        db.executescript("PRAGMA secure_delete = ON; DELETE FROM hits; PRAGMA wal_checkpoint(TRUNCATE)")
        assert db.execute("PRAGMA freelist_count").fetchone()[0] > 0
    with (folder / "edge.db").open("r+b") as file:
        file.write(bytes(PAGE))
    with Store.open(folder) as store:
        found = store.damage()
        assert found is not None
        assert (found.state, "can't be read" in found.detail) == ("repaired", False)
        assert store.people() == [ANN]
        assert store.check() == []


def test_the_copy_of_another_history_is_not_used(good: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(good, tmp_path / "bad")
    copy = (folder / first_pages.FILE).read_bytes()
    (folder / first_pages.FILE).write_bytes(b"0123456789abcdef" + copy[16:])
    with (folder / "edge.db").open("r+b") as file:
        file.write(bytes(PAGE))
    with Store.open(folder) as store:
        found = store.damage()
        assert found is not None
        assert "the whole database" in found.detail


def test_another_program_s_database_in_its_place_stays_as_it_is(good: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(good, tmp_path / "bad")
    (folder / "edge.db").unlink()
    with contextlib.closing(sqlite3.connect(folder / "edge.db")) as db:
        db.executescript("CREATE TABLE x (y); INSERT INTO x SELECT hex(zeroblob(500000));")
    before = (folder / "edge.db").read_bytes()
    with pytest.raises(StoreError, match="some other program"):
        Store.open(folder)
    assert (folder / "edge.db").read_bytes() == before
