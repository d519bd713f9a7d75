"""What is asked of the store with every page and every poll reads an index, however many hits there are."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.store import Store
from edge.store.feed import feed
from edge.store.hits import hits, search
from edge.store.hits.search import HitFilter
from tests.support.store import ANN, enrol, hit_of

T0 = dt.datetime(2026, 3, 4, 5, 6, 7, tzinfo=dt.UTC)
SMALL = ("trims", "sqlite_sequence", "CONSTANT ROW", "names", "people", "erasures", "(subquery-1)")
"""Tables that don't grow with the hits, and rows that a query makes itself."""

ASKED: dict[str, Callable[[sqlite3.Connection], object]] = {
    "page": lambda db: search.page(db, HitFilter(), None, 51),
    "older page": lambda db: search.page(db, HitFilter(), search.least_id_at(T0), 51),
    "page of a person": lambda db: search.page(db, HitFilter(person_id="ann"), None, 51),
    "page at a camera": lambda db: search.page(db, HitFilter(camera="door"), None, 51),
    "page of a state": lambda db: search.page(db, HitFilter(state="disputed"), None, 51),
    "page of a day": lambda db: search.page(db, HitFilter(since=T0, until=T0 + dt.timedelta(days=1)), None, 51),
    "count of all": lambda db: search.count(db, HitFilter()),
    "count of a person": lambda db: search.count(db, HitFilter(person_id="ann", state="new")),
    "count at a camera": lambda db: search.count(db, HitFilter(camera="door", state="new")),
    "count of a state": lambda db: search.count(db, HitFilter(state="new")),
    "cameras": search.cameras,
    "last of a person": lambda db: hits.last_of(db, "ann", "door"),
    "one hit": lambda db: hits.get(db, "x"),
    "feed from the first": lambda db: feed.page(db, "0" * 16, None, 100, None),
    "feed after an item": lambda db: feed.items_after(db, 1, 100),
}


@pytest.mark.parametrize(
    ("which", "columns"),
    [
        (HitFilter(person_id="ann", state="disputed"), "(person_id=? AND review_state=?)"),
        (HitFilter(person_id="ann", camera="door", state="disputed"), "(person_id=? AND review_state=?)"),
        (HitFilter(camera="door", state="disputed"), "(camera=? AND review_state=?)"),
    ],
)
def test_a_rare_state_of_many_hits_is_found_by_both(tmp_path: Path, which: HitFilter, columns: str) -> None:
    Store.open(tmp_path).close()
    sql, values = search.build_query("body", which, None)
    with sqlite3.connect(tmp_path / "edge.db") as db:
        plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql} ORDER BY hit_id DESC LIMIT 51", values)]
    assert len(plan) == 1
    assert columns in plan[0]


@pytest.mark.parametrize("what", ASKED)
def test_no_table_that_grows_is_read_from_end_to_end(tmp_path: Path, what: str) -> None:
    with Store.open(tmp_path) as store:
        enrol(store, ANN)
        hit, pictures = hit_of(ANN, 0)
        store.add_hit(hit, pictures).result(10)
    told: list[str] = []
    with sqlite3.connect(tmp_path / "edge.db") as db:
        db.set_trace_callback(told.append)
        ASKED[what](db)
        db.set_trace_callback(None)
        assert told
        for sql in told:
            plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}")]
            assert not any("TEMP B-TREE" in line for line in plan), plan
            read = [
                line for line in plan if line.startswith("SCAN") and line.removeprefix("SCAN ").split()[0] not in SMALL
            ]
            # A walk along an index is no full scan where a limit ends it.
            unlimited = [line for line in read if "USING" not in line or "LIMIT" not in sql]
            assert not unlimited, (sql, plan)
            assert not any("LIMIT -1" in sql for _ in read), (sql, plan)
