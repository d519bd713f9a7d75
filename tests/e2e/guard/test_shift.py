"""A shift with the real service and a real browser: links, several faces, look-alikes, references, filters, the box.

By the keyboard alone where a guard sits: from the login to the last verdict.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.capture.pictures.images import read_image
from tests.e2e.browser import browsing, require_chromium, shoot
from tests.e2e.guard.guards import DESK, rectangle
from tests.e2e.guard.nights import PASSWORD, claim, enrol, run_night
from tests.support.appliance import Appliance

require_chromium()

ZONE = '[site]\ntime_zone = "Asia/Kolkata"\n'


async def a_link_logs_in_once(page: Any, box: Appliance) -> None:
    """As the login page says: `edge user link NAME`."""
    await page.goto(f"{box.url}/login")
    assert "edge user link NAME" in await page.locator("main").inner_text()
    done = await asyncio.to_thread(box.edge, "user", "link", "ben")
    assert done.returncode == 0, done.stderr
    link = done.stdout.strip()
    await page.goto(link)
    await page.locator("[data-camera=door]").wait_for()
    await page.get_by_role("button", name="Log out").click()
    await page.goto(link)
    await page.get_by_text("This link has been used or is too old").wait_for()
    await shoot(page, "shift-link-used")


async def choose_a_face_and_a_look_alike(page: Any, box: Appliance, portrait: Path, folder: Path) -> None:
    """A picture of two: the page offers both faces; the one chosen looks like Rosa, which is said with her picture."""
    face = read_image(portrait)[:380]
    both = folder / "both.png"
    cv2.imwrite(str(both), np.hstack([face, face[:, ::-1]]))
    await page.goto(f"{box.url}/people/new")
    for label, text in (("Id", "bea-1"), ("Name", "Bea"), ("Status", "wanted")):
        await page.get_by_label(label, exact=label == "Id").fill(text)
    await page.get_by_label("Pictures of the face").set_input_files(both)
    await page.get_by_role("button", name="Save").click()
    await page.get_by_text("It shows 2 faces. Which one is meant?").wait_for()
    await shoot(page, "shift-several-faces")
    assert await page.get_by_alt_text("Face 2 from the left").count() == 1
    await page.locator("input[name=face-0]").first.check()
    await page.get_by_role("button", name="Save").click()
    override = page.get_by_label("I have compared them: this is not Rosa")
    await override.wait_for()
    sides = page.locator(".alike img")
    assert await sides.count() == 2
    assert await sides.evaluate_all("all => all.every(one => one.naturalWidth > 0)")
    await shoot(page, "shift-look-alike")
    await override.check()
    await page.get_by_role("button", name="Save").click()
    await page.get_by_text("Enrolled although it looks like Rosa.").wait_for()


async def references_to_compare(page: Any, box: Appliance, portrait: Path, folder: Path) -> None:
    """A second picture of Rosa, wider and lit from one side, which her hits offer to compare with, too."""
    face, other = cv2.resize(read_image(portrait), None, fx=1.15, fy=1), folder / "other.png"
    light = np.linspace(0.25, 1.1, face.shape[1])[None, :, None]
    cv2.imwrite(str(other), np.clip(face * light, 0, 255).astype(np.uint8))
    await page.goto(f"{box.url}/people/rosa-1/edit")
    await page.get_by_label("More pictures").set_input_files(other)
    await page.get_by_role("button", name="Save").click()
    await page.get_by_text("is on the list with 1 new picture").wait_for()


async def compare_by_keys(page: Any, box: Appliance) -> None:
    """The next hit, its references, the verdict, and on to the next: no mouse."""
    await page.goto(f"{box.url}/hits/next")
    await page.locator(".keys:not([hidden])").wait_for()
    first = page.url
    second = page.locator("[data-reference]").nth(1)
    await second.focus()
    await page.keyboard.press("Enter")
    await page.locator("[data-reference][aria-pressed=true]").nth(0).wait_for()
    assert await second.get_attribute("aria-pressed") == "true"
    await page.get_by_label("Zoom both").focus()
    for _ in range(5):
        await page.keyboard.press("ArrowRight")
    moved = await page.eval_on_selector_all(".look img", "all => all.map(one => one.style.transform)")
    assert len(set(moved)) == 1
    assert moved[0].startswith("scale(1.5)")
    await page.get_by_label("Zoom both").evaluate("one => one.blur()")
    await page.keyboard.press("c")
    await page.keyboard.press("1")
    await page.locator(".chosen", has_text="ben").wait_for()
    await shoot(page, "shift-compared", full=False)
    await page.locator("a[data-focus]:focus").wait_for()
    await page.keyboard.press("Enter")
    await page.wait_for_url(lambda url: url != first)


async def filters_are_of_the_site(page: Any, box: Appliance) -> None:
    """The hour on the page is the hour that the filter takes, whatever the box's is; the hits have most of the room."""
    await page.goto(f"{box.url}/hits")
    assert "All times: Asia/Kolkata" in await page.locator("footer").inner_text()
    row = await page.locator("[data-hit] .where").first.inner_text()
    clock = re.search(r"(\d\d):\d\d", row)
    assert clock is not None, row
    day = await page.evaluate(
        "new Intl.DateTimeFormat('sv', {timeZone: 'Asia/Kolkata', dateStyle: 'short'}).format(new Date())"
    )
    top, bottom = await rectangle(page, ".filters")
    assert bottom - top < 60, "filters take less room than the hits"
    await page.goto(f"{box.url}/hits?since={day}T{clock[1]}:00")
    assert await page.locator("[data-hit]").count() > 0, "taken as UTC, this hour would be still to come"
    await page.get_by_label("When").select_option(label="Last hour")
    await page.get_by_label("From", exact=True).fill("")
    await page.get_by_role("button", name="Show", exact=True).click()
    await page.locator("[data-hit]").first.wait_for()
    await shoot(page, "shift-filtered")


async def examine_tells_progress_and_reasons(page: Any, box: Appliance, clip: Path) -> None:
    await page.goto(f"{box.url}/examine")
    await page.locator("input[type=file]").set_input_files(clip)
    await page.get_by_role("button", name="Examine").click()
    await page.get_by_text(re.compile(r"\d+ per cent: [\d,]+ of about 300 frames")).wait_for(timeout=120_000)
    await page.get_by_text("Done").wait_for(timeout=240_000)
    await page.get_by_role("heading", name="Every face and what became of it").wait_for()
    assert "Became a hit" in await page.locator("main").inner_text()
    assert await page.locator("svg.place").count() >= 1
    await shoot(page, "shift-examined")


async def the_box_speaks_in_words(page: Any, box: Appliance) -> None:
    """Coverage since the installation alone, what became of faces, the audit; and people to choose for a walk."""
    await page.goto(f"{box.url}/box")
    coverage = await page.locator("[aria-labelledby=coverage-title]").last.inner_text()
    shares = [float(share) for share in re.findall(r"(\d+\.\d) %", coverage)]
    assert 99 < sum(shares) < 101, f"what was before the installation is not counted: {coverage}"
    await page.get_by_role("heading", name="Faces of door").wait_for()
    audit = await page.locator("[aria-labelledby=audit-title]").last.inner_text()
    assert "added or changed a person" in audit
    assert "person.put" not in audit
    await page.goto(f"{box.url}/commission")
    assert await page.locator(".walkers img").evaluate_all("all => all.length >= 2 && all.every(i => i.alt === '')")
    assert await page.locator("input[name=person][type=radio]").count() == 2
    await page.get_by_label("Rosa").check()
    await page.get_by_role("button", name="Begin").click()
    await page.get_by_role("button", name="I am standing there: measure").click()
    await page.get_by_role("heading", name="Measuring at").wait_for()
    assert await page.locator("meta[http-equiv=refresh]").count() == 0, "its script follows"
    await page.get_by_role("heading", name="Next station").wait_for(timeout=60_000)
    await shoot(page, "shift-walk")


@pytest.mark.timeout(1800)
def test_a_shift(tmp_path: Path, demo_clip: Path, portrait: Path) -> None:
    async def shift(box: Appliance, code: str, portrait: Path) -> None:
        async with browsing(box.url, DESK, may_fail=("status of 4",)) as page:
            await claim(page, box, code)
            done = await asyncio.to_thread(
                box.edge, "user", "add", "ben", "--role", "guard", "--password-stdin", stdin=PASSWORD + "\n"
            )
            assert done.returncode == 0, done.stderr
            await enrol(page, box, portrait, tmp_path)
            await references_to_compare(page, box, portrait, tmp_path)
            async with browsing(box.url, DESK, may_fail=("status of 4",)) as other:
                await a_link_logs_in_once(other, box)
                await other.keyboard.type("ben")
                await other.keyboard.press("Tab")
                await other.keyboard.type(PASSWORD)
                await other.keyboard.press("Enter")
                await other.locator("#latest [data-hit]").first.wait_for(timeout=120_000)
                await compare_by_keys(other, box)
                await filters_are_of_the_site(other, box)
            await examine_tells_progress_and_reasons(page, box, demo_clip)
            # From here on nobody is surely one of the two, and no hit is made any more.
            await choose_a_face_and_a_look_alike(page, box, portrait, tmp_path)
            await the_box_speaks_in_words(page, box)

    run_night(tmp_path, demo_clip, portrait, shift, more=ZONE)
