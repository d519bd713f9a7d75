"""Sound that the browser keeps back until somebody clicks: every page says so, and a click makes it heard."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.browser import NARROW, SLOW_MS, browsing, log_in, require_chromium, shoot
from tests.e2e.guard.guards import DESK, LOUD, add_hit
from tests.support.web import live_view, run, running

require_chromium()

STRICT = ("--autoplay-policy=document-user-activation-required",)
MOST_PX = {DESK: 64, NARROW: 104}
"""Height of the header: one row, on a telephone two."""
TELL = """localStorage.setItem("edge-sound", "on");
setInterval(() => {
  const muted = document.querySelector("#muted");
  if (!muted || document.readyState !== "complete") return;
  const shown = muted.checkVisibility({ visibilityProperty: true });
  console.log("muted", shown, Number(document.documentElement.dataset.soundings ?? 0));
  const covered = [...document.querySelectorAll(".bar a")].filter((link) => {
    const { x, y, width, height } = link.getBoundingClientRect();
    return !link.contains(document.elementFromPoint(x + width / 2, y + height / 2));
  });
  console.log("covered", covered.map((link) => link.textContent).join(", "));
  console.log("main", document.querySelector("main").offsetTop);
}, 100);"""
"""The page tells by itself: what Playwright evaluates in a page counts there as a click. Nothing is told before the
stylesheet is there: until then everything lies elsewhere."""


async def told(page: Any, what: str) -> None:
    """Wait until the page tells that."""
    await page.wait_for_event("console", lambda line: line.text == what, timeout=SLOW_MS)


@pytest.mark.parametrize(("path", "size"), [("/", DESK), ("/people", DESK), ("/hits", NARROW)])
def test_a_page_says_that_its_sound_is_kept_back_until_a_click(
    tmp_path: Path, path: str, size: tuple[int, int]
) -> None:
    async def check() -> None:
        async with (
            running(tmp_path, num_hits=0, statuses=LOUD) as box,
            browsing(box.url, size, options=STRICT) as first,
        ):
            box.live.publish(live_view(1))
            await log_in(box, first, "a-guard")
            page = await first.context.new_page()
            lines: set[str] = set()
            page.on("console", lambda line: lines.add(line.text.strip()))
            await page.add_init_script(TELL)
            await page.goto(box.url + path)
            await told(page, "muted true 0")
            await add_hit(box, 7)
            await asyncio.sleep(6)  # the other pages look every five seconds
            await page.screenshot(path=tmp_path / "muted.png")
            await page.mouse.click(size[0] - 5, 5)
            # The hit that came meanwhile is heard at once.
            await told(page, "muted false 1")
            await shoot(page, f"unmuted-{size[0]}", full=False)
            assert {line for line in lines if line.startswith("covered")} == {"covered"}
            tops = {line for line in lines if line.startswith("main")}
            assert len(tops) == 1, tops  # nothing moves when the notice comes or goes
            assert int(tops.pop().split()[1]) < MOST_PX[size], "the notice takes no row of its own"

    run(check())
