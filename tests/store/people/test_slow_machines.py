"""An alert waits for 250 ms at most while people are erased, on however slow a machine.

Time is counted, not measured: a clock that only work moves, at the pace of a machine some hundred times slower.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.records import Person
from edge.store import Listing, Store, images
from edge.store.audit import audit
from edge.store.database import gaps, slices
from edge.store.database.turns import Turns
from tests.support.store import ANN, add_hits, enrol, hit_of, kept_files

LONGEST_S = 0.25
STEPS_AT_A_TIME = 100
STEP_S = 20e-6
"""One step of SQLite's machine; a fast computer does it in some 50 ns."""
SYNC_S = 0.06
"""A bad card."""
PAGE_S, AUDIT_ROW_S = 0.004, 0.003
GONE = [Person(f"gone-{number}", f"Gone Person {number}", "wanted") for number in range(4)]


class SlowMachine:
    """Its clock, and how long the writer was away from its queue each time, but for alerts."""

    def __init__(self) -> None:
        self.time_s = 0.0
        self.turns_s: list[float] = []

    def now(self) -> float:
        return self.time_s

    def spend(self, seconds: float) -> None:
        self.time_s += seconds


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> SlowMachine:
    slow = SlowMachine()
    monkeypatch.setattr(slices, "now", slow.now)
    for module in (images, gaps):  # what they have learnt of the real machine
        monkeypatch.setattr(module, "_SLICE", slices.TimeSlice())
    monkeypatch.setattr("edge.store.blobs.sync", lambda path: slow.spend(SYNC_S))
    _cost(monkeypatch, gaps, "scrub_page", lambda *given, **more: slow.spend(PAGE_S))
    rows: Callable[..., None] = lambda *given, between, **more: slow.spend(  # noqa: E731
        AUDIT_ROW_S * (between[1] + 1 - between[0])
    )
    _cost(monkeypatch, audit, "blank_rows_about", rows)
    next_batch, taken = Turns.next_batch, [0.0, True]

    def take(self: Turns, timeout_s: float) -> Any:
        came_back_s, is_counted = taken
        if is_counted:
            slow.turns_s.append(slow.time_s - came_back_s)
        batch, is_last = next_batch(self, timeout_s)
        # Alerts may take as long as they do: what counts is the work that they wait for.
        taken[:] = slow.time_s, not any(job.prepare for job in batch)
        return batch, is_last

    monkeypatch.setattr(Turns, "next_batch", take)
    return slow


def _cost(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, spend: Callable[..., None]) -> None:
    real = getattr(module, name)

    def costly(*given: Any, **more: Any) -> Any:
        spend(*given, **more)
        return real(*given, **more)

    monkeypatch.setattr(module, name, costly)


@pytest.fixture
def store(machine: SlowMachine, tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path) as opened:
        for person in (ANN, *GONE):
            enrol(opened, person)
        for person in GONE:
            first = int(person.person_id[-1]) * 100
            add_hits(opened, person, range(first, first + 12))
        for number in range(300):
            opened.audit("gwen", "hit.view", f"/hits?person=gone-{number % 4}&page={number}")
        opened.add_item("heartbeat", {}).result(20)
        db = opened._core.writer._db
        db.set_progress_handler(lambda: machine.spend(STEPS_AT_A_TIME * STEP_S), STEPS_AT_A_TIME)
        machine.turns_s.clear()
        yield opened


def require_short_turns(machine: SlowMachine) -> None:
    assert machine.time_s > 20 * LONGEST_S, "the machine is so slow that the work has to be cut up"
    assert max(machine.turns_s) <= LONGEST_S


def test_no_turn_is_long_while_a_list_without_some_people_is_put(store: Store, machine: SlowMachine) -> None:
    receipts = store.replace_people([Listing(ANN)]).result(60)
    assert [receipt.hits for receipt in receipts] == [12] * 4
    assert all(receipt.is_scrubbed for receipt in receipts)
    require_short_turns(machine)
    assert len(kept_files(store.folder)) == 1


def test_no_turn_is_long_while_many_are_erased_one_by_one_at_once(store: Store, machine: SlowMachine) -> None:
    erasing = [store.forget_person(person.person_id) for person in GONE]
    alerts = [store.add_hit(*hit_of(ANN, 1000 + number)) for number in range(3)]
    assert all(one.result(60).is_scrubbed for one in erasing)
    assert [one.result(0).type for one in alerts] == ["alert.created"] * 3
    require_short_turns(machine)


def test_a_stay_of_a_whole_day_is_erased_in_many_turns(store: Store, machine: SlowMachine) -> None:
    """Its hit has thousands of items in the feed: one statement for all of them would be one long turn."""
    hit, _ = hit_of(GONE[0], 5)
    updates = [store.update_hit(hit, {}) for _ in range(600)]
    assert updates[-1].result(60).type == "alert.updated"
    machine.turns_s.clear()
    receipt = store.forget_person("gone-0").result(60)
    assert (receipt.hits, receipt.feed_items) == (12, 612)
    require_short_turns(machine)
    bodies = [item for item in store.feed(None, 1000).items if "gone-0" in str(item.body)]
    assert bodies == []
