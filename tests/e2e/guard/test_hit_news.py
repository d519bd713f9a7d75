"""The page of a hit that stays open: what comes meanwhile is said, moves nothing, and is shown when asked for."""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.browser import NARROW, browsing, log_in, require_chromium, shoot
from tests.e2e.guard.guards import DESK, LOUD, add_hit
from tests.support.drawings import pictures, sha256
from tests.support.store import review
from tests.support.web import WebSide, run, running

require_chromium()

PLACES = """() => [
    "#in-view", ".look", "#enrolled", "#zoom", ".review", ".review .choices > button", "[name=note]", ".next"
  ].map(one => document.querySelector(one).getBoundingClientRect()).map(one => [one.left, one.top].map(Math.round))"""


async def add_better_picture(box: WebSide, hit_id: str) -> str:
    """A better shot of the same visit, told a minute later, as the pipeline tells it; the name of its picture."""
    hit = box.store.hit(hit_id)
    assert hit is not None
    crop = pictures(3)["crop"]
    visit = replace(hit.visit, last_at=hit.visit.last_at - dt.timedelta(minutes=1))
    better = replace(hit, similarity=0.7, visit=visit, images=replace(hit.images, crop=sha256(crop)))
    await asyncio.wrap_future(box.store.update_hit(better, {sha256(crop): crop}))
    return sha256(crop)


async def pictures_shown(page: Any) -> list[str]:
    """Addresses of the pictures as the server wrote them; the script replaces them by marked ones."""
    text: str = await (await page.request.get(page.url)).text()
    return [part.split('"')[0] for part in text.split("/api/v1/images/")[1:]]


@pytest.mark.parametrize("size", [DESK, NARROW])
def test_a_better_picture_is_said_moves_nothing_and_is_shown_by_key(tmp_path: Path, size: tuple[int, int]) -> None:
    async def check() -> None:
        async with running(tmp_path, statuses=LOUD) as box, browsing(box.url, size) as page:
            hit_id = await add_hit(box, 7)
            await log_in(box, page, "a-guard")
            await page.goto(f"{box.url}/hits/{hit_id}")
            await page.locator("img[data-marked]").nth(1).wait_for()
            await page.get_by_text("in view now").wait_for()
            news = page.locator("#hit-news")
            assert await news.inner_text() == ""
            await page.keyboard.press("r")
            await page.get_by_label("Note").fill("scar on the left")
            before, focus = await page.evaluate(PLACES), await page.evaluate("document.activeElement.name")

            crop = await add_better_picture(box, hit_id)
            await news.get_by_text("A better picture has come.").wait_for()
            await page.get_by_text("in view now").wait_for(state="detached")  # gone meanwhile, and the page says so
            await shoot(page, f"hit-news-{size[0]}", full=False)
            assert await page.evaluate(PLACES) == before
            assert await page.evaluate("document.activeElement.name") == focus == "note"
            assert await news.get_attribute("role") == "status"
            top = (await news.bounding_box())["y"]
            for pressed in (".review .choices > button", ".review fieldset button >> visible=true"):
                one = await page.locator(pressed).first.bounding_box()
                assert top + (await news.bounding_box())["height"] <= one["y"], "it covers nothing that is pressed"

            await page.locator("[name=note]").blur()
            await page.keyboard.press("a")
            await page.wait_for_function("document.querySelector('#hit-news').textContent === ''")
            await page.locator("img[data-marked]").nth(1).wait_for()
            assert crop in await pictures_shown(page)
            assert await page.get_by_label("Note").input_value() == "scar on the left"
            assert await page.locator("details[open]").get_attribute("data-key") == "r"
            await page.keyboard.press("1")
            await page.get_by_text("Your verdict: Rejected").wait_for()
            kept = box.store.hit(hit_id)
            assert kept is not None
            assert kept.review["note"] == "scar on the left"

    run(check())


def test_a_verdict_of_somebody_else_is_said_in_every_tab_and_shown_by_the_mouse(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path, statuses=LOUD) as box, browsing(box.url, DESK) as page:
            hit_id = await add_hit(box, 7)
            await log_in(box, page, "a-guard")
            await page.goto(f"{box.url}/hits/{hit_id}")
            other = await page.context.new_page()  # it hears of news from the tab that holds the stream
            await other.goto(f"{box.url}/hits/{hit_id}")
            await other.locator("img[data-marked]").nth(1).wait_for()
            await asyncio.wrap_future(review(box.store, hit_id, "rejected", "Bo", "no_face"))
            await other.locator("#hit-news").get_by_text("Bo has judged: Rejected.").wait_for()
            assert await other.locator(".chosen").count() == 0, "the page stays as it is until asked"
            await other.wait_for_timeout(500)  # a click in haste was meant for what lay there
            await other.locator("#hit-news a").click()
            await other.locator(".chosen").get_by_text("Bo").wait_for()
            assert await other.locator("#hit-news").inner_text() == ""
            await page.bring_to_front()
            await page.locator("#hit-news").get_by_text("Bo has judged: Rejected.").wait_for()

    run(check())


def test_an_auditor_hears_of_news_without_the_stream_and_of_a_hit_that_is_gone(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box, browsing(box.url, DESK, may_fail=("404",), locale="de-DE") as page:
            hit_id = await add_hit(box, 7)
            await log_in(box, page, "a-auditor")
            await page.goto(f"{box.url}/hits/{hit_id}")
            await page.locator("img[data-marked]").nth(1).wait_for()
            await add_better_picture(box, hit_id)
            await page.locator("#hit-news").get_by_text("Ein besseres Bild ist da.").wait_for()
            await asyncio.wrap_future(box.store.forget_person("p2"))
            await page.locator("#hit-news").get_by_text("nicht mehr gespeichert").wait_for()
            assert await page.locator("#hit-news a").count() == 0
            assert not await page.locator("#offline").is_visible()

    run(check())
