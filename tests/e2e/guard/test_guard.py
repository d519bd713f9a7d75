"""A guard in a real Chromium: the strip, verdicts beside the faces, zoom, marks, a sound that does not give up."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from edge.records import CameraState
from edge.serve.board import Condition
from tests.e2e.browser import NARROW, browsing, log_in, require_chromium, shoot
from tests.e2e.guard.guards import DESK, LOUD, add_hit, rectangle
from tests.support.web import camera_health, live_view, make_hit, run, running

require_chromium()


@pytest.mark.parametrize("size", [DESK, NARROW])
def test_faces_and_verdict_are_in_one_view_also_while_a_reason_is_chosen(tmp_path: Path, size: tuple[int, int]) -> None:
    async def check() -> None:
        async with running(tmp_path, statuses=LOUD) as box, browsing(box.url, size) as page:
            await log_in(box, page, "a-guard")
            await page.goto(f"{box.url}/hits/{make_hit(2)[0].hit_id}")
            await page.locator(".keys:not([hidden])").wait_for(state="attached")
            for key in ("", "c", "r"):
                if key:
                    await page.keyboard.press(key)
                    await page.locator("details[open] fieldset button").first.wait_for()
                assert await page.evaluate("scrollY") == 0
                bottoms = [await rectangle(page, ".look"), await rectangle(page, "#enrolled")]
                bar = await rectangle(page, ".review .choices")
                assert all(top >= 0 for top, _ in [*bottoms, bar])
                assert bar[1] <= size[1], key
                if size == DESK:
                    assert all(bottom <= size[1] for _, bottom in bottoms), key
                else:
                    covered_from = (await rectangle(page, "#verdict"))[0]
                    shown = [min(bottom, covered_from) - top for top, bottom in bottoms]
                    assert all(height >= 100 for height in shown), (key, shown)
            await shoot(page, f"verdict-open-{size[0]}", full=False)
            widths = await page.evaluate(
                "[...document.querySelectorAll('.review summary, .review .choices > button')].map(b => b.offsetWidth)"
            )
            assert max(widths) - min(widths) <= 1, "equal buttons"

    run(check())


def test_a_shift_by_keyboard_alone(tmp_path: Path) -> None:
    """Verdict, mark with name and time, the next hit at once, until none is left."""

    async def check() -> None:
        async with running(tmp_path) as box, browsing(box.url, DESK) as page:
            await log_in(box, page, "a-guard")
            ids = [make_hit(number)[0].hit_id for number in (3, 2, 1)]
            await page.goto(f"{box.url}/hits/next")
            for hit_id, keys, chosen in zip(ids, ("c1", "r1", "s"), ("Confirm", "Reject", "Seen"), strict=True):
                assert page.url == f"{box.url}/hits/{hit_id}"
                for key in keys:
                    await page.locator(".keys:not([hidden])").wait_for()
                    await page.keyboard.press(key)
                mark = page.locator(".chosen")
                await mark.wait_for()
                text = await mark.inner_text()
                assert chosen in text
                assert "a-guard" in text
                assert ":" in text
                # The focus stands on the way on.
                await page.locator("a[data-focus]:focus").wait_for()
                await page.keyboard.press("Enter")
                await page.wait_for_url(lambda url, here=hit_id: not url.endswith(here))
            assert page.url == f"{box.url}/hits?state=new"

    run(check())


def test_a_rejected_person_is_no_possible_match_any_more_in_that_stay(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box, browsing(box.url, DESK) as page:
            hit_id = await add_hit(box, 7)
            frame = 1

            async def play() -> None:
                nonlocal frame
                while True:
                    frame += 1
                    name = "Viktor Lindqvist-Abendroth"
                    box.live.publish(await asyncio.to_thread(live_view, frame, label=name, hit_id=hit_id))
                    await asyncio.sleep(0.2)

            playing = asyncio.create_task(play())
            await log_in(box, page, "a-guard")
            await page.get_by_text("Possible match in view: Viktor").wait_for()
            assert "in view now" in await page.locator(f"[data-hit='{hit_id}']").inner_text()
            await box.post(f"/hits/{hit_id}/review", {"verdict": "rejected:other_person"}, box.session("guard"))
            await page.get_by_text("Viktor Lindqvist-Abendroth: rejected").wait_for()
            assert "Possible match" not in await page.locator(".seen").inner_text()
            await shoot(page, "now-rejected")
            playing.cancel()

    run(check())


def test_a_picture_says_why_nobody_would_be_recognised(tmp_path: Path) -> None:
    """Covered, outside its hours, with a list too old, while models are loaded: never "no possible match"."""

    async def check() -> None:
        told: dict[str, Any] = {}
        async with running(tmp_path, told=told) as box, browsing(box.url, DESK) as page:
            look = {"is_between": False}

            async def play() -> None:
                for number in range(1, 10_000):
                    for camera in ("door", "yard"):
                        box.live.publish(await asyncio.to_thread(live_view, number, camera, label=None, **look))
                    await asyncio.sleep(0.2)

            for camera in ("door", "yard"):
                box.live.publish(await asyncio.to_thread(live_view, 0, camera, label=None))
            playing = asyncio.create_task(play())
            await log_in(box, page, "a-guard")
            said = {name: page.locator(f"[data-camera={name}] .seen") for name in ("door", "yard")}
            await said["door"].filter(has_text="No possible match in view.").wait_for()
            look["is_between"] = True
            await said["door"].filter(has_text="like two people on the list").wait_for()
            look["is_between"] = False
            await said["door"].filter(has_text="No possible match in view.").wait_for()
            for state, words in (
                (CameraState.COVERED, "Lens covered since"),
                (CameraState.DARK, "Too dark to see faces"),
            ):
                box.live.publish_health([camera_health(state, "told")])
                await said["door"].filter(has_text=words).wait_for()
            assert await page.locator("[data-camera=door]").get_attribute("data-live") == "yes"
            assert await said["yard"].inner_text() == "No possible match in view."
            box.live.publish_health([camera_health()])
            await said["door"].filter(has_text="No possible match in view.").wait_for()
            now = dt.datetime.now(dt.UTC)
            box.live.publish_conditions([Condition("schedule", "off", now, "by their schedule", ("yard",))])
            await said["yard"].filter(has_text="Outside its hours").wait_for()
            assert await said["door"].inner_text() == "No possible match in view."
            assert "By the hours set for them: yard." in await page.locator("#strip").inner_text()
            box.live.publish_conditions([Condition("watchlist", "stale", now, "not confirmed")])
            for one in said.values():
                await one.filter(has_text="Box doesn't alert: the list of people is too old.").wait_for()
            box.live.publish_conditions([])
            told["preparing"] = [{"step": "models", "done": 0, "total": 0}]
            await page.reload()
            await said["door"].filter(has_text="Nobody is recognised yet: loading and testing the models.").wait_for()
            playing.cancel()

    run(check())


def test_pictures_say_what_they_are_and_are_zoomed_together(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box, browsing(box.url, DESK) as page:
            await log_in(box, page, "a-guard")
            await page.goto(f"{box.url}/hits/{await add_hit(box, 8)}")
            await page.locator("[data-mark]:not([data-marked])").first.wait_for(state="detached")
            marks = await page.eval_on_selector_all("[data-mark]", "all => all.map(one => one.dataset.mark)")
            assert [mark.split(" · ")[0] for mark in marks] == ["Original", "Processed", "Original"]
            # The words are in the pixels: the picture has grown by a band, and saves with it.
            grown = await page.eval_on_selector_all(
                "[data-mark]",
                "all => all.map(i => /^data:/.test(i.src) && i.naturalHeight > i.naturalWidth * 1.04)",
            )
            assert grown == [True] * 3
            clip = "document.querySelector('[data-compare] img:last-child').style.clipPath"
            assert "100%" in await page.evaluate(clip), "found comes first"
            assert await page.locator(".compare.wiped").count() == 0, "and no line lies on it"
            await page.keyboard.press("e")
            assert "100%" not in await page.evaluate(clip)
            assert await page.locator(".compare.wiped").count() == 1
            await page.get_by_label("Zoom both").fill("300")
            moved = await page.eval_on_selector_all(".look img", "all => all.map(one => one.style.transform)")
            assert len(set(moved)) == 1
            assert moved[0].startswith("scale(3)")
            first = await page.locator(".look").first.bounding_box()
            await page.mouse.move(first["x"] + 100, first["y"] + 100)
            await page.mouse.down()
            await page.mouse.move(first["x"] + 140, first["y"] + 80, steps=4)
            await page.mouse.up()
            panned = await page.eval_on_selector_all(".look img", "all => all.map(one => one.style.transform)")
            assert len(set(panned)) == 1
            assert panned != moved
            await shoot(page, "hit-zoomed", full=False)
            await page.goto(f"{box.url}/hits/{await add_hit(box, 9, enhanced=False)}")
            assert await page.locator(".look").count() == 2
            text = await page.locator("main").inner_text()
            assert "As enhanced" not in text
            assert "Not enhanced" not in text

    run(check())


def test_the_sound_repeats_until_somebody_has_seen_the_hit(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path, num_hits=0, statuses=LOUD) as box, browsing(box.url, DESK) as page:
            box.live.publish(live_view(1))
            await log_in(box, page, "a-guard")
            await page.get_by_role("button", name="Test", exact=True).click()
            await page.get_by_label("Sound for new hits").check()
            await page.locator("html[data-soundings='1']").wait_for()
            hit_id = await add_hit(box, 7)
            await page.locator("html[data-sounded=urgent]").wait_for()
            await page.locator("html[data-soundings='4']").wait_for()
            row = page.locator(f"#latest [data-hit='{hit_id}']")
            assert "Call the shift lead" in await row.inner_text()
            await row.get_by_role("button", name="Seen").click()
            await page.locator(f"#latest [data-hit='{hit_id}']:not([data-sound])").wait_for()
            kept = box.store.hit(hit_id)
            assert kept is not None
            assert (kept.review["state"], kept.review["by"]) == ("acknowledged", "a-guard")
            heard = await page.locator("html").get_attribute("data-soundings")
            await asyncio.sleep(2.5)
            assert await page.locator("html").get_attribute("data-soundings") == heard
            # Elsewhere, too.
            await page.goto(f"{box.url}/people")
            await page.locator("h1").click()
            await asyncio.sleep(0.5)
            await add_hit(box, 8)
            await page.locator("html[data-sounded=urgent]").wait_for()

    run(check())
