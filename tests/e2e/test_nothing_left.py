"""What a browser still shows of somebody: nothing after the logout, no picture after the erasure."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.e2e.browser import browsing, log_in, require_chromium
from tests.support.web import make_hit, person, run, running

require_chromium()

HIT = make_hit(1)[0]
LOADED = "[...document.querySelectorAll('.look img')].map(one => one.naturalWidth > 0)"


def test_back_shows_nothing_after_the_logout(tmp_path: Path) -> None:
    async def check() -> None:
        async with (
            running(tmp_path) as box,
            browsing(box.url, may_fail=("status of 401", "status of 404", "inline style")) as page,
        ):
            await log_in(box, page, "a-guard")
            for path in ("/", "/hits", f"/hits/{HIT.hit_id}"):
                await page.goto(box.url + path)
            await page.get_by_role("heading", name="Rosa Alba", exact=True).wait_for()
            await page.get_by_role("button", name="Log out").click()
            await page.get_by_label("Password").wait_for()
            for _ in range(3):
                await page.go_back()
                await page.get_by_label("Password").wait_for()
                assert "Rosa Alba" not in await page.content()
            await page.goto(f"{box.url}/api/v1/images/{HIT.images.crop}")
            assert await page.evaluate("document.images.length") == 0

    run(check())


def test_a_picture_that_was_erased_is_asked_for_and_gone(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box, browsing(box.url, may_fail=("status of 404", "inline style")) as page:
            await log_in(box, page, "a-guard")
            await page.goto(f"{box.url}/hits/{HIT.hit_id}")
            await page.wait_for_function(f"{LOADED}.every(Boolean)")
            picture = f"{box.url}/api/v1/images/{HIT.images.crop}"
            await page.goto(picture)
            assert await page.evaluate("document.images[0].naturalWidth") > 0
            await asyncio.wrap_future(box.store.forget_person(person(1).person_id))
            await page.goto(picture)
            assert await page.evaluate("document.images.length") == 0

    run(check())
