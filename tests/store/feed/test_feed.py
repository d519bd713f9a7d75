"""Cursors and pages: every item once, in order, whatever the limits; nothing foreign is followed."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.errors import CursorError, CursorExpiredError
from edge.store import Store
from edge.store.feed import cursor
from tests.support.store import ANN, Clock, add_hits, enrol

EPOCH = "00ff12ab34cd56ef"
seqs = st.integers(0, cursor.MAX_SEQ)
epochs = st.binary(min_size=8, max_size=8).map(bytes.hex)


@given(epochs, seqs)
def test_cursor_round_trip(epoch: str, seq: int) -> None:
    text = cursor.encode(epoch, seq)
    assert cursor.decode(text) == (epoch, seq)
    assert len(text) == 28
    assert text.isascii()
    assert "=" not in text


@given(epochs, seqs, st.integers(0, 27), st.sampled_from("ABCDwxyz0189-_"))
def test_an_altered_cursor_is_refused(epoch: str, seq: int, place: int, letter: str) -> None:
    text = cursor.encode(epoch, seq)
    altered = text[:place] + letter + text[place + 1 :]
    if altered != text:
        with pytest.raises(CursorError) as caught:
            cursor.decode(altered)
        assert caught.value.http_status == 400
        assert not isinstance(caught.value, CursorExpiredError)


@given(st.text(max_size=40))
def test_foreign_text_is_refused(text: str) -> None:
    with pytest.raises(CursorError):
        cursor.decode(text)


def test_a_cursor_of_another_version_or_beyond_sqlite_is_refused() -> None:
    for version, seq in ((2, 5), (1, 2**63)):
        payload = bytes([version]) + bytes.fromhex(EPOCH) + seq.to_bytes(8, "big")
        text = base64.urlsafe_b64encode(payload + cursor._checksum(payload)).decode()
        with pytest.raises(CursorError):
            cursor.decode(text)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory):
    with Store.open(tmp_path_factory.mktemp("feed")) as store:
        enrol(store, ANN)
        for number in range(40):
            store.add_item("heartbeat", {"number": number, "text": "x" * number})
        store.add_item("heartbeat", {}).result(10)
        yield store


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.lists(st.integers(1, 50), min_size=1, max_size=8), st.integers(0, 41))
def test_paging_returns_every_item_once_in_order(filled: Store, limits: list[int], start: int) -> None:
    after = None if start == 0 else cursor.encode(filled.epoch, start)
    got: list[int] = []
    for turn in range(100):
        page = filled.feed(after, limits[turn % len(limits)])
        assert len(page.items) <= limits[turn % len(limits)]
        got += [item.seq for item in page.items]
        after = page.next
        assert page.more == (page.next != page.head)
        if not page.more:
            break
    assert got == list(range(start + 1, 42))
    again = filled.feed(after, 1)
    assert again.items == ()
    assert again.next == after == filled.head_cursor()
    assert not again.more


def test_fields_choose_keys_of_the_body(filled: Store) -> None:
    page = filled.feed(None, 3, fields=["number", "no such key"])
    assert [dict(item.body) for item in page.items] == [{"number": 0}, {"number": 1}, {"number": 2}]
    with pytest.raises(ValueError, match="limit"):
        filled.feed(None, 0)


def test_an_empty_feed_has_a_cursor_to_come_back_with(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        page = store.feed(None, 10)
        assert page.items == ()
        assert page.next == page.head
        assert not page.more
        store.add_item("health", {"what": "disk"}).result(10)
        assert [item.seq for item in store.feed(page.next, 10).items] == [1]


def test_a_cursor_of_another_epoch_or_from_the_future_has_expired(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        store.add_item("health", {}).result(10)
        for foreign in (cursor.encode(EPOCH, 1), cursor.encode(store.epoch, 2)):
            with pytest.raises(CursorExpiredError) as caught:
                store.feed(foreign, 10)
            assert caught.value.http_status == 410
            assert [item.seq for item in store.feed(caught.value.oldest, 10).items] == [1]


def test_a_cursor_older_than_the_oldest_kept_says_what_was_lost(tmp_path: Path) -> None:
    clock = Clock()
    with Store.open(tmp_path, clock=clock, boot_clock=clock.boot) as store:
        enrol(store, ANN)
        add_hits(store, ANN, range(5))
        early = store.feed(None, 2).next
        clock.forward(days=10)
        store.add_item("heartbeat", {}).result(10)
        store.enforce_retention(max_age_days=5, max_image_bytes=10**9, min_free_bytes=0, now=clock.now).result(10)
        with pytest.raises(CursorExpiredError) as caught:
            store.feed(early, 10)
        assert caught.value.lost == 3
        assert caught.value.span == ("2026-03-04T05:06:07.089Z", "2026-03-04T05:06:07.089Z")
        page = store.feed(caught.value.oldest, 10)
        assert [item.seq for item in page.items] == [6]
        assert store.feed(None, 10).items == page.items
        assert store.head_seq() == 6


def test_no_seq_is_given_twice_even_when_the_feed_was_emptied(tmp_path: Path) -> None:
    clock = Clock()
    with Store.open(tmp_path, clock=clock, boot_clock=clock.boot) as store:
        for _ in range(3):
            store.add_item("heartbeat", {}).result(10)
        clock.forward(days=10)
        store.enforce_retention(max_age_days=5, max_image_bytes=10**9, min_free_bytes=0, now=clock.now).result(10)
        assert store.feed(None, 10).items == ()
    with Store.open(tmp_path, clock=clock, boot_clock=clock.boot) as store:
        assert store.head_seq() == 3
        assert store.add_item("heartbeat", {}).result(10).seq == 4
        assert [item.seq for item in store.feed(None, 10).items] == [4]
