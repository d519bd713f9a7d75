"""The daily look at the database: when nobody is there, at last all the same, and what it does about damage."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from edge.app.service import database_check
from edge.app.service.database_check import DAY_S, LOOK_EVERY_S, PATIENCE_S, check_once, watch_for_damage
from edge.errors import StoreError
from edge.store import Store
from tests.support.store import ANN, add_hits, enrol


class Box:
    """A store that counts what is asked of it, and a loop whose sleeps take no time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, items_a_look: float, looks: int) -> None:
        self.items_a_look, self.looks = items_a_look, looks
        self.slept_s = 0.0
        self.checked_at: list[float] = []
        self.repaired = 0
        self.found: list[str] = []
        monkeypatch.setattr(database_check.asyncio, "sleep", self._sleep)

    async def _sleep(self, seconds: float) -> None:
        if self.looks == 0:
            raise asyncio.CancelledError
        self.looks -= 1
        self.slept_s += seconds

    def head_seq(self) -> int:
        return int(self.slept_s / LOOK_EVERY_S * self.items_a_look)

    def check(self) -> list[str]:
        self.checked_at.append(self.slept_s)
        return self.found

    def repair(self) -> None:
        self.repaired += 1

    def watch(self) -> None:
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(watch_for_damage(self))  # type: ignore[arg-type]


def test_once_a_day_while_nobody_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    # Heartbeats, one a minute, are no sign of anybody.
    box = Box(monkeypatch, LOOK_EVERY_S / 60, int(3 * DAY_S / LOOK_EVERY_S) + 2)
    box.watch()
    soon = 2 * LOOK_EVERY_S
    assert box.checked_at == [soon + days * DAY_S for days in range(4)], "the start may have left it out"
    assert box.repaired == 0


def test_a_box_that_is_never_idle_is_checked_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    box = Box(monkeypatch, 500, int(PATIENCE_S / LOOK_EVERY_S) + 2)
    box.watch()
    assert box.checked_at == [PATIENCE_S]


def test_damage_is_handed_to_the_repair(monkeypatch: pytest.MonkeyPatch) -> None:
    box = Box(monkeypatch, 1, 4)
    box.found = ["Page 7: never used"]
    box.watch()
    assert box.repaired == 1


def test_a_check_that_cannot_be_made_ends_nothing() -> None:
    def fails() -> list[str]:
        raise StoreError("the disk is away")

    repaired: list[None] = []
    assert asyncio.run(check_once(fails, lambda: repaired.append(None)))
    assert not repaired


def test_a_damaged_page_is_found_while_it_runs_and_mended_before_the_next_write(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        enrol(store, ANN)
        add_hits(store, ANN, range(1, 60))
    with sqlite3.connect(tmp_path / "edge.db") as db:
        page = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'hits_of_person'").fetchone()[0]
    db.close()
    with Store.open(tmp_path) as store:
        with (tmp_path / "edge.db").open("r+b") as file:
            file.seek((page - 1) * 4096)
            file.write(b"\0" * 4096)
        assert not asyncio.run(check_once(store.check, store.repair))
        add_hits(store, ANN, [100])
        assert asyncio.run(check_once(store.check, store.repair))
        assert store.count_hits() == 60
        assert store.damage() is not None
