"""What the store keeps for the page: verdicts, finding hits on indexes alone, the claim, language, pause."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import AuthError, ConflictError, NotFoundError
from edge.pipeline.draft import make_hit_id
from edge.store import Store
from edge.store.guarding import Pause
from edge.store.hits import search
from edge.store.hits.reviews import Verdict, outcome
from edge.store.hits.search import HitFilter
from tests.support.store import ANN, BOB, Clock, enrol, hit_of

T0 = dt.datetime(2026, 3, 4, 5, 6, 7, tzinfo=dt.UTC)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    with Store.open(tmp_path / "data", clock=clock) as opened:
        yield opened


def said(by: str, state: str, *, second: bool = False) -> Verdict:
    return Verdict(by, T0, state, None, None, second)


@pytest.mark.parametrize(
    ("verdicts", "state"),
    [
        ([], "new"),
        ([said("a", "acknowledged")], "acknowledged"),
        ([said("a", "acknowledged"), said("b", "confirmed")], "confirmed"),
        ([said("a", "confirmed"), said("b", "rejected")], "rejected"),
        ([said("a", "confirmed"), said("b", "acknowledged")], "confirmed"),
        ([said("a", "confirmed", second=True)], "second_needed"),
        ([said("a", "confirmed", second=True), said("a", "rejected", second=True)], "second_needed"),
        ([said("a", "rejected", second=True), said("b", "acknowledged", second=True)], "second_needed"),
        ([said("a", "rejected", second=True), said("b", "rejected", second=True)], "rejected"),
        ([said("a", "rejected", second=True), said("b", "confirmed", second=True)], "disputed"),
        (
            [said("a", "rejected", second=True), said("b", "confirmed", second=True), said("c", "confirmed")],
            "confirmed",
        ),
    ],
)
def test_what_follows_from_the_verdicts(verdicts: list[Verdict], state: str) -> None:
    assert outcome(verdicts)["state"] == state


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["acknowledged", "confirmed", "rejected"])), max_size=8)
)
def test_where_two_are_asked_for_one_person_never_decides(told: list[tuple[str, str]]) -> None:
    verdicts = [said(by, state, second=True) for by, state in told]
    result = outcome(verdicts)
    deciders = {by for by, state in told if state in {"confirmed", "rejected"}}
    assert (result["state"] in {"confirmed", "rejected", "disputed"}) == (len(deciders) > 1)
    if result["state"] == "second_needed":
        # Nothing of the first verdict may be told.
        assert set(result) == {"state", "by", "at"}


def test_undo_gives_back_what_was_and_only_to_its_own_author_in_time(store: Store, clock: Clock) -> None:
    enrol(store, ANN)
    hit, pictures = hit_of(ANN, 1)
    store.add_hit(hit, pictures).result(10)

    def state() -> str:
        kept = store.hit(hit.hit_id)
        assert kept is not None
        return str(kept.review["state"])

    def give(by: str, verdict: str) -> None:
        store.page.give_verdict(hit.hit_id, by, verdict, reason="other_person", note=None, needs_second=True).result(10)

    give("ann", "acknowledged")
    give("ann", "rejected")
    assert state() == "second_needed"
    with pytest.raises(ConflictError, match="no verdict of yours"):
        store.page.undo_verdict(hit.hit_id, "ben", 10).result(10)
    item = store.page.undo_verdict(hit.hit_id, "ann", 10).result(10)
    assert (item.type, item.body["review"]["state"], state()) == ("alert.reviewed", "acknowledged", "acknowledged")
    give("ann", "rejected")
    give("ben", "rejected")
    assert state() == "rejected"
    clock.forward(seconds=11)
    with pytest.raises(ConflictError, match="time to take it back is over"):
        store.page.undo_verdict(hit.hit_id, "ben", 10).result(10)
    assert [(v.by, v.state) for v in store.page.verdicts(hit.hit_id)] == [
        ("ann", "acknowledged"),
        ("ann", "rejected"),
        ("ben", "rejected"),
    ]
    with pytest.raises(NotFoundError):
        store.page.give_verdict("none", "ann", "confirmed", reason=None, note=None, needs_second=False).result(10)
    store.forget_person(ANN.person_id).result(30)
    assert store.page.verdicts(hit.hit_id) == []


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
@pytest.mark.parametrize("before", [None, search.first_id(T0)])
def test_every_filter_walks_an_index_and_sorts_nothing(
    store: Store, tmp_path: Path, which: HitFilter, before: str | None
) -> None:
    sql, values = search.query("body", which, before)
    with sqlite3.connect(tmp_path / "data" / "edge.db") as db:
        rows = db.execute(f"EXPLAIN QUERY PLAN {sql} ORDER BY hit_id DESC LIMIT 50", values).fetchall()
    plan = " / ".join(row[3] for row in rows)
    assert "TEMP B-TREE" not in plan
    assert "USING INDEX" in plan
    if not which.is_open or before is not None:
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
        hit, pictures = hit_of(who, number, hit_id=make_hit_id(at, "box", camera, who.person_id))
        store.add_hit(replace(hit, camera=camera), pictures).result(10)
        ids.append(hit.hit_id)
        if number % 4 == 0:
            store.set_review(hit.hit_id, "confirmed", "guard", None).result(10)

    def found(**which: object) -> list[int]:
        wanted = HitFilter(**which)  # type: ignore[arg-type]
        seen: list[str] = []
        while page := store.page.find_hits(wanted, before=seen[-1] if seen else None, limit=3):
            seen += [hit.hit_id for hit in page]
        assert store.page.count_hits(wanted) == len(seen)
        return [ids.index(hit_id) for hit_id in seen]

    assert found() == list(range(23, -1, -1))
    assert found(person_id=BOB.person_id) == list(range(23, -1, -2))
    assert found(camera="yard") == list(range(22, -1, -3))
    assert found(state="confirmed") == list(range(20, -1, -4))
    assert found(since=T0 + dt.timedelta(minutes=5), until=T0 + dt.timedelta(minutes=8)) == [7, 6, 5]
    assert found(person_id=ANN.person_id, camera="door", state="confirmed") == [12, 0]
    assert found(camera="nowhere") == []
    assert store.page.cameras_with_hits() == ["door", "hall", "yard"]


def test_a_claim_code_works_once_and_makes_one_supervisor(store: Store) -> None:
    assert not store.page.is_claimed()
    old = store.page.new_claim_code().result(10)
    code = store.page.new_claim_code().result(10)
    for wrong in (old, "", "AAAA-AAAA-AAAA"):
        with pytest.raises(AuthError, match="not the code"):
            store.page.claim(wrong, "rosa", "correct horse 1").result(30)
    store.page.claim(code.lower().replace("-", " "), "rosa", "correct horse 1").result(30)
    assert [(user.name, user.role) for user in store.users()] == [("rosa", "supervisor")]
    assert store.page.is_claimed()
    for call in (lambda: store.page.claim(code, "eve", "correct horse 1"), store.page.new_claim_code):
        with pytest.raises(ConflictError, match="has been claimed"):
            call().result(30)


def test_a_session_knows_its_users_language(store: Store) -> None:
    store.add_user("rosa", "guard", "correct horse 1").result(30)
    secret = store.add_session("rosa", 1).result(10)
    session = store.check_session(secret)
    assert session is not None
    assert session.language is None
    store.page.set_language("rosa", "de").result(10)
    session = store.check_session(secret)
    assert session is not None
    assert session.language == "de"


def test_a_pause_is_kept_and_told_in_the_same_commit(tmp_path: Path) -> None:
    pause = Pause("rosa", "works on the door", T0, T0 + dt.timedelta(minutes=30))
    with Store.open(tmp_path / "data") as store:
        assert store.page.pause() is None
        store.page.set_pause(pause, [("health", {"subject": "recognition", "state": "paused"})]).result(10)
    with Store.open(tmp_path / "data") as store:
        assert store.page.pause() == pause
        assert store.feed(None, 10).items[-1].body["state"] == "paused"
        store.page.set_pause(None, [("gap", {"cause": "paused"}), ("health", {})]).result(10)
        assert store.page.pause() is None
        assert [item.type for item in store.feed(None, 10).items] == ["health", "gap", "health"]
