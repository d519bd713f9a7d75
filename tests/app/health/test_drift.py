"""Faces that change over weeks: what is said of a day, and what is kept over restarts."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from edge.app.health.drift import FILE, FaceDay, FaceDrift, drift_of
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
        assert play_day(drift, number, FACE) == ("ok", "faces are as they were in the first week")
    small = replace(FACE, eye_distance_px=20.0)
    told = ("changed", f"door: {SMALLER}")
    assert play_day(drift, 8, small) == told
    assert play_day(drift, 9, small) == told
    assert play_day(drift, 10, FACE) == ("ok", "faces are as they were in the first week")
    again = FaceDrift(tmp_path, ["door"])
    assert again.close_day(NOON + dt.timedelta(days=12)) is None
    assert play_day(again, 12, small) is None
    assert play_day(again, 13, small) == told


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
