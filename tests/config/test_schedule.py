"""Weekly hours: days, hours over midnight, and both ends of summer time."""

from __future__ import annotations

import datetime as dt
import zoneinfo

import pytest

from edge.config.schedule import Schedules, parse_hours

BERLIN = "Europe/Berlin"


def is_on(entries: tuple[str, ...], local: str, zone: str = BERLIN) -> bool:
    at = dt.datetime.fromisoformat(local).replace(tzinfo=zoneinfo.ZoneInfo(zone))
    return Schedules({"door": entries}, zone).is_on("door", at.astimezone(dt.UTC))


@pytest.mark.parametrize(
    ("entries", "local", "on"),
    [
        ((), "2026-11-28T03:00", True),
        (("mon-fri 07:00-19:00",), "2026-11-27T07:00", True),  # a Friday
        (("mon-fri 07:00-19:00",), "2026-11-27T06:59", False),
        (("mon-fri 07:00-19:00",), "2026-11-27T19:00", False),
        (("mon-fri 07:00-19:00",), "2026-11-28T12:00", False),
        (("mon-fri 07:00-19:00", "sat 10:00-14:00"), "2026-11-28T12:00", True),
        (("fri 22:00-06:00",), "2026-11-27T23:00", True),
        (("fri 22:00-06:00",), "2026-11-28T05:59", True),
        (("fri 22:00-06:00",), "2026-11-27T05:00", False),
        (("sun 22:00-06:00",), "2026-11-30T05:00", True),  # from Sunday to Monday
        (("sat-mon 08:00-09:00",), "2026-11-29T08:30", True),  # over the end of the week
        (("sat-mon 08:00-09:00",), "2026-11-27T08:30", False),
        (("daily 00:00-24:00",), "2026-11-28T23:59", True),
        (("TUE, 08:00-09:00".replace(", ", " "),), "2026-11-24T08:30", True),
    ],
)
def test_days_and_hours(entries: tuple[str, ...], local: str, on: bool) -> None:
    assert is_on(entries, local) is on


def minutes_on(entry: str, first: str, hours: int) -> int:
    """Minutes of real time from `first` (UTC) on in which the entry holds."""
    begin = dt.datetime.fromisoformat(first).replace(tzinfo=dt.UTC)
    schedules = Schedules({"door": (entry,)}, BERLIN)
    return sum(schedules.is_on("door", begin + dt.timedelta(minutes=number)) for number in range(hours * 60))


def test_the_night_in_which_summer_time_begins_has_an_hour_less() -> None:
    # 2026-03-29: after 01:59 comes 03:00.
    assert minutes_on("sun 01:30-03:30", "2026-03-28T22:00", 8) == 60
    assert minutes_on("sun 02:00-03:00", "2026-03-28T22:00", 8) == 0
    assert minutes_on("sat 22:00-06:00", "2026-03-28T20:00", 10) == 7 * 60


def test_the_night_in_which_summer_time_ends_has_an_hour_more() -> None:
    # 2026-10-25: after 02:59 comes 02:00 again.
    assert minutes_on("sun 01:30-03:30", "2026-10-24T22:00", 8) == 180
    assert minutes_on("sun 02:00-03:00", "2026-10-24T22:00", 8) == 120
    assert minutes_on("sat 22:00-06:00", "2026-10-24T19:00", 12) == 9 * 60


def test_the_place_decides_and_other_cameras_are_always_on() -> None:
    schedules = Schedules({"door": ("daily 09:00-10:00",), "yard": ()}, "Asia/Tokyo")
    assert schedules.is_on("door", dt.datetime(2026, 11, 28, 0, 30, tzinfo=dt.UTC))
    assert not schedules.is_on("door", dt.datetime(2026, 11, 28, 9, 30, tzinfo=dt.UTC))
    assert schedules.is_on("yard", dt.datetime(2026, 11, 28, 9, 30, tzinfo=dt.UTC))
    assert schedules.is_on("new", dt.datetime(2026, 11, 28, 9, 30, tzinfo=dt.UTC))


@pytest.mark.parametrize("entry", ["", "mon", "mon 7-19", "mo 07:00-19:00", "mon-xyz 07:00-19:00", "mon 24:00-25:00",
                                   "mon 07:60-08:00", "mon 25:00-26:00"])  # fmt: skip
def test_what_is_no_schedule_is_refused_with_its_text(entry: str) -> None:
    with pytest.raises(ValueError, match=r"mon-fri 07:00-19:00|is no day|24:00"):
        parse_hours(entry)
