"""Search for hits: on indexes alone, and pages without a hole."""

from __future__ import annotations

import datetime as dt
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from edge.hit_ids import derive_hit_id
from edge.store import Store
from edge.store.hits import search
from edge.store.hits.search import HitFilter
from tests.support.store import ANN, BOB, enrol, hit_of, review

T0 = dt.datetime(2026, 3, 4, 5, 6, 7, tzinfo=dt.UTC)


FILTERS = [
    HitFilter(),
    HitFilter(person_id="ann"),
    HitFilter(camera="door"),
    HitFilter(state="new"),
    HitFilter(since=T0, until=T0 + dt.timedelta(days=1)),
    HitFilter(person_id="ann", camera="door"),
    HitFilter(person_id="ann", state="new", since=T0),
    HitFilter(camera="door", state="new", until=T0),
    HitFilter(person_id="ann", camera="door", state="new", since=T0, until=T0 + dt.timedelta(days=1)),
]


@pytest.mark.parametrize("which", FILTERS)
@pytest.mark.parametrize("before", [None, search.least_id_at(T0)])
def test_every_filter_walks_an_index_and_sorts_nothing(
    store: Store, tmp_path: Path, which: HitFilter, before: str | None
) -> None:
    sql, values = search.build_query("body", which, before)
    with sqlite3.connect(tmp_path / "data" / "edge.db") as db:
        rows = db.execute(f"EXPLAIN QUERY PLAN {sql} ORDER BY hit_id DESC LIMIT 50", values).fetchall()
    plan = " / ".join(row[3] for row in rows)
    assert "TEMP B-TREE" not in plan
    assert "USING INDEX" in plan
    if not which.is_empty or before is not None:
        assert plan.startswith("SEARCH hits"), plan
    if before is not None or which.since is not None:
        assert "hit_id<?" in plan or "hit_id>?" in plan, plan


def test_filters_find_what_they_say_and_pages_meet_without_hole(store: Store) -> None:
    enrol(store, ANN)
    enrol(store, BOB)
    ids: list[str] = []
    for number in range(24):
        who, camera = (ANN, BOB)[number % 2], ("door", "yard", "hall")[number % 3]
        at = T0 + dt.timedelta(minutes=number)
        hit, pictures = hit_of(who, number, hit_id=derive_hit_id(at, "box", camera, who.person_id))
        store.add_hit(replace(hit, camera=camera), pictures).result(10)
        ids.append(hit.hit_id)
        if number % 4 == 0:
            review(store, hit.hit_id, "confirmed", "guard", None).result(10)

    def found(**which: object) -> list[int]:
        wanted = HitFilter(**which)  # type: ignore[arg-type]
        seen: list[str] = []
        while page := store.find_hits(wanted, before=seen[-1] if seen else None, limit=3):
            seen += [hit.hit_id for hit in page]
        assert store.count_hits(wanted) == len(seen)
        return [ids.index(hit_id) for hit_id in seen]

    assert found() == list(range(23, -1, -1))
    assert found(person_id=BOB.person_id) == list(range(23, -1, -2))
    assert found(camera="yard") == list(range(22, -1, -3))
    assert found(state="confirmed") == list(range(20, -1, -4))
    assert found(since=T0 + dt.timedelta(minutes=5), until=T0 + dt.timedelta(minutes=8)) == [7, 6, 5]
    assert found(person_id=ANN.person_id, camera="door", state="confirmed") == [12, 0]
    assert found(camera="nowhere") == []
    assert store.cameras_with_hits() == ["door", "hall", "yard"]
