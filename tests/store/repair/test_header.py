"""A changed byte in the first hundred of the file costs nothing: what is known of them is put right, and told."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from edge.errors import StoreError
from edge.store import Damage, Store
from edge.store.feed.epoch_file import FILE
from tests.support.store import ANN, add_hits


def close(folder: Path) -> None:
    """Leave the database without a log, as an orderly end does."""
    with contextlib.closing(sqlite3.connect(folder / "edge.db")) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for name in ("edge.db-wal", "edge.db-shm"):
        (folder / name).unlink(missing_ok=True)


def overwrite(path: Path, at: int, data: bytes) -> None:
    whole = bytearray(path.read_bytes())
    whole[at : at + len(data)] = data
    path.write_bytes(whole)


PLACES = (0, 15, 16, 17, 18, 19, 20, 21, 47, 59, 63, 67, 68, 69, 71, 91)


def change_byte(path: Path, at: int, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= bit
    path.write_bytes(data)


def require_told_and_whole(store: Store) -> Damage:
    """The header was written anew, and hits come as before; what was told."""
    found = store.damage()
    assert found is not None
    assert (found.state, "header of the database" in found.detail) == ("rebuilt", True)
    assert store.people() == [ANN]
    add_hits(store, ANN, range(200, 203))
    assert len(store.hits()) == 15
    return found


@pytest.mark.parametrize("bit", [0x01, 0x80])
@pytest.mark.parametrize("at", PLACES)
def test_a_changed_byte_of_the_header_costs_nothing_and_is_told(good: Path, tmp_path: Path, at: int, bit: int) -> None:
    folder = shutil.copytree(good, tmp_path / "bad")
    change_byte(folder / "edge.db", at, bit)
    with Store.open(folder) as store:
        found = require_told_and_whole(store)
        told = [item for item in store.feed(None, 500).items if item.body.get("subject") == "damage"]
        assert len(told) == 1
    with Store.open(folder) as store:
        assert store.check() == []
        assert store.damage() == found


@pytest.mark.parametrize("told", [5, 1_000_000])
def test_a_wrong_number_of_pages_costs_nothing_and_is_told(good: Path, tmp_path: Path, told: int) -> None:
    """Of a smaller one, SQLite would see the first pages alone."""
    folder = shutil.copytree(good, tmp_path / "bad")
    close(folder)
    overwrite(folder / "edge.db", 28, told.to_bytes(4, "big"))
    with Store.open(folder) as store:
        require_told_and_whole(store)
        assert store.check() == []


def require_repaired(store: Store, told: str) -> None:
    """Every row was copied into a new database, and that is told."""
    found = store.damage()
    assert found is not None
    assert (found.state, told in found.detail) == ("repaired", True)
    assert store.people() == [ANN]
    assert len(store.hits()) == 12
    assert store.check() == []


def test_a_header_of_nothing_but_zeros_costs_no_row(good: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(good, tmp_path / "bad")
    close(folder)
    overwrite(folder / "edge.db", 0, bytes(100))
    with Store.open(folder) as store:
        require_repaired(store, "every row could be read")


def test_pages_behind_the_last_are_left_as_they_are(good: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(good, tmp_path / "bad")
    close(folder)
    with (folder / "edge.db").open("ab") as file:
        file.write(b"x" * 3 * 4096)
    with Store.open(folder) as store:
        assert store.damage() is None
        assert len(store.hits()) == 12


@pytest.mark.parametrize("change", [-1000, 1000])
def test_a_file_cut_within_a_page_is_copied_row_by_row_and_told(good: Path, tmp_path: Path, change: int) -> None:
    """SQLite takes what is missing for zeros, and its check finds nothing wrong."""
    folder = shutil.copytree(good, tmp_path / "bad")
    close(folder)
    os.truncate(folder / "edge.db", (folder / "edge.db").stat().st_size + change)
    with Store.open(folder) as store:
        require_repaired(store, "")
        assert [item.body["cause"] for item in store.feed(None, 500).items if item.type == "gap"] == [
            "database damaged"
        ]


def test_a_journal_beside_the_database_does_not_stop_the_start(good: Path, tmp_path: Path) -> None:
    """A reader may neither take back nor throw away what it holds, so it could read nothing at all."""
    folder = shutil.copytree(good, tmp_path / "bad")
    close(folder)
    magic = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"
    (folder / "edge.db-journal").write_bytes(magic + bytes(range(256)) * 20)
    with Store.open(folder) as store:
        assert store.people() == [ANN]
        assert len(store.hits()) == 12
    assert not (folder / "edge.db-journal").exists()


def test_the_mark_is_put_right_without_the_file_that_remembers_the_epoch(good: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(good, tmp_path / "bad")
    (folder / FILE).unlink()
    change_byte(folder / "edge.db", 69, 0x04)
    with Store.open(folder) as store:
        assert store.people() == [ANN]


def test_a_copy_without_a_log_is_not_taken_for_damaged(good: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(good, tmp_path / "copied")
    (folder / "edge.db").unlink()
    with sqlite3.connect(good / "edge.db") as db:
        db.execute("VACUUM INTO ?", (str(folder / "edge.db"),))
    assert (folder / "edge.db").read_bytes()[18:20] == b"\x01\x01"
    with Store.open(folder) as store:
        assert store.damage() is None
        assert len(store.hits()) == 12


def test_tables_named_like_ours_make_no_database_ours(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "edge.db") as db:
        for name in ("migrations", "meta", "people", "person_references", "hits", "images", "feed", "audit"):
            db.execute(f"CREATE TABLE {name} (number, name, sha256)")
    before = (tmp_path / "edge.db").read_bytes()
    with pytest.raises(StoreError, match="some other program"):
        Store.open(tmp_path)
    assert (tmp_path / "edge.db").read_bytes() == before


@pytest.mark.parametrize("word", [b"migrations (\n    number", b"KEY, name", b"NULL, sha256"])
def test_a_changed_letter_of_the_record_of_migrations_costs_nothing(good: Path, tmp_path: Path, word: bytes) -> None:
    """By that record the database is known as ours."""
    folder = shutil.copytree(good, tmp_path / "bad")
    data = (folder / "edge.db").read_bytes()
    change_byte(folder / "edge.db", data.index(word, data.index(b"CREATE TABLE migrations")) + len(word) - 1, 0x01)
    with Store.open(folder) as store:
        found = store.damage()
        assert found is not None
        assert (found.state, found.detail[:34]) == ("rebuilt", "the schema of the database was dam")
        assert len(store.hits()) == 12
    with Store.open(folder) as store:
        assert store.damage() == found
