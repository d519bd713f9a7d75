"""Hits and feed items that wait while the store is away: in order, bounded, not held up by what can't be kept."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

import pytest

from edge.app.service import outbox as module
from edge.app.service.outbox import Outbox
from edge.errors import NotFoundError, StoreError
from edge.pipeline import HitDraft
from tests.support.store import ANN, hit_of


class AwayStore:
    """Refuses the first writes, as a full disk would."""

    def __init__(self, refusals: int, *, is_slow: bool = False) -> None:
        self.refusals = refusals
        self.is_slow = is_slow
        self.taken: list[tuple[str, str]] = []
        self.pending: list[tuple[Future[Any], str, str]] = []

    def _put(self, verb: str, name: str) -> Future[Any]:
        future: Future[Any] = Future()
        self.pending.append((future, verb, name))
        if not self.is_slow:
            self.answer()
        return future

    def answer(self) -> None:
        """Answer the oldest write."""
        future, verb, name = self.pending.pop(0)
        if self.refusals:
            self.refusals -= 1
            future.set_exception(StoreError("disk full"))
        else:
            self.taken.append((verb, name))
            future.set_result(None)

    def add_hit(self, hit: Any, images: Any) -> Future[Any]:
        return self._put("add", hit.hit_id)

    def update_hit(self, hit: Any, images: Any) -> Future[Any]:
        return self._put("update", hit.hit_id)

    def add_item(self, kind: str, body: Mapping[str, Any], images: Any) -> Future[Any]:
        return self._put(kind, str(body["n"]))


def draft(number: int, *, is_new: bool = True) -> HitDraft:
    hit, images = hit_of(ANN, number, hit_id=f"h{number}")
    return HitDraft(hit, images, is_new, None)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_EVERY_S", 0.0)


def test_hits_and_items_wait_in_order_while_the_store_is_away() -> None:
    store, stored = AwayStore(refusals=3), []
    outbox = Outbox(store, stored.append)  # type: ignore[arg-type]
    new, update = draft(1), draft(1, is_new=False)
    outbox.add_hit(new)
    outbox.add_item("health", {"n": 7})
    outbox.add_hit(update)
    assert outbox.problem == "disk full"
    assert outbox.num_waiting_hits == 2
    for _ in range(8):
        outbox.retry()
    assert store.taken == [("add", "h1"), ("health", "7"), ("update", "h1")]
    assert stored == [new, update]
    assert (outbox.num_waiting_hits, outbox.problem) == (0, None)


def test_nothing_overtakes_what_is_tried_again() -> None:
    store = AwayStore(refusals=2, is_slow=True)
    outbox = Outbox(store)  # type: ignore[arg-type]
    outbox.add_hit(draft(1))
    store.answer()
    outbox.retry()
    outbox.add_hit(draft(1, is_new=False))
    outbox.retry()
    assert len(store.pending) == 1, "the update waits until the store has answered for the alert"
    store.answer()
    for _ in range(2):
        outbox.retry()
        store.answer()
    assert store.taken == [("add", "h1"), ("update", "h1")]


def test_an_update_that_was_refused_for_the_lack_of_its_alert_waits_behind_it() -> None:
    """A locked database refuses an alert, and is free again when the updates that were handed over behind it come."""

    class Strict(AwayStore):
        def answer(self) -> None:
            future, verb, name = self.pending[0]
            if verb == "update" and ("add", name) not in self.taken:
                self.pending.pop(0)
                future.set_exception(NotFoundError("this hit is not kept"))
            else:
                super().answer()

    store, stored = Strict(refusals=1, is_slow=True), []
    outbox = Outbox(store, stored.append)  # type: ignore[arg-type]
    new, better, best, last = draft(1), *(draft(1, is_new=False) for _ in range(3))
    for one in (new, better, best):
        outbox.add_hit(one)
    store.answer()
    outbox.add_hit(last)
    store.answer()
    outbox.retry()
    store.answer()  # for `best`, while the alert is tried again
    for _ in range(5):
        while store.pending:
            store.answer()
        outbox.retry()
    assert stored == [new, better, best, last], "pictures of one are named by those after it, and times go on"
    assert (outbox.num_waiting_hits, outbox.problem) == (0, None)


def test_a_hit_of_an_erased_person_holds_up_nobody() -> None:
    class Erased(AwayStore):
        def add_hit(self, hit: Any, images: Any) -> Future[Any]:
            future: Future[Any] = Future()
            future.set_exception(NotFoundError("nobody"))
            return future

    outbox = Outbox(Erased(0))  # type: ignore[arg-type]
    outbox.add_hit(draft(1))
    assert outbox.num_waiting_hits == 0
    assert outbox.problem is None


def test_an_update_of_a_hit_that_is_gone_is_told_once_and_a_new_hit_is_not() -> None:
    """Somebody was erased, and listed anew before the service looked at the list again."""

    class Gone(AwayStore):
        def _put(self, verb: str, name: str) -> Future[Any]:
            future: Future[Any] = Future()
            future.set_exception(NotFoundError("this hit is not kept"))
            return future

    gone: list[HitDraft] = []
    outbox = Outbox(Gone(0), on_hit_gone=gone.append)  # type: ignore[arg-type]
    new, update = draft(1), draft(1, is_new=False)
    for one in (new, update):
        outbox.add_hit(one)
    assert gone == [update]


def test_what_is_too_much_goes_by_kind_and_updates_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING_HITS", 3)
    monkeypatch.setattr(module, "MAX_WAITING_ITEMS", 2)
    store = AwayStore(refusals=1)
    outbox = Outbox(store)  # type: ignore[arg-type]
    outbox.add_hit(draft(1))
    outbox.add_hit(draft(1, is_new=False))
    for number in (2, 3):
        outbox.add_hit(draft(number))
    for number in (1, 2, 3):
        outbox.add_item("health", {"n": number})
    for _ in range(8):
        outbox.retry()
    assert store.taken == [("add", "h1"), ("add", "h2"), ("add", "h3"), ("health", "2"), ("health", "3")]


def test_a_lost_alert_is_told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """An alert that finds no place among those that wait, and those that still wait when the service stops."""
    monkeypatch.setattr(module, "MAX_WAITING_HITS", 2)
    monkeypatch.setattr(module, "LAST_TRIES_S", 0.0)
    outbox = Outbox(AwayStore(refusals=1000))  # type: ignore[arg-type]
    for number in (1, 2, 3):
        outbox.add_hit(draft(number))
    assert "the alert h1 is lost" in caplog.text
    outbox.close()
    assert "2 hits are lost with this stop, since the store takes none: disk full" in caplog.text


def test_what_waits_is_handed_over_at_the_stop() -> None:
    store = AwayStore(refusals=2)
    outbox = Outbox(store)  # type: ignore[arg-type]
    outbox.add_hit(draft(1))
    outbox.add_hit(draft(2))
    outbox.close()
    assert store.taken == [("add", "h1"), ("add", "h2")]
