"""A camera's pages in a real Chromium: the lightened view, what it saw before, its zones; axe-core and keyboard."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime as dt
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from edge.app.service.areas import AreaKeeper
from edge.config import CameraConfig, Config
from edge.config.areas import is_inside
from edge.config.drawn import read
from edge.records import CameraState
from edge.serve import LiveBoard
from edge.serve.board import Condition
from tests.e2e.browser import NARROW, WIDE, browsing, find_axe, log_in, require_chromium, serious_faults, shoot
from tests.support.web import add_scene, camera_health, live_view, run, running

require_chromium()


def config(folder: Path) -> Config:
    own = ((0.0, 0.0), (0.2, 0.0), (0.2, 0.2))
    return Config(
        data_dir=folder / "data", camera=(CameraConfig(name="door", source="file:none.mp4", mask_polygons=(own,)),)
    )


STAR = ((0.5, 0.05), (0.76, 0.86), (0.07, 0.36), (0.93, 0.36), (0.24, 0.86))


@contextlib.asynccontextmanager
async def playing(live: LiveBoard, *, is_lit: list[bool]) -> AsyncIterator[None]:
    """Publish frames as the vision thread does: lightened ones where somebody wants them."""

    async def publish() -> None:
        for number in itertools.count(1):
            view = await asyncio.to_thread(live_view, number)
            live.publish(view)
            if live.has_lit_viewers("door"):
                live.publish_lit(dataclasses.replace(view, is_lit=is_lit[0]))
            await asyncio.sleep(0.1)

    task = asyncio.create_task(publish())
    try:
        yield
    finally:
        task.cancel()


def test_the_switch_lightens_one_picture_and_the_page_says_what_it_shows(tmp_path: Path) -> None:
    async def check() -> None:
        is_lit = [True]
        async with running(tmp_path) as box, browsing(box.url, WIDE) as page, playing(box.live, is_lit=is_lit):
            await log_in(box, page)
            await page.locator("[data-camera=door][data-live=yes][data-lit=no]").wait_for()
            assert not box.live.has_lit_viewers("door"), "nobody pays for what nobody asked for"
            await page.get_by_label("Lighten this picture").focus()
            await page.keyboard.press("Space")
            await page.locator("[data-camera=door][data-lit=yes][data-live=yes]").wait_for()
            await page.get_by_text("lightened for the eye").wait_for()
            await shoot(page, "now-lit")
            is_lit[0] = False
            await page.get_by_text("not lightened yet").wait_for()
            await page.locator("[data-camera=door][data-lit=no][data-live=yes]").wait_for()
            lowered = Condition("lowering", "view", dt.datetime.now(dt.UTC), "the lightened view is off (it is hot)")
            box.live.publish_conditions([lowered])
            await page.get_by_text("not lightened: the box is hot or behind").wait_for()
            box.live.publish_conditions([])
            is_lit[0] = True
            await page.reload()
            await page.locator("[data-camera=door][data-lit=yes]").wait_for()
            await page.get_by_label("Lighten this picture").uncheck()
            await page.locator("[data-camera=door][data-lit=no][data-live=yes]").wait_for()
            assert await page.locator(".lit-text").inner_text() == ""

    run(check())


def test_view_lit_in_the_address_turns_it_on(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box, browsing(box.url, NARROW) as page, playing(box.live, is_lit=[True]):
            await log_in(box, page)
            await page.goto(f"{box.url}/?view=lit")
            await page.locator("[data-camera=door][data-lit=yes][data-live=yes]").wait_for()
            await shoot(page, "now-lit-narrow")

    run(check())


def test_zones_are_drawn_and_saved_by_keyboard_alone(tmp_path: Path) -> None:
    in_force = [config(tmp_path)]

    def keeper(store: object) -> AreaKeeper:
        return AreaKeeper(lambda: in_force[0], store, lambda new: in_force.__setitem__(0, new))  # type: ignore[arg-type]

    async def check() -> None:
        async with (
            running(tmp_path, areas=keeper) as box,
            browsing(box.url, NARROW) as page,
            playing(box.live, is_lit=[True]),
        ):
            await log_in(box, page)
            await page.goto(f"{box.url}/box/zones/door")
            await page.locator("#draw[data-frame]").wait_for()
            assert await page.locator("#unsaved").inner_text() == ""
            await page.get_by_role("button", name="Add a zone to leave out").focus()
            await page.keyboard.press("Enter")
            await page.get_by_text("Not saved yet").wait_for()
            # The new area's first corner has the focus.
            for _ in range(5):
                await page.keyboard.press("ArrowLeft")
            await page.keyboard.press("Tab")
            await page.keyboard.press("Shift+ArrowUp")
            await page.keyboard.press("Tab")
            await page.keyboard.press("Delete")
            await page.keyboard.press("Delete")
            assert "3 corners" in await page.locator("#list li").inner_text()
            await page.get_by_text("An area keeps three corners").wait_for()
            await page.get_by_role("button", name="Save").focus()
            await page.keyboard.press("Enter")
            await page.locator("#saved").wait_for()
            assert await page.locator("#list li").count() == 1
            await page.get_by_role("button", name="Remove: Don't recognise here 1").click()
            assert await page.locator("#list li").count() == 0
            asked: list[str] = []

            async def stay(dialog: Any) -> None:
                asked.append(dialog.type)
                await dialog.dismiss()

            page.on("dialog", stay)
            await page.get_by_role("link", name="Now").click()
            assert page.url.startswith(f"{box.url}/box/zones/door"), "whoever leaves with what is not saved is asked"
            assert asked == ["beforeunload"]
            await page.get_by_text("Not saved yet").wait_for()
            # The middle of a star is outside by the even-odd rule, as for faces.
            await page.locator("textarea").evaluate(
                """(text, star) => {
                    text.value = JSON.stringify({ include_zones: [star] });
                    text.dispatchEvent(new Event("change"));
                }""",
                STAR,
            )
            filled = "(one, at) => one.isPointInFill(new DOMPoint(...at))"
            for x, y in ((0.5, 0.5), (0.5, 0.15)):
                shown = await page.locator("polygon.include_zones").evaluate(filled, (x, y))
                assert shown == is_inside(STAR, x, y), (x, y)

    run(check())
    (zone,) = read(tmp_path / "data")["door"].exclude_zones
    assert zone == ((0.3, 0.35), (0.65, 0.25), (0.35, 0.65))


def test_save_is_pressed_once_and_the_page_says_that_the_camera_is_lost(tmp_path: Path) -> None:
    """What is typed is drawn at once: else the list grows under the pointer on Save, and the press is lost."""
    in_force = config(tmp_path)

    def keeper(store: object) -> AreaKeeper:
        return AreaKeeper(lambda: in_force, store, lambda new: None)  # type: ignore[arg-type]

    async def check() -> None:
        async with running(tmp_path, areas=keeper) as box, browsing(box.url, NARROW, may_fail=("status of 4",)) as page:
            box.live.publish_health([camera_health(CameraState.LOST, "no answer")])
            await log_in(box, page)
            await page.goto(f"{box.url}/box/zones/door")
            await page.locator("#age").filter(has_text="Camera lost since").wait_for()
            await page.locator("#as-text summary").click()
            await page.locator("textarea").fill(
                '{"mask_polygons": [[[0, 0], [0.1, 0], [0.2, 0]], [[0, 0], [2, 0], [0, 1]]]}'
            )
            await page.get_by_role("button", name="Save").click()
            await page.locator("[role=alert]").filter(has_text="This can't be used").wait_for()

    run(check())


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_axe_finds_nothing_serious(tmp_path: Path, scheme: str) -> None:
    axe = find_axe()
    if axe is None:
        pytest.skip("needs axe-core: pip install axe-playwright-python, or EDGE_TEST_AXE=.../axe.min.js")
    in_force = config(tmp_path)

    def keeper(store: object) -> AreaKeeper:
        return AreaKeeper(lambda: in_force, store, lambda new: None)  # type: ignore[arg-type]

    async def check() -> None:
        faults: dict[str, list[str]] = {}
        async with (
            running(tmp_path, areas=keeper, told={"lowering": "idle"}) as box,
            browsing(box.url, WIDE, scheme, bypass_csp=True) as page,
            playing(box.live, is_lit=[True]),
        ):
            seq = await asyncio.to_thread(add_scene, box.store)
            await log_in(box, page)
            for path in ("/?view=lit", "/box", f"/box/scenes/{seq}", "/box/zones/door"):
                await page.goto(box.url + path)
                if "zones" in path:
                    await page.get_by_role("button", name="Add a mask").click()
                faults[path] = await serious_faults(page, axe)
                await shoot(page, f"camera-{path.strip('/?').replace('/', '-').replace('=', '-')}-{scheme}")
        assert not {path: found for path, found in faults.items() if found}

    run(check())
