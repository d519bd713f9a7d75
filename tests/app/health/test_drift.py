"""Faces that change over weeks: what is said of a day, and what is kept over restarts."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from edge.app.health.accepted import Accepted, accepted_of, read_accepted, write_accepted
from edge.app.health.drift import (
    AS_BEFORE,
    FILE,
    FIRST_WEEK,
    MAX_AWAY,
    NOT_YET,
    TODAY,
    TOO_FEW,
    WITH_BOTH,
    WITH_WALK,
    WITH_WEEK,
    FaceDay,
    FaceDrift,
    drift_of,
)
from edge.records import Quality

FIRST = [FaceDay(f"2026-11-0{number}", 100, 40.0, 0.5, 0.8) for number in range(1, 8)]
DAY = FaceDay("2026-11-20", 100, 40.0, 0.5, 0.8)
FEWER = "{} faces were seen, 100 were usual in the first week: does something hide them?"
SMALLER = "faces are 50 % smaller than in the first week: has the camera moved?"
NOON = dt.datetime(2026, 11, 1, 12, tzinfo=dt.UTC)
FACE = Quality(0.8, 0.5, 0.0, 0.0, 40.0, 50.0, {})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, []),
        ({"size_px": 31.0}, []),
        ({"size_px": 28.0}, ["faces are 30 % smaller than in the first week: has the camera moved?"]),
        ({"luma": 0.25}, ["faces are 50 % darker than in the first week: is a lamp out?"]),
        ({"sharpness": 0.4}, ["faces are 50 % blurrier than in the first week: is the lens dirty or out of focus?"]),
        ({"count": 45}, []),
        ({"count": 30, "size_px": 20.0}, [FEWER.format(30), SMALLER]),
        ({"count": 3, "size_px": 20.0}, [FEWER.format(3)]),
    ],
)  # fmt: skip
def test_what_is_said_of_a_day(changes: dict[str, float], said: list[str]) -> None:
    assert drift_of(FIRST, replace(DAY, **changes)) == said  # type: ignore[arg-type]


ACCEPTED = Accepted("2026-10-20T10:00:00.000+00:00", 40.0, 0.5, 0.8)


@pytest.mark.parametrize(
    ("first", "changes", "said"),
    [
        (FIRST, {}, []),
        (FIRST, {"size_px": 28.0}, ["faces are 30 % smaller than at commissioning: has the camera moved?"]),
        ([], {"size_px": 28.0}, ["faces are 30 % smaller than at commissioning: has the camera moved?"]),
        ([], {"luma": 0.25, "sharpness": 0.4}, [
            "faces are 50 % darker than at commissioning: is a lamp out?",
            "faces are 50 % blurrier than at commissioning: is the lens dirty or out of focus?",
        ]),
        ([], {"count": 3, "size_px": 20.0}, []),
        ([replace(day, size_px=80.0) for day in FIRST], {}, [SMALLER]),
        ([replace(day, size_px=20.0) for day in FIRST], {"size_px": 20.0}, [
            "faces are 50 % smaller than at commissioning: has the camera moved?"]),
    ],
)  # fmt: skip
def test_the_walk_comes_before_the_week(first: list[FaceDay], changes: dict[str, float], said: list[str]) -> None:
    assert drift_of(first, replace(DAY, **changes), ACCEPTED) == said  # type: ignore[arg-type]


@dataclass(frozen=True)
class Walked:
    """One distance of a walk."""

    eye_px: float
    luma: float
    sharpness: float
    is_recognised: bool = True


def test_a_walk_leaves_what_its_recognised_distances_had(tmp_path: Path) -> None:
    rows = [Walked(60, 0.6, 0.9), Walked(40, 0.5, 0.8), Walked(30, 0.2, 0.7), Walked(10, 0.1, 0.1, is_recognised=False)]
    accepted = accepted_of(rows, NOON)
    assert accepted == Accepted("2026-11-01T12:00:00.000+00:00", 40.0, 0.2, 0.7)
    assert accepted_of(rows[3:], NOON) is None
    write_accepted(tmp_path, "door", accepted)
    assert read_accepted(tmp_path, "door") == accepted
    assert read_accepted(tmp_path, "yard") is None
    for damaged in ("no json", "[]", "{}", '{"at": "x", "size_px": 1, "luma": 1, "sharpness": 1}'):
        (tmp_path / "commission" / "door.json").write_text(damaged)
        assert read_accepted(tmp_path, "door") is None


def test_few_faces_in_the_first_week_say_nothing() -> None:
    assert drift_of([replace(day, count=5) for day in FIRST], replace(DAY, count=0)) == []


def play_day(drift: FaceDrift, number: int, face: Quality, count: int = 30) -> tuple[str, str] | None:
    """Faces of one day, and what is said of it at the next noon."""
    for _ in range(count):
        drift.note_face("door", face)
    return drift.close_day(NOON + dt.timedelta(days=number + 1))


def test_after_a_first_week_smaller_faces_are_said_each_day_and_over_a_restart(tmp_path: Path) -> None:
    drift = FaceDrift(tmp_path, ["door"])
    assert drift.close_day(NOON) is None
    assert play_day(drift, 0, FACE) is None  # the day of the start is no whole one
    assert not (tmp_path / FILE).exists()
    for number in range(1, 8):
        assert play_day(drift, number, FACE) == ("ok", FIRST_WEEK)
    small = replace(FACE, eye_distance_px=20.0)
    told = ("changed", f"door: {SMALLER}")
    assert play_day(drift, 8, small) == told
    assert play_day(drift, 9, small) == told
    assert play_day(drift, 10, FACE) == ("ok", AS_BEFORE)
    assert play_day(drift, 11, small, count=19) == ("ok", TOO_FEW), "nothing was compared, so nothing is well"
    again = FaceDrift(tmp_path, ["door"])
    assert again.close_day(NOON + dt.timedelta(days=13)) is None
    assert play_day(again, 13, small) is None
    assert play_day(again, 14, small) == told


def test_with_what_faces_are_compared_is_said(tmp_path: Path) -> None:
    drift, said = FaceDrift(tmp_path, ["door"]), []
    for number in range(10):
        play_day(drift, number, FACE, count=3 if number == 4 else 30)
        said.append(drift.comparisons["door"])
    days = [0, 0, 1, 2, 2, 3, 4, 5, 6]
    assert said == [*(NOT_YET.format(day) for day in days), WITH_WEEK]
    write_accepted(tmp_path, "door", ACCEPTED)
    assert FaceDrift(tmp_path, ["door"]).comparisons == {"door": WITH_BOTH}
    write_accepted(tmp_path, "door", replace(ACCEPTED, at="2026-11-06T10:00:00.000+00:00"))
    assert FaceDrift(tmp_path, ["door"]).comparisons == {"door": WITH_WALK.format(4)}


def test_quiet_days_are_no_first_week_so_that_later_ones_are_compared_all_the_same(tmp_path: Path) -> None:
    drift = FaceDrift(tmp_path, ["door"])
    drift.close_day(NOON)
    for number in range(9):  # the shop is not open yet
        play_day(drift, number, FACE, count=3)
    for number in range(9, 16):
        assert play_day(drift, number, FACE) == ("ok", FIRST_WEEK), "nothing was compared yet"
    assert play_day(drift, 16, replace(FACE, eye_distance_px=20.0)) == ("changed", f"door: {SMALLER}")


def test_a_first_week_that_was_kept_with_quiet_days_goes_on(tmp_path: Path) -> None:
    days = [replace(day, count=5 if number else 100) for number, day in enumerate(FIRST)]
    (tmp_path / FILE).write_text(json.dumps({"door": [asdict(day) for day in days]}))
    drift = FaceDrift(tmp_path, ["door"])
    drift.close_day(NOON)
    play_day(drift, 0, FACE)
    for number in range(1, 7):
        assert play_day(drift, number, FACE) == ("ok", FIRST_WEEK)
    assert play_day(drift, 7, replace(FACE, eye_distance_px=20.0)) == ("changed", f"door: {SMALLER}")


def test_from_the_day_after_the_walk_on_days_are_held_against_it_and_a_new_week_begins(tmp_path: Path) -> None:
    drift = FaceDrift(tmp_path, ["door", "yard"])
    drift.close_day(NOON)
    for number in range(9):
        play_day(drift, number, FACE)
    walk = Accepted("2026-11-11T15:00:00.000+00:00", 60.0, 0.5, 0.8)
    write_accepted(tmp_path, "door", walk)
    assert play_day(drift, 9, FACE) is not None
    assert play_day(drift, 10, FACE) == ("ok", FIRST_WEEK), "the day of the walk itself is left out"
    told = ("changed", "door: faces are 33 % smaller than at commissioning: has the camera moved?")
    assert play_day(drift, 11, FACE) == told, "at once, not after a week"
    larger = replace(FACE, eye_distance_px=90.0)
    for number in range(12, 18):
        assert play_day(drift, number, larger) == ("ok", AS_BEFORE)
    again = FaceDrift(tmp_path, ["door", "yard"])
    again.close_day(NOON + dt.timedelta(days=18))
    play_day(again, 18, larger)
    assert play_day(again, 19, replace(FACE, eye_distance_px=55.0)) == (
        "changed",
        "door: faces are 39 % smaller than in the first week: has the camera moved?",
    ), "the week after the walk, not the one before it"


def test_within_a_day_nothing_is_said_and_days_are_those_of_the_place(tmp_path: Path) -> None:
    drift = FaceDrift(tmp_path, ["door"], ZoneInfo("Asia/Tokyo"))
    late = dt.datetime(2026, 11, 1, 14, 59, tzinfo=dt.UTC)  # a minute before midnight
    drift.close_day(late - dt.timedelta(days=1))
    assert drift.close_day(late) is None
    assert drift.close_day(late) is None
    assert drift.close_day(late + dt.timedelta(minutes=2)) is not None


def test_a_damaged_file_begins_a_new_week_and_strange_cameras_are_left_out(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"door": 5}')
    drift = FaceDrift(tmp_path, ["door"])
    drift.note_face("yard", FACE)
    drift.note_face("door", None)
    drift.close_day(NOON)
    drift.close_day(NOON + dt.timedelta(days=1))
    assert drift.close_day(NOON + dt.timedelta(days=2)) is not None


def test_a_day_with_too_few_faces_leaves_what_was_said_before(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(json.dumps({"door": [asdict(replace(day, count=20)) for day in FIRST]}))
    drift, small = FaceDrift(tmp_path, ["door"]), replace(FACE, eye_distance_px=20.0)
    drift.close_day(NOON)
    play_day(drift, 0, FACE)
    assert play_day(drift, 1, small) == ("changed", f"door: {SMALLER}")
    assert play_day(drift, 2, FACE, count=19) is None, "nothing says that the camera was set right"
    assert play_day(drift, 3, FACE) == ("ok", AS_BEFORE)
    assert play_day(drift, 4, FACE, count=19) == ("ok", TOO_FEW)


MINUTE = dt.timedelta(minutes=1)


@pytest.mark.parametrize("away", [MINUTE, MAX_AWAY - MINUTE])
def test_a_box_that_is_restarted_each_night_has_whole_days(tmp_path: Path, away: dt.timedelta) -> None:
    told = []
    for number in range(9):
        drift = FaceDrift(tmp_path, ["door"])  # at 3 o'clock, after an update
        night = dt.datetime(2026, 11, 1 + number, 3, tzinfo=dt.UTC)
        drift.close_day(night + away)
        for _ in range(100):
            drift.note_face("door", replace(FACE, eye_distance_px=40.0 if number < 8 else 20.0))
        told.append(drift.close_day(night + dt.timedelta(hours=20)))
        told.append(drift.close_day(night + dt.timedelta(hours=23)))  # two o'clock on the next day
        drift.close_day(night + dt.timedelta(hours=24) - MINUTE)
        drift.close_day(night + dt.timedelta(hours=24))
    assert told[0::2] == [None] * 9
    assert told[1::2] == [None, *[("ok", FIRST_WEEK)] * 7, ("changed", f"door: {SMALLER}")]


def test_a_box_that_was_away_at_midnight_closes_the_day_when_it_is_back(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(json.dumps({"door": [asdict(day) for day in FIRST]}))
    drift, late = FaceDrift(tmp_path, ["door"]), NOON.replace(hour=23, minute=50)
    drift.close_day(NOON - dt.timedelta(days=1))
    drift.close_day(NOON)
    for _ in range(100):
        drift.note_face("door", replace(FACE, eye_distance_px=20.0))
    drift.close_day(late)
    assert FaceDrift(tmp_path, ["door"]).close_day(late + 20 * MINUTE) == ("changed", f"door: {SMALLER}")


@pytest.mark.parametrize("after", [MAX_AWAY + MINUTE, -MINUTE])
def test_a_box_that_was_away_for_long_or_whose_clock_went_back_begins_a_new_day(
    tmp_path: Path, after: dt.timedelta
) -> None:
    (tmp_path / FILE).write_text(json.dumps({"door": [asdict(day) for day in FIRST]}))
    drift, small = FaceDrift(tmp_path, ["door"]), replace(FACE, eye_distance_px=20.0)
    drift.close_day(NOON - dt.timedelta(days=1))
    for _ in range(100):
        drift.note_face("door", small)
    drift.close_day(NOON)
    for _ in range(100):
        drift.note_face("door", small)
    drift.close_day(NOON + 20 * MINUTE)
    again = FaceDrift(tmp_path, ["door"])
    assert again.close_day(NOON + 20 * MINUTE + after) is None
    assert again.close_day(NOON + dt.timedelta(days=1)) is None, "no whole day"


@pytest.mark.parametrize("text", ["{", "[]", '{"at": "x"}', '{"at": "2026-11-01T12:00:00+00:00", "cameras": {"a": 1}}'])
def test_a_damaged_file_of_the_day_begins_a_new_one(tmp_path: Path, text: str) -> None:
    (tmp_path / TODAY).write_text(text)
    drift = FaceDrift(tmp_path, ["door"])
    assert drift.close_day(NOON) is None
    assert drift.close_day(NOON + dt.timedelta(days=1)) is None
    assert json.loads((tmp_path / TODAY).read_text())["day"] == "2026-11-02"
