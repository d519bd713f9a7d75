"""Scripts of sightings with the exact answer expected to each."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.records import Visit
from edge.visit import VisitKind, Visits, VisitUpdate

START = dt.datetime(2024, 5, 1, 12, 0, tzinfo=dt.UTC)
NEW, UPDATE, NONE = VisitKind.NEW, VisitKind.UPDATE, VisitKind.NONE


def at(seconds: float) -> dt.datetime:
    return START + dt.timedelta(seconds=seconds)


def visit(first: float, last: float, best: float, count: int) -> Visit:
    return Visit(at(first), at(last), at(best), count)


def see(visits: Visits, seconds: float, quality: float = 50.0, who: str = "ann", camera: str = "door") -> VisitUpdate:
    return visits.sighting(who, camera, at(seconds), quality, quality / 100)


def test_a_stay_is_one_hit_updated_while_it_lasts() -> None:
    visits = Visits(gap_s=30, update_every_s=2)
    script = [
        (0.0, 40, NEW, visit(0, 0, 0, 1), True),
        (0.5, 40, NONE, visit(0, 0.5, 0, 2), False),
        (1.0, 45, NONE, visit(0, 1, 0, 3), False),  # better, but not by enough to tell at once
        (1.5, 51, UPDATE, visit(0, 1.5, 1.5, 4), True),  # 40 x 1.25 is passed
        (2.5, 51, NONE, visit(0, 2.5, 1.5, 5), False),
        (3.5, 30, UPDATE, visit(0, 3.5, 1.5, 6), False),  # two seconds after the last update
        (5.5, 52, UPDATE, visit(0, 5.5, 5.5, 7), True),  # due anyway, so any better shot is told
        (35.5, 20, UPDATE, visit(0, 35.5, 5.5, 8), False),  # exactly the gap: still the same stay
        (65.6, 20, NEW, visit(65.6, 65.6, 65.6, 1), True),
    ]
    for seconds, quality, kind, expected, is_best in script:
        update = see(visits, seconds, quality)
        assert (update.kind, update.visit, update.is_best) == (kind, expected, is_best)


@pytest.mark.parametrize(("min_gain", "is_best"), [(1.0, True), (1.1, False)])
def test_a_hardly_better_shot_is_told_with_a_due_update_where_every_gain_counts(min_gain: float, is_best: bool) -> None:
    visits = Visits(gap_s=30, update_every_s=2, min_gain=min_gain)
    see(visits, 0, 40)
    update = see(visits, 3, 43)
    assert (update.kind, update.is_best, update.best_quality) == (UPDATE, is_best, 43 if is_best else 40)
    assert see(visits, 6, 48).is_best, "a tenth better than what was told in either case"


def test_the_told_best_shot_keeps_its_similarity() -> None:
    visits = Visits(gap_s=30, update_every_s=2)
    see(visits, 0, 40)
    assert see(visits, 3, 20).best_similarity == pytest.approx(0.4)
    update = see(visits, 6, 60)
    assert (update.best_quality, update.best_similarity) == (60, pytest.approx(0.6))


def test_persons_and_cameras_do_not_mix() -> None:
    visits = Visits(gap_s=30, update_every_s=2)
    assert see(visits, 0).kind is NEW
    assert see(visits, 0, who="bob").kind is NEW
    assert see(visits, 0, camera="yard").kind is NEW
    assert see(visits, 1).kind is NONE
    assert see(visits, 1, who="bob").kind is NONE


def test_two_faces_of_one_person_in_one_frame_are_one_visit() -> None:
    visits = Visits(gap_s=30, update_every_s=2)
    assert see(visits, 0).kind is NEW
    assert see(visits, 0).kind is NONE


def test_update_every_zero_tells_every_sighting() -> None:
    visits = Visits(gap_s=30, update_every_s=0)
    assert [see(visits, s).kind for s in (0, 0, 0.04, 0.08)] == [NEW, UPDATE, UPDATE, UPDATE]


def test_a_restart_goes_on_with_the_stored_visit() -> None:
    visits = Visits(gap_s=30, update_every_s=2)
    visits.restore("ann", "door", visit(0, 20, 10, 7), best_quality=50)
    update = see(visits, 21, 55)
    assert (update.kind, update.visit, update.best_similarity) == (NONE, visit(0, 21, 10, 8), None)
    assert see(visits, 22, 50).kind is UPDATE
    visits.restore("bob", "door", visit(0, 20, 10, 7))
    assert see(visits, 51, who="bob").kind is NEW


def test_a_clock_set_back_does_not_split_a_stay() -> None:
    visits = Visits(gap_s=30, update_every_s=2)
    see(visits, 3600)
    back = see(visits, 1)
    assert (back.kind, back.visit) == (NONE, visit(3600, 3600, 3600, 2))
    assert see(visits, 2.5).kind is NONE
    assert see(visits, 3).kind is UPDATE
    # the gap is counted on the new time: the stay does not last until the old time comes round again
    assert see(visits, 34).kind is NEW


def test_a_better_shot_after_a_clock_set_back_stays_within_the_visit() -> None:
    visits = Visits(gap_s=30, update_every_s=2)
    see(visits, 3600, 40)
    update = see(visits, 1, 80)
    assert (update.kind, update.is_best) == (UPDATE, True)
    assert update.visit.first_at <= update.visit.best_at <= update.visit.last_at


def at_both(visits: Visits, wall_s: float, passed_s: float) -> VisitKind:
    return visits.sighting("ann", "door", at(wall_s), 50, 0.7, passed_s=passed_s).kind


def test_who_comes_again_after_a_clock_was_set_back_is_a_new_stay() -> None:
    """By the wall clock she was never away; an update of the hit of an hour ago would be no alert."""
    visits = Visits(gap_s=30, update_every_s=2)
    assert at_both(visits, 3600, 100) is NEW
    assert at_both(visits, 0, 101) is NONE, "set back while she is in view"
    assert at_both(visits, 20, 3000) is NEW, "set back again while she was away"
    assert at_both(visits, 10, 3060) is NEW
    assert at_both(visits, 30, 3080) is UPDATE


@pytest.mark.parametrize(("back_s", "kind"), [(29, NONE), (31, NEW), (86_400, NEW)])
def test_a_box_that_starts_with_a_clock_from_before_its_last_hit_alerts(back_s: float, kind: VisitKind) -> None:
    """As one without a battery for its clock does each time, until something sets it."""
    visits = Visits(gap_s=30, update_every_s=2)
    visits.restore("ann", "door", visit(0, 20, 10, 7), best_quality=50)
    assert at_both(visits, 20 - back_s, 5) is kind


def test_times_without_a_zone_are_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Visits(30, 2).sighting("ann", "door", dt.datetime(2024, 5, 1), 1.0, 1.0)


steps = st.tuples(st.floats(-100, 100), st.floats(0, 100))


@settings(deadline=None)
@given(st.lists(steps, min_size=1, max_size=40))
def test_a_visit_is_in_order_and_counts_every_sighting(script: list[tuple[float, float]]) -> None:
    visits, now, count = Visits(gap_s=30, update_every_s=2), 0.0, 0
    for step, quality in script:
        now += step
        update = see(visits, now, quality)
        count = 1 if update.kind is NEW else count + 1
        assert update.visit.seen_count == count
        assert update.visit.first_at <= update.visit.best_at <= update.visit.last_at
        assert update.kind is NEW or step < 30.01


def test_a_cooldown_lengthens_the_stay_of_some() -> None:
    visits = Visits(gap_s=30, update_every_s=2)
    start = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)

    def kind(person: str, second: float, cooldown_s: float = 0.0) -> str:
        return visits.sighting(person, "door", start + dt.timedelta(seconds=second), 50, 0.7, cooldown_s).kind

    assert [kind("p1", 0, 600), kind("p1", 500, 600), kind("p1", 1000, 600)] == ["new", "update", "update"]
    assert [kind("p2", 0), kind("p2", 31)] == ["new", "new"]
    assert [kind("p3", 0, 5), kind("p3", 29, 5)] == ["new", "update"], "never less than the gap"
    assert kind("p1", 1601, 600) == "new"
