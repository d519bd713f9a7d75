"""The ledger of the soak finds each breach it counts; the rounds themselves are run by `.ci/run`."""

from __future__ import annotations

import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from edge.store import Store
from tests.support.store import ANN, add_hits, enrol
from tools.soak import ledger
from tools.soak.ledger import Ledger, line_of


@pytest.fixture
def data(tmp_path: Path) -> Path:
    with Store.open(tmp_path) as store:
        enrol(store, ANN)
        add_hits(store, ANN, range(1, 8))
    return tmp_path


def delivered(data: Path) -> Ledger:
    found = Ledger()
    with Store.open(data) as store:
        found.take(line_of(store.epoch, item) for item in store.feed(None, 500).items)
    return found


def checked(data: Path, found: Ledger) -> Ledger:
    with Store.open(data) as store:
        found.check(store, "round")
    return found


def test_nothing_is_found_where_nothing_is_wrong(data: Path) -> None:
    found = checked(data, delivered(data))
    assert (len(found.delivered), found.lost, found.changed, found.without_picture) == (7, set(), set(), 0)
    found.finish(data)
    assert (found.orphans_left, found.problems) == (0, [])
    assert "| delivered items lost | 0 |" in ledger.summary(Counter({"storing": 1}), found, [], "0")


def test_an_item_that_is_gone_or_changed_is_found(data: Path) -> None:
    found = delivered(data)
    with sqlite3.connect(data / "edge.db") as db:
        seqs = [row[0] for row in db.execute("SELECT seq FROM feed ORDER BY seq")]
        db.execute("DELETE FROM feed WHERE seq = ?", (seqs[3],))
        db.execute("UPDATE feed SET body = json_set(body, '$.camera', 'other') WHERE seq = ?", (seqs[4],))
    db.close()
    checked(data, found)
    assert {seq for _, seq in found.lost} == {seqs[3]}
    assert {seq for _, seq in found.changed} == {seqs[4]}


def test_a_number_that_is_given_twice_is_found(data: Path) -> None:
    found = delivered(data)
    found.take(['["e", 1, "alert.created", "a", "x"]', '["e", 1, "alert.created", "b", "y"]', '["half'])
    assert found.given_twice == 1


def test_a_picture_that_is_missing_and_one_that_nobody_names_are_found(data: Path) -> None:
    found = delivered(data)
    pictures = sorted((data / "blobs").glob("*/*"))
    pictures[0].unlink()
    checked(data, found)
    assert found.without_picture == 1
    orphan = data / "blobs" / "aa" / ("a" * 64)
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"left by a kill")
    found.finish(data)
    assert (found.swept, found.orphans_left) == (1, 0)
