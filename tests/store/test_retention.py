"""What goes first: pictures before alerts, pulled before un-pulled, references never; and what is said about it."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from pathlib import Path

import pytest

from edge.store import RetentionReport, Store, reserve, retention
from edge.store.blobs import Blobs
from tests.support.store import ANN, Clock, add_hits, enrol, hit_of, kept_files

PLENTY = 10**12


@pytest.fixture
def store(tmp_path: Path, clock: Clock):
    with Store.open(tmp_path, clock=clock, boot_clock=clock.boot) as opened:
        enrol(opened, ANN)
        yield opened


def enforce(
    store: Store, clock: Clock, *, days: float = 3650, image_bytes: int = PLENTY, free: int = 0
) -> RetentionReport:
    limits = {"max_age_days": days, "max_image_bytes": image_bytes, "min_free_bytes": free}
    return store.enforce_retention(**limits, now=clock.now).result(20)


def test_within_the_limits_nothing_happens(store: Store, clock: Clock) -> None:
    add_hits(store, ANN, range(5))
    before = store.stats()
    report = enforce(store, clock)
    assert report.images_removed == report.hits_removed == report.feed_items_removed == 0
    assert report.image_bytes_left == before["image_bytes"]
    assert store.stats()["feed_items"] == 5


def test_pictures_over_their_bytes_go_oldest_first_and_alerts_stay(store: Store, clock: Clock) -> None:
    for number in range(10):
        add_hits(store, ANN, [number], num_bytes=10_000)
        clock.forward(seconds=1)
    report = enforce(store, clock, image_bytes=50_000)
    assert report.image_bytes_left <= 50_000
    assert report.images_removed > 0
    assert report.hits_removed == 0
    frames = [
        store.image_path(hit_of(ANN, number, num_bytes=10_000)[0].images.frame) is not None for number in range(10)
    ]
    assert frames == sorted(frames), "the oldest are gone, the newest are there"
    assert frames[-1]
    assert not frames[0]
    assert store.image_path(hit_of(ANN, 0)[0].images.reference) is not None
    assert store.count_hits() == 10
    assert sum(path.stat().st_size for path in kept_files(store.folder)) == report.image_bytes_left
    assert enforce(store, clock, image_bytes=0).image_bytes_left > 0, "references of people are never shed"


def test_a_hit_whose_picture_was_shed_can_still_be_updated(store: Store, clock: Clock) -> None:
    add_hits(store, ANN, [1])
    enforce(store, clock, image_bytes=0)
    hit, _ = hit_of(ANN, 1)
    assert store.image_path(hit.images.crop) is None
    assert store.update_hit(hit, {}).result(10).type == "alert.updated"


def test_age_removes_hits_items_and_pictures_together(store: Store, clock: Clock) -> None:
    add_hits(store, ANN, range(4))
    clock.forward(days=8)
    for number in range(4, 6):
        store.add_hit(*hit_of(ANN, number, at=clock.now)).result(10)
    report = enforce(store, clock, days=7)
    assert (report.hits_removed, report.feed_items_removed, report.unpulled_alerts_removed) == (4, 4, 0)
    assert [hit.frame_id for hit in store.hits()] == [5, 4]
    assert [item.seq for item in store.feed(None, 10).items] == [5, 6], "nobody pulls: no gap is told"
    assert len(kept_files(store.folder)) == 1 + 2 + 3


def test_what_no_puller_has_leaves_a_gap(store: Store, clock: Clock) -> None:
    store.add_token("central", ["alerts:read"]).result(10)
    store.add_token("slow", ["alerts:read"]).result(10)
    add_hits(store, ANN, range(6))
    store.note_pull("central", 6)
    store.note_pull("slow", 2)
    clock.forward(days=8)
    report = enforce(store, clock, days=7)
    assert (report.feed_items_removed, report.unpulled_alerts_removed) == (6, 4)
    (gap,) = store.feed(None, 10).items
    assert (gap.seq, gap.type) == (7, "gap")
    at = "2026-03-04T05:06:07.089Z"
    assert gap.body == {"cause": "retention", "lost": 4, "from": at, "to": at, "last_seq": 6}
    assert enforce(store, clock, days=7).feed_items_removed == 0


def test_a_gap_that_goes_unread_is_told_again_by_the_next(store: Store, clock: Clock) -> None:
    """Else who begins at the oldest item would never hear of what was lost first."""
    store.add_token("slow", ["alerts:read"]).result(10)
    add_hits(store, ANN, range(6))
    clock.forward(days=8)
    enforce(store, clock, days=7)
    store.add_hit(*hit_of(ANN, 7, at=clock.now)).result(10)
    clock.forward(days=8)
    enforce(store, clock, days=7)
    (gap,) = store.feed(None, 10).items
    assert (gap.body["lost"], gap.body["last_seq"]) == (7, 8)
    assert gap.body["from"] == "2026-03-04T05:06:07.089Z"
    assert gap.body["to"] > gap.body["from"]
    clock.forward(days=8)
    enforce(store, clock, days=7)
    (again,) = store.feed(None, 10).items
    assert (again.seq, again.body["lost"]) == (10, 7), "nothing more was lost, and it stays told"
    store.note_pull("slow", 10)
    clock.forward(days=8)
    enforce(store, clock, days=7)
    assert store.feed(None, 10).items == ()


@pytest.mark.parametrize("pulled", [12, 4])
def test_short_of_disk_pictures_go_before_alerts_and_pulled_before_unpulled(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch, pulled: int
) -> None:
    monkeypatch.setattr(retention, "KEEP_ALERTS", 5)
    monkeypatch.setattr(retention, "CHUNK", 4)
    store.add_token("central", ["alerts:read"]).result(10)
    add_hits(store, ANN, range(12), num_bytes=10_000)
    store.note_pull("central", pulled)
    all_bytes = store.stats()["image_bytes"]
    monkeypatch.setattr(reserve, "free_bytes", lambda folder: 1_000_000)

    report = enforce(store, clock, free=1_000_000 + int(all_bytes) // 2)
    assert report.images_removed > 0
    assert report.hits_removed == 0, "half the pictures were enough"

    report = enforce(store, clock, free=1_000_000 + int(all_bytes))
    assert store.stats()["images"] == 1, "all pictures are gone, the reference is not"
    assert report.hits_removed == 7
    assert report.unpulled_alerts_removed == max(0, 7 - pulled)
    assert store.count_hits() == 5, "the newest alerts are never shed for space"
    assert ("gap" in [item.type for item in store.feed(None, 100).items]) == (pulled < 7)

    report = enforce(store, clock, free=PLENTY)
    assert report.hits_removed == 0


def test_a_little_room_needed_takes_pulled_alerts_only(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "KEEP_ALERTS", 2)
    monkeypatch.setattr(retention, "CHUNK", 1)
    store.add_token("central", ["alerts:read"]).result(10)
    add_hits(store, ANN, range(12))
    store.note_pull("central", 6)
    enforce(store, clock, image_bytes=0)
    monkeypatch.setattr(reserve, "free_bytes", lambda folder: 0)
    report = enforce(store, clock, free=4000)
    assert 0 < report.hits_removed <= 6
    assert report.unpulled_alerts_removed == 0
    assert "gap" not in [item.type for item in store.feed(None, 100).items]


def test_a_long_run_goes_in_rounds_and_the_database_gives_its_pages_back(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "MAX_ROUND", 40)
    add_hits(store, ANN, range(150))
    store.enforce_retention(max_age_days=3650, max_image_bytes=0, min_free_bytes=0, now=clock.now).result(20)
    clock.forward(days=8)
    enforce(store, clock, days=30)
    before = store._core.read(lambda db: db.execute("PRAGMA page_count").fetchone()[0])
    report = enforce(store, clock, days=1)
    assert (report.hits_removed, report.feed_items_removed, report.is_complete) == (150, 150, True)
    after = store.stats()
    assert after["db_bytes"] < before * 4096 / 2
    assert after["wal_bytes"] == 0


def test_files_that_can_not_be_deleted_keep_no_hit_that_is_too_old_and_cost_no_other_picture(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_hits(store, ANN, range(4))
    clock.forward(days=8)
    for number in range(4, 6):
        store.add_hit(*hit_of(ANN, number, at=clock.now)).result(10)

    def refuse(self: Blobs, hashes: Iterable[str]) -> int:
        raise PermissionError(errno.EACCES, f"Permission denied, {len(list(hashes))}")

    with monkeypatch.context() as patch:
        patch.setattr(Blobs, "remove", refuse)
        assert enforce(store, clock, days=7).hits_removed == 4
        again = enforce(store, clock, days=7, free=PLENTY)
        assert (again.hits_removed, again.images_removed) == (0, 0), "that would free nothing"
    left = len(kept_files(store.folder))
    enforce(store, clock, days=7)
    assert len(kept_files(store.folder)) == left - 10
