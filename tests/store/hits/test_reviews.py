"""Verdicts on a hit: what follows from them, and how one is taken back."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import ConflictError, NotFoundError
from edge.store import Store
from edge.store.hits.reviews import Verdict, outcome
from tests.support.store import ANN, Clock, enrol, hit_of

T0 = dt.datetime(2026, 3, 4, 5, 6, 7, tzinfo=dt.UTC)


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


def test_who_was_outvoted_is_not_named_for_the_outcome() -> None:
    verdicts = [said("a", "confirmed", second=True), said("b", "confirmed", second=True)]
    verdicts.append(Verdict("c", T0, "rejected", "no_face", None, True))
    result = outcome(verdicts)
    assert (result["state"], result["by"], result["reason"]) == ("confirmed", "b", None)
    assert [one["by"] for one in result["verdicts"]] == ["a", "b", "c"]
    changed = outcome([*verdicts, said("b", "rejected", second=True)])
    assert (changed["state"], changed["by"]) == ("rejected", "b")


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
        store.reviews.give_verdict(hit.hit_id, by, verdict, reason="other_person", note=None, needs_second=True).result(
            10
        )

    give("ann", "acknowledged")
    give("ann", "rejected")
    assert state() == "second_needed"
    with pytest.raises(ConflictError, match="no verdict of yours"):
        store.reviews.undo_verdict(hit.hit_id, "ben", 10).result(10)
    item = store.reviews.undo_verdict(hit.hit_id, "ann", 10).result(10)
    assert (item.type, item.body["review"]["state"], state()) == ("alert.reviewed", "acknowledged", "acknowledged")
    give("ann", "rejected")
    give("ben", "rejected")
    assert state() == "rejected"
    right = clock.now
    clock.now = right - dt.timedelta(seconds=60)  # set back: that must not lengthen the time
    with pytest.raises(ConflictError, match="time to take it back is over"):
        store.reviews.undo_verdict(hit.hit_id, "ben", 10).result(10)
    clock.now = right
    clock.forward(seconds=11)
    with pytest.raises(ConflictError, match="time to take it back is over"):
        store.reviews.undo_verdict(hit.hit_id, "ben", 10).result(10)
    assert [(v.by, v.state) for v in store.reviews.verdicts(hit.hit_id)] == [
        ("ann", "acknowledged"),
        ("ann", "rejected"),
        ("ben", "rejected"),
    ]
    with pytest.raises(NotFoundError):
        store.reviews.give_verdict("none", "ann", "confirmed", reason=None, note=None, needs_second=False).result(10)
    store.forget_person(ANN.person_id).result(30)
    assert store.reviews.verdicts(hit.hit_id) == []
