"""The strip of every page: a pause and its end, cameras that show nothing, hits that can't be stored, an empty list."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from edge.config import SiteConfig
from edge.records import CameraState
from edge.serve.board import Condition
from edge.store.coverage.pause import Pause
from tests.support.web import START, Switch, camera_health, make_hit, run, running

HTML = {"Accept": "text/html"}
PAGES = ("/", "/hits", "/people", "/box", f"/hits/{make_hit(1)[0].hit_id}", "/now/conditions", "/nope")
PAUSE = Pause("Ann", "works on the door", START, START + dt.timedelta(minutes=15))


def test_a_pause_is_said_on_every_page_with_a_button_that_ends_it(tmp_path: Path) -> None:
    async def check() -> None:
        switch = Switch(PAUSE)
        async with running(tmp_path, recognition=switch, site=SiteConfig(time_zone="Asia/Tokyo")) as box:
            headers = box.session("guard") | HTML
            for path in PAGES:
                page = (await box.get(path, headers))[1].decode()
                strip = page.partition("data-pause")[2].partition("</div>")[0]
                assert "Recognition paused until 2025-03-02 06:45 by Ann: works on the door" in strip, path
                assert "Resume now" in strip, path
            referred = headers | {"Referer": f"{box.url}/hits?state=new"}
            answer, _ = await box.post("/box/resume", {}, referred)
            assert (answer.status, answer.headers["Location"]) == (303, "/hits?state=new")
            assert switch.asked == [("resume", "a-guard")]
            assert b"data-pause" not in (await box.get("/", headers))[1]

    run(check())


def test_a_guard_pauses_with_a_reason_and_an_auditor_does_not(tmp_path: Path) -> None:
    async def check() -> None:
        switch = Switch()
        async with running(tmp_path, recognition=switch) as box:
            guard, auditor = box.session("guard") | HTML, box.session("auditor") | HTML
            assert b'action="/box/pause"' in (await box.get("/box", guard))[1]
            assert b'action="/box/drill"' not in (await box.get("/box", guard))[1]
            assert (await box.post("/box/pause", {"reason": " ", "minutes": "15"}, guard))[0].status == 422
            assert (await box.post("/box/pause", {"reason": "fire drill", "minutes": "15"}, guard))[0].status == 303
            assert (await box.post("/box/pause", {"reason": "x", "minutes": "15"}, auditor))[0].status == 403
            assert switch.asked == [("pause", "a-guard", "fire drill", 15.0)]
            page = (await box.get("/hits", auditor))[1].decode()
            assert "by a-guard: fire drill" in page
            assert "/box/resume" not in page

    run(check())


@pytest.mark.parametrize("state", sorted(set(CameraState) - {CameraState.LIVE, CameraState.STARTING}))
def test_a_camera_that_shows_nothing_is_said_on_every_page(tmp_path: Path, state: CameraState) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            headers = box.session("supervisor") | HTML
            assert b"data-lost" not in (await box.get("/people", headers))[1]
            box.live.publish_health([camera_health(state, "no answer")])
            for path in PAGES:
                page = (await box.get(path, headers))[1].decode()
                assert page.count('data-lost="door"') == 1, path
                assert "since 2025-03-01 21:30" in page, path

    run(check())


def test_hits_that_cannot_be_stored_are_said_on_every_page(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path, told={"store_problem": "the disk is gone", "hits_waiting": 4}) as box:
            headers = box.session("guard") | HTML
            for path in PAGES:
                page = (await box.get(path, headers))[1].decode()
                assert "They wait in memory. the disk is gone" in page.partition("<main")[0], path

    run(check())


def test_an_empty_list_is_said_and_who_may_is_led_to_the_form(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path, told={"people": 0}) as box:
            page = (await box.get("/", box.session("supervisor") | HTML))[1].decode()
            strip = page.partition("data-nobody")[2].partition("</div>")[0]
            assert "Nobody is on the watchlist." in strip
            assert 'href="/people/new"' in strip
            page = (await box.get("/", box.session("guard") | HTML))[1].decode()
            assert "A supervisor adds people." in page
            assert 'href="/people/new"' not in page
            # Who was just added is looked for a moment later: the page that says so must not say nobody is.
            with aiohttp.MultipartWriter("form-data") as form:
                for name, value in {"name": "Rosa Alba", "status": "banned"}.items():
                    form.append(value).set_content_disposition("form-data", name=name)
            headers = box.session("supervisor") | HTML | {"Origin": box.url}
            async with box.http.post(f"{box.url}/people/p1/edit", data=form, headers=headers) as answer:
                assert answer.status == 200
                assert "data-nobody" not in await answer.text()

    run(check())


def test_the_worst_come_first_and_the_rest_is_folded(tmp_path: Path) -> None:
    mild = [Condition(*one, START, "why") for one in (("load", "behind"), ("heat", "hot"), ("disk", "low"))]
    mild += [Condition("clock", "stepped", START, "why"), Condition("consumers", "silent", START, "why")]
    worst = [Condition("disk", "full", START, "why"), Condition("models", "missing", START, "why")]

    async def check() -> None:
        told: dict[str, object] = {}
        switch = Switch()
        async with running(tmp_path, told=told, recognition=switch) as box:
            headers = box.session("guard") | HTML

            async def strip() -> tuple[list[str], list[str]]:
                """What each notice is about: of those that are shown, and of those that are folded."""
                page = (await box.get("/now/conditions", headers))[1].decode()
                notice = re.compile(r'data-(?:(pause|nobody|trouble)|(?:condition|lost)="(\w+)")')
                shown, _, folded = page.partition("<details")
                assert ("and " in folded) == bool(folded)
                about = [["".join(one) for one in notice.findall(part)] for part in (shown, folded)]
                return about[0], about[1]

            assert await strip() == ([], [])
            box.live.publish_conditions(mild[:4])
            assert await strip() == (["load", "heat", "disk", "clock"], []), "to fold one alone gains nothing"
            box.live.publish_conditions(mild)
            assert await strip() == (["load", "heat", "disk"], ["clock", "consumers"])
            box.live.publish_conditions(mild + worst)
            assert await strip() == (["disk", "models", "load"], ["heat", "disk", "clock", "consumers"])
            health = (await box.get("/now/health", headers))[1].decode()
            assert re.findall('data-condition="([a-z]+)"', health)[:2] == ["disk", "models"]
            switch.pause_now = PAUSE
            told |= {
                "people": 0,
                "preparing": [{"step": "models", "done": 0, "total": 0}],
                "store_problem": "the disk is gone",
            }
            box.live.publish_health(
                [camera_health(CameraState.DARK), replace(camera_health(CameraState.LOST), camera="yard")]
            )
            shown, folded = await strip()
            assert shown == ["pause", "yard", "trouble", "trouble", "disk", "models", "nobody"], "however many"
            assert folded == ["door", "load", "heat", "disk", "clock", "consumers"]

    run(check())


def test_nobody_is_sent_to_a_camera_that_only_waits_for_the_box(tmp_path: Path) -> None:
    async def check() -> None:
        told: dict[str, object] = {}
        async with running(tmp_path, told=told) as box:
            headers = box.session("guard") | HTML
            box.live.publish_health([camera_health(CameraState.STARTING, "being prepared")])
            for path in ("/now/health", "/box"):
                assert "check that the camera has power" in (await box.get(path, headers))[1].decode(), path
                told["preparing"] = [{"step": "models", "done": 0, "total": 0}]
                page = (await box.get(path, headers))[1].decode()
                assert "It is opened once this box is prepared." in page, path
                assert "check that the camera has power" not in page, path
                german = (await box.get(path, headers | {"Accept-Language": "de"}))[1].decode()
                assert "Sie wird geöffnet, sobald die Box vorbereitet ist." in german, path
                assert "being prepared" not in german, path
                del told["preparing"]

    run(check())
