"""Damage that SQLite does not see, and damage of which only a part can be read: what is well is kept and delivered."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path

import pytest

from edge.errors import StoreError
from edge.store import Store
from tests.support.store import ANN, BOB, PAGE, add_hits, enrol, hit_of, roots


@pytest.mark.parametrize(
    "harm", ["UPDATE feed SET body = substr(body, 2)", "UPDATE feed SET at = '2026-99' || substr(at, 8)"]
)
def test_a_damaged_row_of_the_feed_is_a_gap_and_what_follows_is_delivered(
    good: Path, tmp_path: Path, harm: str
) -> None:
    folder = shutil.copytree(good, tmp_path / "bad")
    with contextlib.closing(sqlite3.connect(folder / "edge.db")) as db, db:
        (seq,) = db.execute("SELECT seq FROM feed WHERE type = 'alert.created' LIMIT 1").fetchone()
        db.execute(f"{harm} WHERE seq = ?", (seq,))
    with Store.open(good) as well, Store.open(folder) as store:
        before, after = well.feed(None, 500).items, store.feed(None, 500).items
        assert [item.seq for item in after] == [item.seq for item in before]
        damaged = [item for item in after if item.body.get("cause") == "item damaged"]
        assert [(item.seq, item.type) for item in damaged] == [(seq, "gap")]
        assert [item for item in after if item.seq != seq] == [item for item in before if item.seq != seq]


def test_a_byte_that_is_no_text_keeps_no_row_from_being_read(good: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(good, tmp_path / "bad")
    data = (folder / "edge.db").read_bytes()
    name = ANN.name.encode()
    assert data.count(name) > 3
    (folder / "edge.db").write_bytes(data.replace(name, name[:-1] + b"\xff"))
    with Store.open(folder) as store:
        assert store.damage() is None, "SQLite itself sees nothing wrong"
        alerts = [item for item in store.feed(None, 500).items if item.type == "alert.created"]
        assert len(alerts) == len(store.hits()) == 12
        assert store.forget_person(ANN.person_id).result(20).hits == 12


def test_hits_whose_rows_are_damaged_hide_no_others_and_stop_no_erasure(good: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(good, tmp_path / "bad")
    with contextlib.closing(sqlite3.connect(folder / "edge.db")) as db, db:
        newest = "SELECT hit_id FROM hits ORDER BY hit_id DESC LIMIT 2"
        db.execute(f"UPDATE hits SET body = substr(body, 2) WHERE hit_id IN ({newest})")
        db.execute("UPDATE feed SET body = substr(body, 2) WHERE seq IN (SELECT seq FROM feed LIMIT 4)")
    with Store.open(folder) as store:
        enrol(store, BOB)
        assert len(store.hits()) == 10
        first = store.hits(limit=7)
        assert len(first) == 7, "a page that is short would pass for the last one"
        assert [*first, *store.hits(first[-1].hit_id, 7)] == store.hits()
        assert store.forget_person(BOB.person_id).result(20).is_scrubbed
        assert len(store.hits()) == 10
        assert store.forget_person(ANN.person_id).result(20).is_scrubbed
        assert store.traces([ANN.person_id, ANN.name]) == {}


def test_a_picture_with_an_impossible_name_keeps_nothing_from_opening(good: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(good, tmp_path / "bad")
    with contextlib.closing(sqlite3.connect(folder / "edge.db")) as db, db:
        db.execute(
            "UPDATE images SET sha256 = '\x01' || substr(sha256, 2) WHERE rowid = (SELECT min(rowid) FROM images)"
        )
        db.execute("INSERT INTO doomed_images VALUES ('../../etc/passwd')")
        db.execute("DELETE FROM meta WHERE key = 'last_sweep_at'")
    with Store.open(folder) as store:
        add_hits(store, ANN, range(200, 203))
        assert len(store.hits(limit=500)) == 15


def test_a_file_that_was_cut_off_keeps_the_tables_that_are_whole(good: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(good, tmp_path / "bad")
    with (folder / "edge.db").open("r+b") as file:
        file.truncate((folder / "edge.db").stat().st_size - 8 * PAGE)
    with Store.open(folder) as store:
        mended = store.damage()
        assert mended is not None
        assert "whole database" not in mended.detail
        assert store.people() == [ANN]
        assert store.box_id


@pytest.mark.parametrize("table", ["images", "feed"])
def test_pages_that_point_back_at_each_other_end(good: Path, tmp_path: Path, table: str) -> None:
    """Read as they are, such a table has no end: each page leads to all of them again, twenty deep."""
    folder = shutil.copytree(good, tmp_path / "bad")
    with Store.open(folder) as store:
        add_hits(store, ANN, range(300, 420))
    root = next(page for name, _, page in roots(folder) if name == table)
    data = bytearray((folder / "edge.db").read_bytes())
    start = (root - 1) * PAGE
    assert data[start] in (2, 5), "a page with children"
    num_cells = int.from_bytes(data[start + 3 : start + 5], "big")
    assert num_cells > 2
    for cell in range(1, num_cells):
        at = start + int.from_bytes(data[start + 12 + 2 * cell : start + 14 + 2 * cell], "big")
        data[at : at + 4] = root.to_bytes(4, "big")
    (folder / "edge.db").write_bytes(data)
    with Store.open(folder) as store:
        mended = store.damage()
        assert mended is not None
        assert table in mended.detail
        assert store.people() == [ANN]
        add_hits(store, ANN, range(500, 503))


def test_times_that_are_none_are_found_and_what_they_belong_to_is_kept(good: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(good, tmp_path / "bad")
    with contextlib.closing(sqlite3.connect(folder / "edge.db")) as db, db:
        db.execute("UPDATE users SET created_at = '2026-1x' || substr(created_at, 8)")
        db.execute("UPDATE boots SET wall_at = substr(wall_at, 5)")
        db.execute("UPDATE people SET changed_at = '', expires_at = 'x'")
        db.execute("UPDATE meta SET value = 'x' || value WHERE key IN ('last_sweep_at', 'watchlist_at')")
    with Store.open(folder) as store:
        assert store.damage() is not None
        assert [user.name for user in store.users()] == ["ann"]
        assert store.people() == [ANN]
        assert len(store.hits()) == 12
        add_hits(store, ANN, range(200, 203))


def test_a_schema_that_is_no_text_any_more_is_mended_like_other_damage(good: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(good, tmp_path / "bad")
    data = (folder / "edge.db").read_bytes()
    (folder / "edge.db").write_bytes(data.replace(b"CREATE TABLE users", b"CRE\x96TE T\xffBLE users"))
    with Store.open(folder) as store:
        assert store.damage() is not None
        assert store.people() == [ANN]
        assert len(store.hits()) == 12


def test_changed_letters_of_the_schema_are_put_right_and_told(good: Path, tmp_path: Path) -> None:
    """SQLite finds no fault with a column that is called otherwise."""
    folder = shutil.copytree(good, tmp_path / "bad")
    data = (folder / "edge.db").read_bytes()
    at = data.index(b"token_sha256", data.index(b"CREATE TABLE tokens"))
    (folder / "edge.db").write_bytes(data[:at] + b"tokem_sha256" + data[at + 12 :])
    with Store.open(folder) as store:
        mended = store.damage()
        assert mended is not None
        assert mended.detail == "the schema of the database was damaged and is written anew, nothing is lost"
        assert [token.name for token in store.tokens()] == ["city"]
        assert len(store.hits()) == 12
        assert store.check() == []
    with Store.open(folder) as store:
        assert store.damage() == mended


def test_an_index_that_only_a_thorough_check_finds_wrong_is_rebuilt_when_it_is_met(good: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(good, tmp_path / "bad")
    root = next(page for name, _, page in roots(folder) if name == "sqlite_autoindex_hits_1")
    data = bytearray((folder / "edge.db").read_bytes())
    start = (root - 1) * PAGE
    cell = start + int.from_bytes(data[start + 8 : start + 10], "big")
    data[cell + 1] ^= 0x08  # the length of the first cell's header: its columns lie elsewhere now
    (folder / "edge.db").write_bytes(data)
    with Store.open(folder) as store:
        with contextlib.suppress(StoreError):  # who reads it is told, and has it mended
            for number in range(1, 13):
                store.hit(hit_of(ANN, number)[0].hit_id)
        add_hits(store, ANN, range(200, 203))
        for hit in store.hits(limit=100):
            assert store.hit(hit.hit_id) == hit
        assert len(store.hits(limit=100)) == 15
        mended = store.damage()
        assert mended is not None
        assert mended.state == "rebuilt"
