"""The weekly hours in which a camera's faces are looked for, in the time of the place. Reads no clock."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ENTRY = re.compile(r"([a-z,-]+) +(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})")
_DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours of some days, in minutes of the day; `end` at or before `begin` lies on the next day."""

    days: frozenset[int]
    begin: int
    end: int

    def holds(self, day: int, minute: int) -> bool:
        """Whether a minute of a weekday, Monday is 0, lies within."""
        if self.begin < self.end:
            return day in self.days and self.begin <= minute < self.end
        return (day in self.days and minute >= self.begin) or ((day - 1) % 7 in self.days and minute < self.end)


def parse_hours(text: str) -> Hours:
    """Read `mon-fri 07:00-19:00`, `sat,sun 22:00-06:00` or `daily 00:00-24:00`; raises ValueError."""
    found = _ENTRY.fullmatch(text.strip().lower())
    if found is None:
        raise ValueError(f"{text!r} is no such entry; write days and hours, such as mon-fri 07:00-19:00")
    begin, end = (int(found[hour]) * 60 + int(found[hour + 1]) for hour in (2, 4))
    if max(int(found[3]), int(found[5])) > 59 or begin >= _DAY_MINUTES or end > _DAY_MINUTES:
        raise ValueError(f"{text!r}: hours go from 00:00 to 24:00")
    return Hours(frozenset(_days(found[1], text)), begin, end)


def _days(text: str, entry: str) -> list[int]:
    if text == "daily":
        return list(range(7))
    days: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        if first not in DAYS or (last and last not in DAYS):
            raise ValueError(f"{entry!r}: {part!r} is no day; write {', '.join(DAYS)} or daily")
        begin, end = DAYS.index(first), DAYS.index(last or first)
        days += [day % 7 for day in range(begin, end + (8 if end < begin else 1))]
    return days


class Schedules:
    """Which camera is to be watched at a time. Cameras without a schedule always are."""

    def __init__(self, schedules: Mapping[str, Sequence[str]], time_zone: str) -> None:
        """`time_zone` is the site's, such as Europe/Berlin; empty takes the system's."""
        self._hours = {camera: [parse_hours(one) for one in entries] for camera, entries in schedules.items()}
        self._zone = zoneinfo.ZoneInfo(time_zone) if time_zone else None

    def is_on(self, camera: str, at: dt.datetime) -> bool:
        """Whether faces before a camera are looked for at an aware time.

        The clocks of the place decide: an hour that is skipped in spring has no time in it, one that comes twice in
        autumn counts twice.
        """
        hours = self._hours.get(camera)
        if not hours:
            return True
        local = at.astimezone(self._zone)
        return any(one.holds(local.weekday(), local.hour * 60 + local.minute) for one in hours)
