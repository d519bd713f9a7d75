"""Erasing goes in slices and beside the writer: alerts get their turn, and what a kill cuts off is made good."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.errors import StoreError
from edge.records import Person
from edge.store import Listing, Store, images, update
from edge.store.audit.spellings import Wanted
from edge.store.blobs import Blobs
from edge.store.database import meta, slices
from edge.store.database.jobs import Change
from edge.store.people import copies
from edge.store.people.erasure import Erasing
from edge.store.rows import Receipt
from tests.support.store import ANN, BOB, NOW, enrol, hit_of, kept_files


def test_alerts_are_stored_while_a_copy_of_the_database_is_rewritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go_on, is_at_it, rewrite = threading.Event(), threading.Event(), copies._erase_from

    def slowly(*args: Any) -> bool:
        is_at_it.set()
        assert may_go_on.wait(30)
        return rewrite(*args)

    monkeypatch.setattr(copies, "_erase_from", slowly)
    with Store.open(tmp_path) as store:
        enrol(store, ANN)
        enrol(store, BOB)
        store.add_hit(*hit_of(BOB, 1)).result(10)
        shutil.copy(tmp_path / "edge.db", tmp_path / "edge.db.before")
        erased = store.forget_person("bob-2")
        assert is_at_it.wait(30)
        store.add_hit(*hit_of(ANN, 2)).result(10)
        assert not erased.done()
        may_go_on.set()
        assert erased.result(30).is_scrubbed


def test_pictures_of_the_erased_go_a_few_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remove, sizes = Blobs.remove, []

    def count(blobs: Blobs, hashes: Iterable[str]) -> int:
        hashes = list(hashes)
        sizes.append(len(hashes))
        return remove(blobs, hashes)

    with Store.open(tmp_path) as store:
        enrol(store, BOB)
        for number in range(1, 31):
            store.add_hit(*hit_of(BOB, number)).result(10)
        monkeypatch.setattr(Blobs, "remove", count)
        assert store.forget_person("bob-2").result(30).images > 30
    assert kept_files(tmp_path) == []
    assert sum(sizes) > 30
    assert max(sizes) <= images.FILES_AT_A_TIME, "an alert may wait for the disk to delete these"


def test_a_kill_before_the_copies_were_reached_leaves_nobody_in_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open(tmp_path) as store:
        enrol(store, ANN)
        enrol(store, BOB)
    for name in ("edge.db.before", "edge.db.refused"):
        shutil.copy(tmp_path / "edge.db", tmp_path / name)
    with Store.open(tmp_path) as store, monkeypatch.context() as killed:

        def stop(folder: Path) -> bool:
            raise StoreError("killed")

        killed.setattr(copies, "drop_former_data", stop)
        with pytest.raises(StoreError, match="killed"):
            store.forget_person("bob-2").result(30)
    with Store.open(tmp_path) as store:
        deadline = time.monotonic() + 30
        while store._core.read(lambda db: meta.get(db, meta.Key.SCRUB_DUE)) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert store.traces(["bob-2", BOB.name]) == {}
    assert update.roll_back(tmp_path, NOW)
    with Store.open(tmp_path) as store:
        assert store.people() == [ANN]


def test_the_audit_is_read_once_however_many_are_erased(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked, named_in = [], Wanted.named_in

    def count(wanted: Wanted, text: str) -> Iterator[str]:
        looked.append(text)
        return named_in(wanted, text)

    everyone = [Listing(Person(f"p-{number:03}", f"Person {number:03}", "x")) for number in range(60)]
    with Store.open(tmp_path) as store:
        store.replace_people([Listing(ANN), *everyone]).result(30)
        for number in range(20):
            store.audit("guard", "hits.search", f"/hits?person=Person%20{number:03}").result(10)
        rows = len(list(store.audit_log.lines()))
        monkeypatch.setattr(Wanted, "named_in", count)
        receipts = store.replace_people([Listing(ANN)]).result(30)
        assert len(receipts) == 60
        assert len(looked) <= 2 * (rows + 1)
        assert not [one for one in store.audit_log.lines() if "Person" in str(one)]
        assert store.audit_log.verify().problems == ()


@pytest.mark.parametrize(
    "query", ["J%FCrgen+Gro%DF", "J%25C3%25BCrgen%20Gro%25C3%259F", "j%C3%BCrgen%20gross", "Ju%CC%88rgen+Gro%C3%9F"]
)
def test_the_audit_forgets_a_name_in_whatever_encoding_it_was_asked_for(tmp_path: Path, query: str) -> None:
    with Store.open(tmp_path) as store:
        enrol(store, Person("jg-1", "Jürgen Groß", "missing"))
        store.audit("guard", "hits.search", f"/hits?person={query}").result(10)
        store.audit("guard", "hits.search", "/hits?person=somebody%20else").result(10)
        store.forget_person("jg-1").result(20)
        asked = [entry.object for entry in store.audit_log.newest() if entry.action == "hits.search"]
        assert asked == ["/hits?person=somebody%20else", None]


@pytest.mark.parametrize("which", [1, 4, 12, 20])
def test_a_slice_that_found_the_disk_full_is_done_again_from_where_it_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: int
) -> None:
    run_slice, runs = Erasing.run_slice, iter(range(1, 10_000))

    def fill(erasing: Erasing, change: Change) -> list[Receipt] | None:
        done = run_slice(erasing, change)
        if next(runs) == which:
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error
        return done

    with Store.open(tmp_path) as store:
        enrol(store, ANN)
        enrol(store, BOB)
        for number in range(12):
            store.add_hit(*hit_of(BOB if number % 2 else ANN, number)).result(10)
        monkeypatch.setattr(slices, "SLICE_S", 0.0)
        monkeypatch.setattr(Erasing, "run_slice", fill)
        receipt = store.forget_person("bob-2").result(30)
        assert (receipt.hits, receipt.references) == (6, 1)
        assert next(runs) > which
        assert {hit.person.person_id for hit in store.hits(limit=100)} == {ANN.person_id}
        assert not any("bob-2" in str(item.body) for item in store.feed(None, 100).items)
