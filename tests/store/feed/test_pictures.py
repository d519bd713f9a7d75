"""Pictures of feed items: kept with their item, released with it, shed before it, mended after damage."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from edge.errors import NotFoundError
from edge.store import Store
from tests.support.store import ANN, Clock, add_hits, enrol, kept_files

PLENTY = 10**12


@pytest.fixture
def store(tmp_path: Path, clock: Clock):
    with Store.open(tmp_path, clock=clock, boot_clock=clock.boot) as opened:
        enrol(opened, ANN)
        yield opened


def covered(store: Store, number: int) -> tuple[int, dict[str, str]]:
    """Add an item with two pictures; its number, and their names by role."""
    images = {role: f"{role} {number}".encode() * 500 for role in ("now", "before")}
    named = {role: hashlib.sha256(data).hexdigest() for role, data in images.items()}
    body = {"camera": "door", "state": "covered", "detail": "dark", "pictures": named}
    item = store.add_item("health", body, {named[role]: data for role, data in images.items()}).result(10)
    return item.seq, named


def enforce(store: Store, clock: Clock, *, days: float = 3650, image_bytes: int = PLENTY) -> None:
    store.enforce_retention(max_age_days=days, max_image_bytes=image_bytes, min_free_bytes=0, now=clock.now).result(20)


def test_an_items_pictures_are_kept_and_found_by_its_number(store: Store) -> None:
    seq, named = covered(store, 1)
    store.add_item("health", {"camera": "door", "state": "live", "detail": ""}).result(10)
    found = store.pictured.one(seq)
    assert found is not None
    assert found.pictures == named
    assert found.item.body["state"] == "covered"
    assert store.pictured.one(seq + 1) is None
    assert [one.item.seq for one in store.pictured.newest(5)] == [seq]
    path = store.image_path(named["now"])
    assert path is not None
    assert hashlib.sha256(path.read_bytes()).hexdigest() == named["now"]
    assert store.feed(None, 10).items[0].body["pictures"] == named


def test_age_removes_them_with_their_item(store: Store, clock: Clock, tmp_path: Path) -> None:
    _, old = covered(store, 1)
    clock.forward(days=8)
    seq, young = covered(store, 2)
    enforce(store, clock, days=7)
    assert [store.image_path(sha256) for sha256 in old.values()] == [None, None]
    assert all(store.image_path(sha256) for sha256 in young.values())
    assert [one.item.seq for one in store.pictured.newest(5)] == [seq]
    assert {path.name for path in kept_files(tmp_path)} >= set(young.values())
    assert not {path.name for path in kept_files(tmp_path)} & set(old.values())


def test_a_picture_that_another_item_names_stays(store: Store, clock: Clock) -> None:
    covered(store, 1)
    clock.forward(days=8)
    seq, named = covered(store, 1)
    enforce(store, clock, days=7)
    found = store.pictured.one(seq)
    assert found is not None
    assert found.pictures == named
    assert all(store.image_path(sha256) for sha256 in named.values())


def test_for_space_they_go_before_their_item(store: Store, clock: Clock) -> None:
    seq, named = covered(store, 1)
    add_hits(store, ANN, range(2))
    enforce(store, clock, image_bytes=0)
    assert [store.image_path(sha256) for sha256 in named.values()] == [None, None]
    found = store.pictured.one(seq)
    assert found is not None
    assert found.pictures == {}
    assert found.item.body["pictures"] == named
    assert store.pictured.newest(5) == []


def test_an_item_that_names_a_picture_nobody_gave_is_refused(store: Store) -> None:
    head = store.head_seq()
    with pytest.raises(NotFoundError):
        store.add_item("health", {"state": "covered", "detail": "", "pictures": {"now": "0" * 64}}).result(10)
    assert store.head_seq() == head
    assert store.feed(None, 10).items == ()


def test_a_picture_whose_file_is_gone_is_let_go_at_the_next_start(clock: Clock, tmp_path: Path) -> None:
    with Store.open(tmp_path, clock=clock, boot_clock=clock.boot) as opened:
        seq, named = covered(opened, 1)
        path = opened.image_path(named["now"])
        assert path is not None
        path.unlink()
    clock.forward(days=2)
    with Store.open(tmp_path, clock=clock, boot_clock=clock.boot) as opened:
        found = opened.pictured.one(seq)
        assert found is not None
        assert found.pictures == {"before": named["before"]}
