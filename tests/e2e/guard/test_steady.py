"""News on the page never lead a guard astray; faces stay in view under much trouble; paper is readable."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.browser import browsing, log_in, require_chromium, shoot
from tests.e2e.guard.guards import DESK, LOUD, add_hit, rectangle
from tests.support.serve.whole_box import whole_box
from tests.support.web import WebSide, live_view, run, running

require_chromium()

PRESS_AS_IT_COMES = """([before, x, y]) => { window.pressed = new Promise((done) => {
  const watching = new MutationObserver(() => {
    const under = document.elementFromPoint(x, y).closest("[data-hit]");
    if (under.dataset.hit === before) return;
    watching.disconnect();
    const press = new MouseEvent("click", { bubbles: true, cancelable: true, detail: 1 });
    under.querySelector("form button").dispatchEvent(press);
    document.querySelector("#sound-on").dispatchEvent(new MouseEvent("click", { bubbles: true, detail: 1 }));
    done(under.dataset.hit);
  });
  watching.observe(document.querySelector("#latest"), { childList: true });
}); }"""
"""Presses "Seen" of the row that has come under the pointer, in the moment in which it has, and the switch of sound."""


@contextlib.asynccontextmanager
async def one_hit_on_now(folder: Path) -> AsyncIterator[tuple[WebSide, Any, str]]:
    """A box, a guard's page *Now*, and the id of the one hit on it."""
    async with running(folder, num_hits=0, statuses=LOUD) as box, browsing(box.url, DESK) as page:
        box.live.publish(live_view(1))
        first = await add_hit(box, 7)
        await log_in(box, page, "a-guard")
        yield box, page, first


async def states(box: WebSide, *hits: str) -> list[str]:
    found = [box.store.hit(hit_id) for hit_id in hits]
    return [str(hit.review["state"]) for hit in found if hit is not None]


def test_a_press_meant_for_one_hit_never_meets_the_one_that_came_in_its_place(tmp_path: Path) -> None:
    async def check() -> None:
        async with one_hit_on_now(tmp_path) as (box, page, first):
            seen = page.locator(f"#latest [data-hit='{first}'] form button")
            await seen.wait_for()
            at = await seen.bounding_box()
            await page.evaluate(PRESS_AS_IT_COMES, [first, at["x"] + 5, at["y"] + 5])
            second = await add_hit(box, 8)
            assert await page.evaluate("window.pressed") == second, "it came where the pointer was"
            await page.wait_for_timeout(1000)
            assert await states(box, first, second) == ["new", "new"]
            assert await page.get_by_label("Sound for new hits").is_checked(), "only answers for a hit are held back"
            await page.locator(f"#latest [data-hit='{second}'] form button").click()
            await page.locator(f"#latest [data-hit='{second}'][data-state=acknowledged]").wait_for()
            assert await states(box, first, second) == ["new", "acknowledged"]

    run(check())


def test_the_focus_stays_on_its_hit_when_another_comes(tmp_path: Path) -> None:
    async def check() -> None:
        async with one_hit_on_now(tmp_path) as (box, page, first):
            await page.locator(f"#latest [data-hit='{first}'] form button").focus()
            second = await add_hit(box, 8)
            await page.locator(f"#latest [data-hit='{second}']").wait_for()
            assert await page.evaluate("document.activeElement.closest('[data-hit]')?.dataset.hit") == first
            await page.keyboard.press("Enter")
            await page.locator(f"#latest [data-hit='{first}'][data-state=acknowledged]").wait_for()
            assert await states(box, first, second) == ["acknowledged", "new"]
            assert await page.evaluate("document.activeElement.closest('[data-hit]')?.dataset.hit") == first

    run(check())


async def in_view(page: Any) -> None:
    """Both faces and the verdict are in the window."""
    for place in (".look >> nth=0", ".look >> nth=1", ".review .choices"):
        top, bottom = await rectangle(page, place)
        assert top >= 0, place
        assert bottom <= DESK[1], place


@pytest.mark.parametrize("language", ["en", "de"])
def test_much_trouble_leaves_faces_and_verdict_in_view(tmp_path: Path, language: str) -> None:
    async def check() -> None:
        async with whole_box(tmp_path) as made, browsing(made.box.url, DESK, locale=language) as page:
            await log_in(made.box, page, "a-guard")
            made.go_wrong()
            await page.goto(f"{made.box.url}/hits/{made.hits[2]}")
            await page.locator(".keys:not([hidden])").wait_for()
            await in_view(page)
            await page.keyboard.press("c")
            await page.locator("details[open] fieldset button").first.wait_for()
            await in_view(page)
            await shoot(page, f"hit-trouble-{language}", full=False)

    run(check())


def test_a_double_click_answers_once_and_paper_is_white(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box, browsing(box.url, DESK) as page:
            hit_id = await add_hit(box, 8)
            await log_in(box, page, "a-guard")
            await page.goto(f"{box.url}/hits/{hit_id}")
            await page.locator(".keys:not([hidden])").wait_for()
            await page.keyboard.press("r")
            sent: list[str] = []
            page.on("request", lambda asked: sent.append(asked.url) if asked.method == "POST" else None)
            await page.locator("details[open] fieldset button").first.dblclick()
            await page.locator("[data-undo]").wait_for()
            assert sent == [f"{box.url}/hits/{hit_id}/review"]
            assert not await page.locator("[data-key=s]").is_enabled(), "it is decided"
            await page.keyboard.press("s")

            await page.emulate_media(media="print")
            assert (
                await page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
                == "rgb(243, 245, 246)"
            )
            assert not await page.locator("#verdict").is_visible()
            assert await page.locator(".given").is_visible(), "the verdict that was given is printed"
            given = page.locator(".given time")
            assert len(await given.inner_text()) == len("21:30:56"), "of today"
            await page.evaluate("dispatchEvent(new Event('beforeprint'))")
            assert len(await given.inner_text()) == len("2025-03-01 21:30:56"), "paper is read on other days"
            assert "All times" in await page.locator("footer").inner_text()
            await shoot(page, "hit-printed")

    run(check())
