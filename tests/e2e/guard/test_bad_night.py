"""A bad night in a real Chromium: recognition paused, cameras lost, the connection gone, an empty list, a telephone."""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from edge.config import SiteConfig
from edge.records import CameraState
from edge.store.coverage.pause import Pause
from tests.e2e.browser import NARROW, browsing, find_axe, log_in, require_chromium, serious_faults, shoot
from tests.e2e.guard.guards import DESK, LOUD, PAGES, add_hit, rectangle
from tests.support.web import START, Switch, WebSide, camera_health, live_view, make_hit, person, run, running

require_chromium()

SLOW_BYTES = 400_000


def test_the_strip_and_the_tile_say_pause_loss_and_an_empty_list(tmp_path: Path) -> None:
    async def check() -> None:
        now = dt.datetime.now(dt.UTC)
        switch, told = Switch(), {"people": 2}
        site = SiteConfig(time_zone="Asia/Kolkata")
        async with (
            running(tmp_path, recognition=switch, told=told, site=site) as box,
            browsing(box.url, DESK) as page,
        ):
            alive = True

            async def play() -> None:
                number = 0
                while True:
                    number += 1
                    if alive:
                        box.live.publish(await asyncio.to_thread(live_view, number, label=None))
                    await asyncio.sleep(0.2)

            playing = asyncio.create_task(play())
            await log_in(box, page, "a-guard")
            await page.get_by_text("No possible match in view.").wait_for()
            switch.pause_now = Pause("Ann", "fire drill", now, now + dt.timedelta(minutes=5))
            box.live.health_bell.ring()
            tile = page.locator("[data-camera=door] .seen")
            await tile.get_by_text("by Ann: fire drill").wait_for()
            for path in PAGES:
                await page.goto(box.url + path)
                await page.locator("#strip").get_by_text("Recognition paused until").wait_for()
            await shoot(page, "strip-paused")
            await page.goto(f"{box.url}/hits")
            await page.locator("#strip").get_by_role("button", name="Resume now").click()
            await page.wait_for_url(f"{box.url}/hits")
            assert await page.locator("#strip [data-pause]").count() == 0
            assert switch.asked == [("resume", "a-guard")]
            told["people"] = 0
            await page.goto(box.url)
            await tile.get_by_text("Nobody is on the watchlist.").wait_for()
            told["people"] = 2
            live = page.locator("[data-camera=door][data-live=yes]")
            await live.get_by_text("No possible match in view.").wait_for()
            box.live.publish_health([camera_health(CameraState.FROZEN, "the picture does not change")])
            await page.locator("[data-camera=door][data-live=no] .age").get_by_text("the same pictures").wait_for()
            await tile.get_by_text("Picture frozen since").wait_for()
            await shoot(page, "frozen")
            box.live.publish_health([camera_health(CameraState.LIVE)])
            await live.wait_for()
            alive = False
            box.live.publish_health([camera_health(CameraState.LOST, "no answer")])
            await tile.get_by_text("Camera lost since 2025-03-02 03:00: Check its power").wait_for()
            await shoot(page, "strip-lost")
            playing.cancel()

    run(check())


def test_on_a_telephone_hits_come_before_the_second_camera_and_nothing_sticks_out(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box, browsing(box.url, NARROW, locale="de-DE") as page:
            for camera in ("door", "yard"):
                box.live.publish(live_view(1, camera))
            await log_in(box, page)
            tops = [(await rectangle(page, at))[0] for at in ("[data-camera=door]", "#latest", "[data-camera=yard]")]
            assert tops == sorted(tops)
            names = ("detector_score", "similarity", "margin", "shots", "quality")
            gates = [{"gate": name, "value": 0.6123, "limit": 0.5} for name in names]
            hit, images = make_hit(7, person(2))
            decision = {"gates": gates, "kind": "color", "limits": "calibration", "timing": "regular"}
            who = replace(hit.person, name="Donaudampfschifffahrtsgesellschaftskapitän Überlingen-Möckmühl")
            await asyncio.wrap_future(box.store.add_hit(replace(hit, decision=decision, person=who), images))
            await page.goto(f"{box.url}/hits/{hit.hit_id}")
            await page.get_by_text("Grenzen auf diese Liste eingestellt").wait_for()
            table = "document.querySelector('[aria-labelledby=why-title].scroll')"
            assert await page.evaluate(f"{table}.scrollWidth <= {table}.clientWidth"), "nothing of it is cut off"
            assert await page.locator("[data-label='Kein Treffer wäre es bei']").first.is_visible()
            assert "0,612" in await page.locator("[aria-labelledby=why-title].scroll").inner_text()
            await shoot(page, "hit-360-long-german")

    run(check())


def test_without_the_box_nothing_looks_live(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box, browsing(box.url, DESK, may_fail=("ERR_", "Failed to")) as page:
            box.live.publish(live_view(1))
            await log_in(box, page, "a-guard")
            await page.get_by_text("Working").wait_for()
            await page.context.set_offline(True)
            await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
            await page.locator("html[data-offline]").wait_for(timeout=30_000)
            await page.get_by_text("No connection to the box: its state is not known.").wait_for()
            assert not await page.get_by_text("Working").is_visible()
            assert await page.locator("#offline").is_visible()
            grey = "getComputedStyle(document.querySelector('#latest')).filter"
            assert "grayscale" in await page.evaluate(grey)
            await shoot(page, "offline")
            await page.context.set_offline(False)
            await page.locator("html:not([data-offline])").wait_for(timeout=30_000)
            await page.get_by_text("Working").wait_for()

    run(check())


def test_a_slow_network_is_not_called_a_broken_one(tmp_path: Path) -> None:
    """All cameras come in one answer, which takes longer here than a page waits for one that is silent."""

    async def play(box: WebSide) -> None:
        for number in range(10_000):
            view = live_view(number)
            jpeg = view.make_jpeg().ljust(SLOW_BYTES, b"\0")
            box.live.publish(replace(view, make_jpeg=lambda jpeg=jpeg: jpeg))
            await asyncio.sleep(0.5)

    async def check() -> None:
        async with running(tmp_path) as box, browsing(box.url, DESK, may_fail=("ERR_", "Failed to")) as page:
            playing = asyncio.create_task(play(box))
            await log_in(box, page, "a-guard")
            await page.locator("[data-camera=door][data-live=yes]").wait_for()
            devtools = await page.context.new_cdp_session(page)
            slowly = {"offline": False, "latency": 0, "downloadThroughput": SLOW_BYTES / 20, "uploadThroughput": -1}
            await devtools.send("Network.emulateNetworkConditions", slowly)
            await page.locator(".age-text", has_text="slow connection").wait_for()
            age = "Number(document.querySelector('[data-camera=door]').dataset.ageMs)"
            broken = "document.querySelector('.age-text').textContent.includes('no connection')"
            came = f"{age} < (window.most = Math.max(window.most ?? 0, {age})) - 1000"
            await page.wait_for_function(f"() => {broken} || {came}")
            assert not await page.evaluate(broken), "the picture came, if slowly"
            assert "slow connection" in await page.locator(".age-text").inner_text()
            assert not await page.locator("#offline").is_visible()
            playing.cancel()

    run(check())


def test_the_pages_of_a_bad_night_are_without_a_serious_fault_of_access(tmp_path: Path) -> None:
    axe = find_axe()
    if axe is None:
        pytest.skip("needs axe-core: pip install axe-playwright-python, or EDGE_TEST_AXE=.../axe.min.js")

    async def check() -> None:
        pause = Pause("Ann", "works", START, START + dt.timedelta(minutes=5))
        told = {"people": 0, "store_problem": "the disk is gone"}
        faults: dict[str, list[str]] = {}
        async with (
            running(tmp_path, recognition=Switch(pause), told=told, statuses=LOUD) as box,
            browsing(box.url, NARROW, bypass_csp=True, may_fail=("status of 4",)) as page,
        ):
            box.live.publish_health([camera_health(CameraState.LOST, "no answer")])
            hit_id = await add_hit(box, 8)
            await box.post(f"/hits/{hit_id}/review", {"verdict": "rejected:no_face"}, box.session("guard"))
            await log_in(box, page)
            for scheme in ("dark", "light"):
                await page.emulate_media(color_scheme=scheme)
                for path in (*PAGES[:3], "/box", f"/hits/{hit_id}"):
                    await page.goto(box.url + path)
                    faults[f"{scheme} {path}"] = await serious_faults(page, axe)
        assert {path: found for path, found in faults.items() if found} == {}

    run(check())
