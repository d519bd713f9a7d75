"""Damaged pages: the store opens in every case, keeps what can be read, stores hits, and says what happened."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path

import pytest

from edge.errors import StoreError
from edge.store import AuditHead, Damage, Store
from edge.store.repair import mending
from edge.store.repair.damage import ACTION
from edge.store.repair.first_pages import FILE
from edge.store.repair.former_data import QUARANTINE
from tests.support.store import ANN, BOB, PAGE, add_hits, enrol, roots

LOST_WITH_THEIR_ROOT = {"users", "tokens", "person_references", "audit"}


def damage(folder: Path, page: int, content: bytes = bytes(PAGE)) -> None:
    with (folder / "edge.db").open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(content)


def check_health(store: Store, head: AuditHead | None) -> Damage:
    """It works, tells of the damage everywhere, and has a history of its own."""
    assert store.check() == []
    assert store.trouble() is None
    mended = store.damage()
    assert mended is not None
    bodies = [item.body for item in store.feed(None, 500).items if item.type == "health"]
    assert [body["state"] for body in bodies if body["subject"] == "damage"] == [mended.state]
    assert ACTION in [entry.action for entry in store.audit_log.newest()]
    last = store.audit_head()
    assert last is not None
    assert head is None or last.seq > head.seq
    return mended


def test_whatever_page_is_zeroed_it_opens_keeps_what_it_can_and_stores_hits(good: Path, tmp_path: Path) -> None:
    with Store.open(good) as store:
        epoch, cursor, head, box_id = store.epoch, store.head_cursor(), store.audit_head(), store.box_id
    for name, kind, page in roots(good):
        bad = tmp_path / name
        shutil.copytree(good, bad)
        damage(bad, page)
        with Store.open(bad) as store:
            enrol(store, BOB)
            add_hits(store, BOB, [200, 201])
            mended = check_health(store, head)
            assert store.count_hits() == 14, name
            bodies = [item.body for item in store.feed(None, 500).items]
            assert len({body["hit_id"] for body in bodies if "hit_id" in body}) == 14, f"{name}: an alert is not told"
            assert store.head_seq() > 14, "no seq is given twice"
            if mended.state == "repaired":
                assert store.epoch != epoch
                assert (bad / QUARANTINE / "edge.db").is_file()
                assert "database damaged" in [body.get("cause") for body in bodies]
                with pytest.raises(Exception, match="start again from 'oldest'"):
                    store.feed(cursor, 10)
            if kind == "index":
                assert "can't be read" not in mended.detail, name
            if name not in LOST_WITH_THEIR_ROOT:
                assert ([p.person_id for p in store.people()], store.users()[0].name) == (["ann-1", "bob-2"], "ann")
                assert store.audit_log.verify().problems == () or name == "meta"
                assert store.box_id == box_id or name == "meta"
        with Store.open(bad) as store:
            assert store.damage() == mended, "a second start finds nothing new"
        shutil.rmtree(bad)


def test_a_damaged_leaf_costs_only_its_own_rows(good: Path, tmp_path: Path) -> None:
    shutil.copytree(good, tmp_path / "bad")
    with contextlib.closing(sqlite3.connect(good / "edge.db")) as db:
        leaves = "SELECT pageno, ncell FROM dbstat WHERE name = 'audit' AND pagetype = 'leaf' ORDER BY path"
        (page, lost), *_ = db.execute(leaves).fetchall()[1:2] or db.execute(leaves).fetchall()
        total = db.execute("SELECT count(*) FROM audit").fetchone()[0]
    damage(tmp_path / "bad", page)
    with Store.open(tmp_path / "bad") as store:
        check_health(store, None)
        assert len(list(store.audit_log.lines())) == total - lost + 1


def test_an_index_that_misses_entries_is_rebuilt_in_place(good: Path, tmp_path: Path) -> None:
    shutil.copytree(good, tmp_path / "bad")
    with contextlib.closing(sqlite3.connect(good / "edge.db")) as db:
        query = "SELECT pageno FROM dbstat WHERE name = 'feed_by_hit' AND pagetype = 'leaf' ORDER BY path DESC"
        page = db.execute(query).fetchone()[0]
    damage(tmp_path / "bad", page)
    with Store.open(tmp_path / "bad") as store:
        mended = check_health(store, None)
        assert store.count_hits() == 12
        assert "can't be read" not in mended.detail


def test_the_first_page_holds_the_schema_and_without_it_and_its_copy_all_is_new(good: Path, tmp_path: Path) -> None:
    shutil.copytree(good, tmp_path / "bad")
    (tmp_path / "bad" / FILE).unlink()
    damage(tmp_path / "bad", 1)
    with Store.open(tmp_path / "bad") as store:
        assert "the whole database" in check_health(store, None).detail
        enrol(store, ANN)
        add_hits(store, ANN, [300])
        assert store.head_seq() > 13, "no seq is given twice"
    assert (tmp_path / "bad" / QUARANTINE / "edge.db").read_bytes()[:PAGE] == bytes(PAGE)


def test_a_file_that_was_never_ours_is_refused_as_before(tmp_path: Path) -> None:
    (tmp_path / "edge.db").write_bytes(b"some other program's file" * 400)
    with pytest.raises(StoreError, match="not a database"):
        Store.open(tmp_path)
    assert not (tmp_path / QUARANTINE).exists()


def test_damage_that_shows_while_it_runs_is_mended_and_no_hit_is_lost(good: Path, tmp_path: Path) -> None:
    shutil.copytree(good, tmp_path / "bad")
    page = next(page for name, _, page in roots(good) if name == "hits_by_seq")
    with Store.open(tmp_path / "bad") as store:
        epoch = store.epoch
        damage(tmp_path / "bad", page)
        store._core.write(lambda change: None, finish=lambda db, _: db.execute("PRAGMA shrink_memory")).result(20)
        add_hits(store, ANN, [400])
        check_health(store, None)
        assert store.count_hits() == 13
        assert store.epoch != epoch
        assert store.feed(None, 500).epoch == store.epoch
        seen: list[int] = []
        store.subscribe(lambda item: seen.append(item.seq))
        add_hits(store, ANN, [401])
        assert seen == [store.head_seq()]


def test_a_repair_on_demand_waits_for_other_processes(good: Path, tmp_path: Path) -> None:
    shutil.copytree(good, tmp_path / "bad")
    page = next(page for name, _, page in roots(good) if name == "hits_by_review")
    with Store.open(tmp_path / "bad") as store:
        with Store.open(tmp_path / "bad"):
            damage(tmp_path / "bad", page)
            store.repair()
            store.audit("gwen", "x", "y").result(20)
            assert store.damage() is None
        store.repair()
        store.audit("gwen", "x", "y").result(20)
        check_health(store, None)


def test_a_swap_that_was_cut_off_is_finished(good: Path, tmp_path: Path) -> None:
    shutil.copytree(good, tmp_path / "bad")
    whole = (tmp_path / "bad" / "edge.db").read_bytes()
    (tmp_path / "bad" / "edge.db.repaired").write_bytes(whole)
    damage(tmp_path / "bad", 3)
    with Store.open(tmp_path / "bad") as store:
        assert store.count_hits() == 12
        assert store.damage() is None
    (tmp_path / "bad" / "edge.db").replace(tmp_path / "bad" / "edge.db.repaired")
    with Store.open(tmp_path / "bad") as store:
        assert store.count_hits() == 12
    assert (tmp_path / "bad" / QUARANTINE / "edge.db").is_file()


def test_an_erasure_deletes_what_is_in_quarantine(good: Path, tmp_path: Path) -> None:
    shutil.copytree(good, tmp_path / "bad")
    damage(tmp_path / "bad", next(page for name, _, page in roots(good) if name == "hits_by_review"))
    with Store.open(tmp_path / "bad") as store:
        assert (tmp_path / "bad" / QUARANTINE).is_dir()
        assert store.forget_person(ANN.person_id).result(30).is_scrubbed
        assert not (tmp_path / "bad" / QUARANTINE).exists()


@pytest.mark.parametrize("is_killed", [False, True])
@pytest.mark.parametrize(("limit", "times"), [(1_000_000_000, 1), (0, 0)])
def test_a_large_database_is_used_before_it_is_checked(
    good: Path, monkeypatch: pytest.MonkeyPatch, is_killed: bool, limit: int, times: int
) -> None:
    monkeypatch.setattr(mending, "CHECKED_AT_START_BYTES", limit)
    checked: list[bool] = []

    def look(db: sqlite3.Connection, *, is_thorough: bool = False) -> list[str]:
        checked.append(True)
        return []

    monkeypatch.setattr(mending, "problems", look)
    if is_killed:
        (good / "edge.db-wal").write_bytes(b"left by a service that was killed")
    with Store.open(good) as store:
        assert len(checked) == times
        assert store.count_hits() == 12
