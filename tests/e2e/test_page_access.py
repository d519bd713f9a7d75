"""Users, logins, tokens and the strip of conditions in a real Chromium; axe-core over every page, dark and light."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from edge.config import ReviewConfig
from edge.serve.board import Condition
from tests.e2e.browser import NARROW, WIDE, browsing, find_axe, log_in, require_chromium, serious_faults, shoot
from tests.support.web import PASSWORD, WebSide, live_view, make_hit, run, running

require_chromium()

PAGES = ("/", "/hits", f"/hits/{make_hit(1)[0].hit_id}", "/people", "/people/new", "/people/p1/edit", "/box", "/nope")


def trouble(box: WebSide) -> None:
    """Two things are wrong with the box."""
    since = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=12)
    low = Condition("disk", "low", since, "180 MB are free, 200 MB are asked for")
    behind = Condition("load", "overloaded", since, "1.2 frames/s are processed, 23.8 are dropped")
    box.live.publish_conditions([low, behind])


@pytest.mark.parametrize(("size", "script"), [(WIDE, True), (NARROW, True), (WIDE, False)])
def test_users_tokens_and_logins_on_the_box(tmp_path: Path, size: tuple[int, int], script: bool) -> None:
    name = f"{size[0]}" if script else "no-script"

    async def check() -> None:
        async with (
            running(tmp_path) as box,
            browsing(box.url, size, java_script_enabled=script, may_fail=("status of 4",)) as page,
        ):
            await log_in(box, page)
            await page.goto(f"{box.url}/box")
            await page.locator("summary", has_text="Add a user").click()
            form = page.locator("form[action='/box/users']")
            await form.get_by_label("Name").fill("cleo")
            await form.get_by_label("Role").select_option("auditor")
            await form.get_by_label("First password").fill(PASSWORD)
            await form.get_by_role("button").click()
            await page.locator("#users th", has_text="cleo").wait_for()
            await page.locator("summary", has_text="Issue a token").click()
            form = page.locator("form[action='/box/tokens']")
            await form.get_by_label("Name").fill("central")
            await form.get_by_role("button").click()
            secret = await page.locator("code.secret").inner_text()
            assert secret.startswith("edge_")
            await shoot(page, f"token-issued-{name}")
            await page.goto(f"{box.url}/box")
            assert secret not in await page.content()
            await page.locator("#tokens summary", has_text="Change central").click()
            await shoot(page, f"accounts-{name}")
            await page.locator("#tokens").get_by_role("button", name="Revoke central").click()
            await page.get_by_text("No machine has a token.").wait_for()
            await page.locator("summary", has_text="Change cleo").click()
            await page.get_by_role("button", name="Remove cleo").click()
            await page.get_by_role("heading", name="Users").wait_for()
            assert await page.locator("#users th", has_text="cleo").count() == 0
            await page.locator("#logins").get_by_role("button", name="End a login of a-supervisor").click()
            await page.get_by_label("User").wait_for()

    run(check())


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_conditions_come_and_go_without_reload(tmp_path: Path, size: tuple[int, int]) -> None:
    async def check() -> None:
        async with running(tmp_path) as box, browsing(box.url, size) as page:
            box.live.publish(live_view(1))
            await log_in(box, page)
            await page.locator("[data-camera=door]").wait_for()
            await page.evaluate("window.notReloaded = true")
            trouble(box)
            await page.locator("#strip [data-condition=load]").wait_for()
            await page.locator("#health [data-condition=load]").wait_for()
            await shoot(page, f"now-trouble-{size[0]}")
            box.live.publish_conditions([])
            await page.locator("#strip [data-condition]").first.wait_for(state="detached")
            assert await page.evaluate("window.notReloaded")

    run(check())


def test_each_sound_can_be_tried_and_a_hit_sounds_as_urgent_as_it_is(tmp_path: Path) -> None:
    review = ReviewConfig(urgent_for=("banned",))

    async def check() -> None:
        async with running(tmp_path, num_hits=1, review=review) as box, browsing(box.url) as page:
            box.live.publish(live_view(1))
            await log_in(box, page)
            await page.get_by_role("button", name="Test urgent").click()
            await page.locator("html[data-sounded=urgent]").wait_for()
            await page.get_by_role("button", name="Test", exact=True).click()
            await page.locator("html[data-sounded=normal]").wait_for()
            await page.get_by_label("Sound for new hits").check()
            hit, images = make_hit(9)
            now = dt.datetime.now(dt.UTC)  # those of yesterday sound no more
            visit = dataclasses.replace(hit.visit, first_at=now, last_at=now, best_at=now)
            await asyncio.wrap_future(box.store.add_hit(dataclasses.replace(hit, visit=visit), images))
            await page.locator("html[data-sounded=urgent]").wait_for()
            assert (await page.title()).startswith("(2) Now")

    run(check())


def test_many_tabs_and_cameras_share_one_stream_and_one_poll_each(tmp_path: Path) -> None:
    cameras = [f"cam-{number}" for number in range(8)]

    async def publish(box: WebSide) -> None:
        for frame_id in itertools.count(1):
            for camera in cameras:
                box.live.publish(await asyncio.to_thread(live_view, frame_id, camera))
            await asyncio.sleep(0.2)

    async def check() -> None:
        async with running(tmp_path) as box, browsing(box.url) as first:
            asked: list[str] = []
            first.context.on("request", lambda request: asked.append(request.url.removeprefix(box.url)))
            playing = asyncio.create_task(publish(box))
            await log_in(box, first)
            tabs = [first, *[await first.context.new_page() for _ in range(3)]]
            for tab in tabs:
                await tab.goto(box.url)
                # More cameras than a browser opens connections; with one each, some would wait for ever.
                for camera in cameras:
                    await tab.locator(f"[data-camera={camera}][data-live=yes]").wait_for()
            # The stream of the first page ends with the page that the login led to; each further tab opens none.
            assert 1 <= sum(address == "/events" for address in asked) <= 2, asked
            assert not [address for address in asked if "/frame?" in address]
            hit, images = make_hit(9)
            await asyncio.wrap_future(box.store.add_hit(hit, images))
            for tab in tabs:
                await tab.locator(f"#latest [data-hit='{hit.hit_id}']").wait_for()
            await shoot(first, "now-eight-cameras")
            await tabs[0].close()
            await asyncio.wrap_future(box.store.add_hit(*make_hit(10)))
            await tabs[1].locator(f"#latest [data-hit='{make_hit(10)[0].hit_id}']").wait_for()
            playing.cancel()

    run(check())


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_axe_finds_nothing_serious_on_any_page(tmp_path: Path, scheme: str) -> None:
    axe = find_axe()
    if axe is None:
        pytest.skip("needs axe-core: pip install axe-playwright-python, or EDGE_TEST_AXE=.../axe.min.js")

    async def check() -> None:
        faults: dict[str, list[str]] = {}
        async with (
            running(tmp_path) as box,
            browsing(box.url, WIDE, scheme, bypass_csp=True, may_fail=("status of 4",)) as page,
        ):
            trouble(box)
            box.token()
            await page.goto(f"{box.url}/login")
            faults["/login"] = await serious_faults(page, axe)
            for user in ("a-supervisor", "a-guard", "a-auditor"):
                await log_in(box, page, user)
                for path in PAGES if user == "a-supervisor" else ("/hits", "/box"):
                    await page.goto(box.url + path)
                    await open_all(page)
                    faults[f"{user} {path}"] = await serious_faults(page, axe)
        assert {path: found for path, found in faults.items() if found} == {}, json.dumps(faults, indent=1)

    run(check())


async def open_all(page: Any) -> None:
    """What is folded is judged, too; of choices that exclude each other the last one."""
    await page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
