"""A mask drawn in Chromium over the running service: its pixels are in no later live picture and in no later hit."""

from __future__ import annotations

import asyncio
import time
import urllib.request
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.config.drawn import read
from tests.e2e.browser import NARROW, browsing, require_chromium, shoot
from tests.support.appliance import Appliance, enrolled

require_chromium()

PASSWORD = "correct horse battery"
VISITS = "[visit]\ngap_s = 0.1\nupdate_every_s = 0.1\n"
CORNERS = [(0.70, 0.70), (0.98, 0.70), (0.98, 0.97), (0.70, 0.97)]
INSIDE = (slice(355, 450), slice(470, 610))
"""Rows and columns of a 640 x 480 frame that lie in the mask, some pixels from its border."""
BESIDE = (slice(100, 300), slice(20, 200))
BLACK = 12
"""What JPEG leaves of black."""


def decoded(data: bytes) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (480, 640, 3)
    return image


async def live_picture(page: Any) -> np.ndarray:
    """The newest live picture, as the browser gets it."""
    script = """async () => {
        for (;;) {
            const answer = await fetch("/live/door/frame.jpg", { cache: "no-store" });
            if (answer.status === 200) return [...new Uint8Array(await answer.arrayBuffer())];
        }
    }"""
    return decoded(bytes(await page.evaluate(script)))


def hit_frames(box: Appliance, token: str, after: str) -> tuple[list[np.ndarray], str]:
    """The frames that new hits and updates name."""
    page = box.get(f"/api/v1/alerts?limit=100&wait=20{after}", token)
    names = {item["images"]["frame"] for item in page["items"] if item["type"].startswith("alert.")}
    found = []
    for name in sorted(names):
        request = urllib.request.Request(
            f"{box.url}/api/v1/images/{name}", headers={"Authorization": f"Bearer {token}"}
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            found.append(decoded(answer.read()))
    return found, f"&after={page['next']}"


async def wait_for_hits(box: Appliance, token: str, after: str) -> tuple[list[np.ndarray], str]:
    ends = time.monotonic() + 90
    while time.monotonic() < ends:
        frames, after = await asyncio.to_thread(hit_frames, box, token, after)
        if frames:
            return frames, after
    raise AssertionError(f"no hit came: {box.log()[-2000:]}")


async def draw_mask(page: Any) -> None:
    """Add a mask and drag its corners; the last one is moved by keyboard."""
    await page.get_by_role("button", name="Add a mask").click()
    frame = await page.locator("#draw svg").bounding_box()
    for index, (x, y) in enumerate(CORNERS[:3]):
        corner = await page.locator(f"[data-corner=mask_polygons-0-{index}]").bounding_box()
        await page.mouse.move(corner["x"] + corner["width"] / 2, corner["y"] + corner["height"] / 2)
        await page.mouse.down()
        await page.mouse.move(frame["x"] + x * frame["width"], frame["y"] + y * frame["height"], steps=4)
        await page.mouse.up()
    await page.locator("[data-corner=mask_polygons-0-3]").focus()
    for key, count in (("Shift+ArrowRight", 3), ("ArrowRight", 5), ("Shift+ArrowDown", 3), ("ArrowDown", 2)):
        for _ in range(count):
            await page.keyboard.press(key)
    assert "corner 4: 70 % from the left, 97 % from the top" in await page.locator("#told").inner_text()


async def undo_and_redo(page: Any) -> None:
    """Undo by keyboard and by button: a key press is one step, and so is a whole drag."""
    drawn = page.locator("textarea[name=areas]")
    whole = await drawn.input_value()
    await page.keyboard.press("Control+z")
    assert await page.locator("#told").inner_text() == "The last step is undone."
    assert await drawn.input_value() != whole
    await page.keyboard.press("ArrowDown")
    assert await drawn.input_value() == whole, "the corner kept the focus"
    undo = page.get_by_role("button", name="Undo the last step")
    for _ in range(14 + 3):
        await undo.click()
    assert await undo.is_disabled()
    assert await page.locator("[data-corner]").count() == 0
    for kind in ("mask", "zone to recognise in", "zone to leave out"):
        await page.get_by_role("button", name=f"Add a {kind}").click()
    first = [await one.get_attribute("points") for one in await page.locator("#draw svg polygon").all()]
    assert len(set(first)) == 3, "no new area hides another"
    for _ in range(3):
        await undo.click()
    await draw_mask(page)
    assert await drawn.input_value() == whole


@pytest.mark.timeout(400)
def test_masked_pixels_are_gone_from_the_live_picture_and_from_hits(
    tmp_path: Path, demo_clip: Path, portrait: Path
) -> None:
    box, token = enrolled(tmp_path, demo_clip, portrait, more=VISITS)
    box.user("ann", "supervisor", PASSWORD)

    async def check() -> None:
        async with browsing(box.url, (1000, 1000)) as page:
            await page.goto(f"{box.url}/login")
            await page.get_by_label("User").fill("ann")
            await page.get_by_label("Password").fill(PASSWORD)
            await page.get_by_role("button", name="Log in").click()
            await page.locator("[data-camera=door]").wait_for()
            frames, after = await wait_for_hits(box, token, "")
            for image in [await live_picture(page), *frames]:
                assert image[INSIDE].max() > 60, "without a mask something is there"
            await page.goto(f"{box.url}/box")
            await page.locator("#zones").get_by_role("link", name="door").click()
            await page.locator("#draw[data-frame]").wait_for()
            await draw_mask(page)
            await undo_and_redo(page)
            await shoot(page, "zones")
            await page.get_by_role("button", name="Save").click()
            await page.locator("#saved").wait_for()
            for _ in range(5):
                image = await live_picture(page)
                assert image[INSIDE].max() <= BLACK
                assert image[BESIDE].max() > 60
            _, after = await asyncio.to_thread(hit_frames, box, token, after)
            frames, after = await wait_for_hits(box, token, after)
            for image in frames:
                assert image[INSIDE].max() <= BLACK
                assert image[BESIDE].max() > 60
            await page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
            await shoot(page, "zones-narrow")

    with box.running():
        asyncio.run(check())
    (mask,) = read(box.data_dir)["door"].mask_polygons
    assert np.abs(np.array(mask) - CORNERS).max() < 0.011
    with box.running():
        frames, _ = asyncio.run(
            wait_for_hits(box, token, f"&after={box.get('/api/v1/alerts?limit=500', token)['head']}")
        )
        for image in frames:
            assert image[INSIDE].max() <= BLACK, "the mask outlives a restart"
