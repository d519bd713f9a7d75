"""Every page in a real Chromium, of a calm night and a bad one: wide and narrow, dark and light, English and German.

Nothing sticks out, axe-core finds nothing serious, no German page has a word of English. The pictures are left in
build/screens/ to be looked at. `make e2e` sets EDGE_TEST_LOOKS, for all eight looks.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.browser import NARROW, WIDE, browsing, find_axe, log_in, require_chromium, serious_faults, shoot
from tests.support.serve.german import english_in
from tests.support.serve.whole_box import PAGES, WholeBox, whole_box
from tests.support.web import live_view, run

require_chromium()

FEW = {(WIDE, "dark", "en"), (NARROW, "light", "de")}
"""What `make test` looks at; each takes most of a minute."""
LOOKS = [
    pytest.param(size, scheme, language, id=f"{size[0]}-{scheme}-{language}")
    for size in (WIDE, NARROW)
    for scheme in ("dark", "light")
    for language in ("en", "de")
    if "EDGE_TEST_LOOKS" in os.environ or (size, scheme, language) in FEW
]
TALL_PX = 6000
BAD_PAGES = ("now", "hits", "people", "examine", "box", "commission")


class Looker:
    """Opens pages one after the other, keeps their pictures, and gathers what is wrong with them."""

    def __init__(self, page: Any, suffix: str, language: str) -> None:
        self.page, self.suffix, self.language = page, suffix, language
        self.axe = find_axe()
        self.faults: dict[str, list[str]] = {}

    async def look(self, name: str, *, full: bool = True) -> None:
        """The page as it is now."""
        await shoot(self.page, f"all-{name}-{self.suffix}", full=full)
        found = await self._axe()
        if self.language == "de":
            found += english_in(await self.page.content())
        if found:
            self.faults[name] = found

    async def _axe(self) -> list[str]:
        """In a window as tall as the page: else what the verdict bar covers until one scrolls counts as too small."""
        if self.axe is None:
            return []
        size = self.page.viewport_size
        await self.page.set_viewport_size({**size, "height": TALL_PX})
        found = await serious_faults(self.page, self.axe)
        await self.page.set_viewport_size(size)
        return found


async def play(made: WholeBox) -> None:
    """Live pictures of both cameras; before the gate somebody of the list."""
    for number in range(10_000):
        name = "Rosa Alba" if number % 40 < 30 else None
        for camera in ("door", "yard"):
            view = await asyncio.to_thread(live_view, number, camera, label=name if camera == "door" else None)
            made.box.live.publish(view)
        await asyncio.sleep(0.3)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("size", "scheme", "language"), LOOKS)
def test_every_page(tmp_path: Path, size: tuple[int, int], scheme: str, language: str) -> None:
    async def check() -> None:
        suffix = f"{size[0]}-{scheme}-{language}"
        async with (
            whole_box(tmp_path) as made,
            browsing(made.box.url, size, scheme, bypass_csp=True, locale=language, may_fail=("status of 4",)) as page,
        ):
            looker = Looker(page, suffix, language)
            await page.goto(f"{made.box.url}/login")
            await looker.look("login")
            playing = asyncio.create_task(play(made))
            try:
                await look_at_all(made, looker)
                await look_at_verdicts(made, looker)
                await look_at_walk(made, looker)
            finally:
                playing.cancel()
            made.go_wrong()
            for name in BAD_PAGES:
                await page.goto(made.box.url + PAGES[name])
                await looker.look(f"bad-{name}")
            await page.goto(f"{made.box.url}/hits/{made.hits[2]}")
            await looker.look("bad-hit")
            assert looker.faults == {}

    run(check())


async def look_at_all(made: WholeBox, looker: Looker) -> None:
    page = looker.page
    await log_in(made.box, page)
    await page.locator("[data-camera=door][data-live=yes]").wait_for()
    await page.locator("[data-camera=door] .seen", has_text="Rosa").wait_for()
    for name, path in PAGES.items():
        if name != "now":
            await page.goto(made.box.url + path)
            await page.wait_for_load_state("load")
        await looker.look(name)
    await page.goto(f"{made.box.url}/box")
    await page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    await looker.look("box-opened")


async def look_at_verdicts(made: WholeBox, looker: Looker) -> None:
    """A hit of each state, and one while its reason is chosen: what the window shows, and the whole page."""
    page = looker.page
    for name, hit_id in zip(("disputed", "second", "new", "in-view"), made.hits, strict=True):
        await page.goto(f"{made.box.url}/hits/{hit_id}")
        await page.locator("[data-mark]:not([data-marked])").first.wait_for(state="detached")
        await looker.look(f"hit-{name}")
    await page.goto(f"{made.box.url}/hits/{made.hits[2]}")
    await page.locator(".keys:not([hidden])").wait_for(state="attached")
    await page.keyboard.press("r")
    await page.locator("details[open] fieldset button").first.wait_for()
    await looker.look("hit-choosing", full=False)
    await page.keyboard.press("1")
    await page.locator("[data-undo]").wait_for()
    await looker.look("hit-chosen", full=False)


async def look_at_walk(made: WholeBox, looker: Looker) -> None:
    for state in ("measuring", "ready", "done"):
        made.walk.begin_at(state)
        await looker.page.goto(f"{made.box.url}/commission")
        await looker.look(f"walk-{state}")
