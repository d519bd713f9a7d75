"""On a telephone both faces and the verdict bar are in one view, whatever stands above them and in the bar."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.browser import NARROW, browsing, log_in, require_chromium, shoot
from tests.e2e.guard.guards import rectangle
from tests.support.serve.whole_box import whole_box
from tests.support.web import run

require_chromium()


async def uncovered(page: Any, when: str) -> None:
    """Fails where a face or the bar is cut off, or lies under the other."""
    bar = await rectangle(page, "#verdict")
    faces = [await rectangle(page, f".look >> nth={number}") for number in (0, 1)]
    assert all(top >= 0 and bottom <= bar[0] + 0.5 for top, bottom in faces), (when, faces, bar)
    assert all(bottom - top >= 150 for top, bottom in faces), (when, faces)
    assert bar[1] <= NARROW[1] + 0.5, (when, bar)
    choices = await rectangle(page, ".review .choices")
    assert choices[0] >= bar[0], (when, choices, bar)
    assert choices[1] <= bar[1], (when, choices, bar)


def test_every_reason_can_be_tapped(tmp_path: Path) -> None:
    async def check() -> None:
        async with whole_box(tmp_path) as made, browsing(made.box.url, NARROW) as page:
            await log_in(made.box, page)
            await page.goto(f"{made.box.url}/hits/{made.hits[2]}")
            for word in ("Confirm", "Reject", "Confirm"):
                await page.locator(".review summary", has_text=word).click()
                for button in await page.locator("details[open] fieldset button").all():
                    await button.click(trial=True)
            await page.locator("details[open] fieldset button").first.click()
            await page.locator(".chosen", has_text="Confirm").wait_for()

    run(check())


@pytest.mark.parametrize("is_wrong", [False, True], ids=["calm", "trouble"])
@pytest.mark.parametrize("language", ["en", "de"])
def test_faces_and_verdict_bar_are_in_one_view(tmp_path: Path, language: str, is_wrong: bool) -> None:
    async def check() -> None:
        async with (
            whole_box(tmp_path) as made,
            browsing(made.box.url, NARROW, locale=language, may_fail=("status of 4",)) as page,
        ):
            await log_in(made.box, page)
            if is_wrong:
                made.go_wrong()
            for name, hit_id in zip(("disputed", "second", "new", "in view"), made.hits, strict=True):
                await page.goto(f"{made.box.url}/hits/{hit_id}")
                await page.locator(".keys:not([hidden])").wait_for(state="attached")
                await uncovered(page, name)
            await page.goto(f"{made.box.url}/hits/{made.hits[2]}")
            for key in ("c", "r"):
                await page.locator(".keys:not([hidden])").wait_for(state="attached")
                await page.keyboard.press(key)
                await page.locator("details[open] fieldset button").first.wait_for()
                await uncovered(page, f"while {key} is chosen")
            await page.keyboard.press("1")
            notice = page.locator("[data-undo]")
            await notice.wait_for()
            await page.locator(".keys:not([hidden])").wait_for(state="attached")
            await uncovered(page, "with the undo notice")
            await shoot(page, f"verdict-undo-{'trouble' if is_wrong else 'calm'}-{language}", full=False)
            await notice.wait_for(state="detached")
            await uncovered(page, "without it")

    run(check())
