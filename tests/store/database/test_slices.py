"""Erasing many people: one scan and one scrub for all, in slices between which alerts are stored."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from edge.errors import ConflictError, NotFoundError
from edge.records import Person
from edge.store import Listing, Store
from edge.store.database import slices
from edge.store.database.gaps import GapScrub, scrub_page
from edge.store.people import changes, erasure
from tests.support.store import ANN, BOB, NOW, add_hits, enrol, hit_of, kept_files

GONE = [Person(f"gone-{number}", f"Gone Person {number}", "wanted") for number in range(5)]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(slices, "SLICE_S", 0.0)  # one piece of work in each slice
    monkeypatch.setattr(erasure, "HITS_AT_A_TIME", 2)
    monkeypatch.setattr(erasure, "ROWS_AT_A_TIME", 7)
    with Store.open(tmp_path) as opened:
        for person in (ANN, *GONE):
            enrol(opened, person)
        for number in range(40):
            opened.add_hit(*hit_of(GONE[number % 5], number, runner_up="ann-1")).result(20)
        yield opened


def test_alerts_are_stored_while_people_are_erased(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    slices: list[int] = []
    real = erasure.Erasing.run_slice

    def run_slice(self: erasure.Erasing, change: Any) -> Any:
        slices.append(len(order))
        if len(slices) % 20 == 1 and len(slices) < 100:  # an alert comes in the middle of a slice
            alert = store.add_hit(*hit_of(ANN, 1000 + len(slices)))
            alert.add_done_callback(lambda done: order.append("alert"))
        return real(self, change)

    monkeypatch.setattr(erasure.Erasing, "run_slice", run_slice)
    erased = store.replace_people([Listing(ANN)])
    erased.add_done_callback(lambda done: order.append("erased"))
    receipts = erased.result(60)
    assert [receipt.hits for receipt in receipts] == [8] * 5
    assert all(receipt.is_scrubbed for receipt in receipts)
    assert order == ["alert"] * (len(order) - 1) + ["erased"]
    assert slices.index(1) <= 2, "it shares a commit with the next slice at most"
    assert store.people() == [ANN]


def test_all_are_erased_by_one_scan_and_one_scrub(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    ranges: list[tuple[str, int, int]] = []
    passes: list[int] = []
    next_range, scrub_until = erasure.Erasing._next_range, GapScrub._scrub_until

    def noting_range(self: Any, db: Any, table: str, *more: Any) -> tuple[int, int]:
        found = next_range(self, db, table, *more)
        ranges.append((table, *found))
        return found

    def noting_page(self: Any, *given: Any) -> bool:
        passes.append(self.page)
        return scrub_until(self, *given)

    monkeypatch.setattr(erasure.Erasing, "_next_range", noting_range)
    monkeypatch.setattr(GapScrub, "_scrub_until", noting_page)
    store.replace_people([Listing(ANN)]).result(60)
    for table in ("feed", "hits", "audit"):
        firsts = [first for name, first, last in ranges if name == table and last]
        assert firsts == sorted(set(firsts)), f"{table} was read more than once"
    assert passes == sorted(set(passes))
    assert passes[0] == 2


def test_whose_erasure_has_begun_is_off_the_list_at_once(store: Store) -> None:
    hit_id = hit_of(GONE[0], 0)[0].hit_id
    store._core.write(lambda change: changes.begin_erasure(change, "gone-0", None, "local", NOW)).result(10)
    version = store.watchlist_version()
    assert "gone-0" not in [person.person_id for person in store.people()]
    assert store.person("gone-0") is None
    assert "gone-0" not in {reference.person_id for reference in store.references()}
    for refused in (store.add_hit(*hit_of(GONE[0], 99)), store.update_hit(*hit_of(GONE[0], 98, hit_id=hit_id))):
        assert isinstance(refused.exception(10), NotFoundError)
    with pytest.raises(ConflictError, match="being erased"):
        store.put_person(GONE[0], [], {}).result(10)
    assert store.watchlist_version() == version


def test_an_erasure_that_was_cut_off_goes_on_at_the_next_start(store: Store) -> None:
    folder = store.folder
    store._core.write(lambda change: changes.begin_erasure(change, "gone-0", None, "gwen", NOW)).result(10)
    erasing = erasure.Erasing(["gone-0"], store._core.clock)
    for _ in range(3):
        store._core.write(erasing.run_slice).result(10)
    store.close()
    with Store.open(folder) as again:
        while again._core.read(erasure.unfinished) or again._core.read(lambda db: _is_scrub_due(db)):
            time.sleep(0.05)
        entry = next(entry for entry in again.audit_log.newest(limit=5) if entry.action == "person.erase")
        assert (entry.actor, (entry.detail_json or {})["hits"]) == ("gwen", 8)
        assert again.audit_log.verify().problems == ()
        assert again.check() == []
    data = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert b"gone-0" not in data
    assert b"Gone Person 0" not in data
    assert b"gone-1" in data


def _is_scrub_due(db: Any) -> bool:
    return db.execute("SELECT 1 FROM meta WHERE key = 'scrub_due'").fetchone() is not None


def test_a_reader_that_holds_the_log_delays_the_scrub_and_no_alert(store: Store) -> None:
    with store._core._readers.snapshot() as db:
        db.execute("SELECT count(*) FROM hits").fetchone()
        erased = store.forget_person("gone-1")
        assert store.add_hit(*hit_of(ANN, 500)).result(20).type == "alert.created"
        assert not erased.done()
    assert erased.result(60).is_scrubbed


def test_pages_that_look_damaged_or_are_of_no_tree_stay_as_they_are() -> None:
    overflow = bytes(4) + b"x" * 4092
    assert scrub_page(overflow, 4096) == overflow
    odd = bytes([13, 0xFF, 0xFF, 0, 1, 0, 100, 0]) + b"x" * 4088
    assert scrub_page(odd, 4096) == odd
    leaf = bytes([13, 0, 0, 0, 1, 0x0F, 0xF0, 0]) + b"\x0f\xf0" + b"x" * 4086
    assert scrub_page(leaf, 4096) == leaf[:10] + bytes(0xFF0 - 10) + leaf[0xFF0:]


def test_pictures_of_the_erased_are_gone_and_others_stay(store: Store) -> None:
    enrol(store, BOB)
    add_hits(store, BOB, [600])
    store.replace_people([Listing(ANN), Listing(BOB)]).result(60)
    assert len(kept_files(store.folder)) == store.stats()["images"] == 2 + 2
