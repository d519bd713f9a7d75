"""The pictures of README and docs: the real service on the demo's clip, by day and in the dark, in a real browser.

`make screenshots` writes them into docs/images. Otherwise they are left in build/screens, and checked alike.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from edge.app.selfcheck import demo_clip
from edge.records import Person
from tests.e2e.browser import browsing, require_chromium, shoot_document
from tests.support.appliance import Appliance

require_chromium()

PASSWORD = "correct horse 1"
SIZE = (1280, 800)
HIT_WITHIN_MS = 60_000


async def log_in(page: Any, box: Appliance) -> None:
    await page.goto(f"{box.url}/login")
    await page.get_by_label("User").fill("anna")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.locator("[data-camera=door][data-live=yes]").wait_for(timeout=HIT_WITHIN_MS)


def watch(
    folder: Path,
    footage: Path,
    portrait: Path,
    look: Callable[[Any, Appliance], Awaitable[None]],
    *,
    realtime: bool = True,
) -> None:
    """Run the service on `footage` with one person enrolled, and let `look` use its page."""
    # On a busy machine enhancement gets less time and leaves steps out: here it may take what it needs.
    box = Appliance(folder, camera=footage, realtime=realtime, more="[enhance]\nframe_ms = 10000\n")
    box.config.write_text('box_id = "gate"\n' + box.config.read_text("utf-8"), "utf-8")
    box.enrol(Person("demo-1", "Demo person", "demo"), portrait)
    box.user("anna", "supervisor", PASSWORD)
    box.token()

    async def check() -> None:
        async with browsing(box.url, SIZE, "light", locale="en") as page:
            await log_in(page, box)
            await look(page, box)

    with box.running():
        asyncio.run(check())


@pytest.mark.timeout(600)
def test_a_person_of_the_list_in_the_live_picture(tmp_path: Path, demo_clip: Path, portrait: Path) -> None:
    async def look(page: Any, box: Appliance) -> None:
        await page.locator("#latest [data-hit]").first.wait_for(timeout=HIT_WITHIN_MS)
        await page.get_by_text("Possible match in view: Demo person").wait_for(timeout=HIT_WITHIN_MS)
        await shoot_document(page, "live", 780)
        for name, height in (("people", 420), ("examine", 560), ("box", 766)):
            await page.goto(f"{box.url}/{name}")
            await page.wait_for_load_state("load")
            await shoot_document(page, name, height)

    watch(tmp_path, demo_clip, portrait, look)


@pytest.mark.timeout(600)
def test_a_face_found_in_the_dark_is_shown_enhanced(tmp_path: Path, portrait: Path) -> None:
    async def look(page: Any, box: Appliance) -> None:
        await page.locator("#latest [data-hit]").first.wait_for(timeout=HIT_WITHIN_MS)
        await page.goto(f"{box.url}/hits")
        await page.locator(".hit a").first.click()
        enhanced = page.get_by_alt_text("Face after enhancement")
        # The first shots of the visit are too blurred for brightening to help; the better one comes a moment later.
        async with asyncio.timeout(HIT_WITHIN_MS / 1000):
            # While the visit goes on, a picture may give way to a better one between the page and its request.
            while not await enhanced.count() or not await enhanced.evaluate("picture => picture.naturalWidth"):
                await page.wait_for_timeout(500)
                await page.reload()
        await page.locator("#enhanced-on").click()
        await shoot_document(page, "hit", 1020)

    footage = tmp_path / "dark.avi"
    demo_clip.render(footage, fault="dark:4")
    # No frame is dropped when the clip waits for the service, and so none of the time for enhancement is cut.
    watch(tmp_path, footage, portrait, look, realtime=False)
