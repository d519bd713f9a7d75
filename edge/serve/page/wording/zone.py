"""The site's time zone: all times of the page are shown and asked for in it, whatever the browser's or the box's is."""

from __future__ import annotations

import datetime as dt
import os
import zoneinfo
from pathlib import Path

from aiohttp import web

LOCALTIME = Path("/etc/localtime")


class SiteZone:
    """The zone of that name; of the system where the name is empty. `name` stays empty where the system names none."""

    def __init__(self, name: str = "") -> None:
        self.name = name or _system_name()
        self._zone = zoneinfo.ZoneInfo(self.name) if self.name else None

    def local(self, time: dt.datetime) -> dt.datetime:
        """An aware time, in the site's zone."""
        return time.astimezone(self._zone)

    def utc(self, time: dt.datetime) -> dt.datetime:
        """UTC of a time without a zone, which is the site's; one that has a zone keeps it."""
        if time.tzinfo is None and self._zone is not None:
            time = time.replace(tzinfo=self._zone)
        return time.astimezone(dt.UTC)

    def full(self, time: dt.datetime) -> str:
        """Day and time to the second, as the page shows it; its script leaves out the day where that is today."""
        return self.local(time).strftime("%Y-%m-%d %H:%M:%S")

    def short(self, time: dt.datetime) -> str:
        """The time to the minute; with the day where that is not today."""
        local = self.local(time)
        is_today = local.date() == self.local(dt.datetime.now(dt.UTC)).date()
        return local.strftime("%H:%M" if is_today else "%Y-%m-%d %H:%M")

    def hour(self, time: dt.datetime) -> str:
        """The time to the minute, without a day."""
        return self.local(time).strftime("%H:%M")

    @property
    def shown(self) -> str:
        """The name as the page shows it."""
        return self.name or str(self.local(dt.datetime.now(dt.UTC)).tzname())


def _system_name() -> str:
    """The system's zone by name: only a name knows when the clocks change, and only a name can be told to a browser."""
    names = [os.environ.get("TZ", "").removeprefix(":")]
    try:
        names.append(str(LOCALTIME.readlink()).partition("zoneinfo/")[2])
    except OSError:
        names.append("")
    for name in filter(None, names):
        try:
            return zoneinfo.ZoneInfo(name).key
        except (KeyError, ValueError, OSError):
            continue
    return ""


ZONE: web.AppKey[SiteZone] = web.AppKey("zone", SiteZone)
