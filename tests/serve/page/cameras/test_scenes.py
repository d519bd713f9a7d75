"""What a camera saw before and when it lost its scene: side by side, by a route, audited, gone when it is gone."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path

from edge.records import CameraState
from tests.support.drawings import draw_scene, jpeg
from tests.support.web import START, add_scene, camera_health, run, running

HTML = {"Accept": "text/html"}


def test_both_pictures_are_side_by_side_and_audited(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            seq = await asyncio.to_thread(add_scene, box.store)
            caller = box.session("installer")
            page = (await box.get(f"/box/scenes/{seq}", caller | HTML))[1].decode()
            assert "Lens covered" in page
            for number, role in enumerate(("before", "now"), 1):
                address = f"/box/scenes/{seq}/{role}.jpg"
                assert f'<img src="{address}"' in page
                answer, body = await box.get(address, caller)
                assert answer.headers["Content-Type"] == "image/jpeg"
                assert body == jpeg(draw_scene(number)[0])
            box.store.audit("test", "end", "here").result(10)
            seen = [(one.action, one.object) for one in box.store.audit_log.newest(limit=20)]
            assert ("scene.view", f"/box/scenes/{seq}") in seen
            assert {("picture.view", f"/box/scenes/{seq}/{role}.jpg") for role in ("before", "now")} <= set(seen)

    run(check())


def test_the_box_lists_changes_and_the_cameras_state_leads_to_its_own(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            caller = box.session("guard") | HTML
            assert "No camera has lost its scene" in (await box.get("/box", caller))[1].decode()
            await asyncio.to_thread(add_scene, box.store, "covered", START - dt.timedelta(days=1))
            seq = await asyncio.to_thread(add_scene, box.store)
            link = f'<a href="/box/scenes/{seq}">'
            assert f"{link}Lens covered" in (await box.get("/box", caller))[1].decode()
            assert link not in (await box.get("/now/health", caller))[1].decode(), "the camera is live"
            box.live.publish_health([camera_health(CameraState.COVERED, "something covers the lens; check the camera")])
            told = (await box.get("/now/health", caller))[1].decode()
            assert f"{link}Before and now" in told
            assert "something covers the lens" not in told, "its advice says so already"
            box.live.publish_health([camera_health(CameraState.DARK)])
            assert link not in (await box.get("/now/health", caller))[1].decode(), "another state has other pictures"

    run(check())


def test_what_was_deleted_for_newer_pictures_is_said(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            seq = await asyncio.to_thread(add_scene, box.store)
            limits = {"max_age_days": 3650, "max_image_bytes": 0, "min_free_bytes": 0}
            await asyncio.wrap_future(box.store.enforce_retention(**limits, now=dt.datetime.now(dt.UTC)))
            caller = box.session("guard")
            page = (await box.get(f"/box/scenes/{seq}", caller | HTML))[1].decode()
            assert '<img src="/box/scenes' not in page
            assert page.count("deleted for newer ones") == 2
            assert (await box.get(f"/box/scenes/{seq}/now.jpg", caller))[0].status == 404
            assert (await box.get(f"/box/scenes/{seq}/other.jpg", caller))[0].status == 404
            assert (await box.get(f"/box/scenes/{seq - 1}", caller))[0].status == 404, "a hit's item is none"
            assert (await box.get("/box/scenes/no", caller))[0].status == 404

    run(check())


def test_german(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            seq = await asyncio.to_thread(add_scene, box.store)
            caller = box.session("guard") | HTML | {"Accept-Language": "de"}
            page = (await box.get(f"/box/scenes/{seq}", caller))[1].decode()
            assert "Objektiv verdeckt" in page
            assert "Bei der Veränderung" in page

    run(check())
