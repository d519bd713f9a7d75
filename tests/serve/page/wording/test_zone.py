"""One time zone, the site's: in what the page shows, in the filters, and in the end of an entry."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest

from edge.config import SiteConfig
from edge.serve.page.wording import zone
from edge.serve.page.wording.zone import SiteZone
from tests.support.web import run, running

TOKYO = SiteConfig(time_zone="Asia/Tokyo")


def test_times_and_filters_are_the_sites(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path, site=TOKYO) as box:
            headers = box.session("guard")
            page = (await box.get("/hits", headers))[1].decode()
            assert "All times: Asia/Tokyo" in page
            assert "in view 2025-03-02 06:32 to 06:33" in re.sub("<[^>]*>", "", page), "21:32 UTC"
            # The hits' ids are of 15:49:14 UTC.
            for since, found in (("2025-02-14T00:49", 3), ("2025-02-14T00:50", 0), ("2025-02-13T15:50Z", 0)):
                page = (await box.get(f"/hits?since={since}", headers))[1].decode()
                assert len(re.findall(r'data-hit="', page)) == found, since

    run(check())


def test_the_last_hour_shift_and_day(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path, num_hits=0, site=SiteConfig(shift_hours=6)) as box:
            headers = box.session("supervisor")
            await box.post("/box/drill", {"camera": "door"}, headers)
            for last in ("hour", "shift", "day"):
                page = (await box.get(f"/hits?last={last}", headers))[1].decode()
                assert len(re.findall(r'data-hit="', page)) == 1, last
            assert "Last shift (6 h)" in page
            assert (await box.get("/hits?last=year", headers))[0].status == 400

    run(check())


def test_old_hits_are_not_of_the_last_day(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            assert b"No hit matches" in (await box.get("/hits?last=day", box.session()))[1]

    run(check())


def test_a_time_without_a_zone_is_the_sites_in_summer_and_winter() -> None:
    berlin = SiteZone("Europe/Berlin")
    assert berlin.utc(dt.datetime(2027, 7, 1, 12)) == dt.datetime(2027, 7, 1, 10, tzinfo=dt.UTC)
    assert berlin.utc(dt.datetime(2027, 1, 1, 12)) == dt.datetime(2027, 1, 1, 11, tzinfo=dt.UTC)
    assert berlin.full(dt.datetime(2027, 7, 1, 10, tzinfo=dt.UTC)) == "2027-07-01 12:00:00"
    assert berlin.shown == "Europe/Berlin"


def test_without_a_setting_it_is_the_systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TZ", raising=False)
    monkeypatch.setattr(zone, "LOCALTIME", tmp_path / "localtime")
    (tmp_path / "localtime").symlink_to("/usr/share/zoneinfo/America/Lima")
    assert SiteZone().name == "America/Lima"
    monkeypatch.setenv("TZ", "Europe/Rome")
    assert SiteZone().name == "Europe/Rome"
    (tmp_path / "localtime").unlink()
    monkeypatch.setenv("TZ", "nowhere")
    unnamed = SiteZone()
    assert unnamed.name == ""
    assert unnamed.utc(dt.datetime(2027, 1, 1)).tzinfo is dt.UTC
