"""Many troubles at once: the live picture stays in view, the worst are shown, the rest unfolds, and is read aloud."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from edge.records import CameraHealth, CameraState
from tests.e2e.browser import NARROW, browsing, find_axe, log_in, require_chromium, serious_faults, shoot
from tests.e2e.guard.guards import DESK, rectangle
from tests.support.serve.whole_box import WholeBox, whole_box
from tests.support.web import live_view, run

require_chromium()

CAMERAS = ("door", "yard", "gate north", "gate south", "lift", "garage", "roof", "car park")
MORE = {"en": "and 5 more", "de": "und 5 weitere"}
FOLDED, SHOWN = "#strip details > div", "#strip > div"
HEADS = "(all) => all.map((one) => one.querySelector('strong').textContent.trim())"


async def said_aloud(page: Any) -> str:
    """All that the browser tells a screen reader of the page."""
    session = await page.context.new_cdp_session(page)
    nodes = (await session.send("Accessibility.getFullAXTree"))["nodes"]
    return "\n".join(str(one.get("name", {}).get("value", "")) for one in nodes if not one.get("ignored"))


async def is_seen(page: Any, place: str) -> bool:
    """Whether all that a selector finds lies open to the eye, and something does."""
    sizes = await page.locator(place).evaluate_all("""(all) => all.map((one) => {
      const [box, hider] = [one.getBoundingClientRect(), one.closest("details:not([open])")];
      return hider ? 0 : box.height; })""")
    return bool(sizes) and min(sizes) > 10


def lose_all(made: WholeBox) -> None:
    since = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=31)
    made.box.live.publish_health(CameraHealth(name, CameraState.LOST, since, "no answer", 9, 7) for name in CAMERAS)


@pytest.mark.parametrize(("size", "language"), [(DESK, "en"), (DESK, "de"), (NARROW, "de")], ids=str)
def test_the_live_picture_stays_in_view(tmp_path: Path, size: tuple[int, int], language: str) -> None:
    async def check() -> None:
        async with (
            whole_box(tmp_path) as made,
            browsing(made.box.url, size, locale=language, bypass_csp=True) as page,
        ):
            made.go_wrong()
            made.box.live.publish(live_view(2, "door"))
            await log_in(made.box, page, "a-guard")
            for name, worst in (("nine", 5), ("all-lost", 11)):
                await page.reload()
                top, bottom = await rectangle(page, "[data-camera=door] .stage")
                assert min(bottom, size[1]) - top > 0.75 * (bottom - top), "a quarter of it at most is out of view"
                shown = await page.locator(SHOWN).evaluate_all(HEADS)
                assert len(shown) == worst
                assert await is_seen(page, SHOWN)
                assert await page.locator("#strip details .fault").count() == 0, "nothing that is worst is folded"
                assert await page.locator("#strip summary").inner_text() == MORE[language]
                aloud, folded = await said_aloud(page), await page.locator(FOLDED).evaluate_all(HEADS)
                assert len(folded) == 5
                assert [head for head in shown + folded if head not in aloud] == []
                advice = await page.locator("#strip p > .small:not(.soft)").all_text_contents()
                assert [text for text in advice if text.strip() not in aloud] == [], "also what to do"
                await shoot(page, f"many-{name}-{size[0]}-{language}", full=False)
                if (axe := find_axe()) is not None:
                    assert await serious_faults(page, axe) == []
                lose_all(made)

    run(check())


@pytest.mark.parametrize("size", [DESK, NARROW], ids=["1280", "360"])
def test_the_rest_unfolds_by_key_and_pointer_and_stays_open(tmp_path: Path, size: tuple[int, int]) -> None:
    async def check() -> None:
        async with whole_box(tmp_path) as made, browsing(made.box.url, size) as page:
            made.go_wrong()
            await log_in(made.box, page, "a-guard")
            summary = page.locator("#strip summary")
            assert not await is_seen(page, FOLDED)
            await summary.focus()
            await page.keyboard.press("Enter")
            await page.locator("#strip details[open]").wait_for()
            assert await is_seen(page, FOLDED)
            await shoot(page, f"many-unfolded-{size[0]}", full=False)
            made.box.live.publish_conditions(list(made.box.live.conditions())[:-1])
            made.box.live.health_bell.ring()
            await page.locator("#strip summary", has_text="and 4 more").wait_for()
            assert await is_seen(page, FOLDED), "news leave open what somebody has unfolded"
            assert await page.evaluate("document.activeElement.matches('#strip summary')")
            await summary.click()
            await page.locator("#strip details:not([open])").wait_for()
            assert not await is_seen(page, FOLDED)

    run(check())


def test_it_unfolds_without_javascript(tmp_path: Path) -> None:
    async def check() -> None:
        async with (
            whole_box(tmp_path) as made,
            browsing(made.box.url, DESK, java_script_enabled=False) as page,
        ):
            made.go_wrong()
            await log_in(made.box, page, "a-guard")
            await page.locator("#strip summary").click()
            top, bottom = await rectangle(page, f"{FOLDED} >> nth=4")
            assert 0 < top < bottom < DESK[1]

    run(check())
