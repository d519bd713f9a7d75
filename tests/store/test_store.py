"""Hits, pictures and people on real SQLite files."""

from __future__ import annotations

import dataclasses
import threading
import time
from pathlib import Path

import pytest

from edge.errors import ConflictError, NotFoundError, StoreError
from edge.records import FeedItem
from edge.store import Store, hit_to_json, images
from tests.support.store import ANN, BOB, NOW, add_hits, enrol, hit_of, kept_files, picture, reference_of, review


@pytest.fixture
def store(tmp_path: Path):
    with Store.open(tmp_path / "data") as opened:
        yield opened


def test_a_hit_survives_a_restart_with_its_pictures_and_its_place_in_the_feed(tmp_path: Path) -> None:
    hit, pictures = hit_of(ANN, 1)
    with Store.open(tmp_path) as store:
        enrol(store, ANN)
        item = store.add_hit(hit, pictures).result(10)
        epoch, box_id = store.epoch, store.box_id
    assert (item.seq, item.type, item.body) == (1, "alert.created", hit_to_json(hit))
    with Store.open(tmp_path) as store:
        assert (store.epoch, store.box_id, store.head_seq()) == (epoch, box_id, 1)
        assert store.hit(hit.hit_id) == hit
        assert store.feed(None, 10).items == (item,)
        for sha256, data in pictures.items():
            path = store.image_path(sha256)
            assert path is not None
            assert path.read_bytes() == data
            assert path.stat().st_mode & 0o777 == 0o600
            assert path.parent.stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "edge.db").stat().st_mode & 0o777 == 0o600


def test_an_update_replaces_the_hit_but_not_the_verdict(store: Store) -> None:
    enrol(store, ANN)
    hit, pictures = hit_of(ANN, 1)
    store.add_hit(hit, pictures).result(10)
    reviewed = review(store, hit.hit_id, "confirmed", "guard", "seen at the gate").result(10)
    better, more = hit_of(ANN, 5, hit_id=hit.hit_id)
    updated = store.update_hit(better, more).result(10)
    assert [reviewed.type, updated.type] == ["alert.reviewed", "alert.updated"]
    assert updated.body["review"]["state"] == "confirmed"
    assert updated.body["review"]["by"] == "guard"
    stored = store.hit(hit.hit_id)
    assert stored is not None
    assert stored.visit.seen_count == 6
    assert stored.review["reason"] == "seen at the gate"
    # the feed's first item still names the first pictures
    assert all(store.image_path(sha256) for sha256 in [*pictures, *more])
    assert store.count_hits() == 1


def test_what_is_not_there_or_there_already_is_refused_and_leaves_no_trace(store: Store, tmp_path: Path) -> None:
    hit, pictures = hit_of(ANN, 1)
    with pytest.raises(NotFoundError, match="not on the watchlist"):
        store.add_hit(hit, pictures).result(10)
    enrol(store, ANN)
    with pytest.raises(NotFoundError, match="neither passed nor kept"):
        store.add_hit(hit, {}).result(10)
    with pytest.raises(NotFoundError, match="is not kept"):
        store.update_hit(hit, pictures).result(10)
    with pytest.raises(NotFoundError):
        review(store, "none", "confirmed", "guard", None).result(10)
    with pytest.raises(ValueError, match="not its SHA-256"):
        store.add_hit(hit, dict.fromkeys(pictures, b"something else")).result(10)
    with pytest.raises(ValueError, match="not JSON compliant"):
        store.add_hit(dataclasses.replace(hit, similarity=float("nan")), pictures).result(10)
    assert (store.count_hits(), store.head_seq(), store.feed(None, 10).items) == (0, 0, ())
    while store._core.read(images.has_released):  # they go a few at a time
        time.sleep(0.01)
    assert len(kept_files(tmp_path)) == 1, "pictures of refused hits stayed on the disk"
    item = store.add_hit(hit, pictures).result(10)
    assert item.seq == 1, "a refused write used up no seq"
    with pytest.raises(ConflictError):
        store.add_hit(hit, pictures).result(10)
    with pytest.raises(ConflictError, match="of another person"):
        store.update_hit(dataclasses.replace(hit, person=BOB), pictures).result(10)


def test_a_reference_replaced_during_a_visit_costs_no_alert(store: Store) -> None:
    enrol(store, ANN)
    hit, pictures = hit_of(ANN, 1)
    store.add_hit(hit, pictures).result(10)
    former, _ = reference_of(ANN)
    sha256, data = picture("a better picture")
    store.put_person(ANN, [dataclasses.replace(former, image_sha256=sha256)], {sha256: data}).result(10)
    assert store.image_path(former.image_sha256) is not None, "the first hit still names it"
    store.enforce_retention(max_age_days=1, max_image_bytes=0, min_free_bytes=0, now=NOW).result(10)
    assert store.image_path(former.image_sha256) is None
    later, more = hit_of(ANN, 2)
    assert store.add_hit(later, more).result(10).seq == 2
    assert store.update_hit(*hit_of(ANN, 3, hit_id=later.hit_id)).result(10).seq == 3


def test_one_bad_job_in_a_group_does_not_harm_the_others(store: Store) -> None:
    enrol(store, ANN)
    good = [store.add_hit(*hit_of(ANN, number)) for number in range(10)]
    bad = store.add_hit(*hit_of(BOB, 99))
    more = [store.add_hit(*hit_of(ANN, number)) for number in range(10, 20)]
    assert [future.result(10).seq for future in good + more] == list(range(1, 21))
    with pytest.raises(NotFoundError):
        bad.result(10)
    assert store.stats()["commits"] < 20


def test_hits_are_paged_newest_first_and_found_by_person_and_camera(store: Store) -> None:
    enrol(store, ANN)
    enrol(store, BOB)
    for number in range(12):
        store.add_hit(*hit_of(ANN if number % 2 else BOB, number, camera="door" if number < 6 else "gate")).result(10)
    ids, before = [], None
    while found := store.hits(before=before, limit=5):
        ids += [hit.hit_id for hit in found]
        before = found[-1].hit_id
    assert ids == [hit_of(ANN, number)[0].hit_id for number in range(11, -1, -1)]
    last = store.last_hit_of("ann-1", "door")
    assert last is not None
    assert last.frame_id == 5
    assert store.last_hit_of("ann-1", "yard") is None


def test_subscribers_hear_each_item_once_in_order_after_its_commit(store: Store) -> None:
    heard: list[tuple[int, bool]] = []

    def listen(item: FeedItem) -> None:
        heard.append((item.seq, store.head_seq() >= item.seq and bool(store.feed(None, 100).items)))

    def fail(item: FeedItem) -> None:
        raise RuntimeError("a bad subscriber")

    store.subscribe(fail)
    unsubscribe = store.subscribe(listen)
    for number in range(20):
        store.add_item("health", {"number": number})
    store.add_item("heartbeat", {}).result(10)
    assert heard == [(seq, True) for seq in range(1, 22)]
    unsubscribe()
    unsubscribe()
    store.add_item("heartbeat", {}).result(10)
    assert len(heard) == 21


def test_only_pictures_named_by_a_row_are_given_out(store: Store) -> None:
    sha256, data = picture("never stored")
    assert store.image_path(sha256) is None
    for text in ("", "../edge.db", sha256.upper(), "0" * 63, sha256 + "\n", "é" * 64):
        assert store.image_path(text) is None
    assert data


def test_many_threads_may_read_while_one_writes(store: Store) -> None:
    enrol(store, ANN)
    stop, seen = threading.Event(), []

    def read() -> None:
        last = 0
        while not stop.is_set():
            page = store.feed(None, 500)
            seqs = [item.seq for item in page.items]
            assert seqs == list(range(1, len(seqs) + 1))
            assert len(seqs) >= last
            last = len(seqs)
        seen.append(last)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    add_hits(store, ANN, range(40))
    stop.set()
    for thread in threads:
        thread.join()
    assert len(seen) == 2


def test_close_finishes_what_is_queued_and_may_be_called_twice(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    enrol(store, ANN)
    pending = [store.add_hit(*hit_of(ANN, number)) for number in range(50)]
    assert not any(future.cancel() for future in pending), "a waiter that leaves must not take its alert along"
    store.close()
    store.close()
    assert [future.result(0).seq for future in pending] == list(range(1, 51))
    with pytest.raises(StoreError, match="closed"):
        store.count_hits()
    with pytest.raises(StoreError, match="closed"):
        store.add_item("heartbeat", {}).result(0)
    assert not list(tmp_path.glob("edge.db-*")), "the log is folded in when the last one leaves"
