"""A night at the gate, the real service on the demo clip and a real browser: claim, watch, review, enrol, erase."""

from __future__ import annotations

import asyncio
import json
import re
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.browser import NARROW, browsing, find_axe, require_chromium, serious_faults, shoot, tells_its_age
from tests.e2e.guard.nights import PASSWORD, claim, enrol, log_in, run_night
from tests.support.appliance import Appliance

require_chromium()

PAGES = ("/", "/hits", "/people", "/people/new", "/examine", "/box", "/commission")


async def live_picture_moves(page: Any, box: Appliance) -> None:
    await page.goto(box.url)
    await page.locator("[data-camera=door][data-live=yes]").wait_for()
    seen = set()
    for _ in range(600):
        seen.add(await page.evaluate("document.querySelector('canvas').toDataURL().length"))
        await asyncio.sleep(0.1)
        if len(seen) >= 4:
            break
    assert len(seen) >= 4, "the picture stands still"
    await tells_its_age(page)


async def a_hit_arrives_and_sounds(page: Any, box: Appliance) -> str:
    """Turn the sound on, wait for the hit, and return its id."""
    await page.get_by_role("button", name="Test", exact=True).click()
    await page.locator("html[data-sounded=normal]").wait_for()
    await page.get_by_label("Sound for new hits").check()
    first = page.locator("#latest [data-hit]").first
    await first.wait_for(timeout=60_000)
    hit_id = str(await first.get_attribute("data-hit"))
    await page.locator(f"#latest [data-hit]:not([data-hit='{hit_id}'])").first.wait_for(timeout=60_000)
    await page.locator("html[data-sounded=urgent]").wait_for()
    assert re.match(r"\(\d+\) Now", await page.title())
    await shoot(page, "night-now")
    return hit_id


async def press(page: Any, key: str) -> None:
    """Press a key once the page listens to keys."""
    await page.locator(".keys:not([hidden])").wait_for()
    await page.keyboard.press(key)


async def review_by_keys(page: Any, box: Appliance, hit_id: str) -> None:
    """Two keys for a verdict, one to take it back, two to give it again; then the second person disagrees."""
    await page.goto(f"{box.url}/hits/{hit_id}")
    await press(page, "r")
    await page.get_by_role("button", name="Another person").wait_for()
    await shoot(page, "night-verdict", full=False)
    await page.keyboard.press("1")
    await page.get_by_role("button", name="Undo").wait_for()
    await press(page, "u")
    await page.locator("header .verdict.new").wait_for()
    await press(page, "c")
    await page.keyboard.press("2")
    await page.get_by_text("Your verdict is stored. It counts once a second person").wait_for()
    await shoot(page, "night-undo", full=False)


async def second_person(page: Any, box: Appliance, hit_id: str) -> None:
    await page.goto(f"{box.url}/hits/{hit_id}")
    text = await page.locator("main").inner_text()
    assert "You see it after you have given yours" in text
    assert "anna" not in text
    assert await page.locator(".given").count() == 0
    await press(page, "c")
    await page.keyboard.press("1")
    await page.locator("header .verdict.confirmed").wait_for()
    text = await page.locator(".given").inner_text()
    assert "anna" in text
    assert "ben" in text


async def examine(page: Any, box: Appliance, clip: Path) -> None:
    await page.get_by_role("link", name="Examine").click()
    await page.locator("input[type=file]").set_input_files(clip)
    await page.get_by_role("button", name="Examine").click()
    await page.get_by_text("Working").wait_for()
    await page.get_by_text("Done").wait_for(timeout=600_000)
    await page.get_by_role("heading", name="Rosa wanted").first.wait_for()
    await shoot(page, "examination")
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Download the report").click()
    report = await (await download.value).path()
    assert b"Rosa" in await asyncio.to_thread(Path(report).read_bytes)


async def pause(page: Any, box: Appliance, token: str) -> None:
    await page.get_by_role("link", name="Box").click()
    await page.get_by_label("Reason").fill("works on the door")
    await page.get_by_role("button", name="Pause").click()
    await page.get_by_text("Paused by anna").wait_for()
    await shoot(page, "night-box")
    await page.get_by_role("link", name="Now").click()
    await page.locator("#strip").get_by_text("Recognition paused until").wait_for()
    # The cameras go on.
    await page.locator("[data-camera=door][data-live=yes]").wait_for()
    await page.get_by_role("link", name="Box").click()
    await page.locator("#strip").get_by_role("button", name="Resume now").click()
    await page.get_by_role("button", name="Pause").wait_for()
    items = []
    after = ""
    while True:
        told = await asyncio.to_thread(box.get, f"/api/v1/alerts?limit=500{after}", token)
        items += told["items"]
        after = f"&after={told['next']}"
        if not told["more"]:
            break
    gaps = [item for item in items if item["type"] == "gap" and item["cause"] == "paused"]
    assert [(gap["by"], gap["reason"]) for gap in gaps] == [("anna", "works on the door")]
    states = [item["state"] for item in items if item["type"] == "health" and item.get("subject") == "recognition"]
    assert states == ["paused", "running"]


async def erase(page: Any, box: Appliance, hit_id: str) -> None:
    await page.get_by_role("link", name="People").click()
    await page.get_by_role("link", name="Edit Rosa").click()
    await shoot(page, "person-edit")
    await page.get_by_label("To confirm, type the id").fill("rosa-1")
    await page.get_by_role("button", name="Erase for good").click()
    await page.get_by_role("heading", name="Erased: rosa-1").wait_for()
    await shoot(page, "receipt")
    answer = await page.goto(f"{box.url}/hits/{hit_id}")
    assert answer.status == 404
    await page.goto(f"{box.url}/examine")
    # The examination stays, without what showed her.
    await page.get_by_role("heading", name="Examine").first.wait_for()
    left = await page.content()
    assert "Rosa" not in left
    assert "rosa-1" not in left


@pytest.mark.timeout(900)
def test_a_night_at_the_gate(tmp_path: Path, demo_clip: Path, portrait: Path) -> None:
    async def night(box: Appliance, code: str, portrait: Path) -> None:
        async with browsing(box.url, may_fail=("status of 4",)) as page:
            await claim(page, box, code)
            done = await asyncio.to_thread(
                box.edge, "user", "add", "ben", "--role", "guard", "--password-stdin", stdin=PASSWORD + "\n"
            )
            assert done.returncode == 0, done.stderr
            token = await asyncio.to_thread(box.token)
            await enrol(page, box, portrait, tmp_path)
            await live_picture_moves(page, box)
            hit_id = await a_hit_arrives_and_sounds(page, box)
            await review_by_keys(page, box, hit_id)
            async with browsing(box.url, NARROW) as other:
                await log_in(other, box, "ben")
                await shoot(other, "night-now-360")
                await second_person(other, box, hit_id)
                await shoot(other, "night-hit-360")
            await page.goto(f"{box.url}/hits?state=confirmed&person=rosa-1&camera=door&since=2020-01-01T00:00")
            assert await page.locator(f"[data-hit='{hit_id}']").count() == 1
            await shoot(page, "night-hits")
            await examine(page, box, demo_clip)
            await pause(page, box, token)
            await erase(page, box, hit_id)
            told = await asyncio.to_thread(urllib.request.urlopen, f"{box.url}/livez")
            assert told.status == 200

    run_night(tmp_path, demo_clip, portrait, night)


def test_every_page_is_without_a_serious_fault_of_access(tmp_path: Path, demo_clip: Path, portrait: Path) -> None:
    axe = find_axe()
    if axe is None:
        pytest.skip("needs axe-core: pip install axe-playwright-python, or EDGE_TEST_AXE=.../axe.min.js")

    async def night(box: Appliance, code: str, portrait: Path) -> None:
        faults: dict[str, list[str]] = {}
        async with browsing(box.url, bypass_csp=True, may_fail=("status of 4",)) as page:
            await page.goto(box.url)
            faults["/claim"] = await serious_faults(page, axe)
            await claim(page, box, code)
            await enrol(page, box, portrait, tmp_path)
            await page.goto(box.url)
            await page.locator("#latest [data-hit]").first.wait_for(timeout=60_000)
            hit_id = await page.locator("#latest [data-hit]").first.get_attribute("data-hit")
            for scheme in ("dark", "light"):
                await page.emulate_media(color_scheme=scheme)
                for path in (*PAGES, f"/hits/{hit_id}", "/people/rosa-1/edit", "/nope"):
                    await page.goto(box.url + path)
                    faults[f"{scheme} {path}"] = await serious_faults(page, axe)
        assert {path: found for path, found in faults.items() if found} == {}, json.dumps(faults, indent=1)

    run_night(tmp_path, demo_clip, portrait, night)
