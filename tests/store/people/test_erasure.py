"""Erasing a person leaves no byte of them in the database, its log or the pictures."""

from __future__ import annotations

import dataclasses
import os
import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.errors import NotFoundError
from edge.records import HitImages, Person
from edge.store import Store, update
from edge.store.database import meta
from edge.store.database.jobs import Change
from edge.store.people import watchlist
from tests.support.store import ANN, BOB, NOW, Clock, enrol, hit_of, kept_files, picture, reference_of, review


def everything_on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_forget_by_a_scan_of_all_bytes(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        enrol(store, ANN)
        enrol(store, BOB, (1, 2, 3))
        before = [store.add_hit(*hit_of(ANN, number, runner_up="bob-2")).result(10) for number in (0, 1)]
        for number in range(2, 30):
            store.add_hit(*hit_of(BOB, number, runner_up="ann-1")).result(10)
        for number in range(2, 30, 3):
            better, pictures = hit_of(BOB, 100 + number, hit_id=f"0190{number:08d}")
            store.update_hit(better, pictures).result(10)
        review(store, "019000000002", "confirmed", "guard", "it is Bob Wintermute").result(10)
        seen = store.feed(None, 1000)
        version = store.watchlist_version()
        assert b"Wintermute" in everything_on_disk(tmp_path)

        receipt = store.forget_person("bob-2").result(20)

        kept = everything_on_disk(tmp_path)  # while the store is open: the log too
        for trace in (b"Wintermute", b"bob-2", reference_of(BOB, 2)[0].embedding.tobytes()):
            assert trace not in kept, trace
        assert b"ann-1" in kept
        assert (receipt.hits, receipt.references, receipt.is_scrubbed) == (28, 3, True)
        assert receipt.feed_items == 28 + 10 + 1
        assert receipt.images == 28 * 2 + 14 + 10 * 2 + 5 + 3
        assert len(kept_files(tmp_path)) == 6 == store.stats()["images"]
        assert store.people() == [ANN]
        assert store.watchlist_version()[0] == version[0] + 1
        hit = store.hit(before[0].body["hit_id"])
        assert hit is not None
        assert hit.runner_up_id is None, "other people's hits no longer name the erased one"
        check_feed(store, seen.next, len(seen.items))
        assert store.check() == []


def check_feed(store: Store, cursor: str, num_seen: int) -> None:
    """Who had pulled everything gets tombstones; who had not gets no hole."""
    news = store.feed(cursor, 1000).items
    assert [item.type for item in news] == ["alert.erased"] * 28
    assert [item.body["hit_id"] for item in news] == [f"0190{number:08d}" for number in range(2, 30)]
    whole = store.feed(None, 1000).items
    assert [item.seq for item in whole] == list(range(1, num_seen + 28 + 1))
    assert {item.type for item in whole} == {"alert.created", "alert.erased"}
    assert all(item.body.keys() == {"hit_id", "cause"} for item in whole if item.type == "alert.erased")


@pytest.mark.parametrize("seed", range(2))
def test_no_byte_is_left_whatever_was_written_before(tmp_path: Path, seed: int) -> None:
    """Pages split, merge and move as rows come, grow and go; what was moved must not stay behind in an old place."""
    dice = random.Random(seed)
    people = [BOB, *(Person(f"other-{n}", f"Other {n}", "wanted") for n in range(2))]
    with Store.open(tmp_path) as store:
        for person in people:
            enrol(store, person, range(1, 4))
        frame, data = picture("one frame for all, to spare the disk")
        pending, ids = [], []
        for number in range(2500):
            if ids and dice.random() < 0.3:
                hit_id, person = dice.choice(ids)
                write = store.update_hit
            else:
                hit_id, person = f"{dice.random():.12f}", dice.choice(people)
                ids.append((hit_id, person))
                write = store.add_hit
            recipe = {"for": [person.name] * dice.randint(0, dice.choice([10, 400]))}
            images = HitImages(frame, frame, None, reference_of(person)[0].image_sha256)
            hit, _ = hit_of(person, number, hit_id=hit_id)
            pending.append(write(dataclasses.replace(hit, recipe=recipe, images=images), {frame: data}))
            if number % 500 == 499:
                for future in pending:
                    future.result(20)
                pending.clear()
        assert everything_on_disk(tmp_path).count(b"Wintermute") > 1000
        receipt = store.forget_person("bob-2").result(20)
        assert receipt.is_scrubbed
        kept = everything_on_disk(tmp_path)
        for trace in (b"Wintermute", b"bob-2"):
            assert kept.count(trace) == 0, trace
        assert store.check() == []


def test_items_that_outlived_their_hit_are_blanked_too(tmp_path: Path) -> None:
    clock = Clock()
    with Store.open(tmp_path, clock=clock, boot_clock=clock.boot) as store:
        enrol(store, BOB)
        hit = store.add_hit(*hit_of(BOB, 1)).result(10)
        clock.forward(days=6)
        review(store, hit.body["hit_id"], "confirmed", "guard", None).result(10)
        clock.forward(days=2)
        report = store.enforce_retention(max_age_days=7, max_image_bytes=10**9, min_free_bytes=0, now=clock.now).result(
            10
        )
        assert (report.hits_removed, report.feed_items_removed) == (1, 1)
        assert store.forget_person("bob-2").result(10).feed_items == 1
        assert b"Wintermute" not in everything_on_disk(tmp_path)
        assert [item.type for item in store.feed(None, 10).items] == ["alert.erased"] * 2


def test_forgetting_nobody(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        with pytest.raises(NotFoundError, match="watchlist"):
            store.forget_person("nobody").result(10)
        assert store.watchlist_version()[0] == 0


def test_a_visit_that_goes_on_while_its_person_is_erased_brings_nothing_back(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        enrol(store, ANN)
        enrol(store, BOB)
        hit, pictures = hit_of(BOB, 1)
        pending = [
            store.add_hit(hit, pictures),
            store.forget_person("bob-2"),
            store.update_hit(*hit_of(BOB, 3, hit_id=hit.hit_id)),
            store.add_hit(*hit_of(BOB, 5)),
            store.add_hit(*hit_of(ANN, 6, runner_up="bob-2")),
        ]
        outcomes = [future.exception(10) for future in pending]
        assert [isinstance(outcome, NotFoundError) for outcome in outcomes] == [False, False, True, True, False]
        assert len(kept_files(tmp_path)) == 3
        assert [(hit.person, hit.runner_up_id) for hit in store.hits()] == [(ANN, None)]
        assert b"bob-2" not in everything_on_disk(tmp_path)


def test_a_picture_shared_with_someone_else_stays(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        enrol(store, ANN)
        enrol(store, BOB)
        of_ann, pictures = hit_of(ANN, 2)
        store.add_hit(of_ann, pictures).result(10)
        of_bob, more = hit_of(BOB, 4)
        shared = type(of_bob.images)(of_ann.images.frame, of_bob.images.crop, None, of_bob.images.reference)
        more = {of_bob.images.crop: more[of_bob.images.crop]}
        store.add_hit(dataclasses.replace(of_bob, images=shared), more).result(10)
        receipt = store.forget_person("bob-2").result(10)
        assert (receipt.images, receipt.images_shared) == (2, 1)
        assert store.image_path(of_ann.images.frame) is not None


def test_files_that_a_kill_left_go_whatever_their_age(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        enrol(store, ANN)
        enrol(store, BOB)
        store.add_hit(*hit_of(ANN, 1)).result(10)
        store.add_hit(*hit_of(BOB, 2)).result(10)
        sha256, data = picture("written, and then the power went")
        folder = tmp_path / "blobs" / sha256[:2]
        folder.mkdir(exist_ok=True)
        (folder / sha256).write_bytes(data)
        (folder / ".new-abcd").write_bytes(b"half a picture")
        os.utime(folder / sha256, (4e9, 4e9))  # a clock that was a century ahead
        receipt = store.forget_person(ANN.person_id).result(10)
        assert receipt.is_scrubbed
        assert len(kept_files(tmp_path)) == store.stats()["images"]
        assert store.traces([ANN.person_id, ANN.name]) == {}


def test_copies_of_an_update_no_longer_name_the_erased_and_still_take_it_back(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        enrol(store, ANN)
        enrol(store, BOB)
        store.add_hit(*hit_of(BOB, 2)).result(60)
    shutil.copy(tmp_path / "edge.db", tmp_path / "edge.db.before")
    with Store.open(tmp_path) as store:
        for name in ("edge.db.refused", "edge.db.copy"):  # the start would delete a copy
            shutil.copy(tmp_path / "edge.db.before", tmp_path / name)
        assert store.traces([BOB.person_id])["copies"] == 3
        assert store.forget_person(BOB.person_id).result(60).is_scrubbed
        assert store.traces([BOB.person_id, BOB.name]) == {}
    assert [path.name for path in sorted(tmp_path.glob("edge.db.*"))] == ["edge.db.before"]
    assert update.roll_back(tmp_path, NOW)
    with Store.open(tmp_path) as store:
        assert store.people() == [ANN]
        problems = store.audit_log.verify().problems
        assert not any("blanked" in problem for problem in problems), "the copy accounts for what was blanked in it"


def test_a_copy_that_cannot_be_changed_is_deleted(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        enrol(store, BOB)
        (tmp_path / "edge.db.before").write_bytes(b"bob-2, and no database")
        assert store.forget_person(BOB.person_id).result(10).is_scrubbed
    assert not (tmp_path / "edge.db.before").exists()


def test_views_by_encoded_address_are_blanked_and_the_chain_holds(tmp_path: Path) -> None:
    person = Person("Jörg Müller", "Jörg M.", "missing")
    with Store.open(tmp_path) as store:
        enrol(store, person)
        enrol(store, BOB)
        for subject in (
            "/people/J%C3%B6rg%20M%C3%BCller/edit",
            "/hits?person=J%C3%B6rg+M%C3%BCller",
            "/people/bob-2/edit",
        ):
            store.audit("sam", "watchlist.view", subject).result(10)
        store.audit("sam", "hits.search", "/hits", {"query": {"person": person.person_id}}).result(10)
        assert store.forget_person(person.person_id).result(10).is_scrubbed
        assert store.audit_log.verify().problems == ()
        kept = [entry.object for entry in store.audit_log.newest(None, 50) if entry.object]
        assert "/people/bob-2/edit" in kept
        assert not any("rg" in subject and "M" in subject for subject in kept)
        assert store.traces([person.person_id, person.name]) == {}


@pytest.mark.parametrize("by_other", [False, True])
def test_reads_that_are_only_counted_name_nobody_who_was_erased_meanwhile(tmp_path: Path, by_other: bool) -> None:
    """The row with the count comes a minute later, or at the stop: after the erasure, by whatever process."""
    with Store.open(tmp_path) as store:
        enrol(store, ANN)
        enrol(store, BOB)
        for _ in range(5):
            store.audit_log.note_read("gwen", "watchlist.view", "/people/bob-2/edit", {})
            store.audit_log.note_read("gwen", "hits.search", "/hits?person=bob-2", {})
            store.audit_log.note_read("gwen", "watchlist.view", "/people/ann-1/edit", {})
        if by_other:
            with Store.open(tmp_path) as other:
                assert other.forget_person("bob-2").result(20).is_scrubbed
            store.audit("gwen", "x", "y").result(10)
        else:
            assert store.forget_person("bob-2").result(20).is_scrubbed
        assert store.traces(["bob-2", BOB.name]) == {}
    kept = everything_on_disk(tmp_path)
    assert b"bob-2" not in kept
    with Store.open(tmp_path) as store:
        counted = [entry for entry in store.audit_log.newest() if entry.detail and "count" in entry.detail]
        assert {(entry.action, entry.object) for entry in counted} == {
            ("watchlist.view", "more of this kind"),
            ("hits.search", "more of this kind"),
        }
        assert store.audit_log.verify().problems == ()


def test_a_read_that_waits_to_be_written_names_nobody_whom_another_process_erases_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open(tmp_path) as store:
        enrol(store, BOB)
        waiting: list[Callable[[Change], None]] = []
        with monkeypatch.context() as patch:
            patch.setattr(store._core, "write", waiting.append)
            store.audit_log.note_read("gwen", "hits.search", "/hits?person=bob-2", {"query": {"person": "bob-2"}})
        with Store.open(tmp_path) as other:
            assert other.forget_person("bob-2").result(20).is_scrubbed
        for apply in waiting:
            store._core.write(apply).result(10)
        assert store.traces(["bob-2", BOB.name]) == {}
        newest = store.audit_log.newest()[0]
        assert (newest.action, newest.object, newest.detail) == ("hits.search", "more of this kind", '{"count":1}')
        assert store.audit_log.verify().problems == ()


def test_what_readers_kept_from_being_wiped_is_wiped_later_without_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchlist, "SCRUB_TRIES", 1)
    with Store.open(tmp_path) as store:
        enrol(store, BOB)
        store.add_hit(*hit_of(BOB, 1)).result(10)
        with store._core._readers.snapshot() as reader:
            reader.execute("SELECT count(*) FROM feed").fetchone()
            assert not store.forget_person("bob-2").result(30).is_scrubbed
        assert store.traces(["bob-2", BOB.name]) != {}
        store.resume_erasures()
        store.resume_erasures()  # while the first is at it: nothing more to do
        deadline = time.monotonic() + 30
        while store._core.read(lambda db: meta.get(db, meta.Key.SCRUB_DUE)) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert store.traces(["bob-2", BOB.name]) == {}
