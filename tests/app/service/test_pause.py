"""A pause ends when its time is up, whatever is done to the clock."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from edge.app.service import pause
from edge.app.service.pause import RecognitionSwitch
from edge.store import Store
from tests.support.store import NOW


class Clocks:
    """The wall clock, and the seconds that have passed."""

    def __init__(self) -> None:
        self.now = NOW
        self.passed = 1000.0

    def forward(self, minutes: float) -> None:
        self.now += dt.timedelta(minutes=minutes)
        self.passed += minutes * 60


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    made = Clocks()
    monkeypatch.setattr(pause, "wall", lambda: made.now)
    monkeypatch.setattr(pause, "passed_s", lambda: made.passed)
    return made


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path) as opened:
        yield opened


def switch_of(store: Store) -> RecognitionSwitch:
    return RecognitionSwitch(store, SimpleNamespace(paused=False))  # type: ignore[arg-type]


def test_a_pause_that_began_under_a_clock_a_year_ahead_is_no_longer_than_it_was_meant(
    store: Store, clocks: Clocks
) -> None:
    clocks.now += dt.timedelta(days=365)
    switch = switch_of(store)
    asyncio.run(switch.pause("ann", "cleaning", 30))
    clocks.now -= dt.timedelta(days=365)
    clocks.forward(29)
    assert not switch.is_over()
    again = switch_of(store)  # the service starts anew
    clocks.forward(1)
    assert switch.is_over()
    assert not again.is_over(), "nobody knows how long it was off"
    clocks.forward(29)
    assert again.is_over()


def test_by_a_right_clock_it_ends_on_time_also_after_a_restart(store: Store, clocks: Clocks) -> None:
    asyncio.run(switch_of(store).pause("ann", "cleaning", 30))
    clocks.forward(20)
    again = switch_of(store)
    clocks.forward(9)
    assert not again.is_over()
    clocks.forward(1)
    assert again.is_over()
    asyncio.run(again.resume("timer"))
    assert not again.is_over()
    assert store.pauses.current() is None
