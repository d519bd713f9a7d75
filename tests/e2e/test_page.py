"""The page in a real Chromium: live picture and its age, hits without reload, review, dark, narrow, no foreign request.

Skipped by name where Chromium or Playwright is not installed. Screenshots are left in build/screens/ to be looked at.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from edge.config import ReviewConfig
from edge.records import CameraState
from tests.e2e.browser import NARROW, WIDE, browsing, log_in, require_chromium, shoot, tells_its_age
from tests.support.web import WebSide, camera_health, live_view, make_hit, person, run, running

require_chromium()


class Publisher:
    """Plays the vision side: the drawn scene, ten frames a second, until paused."""

    def __init__(self, box: WebSide) -> None:
        self.box = box
        self.paused = False
        self.frame_id = 0

    async def play(self) -> None:
        while True:
            if not self.paused:
                self.frame_id += 1
                self.box.live.publish(await asyncio.to_thread(live_view, self.frame_id))
            await asyncio.sleep(0.1)


async def age_ms(page: Any) -> float:
    return float(await page.locator("[data-camera=door]").get_attribute("data-age-ms") or "inf")


def test_the_live_picture_moves_tells_its_age_and_greys_when_it_stops(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box, browsing(box.url) as page:
            publisher = Publisher(box)
            playing = asyncio.create_task(publisher.play())
            await log_in(box, page)
            live = page.locator("[data-camera=door][data-live=yes]")
            await live.wait_for()
            await page.get_by_text("Possible match in view: Rosa Alba").wait_for()
            seen = {await page.evaluate("document.querySelector('canvas').toDataURL()")}
            for _ in range(600):
                await asyncio.sleep(0.1)
                seen.add(await page.evaluate("document.querySelector('canvas').toDataURL()"))
                if len(seen) >= 4:
                    break
            assert len(seen) >= 4, "the picture stands still"
            await tells_its_age(page)
            await shoot(page, "now-dark")

            publisher.paused = True
            await page.locator("[data-camera=door][data-live=no]").wait_for()
            assert await age_ms(page) >= 2000
            assert await page.locator(".veil").is_visible()
            box.live.publish_health([camera_health(state=CameraState.LOST, detail="no answer from rtsp://camera")])
            await page.locator("#strip").get_by_text("Camera lost").wait_for()
            await shoot(page, "now-not-live")

            publisher.paused = False
            await live.wait_for()
            playing.cancel()

    run(check())


def test_the_age_is_that_of_the_capture_not_of_the_arrival(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box, browsing(box.url) as page:
            box.live.publish(live_view(1, age_s=1000.0))
            await log_in(box, page)
            await page.get_by_text("not live, 16 min old").wait_for()
            assert 1_000_000 <= await age_ms(page) < 1_030_000

    run(check())


def test_a_hit_arrives_without_reload(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path, num_hits=1) as box, browsing(box.url) as page:
            box.live.publish(live_view(1))
            await log_in(box, page)
            await page.locator("#latest [data-hit]").first.wait_for()
            await page.evaluate("window.notReloaded = true")
            hit, images = make_hit(9, person(2))
            await asyncio.wrap_future(box.store.add_hit(hit, images))
            await page.locator(f"#latest [data-hit='{hit.hit_id}']").wait_for()
            assert await page.evaluate("window.notReloaded")
            assert await page.locator("#news").inner_text() == "New possible match: Viktor Lindqvist-Abendroth"
            await shoot(page, "now-new-hit")

    run(check())


def test_a_guard_logs_in_and_reviews_a_hit_by_keyboard(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box, browsing(box.url) as page:
            hit = make_hit(2)[0]
            await page.goto(f"{box.url}/hits/{hit.hit_id}")
            await shoot(page, "login")
            await page.keyboard.type("a-guard")
            await page.keyboard.press("Tab")
            await page.keyboard.type("correct horse 1")
            await page.keyboard.press("Enter")
            await page.get_by_role("heading", name="Rosa Alba", exact=True).wait_for()
            slider = page.get_by_role("slider", name="Wipe from found")
            await slider.focus()
            for _ in range(50):
                await page.keyboard.press("ArrowRight")
            assert "inset(0px 50% 0px 0px)" in await page.evaluate(
                "document.querySelector('[data-compare] img:last-child').style.clipPath"
            )
            await shoot(page, "hit-dark")
            note = page.get_by_label("Note, if you want")
            await note.focus()
            await page.keyboard.type("scar over the left eye is missing")
            # Away from the field, keys give verdicts again; in it, they wrote them.
            await page.keyboard.press("Tab")
            await page.keyboard.press("r")
            await page.keyboard.press("1")
            await page.get_by_text("scar over the left eye is missing").wait_for()
            await page.get_by_role("button", name="Undo (").wait_for()
            await shoot(page, "hit-undo")
            kept = box.store.hit(hit.hit_id)
            assert kept is not None
            assert (kept.review["state"], kept.review["by"]) == ("rejected", "a-guard")

    run(check())


@pytest.mark.parametrize(("size", "scheme"), [(WIDE, "dark"), (WIDE, "light"), (NARROW, "dark"), (NARROW, "light")])
def test_every_page_fits_wide_and_narrow_dark_and_light(tmp_path: Path, size: tuple[int, int], scheme: str) -> None:
    async def check() -> None:
        async with running(tmp_path, num_hits=5) as box, browsing(box.url, size, scheme) as page:
            playing = asyncio.create_task(Publisher(box).play())
            for number in (20, 21):
                who = person(2)
                await asyncio.wrap_future(box.store.add_hit(*make_hit(number, who, enhanced=number == 20)))
            box.token()
            await log_in(box, page)
            suffix = f"{size[0]}-{scheme}"
            await page.locator("[data-camera=door][data-live=yes]").wait_for()
            await shoot(page, f"now-{suffix}")
            hit_id = make_hit(21)[0].hit_id
            pages = {"hits": "/hits", "hit": f"/hits/{hit_id}", "people": "/people", "box": "/box"}
            pages |= {"person": "/people/p1/edit", "person-new": "/people/new"}
            for name, path in pages.items():
                await page.goto(box.url + path)
                await page.wait_for_load_state("load")
                await shoot(page, f"{name}-{suffix}")
            playing.cancel()

    run(check())


def test_without_scripts_all_but_the_live_picture_works(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box, browsing(box.url, java_script_enabled=False) as page:
            box.live.publish(live_view(1))
            await page.goto(box.url)
            await page.get_by_label("User").fill("a-guard")
            await page.get_by_label("Password").fill("correct horse 1")
            await page.get_by_role("button", name="Log in").click()
            await page.get_by_role("link", name="All hits").click()
            await page.locator(".hit a").first.click()
            await page.locator("summary", has_text="Confirm").click()
            await page.get_by_role("button", name="Checked on the spot").click()
            await page.get_by_text("Checked on the spot").last.wait_for()
            assert "Confirmed by a-guard" in await page.locator(".given").inner_text()
            await page.get_by_role("button", name="Undo").click()
            await page.locator("header .verdict.new").wait_for()
            assert await page.get_by_alt_text("Face as found").is_visible()
            assert await page.get_by_alt_text("Face after enhancement").is_visible()
            await shoot(page, "hit-no-script")

    run(check())


def test_a_page_in_german_fits_a_telephone(tmp_path: Path) -> None:
    async def check() -> None:
        review = ReviewConfig(second_person_for=("banned",))
        async with running(tmp_path, review=review) as box, browsing(box.url, NARROW, locale="de-DE") as page:
            box.live.publish(live_view(1))
            await log_in(box, page)
            hit = f"/hits/{make_hit(1)[0].hit_id}"
            pages = {"now": "/", "hits": "/hits", "hit": hit, "people": "/people", "box": "/box"}
            for name, path in pages.items():
                await page.goto(box.url + path)
                await page.get_by_text("Abmelden").wait_for()
                await shoot(page, f"{name}-360-german")

    run(check())
