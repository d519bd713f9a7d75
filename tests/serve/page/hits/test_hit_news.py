"""What the page of a hit asks while it is open: better pictures, verdicts, and until when the person was in view."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from pathlib import Path

import pytest

from edge.config import ReviewConfig
from tests.support.drawings import pictures, sha256
from tests.support.serve.german import english_in
from tests.support.store import review
from tests.support.web import WebSide, make_hit, run, running

HIT_ID = make_hit(1)[0].hit_id
HIT = f"/hits/{HIT_ID}"


async def question(box: WebSide, headers: dict[str, str]) -> str:
    """The address that the page asks, as its script makes it from the page."""
    text = (await box.get(HIT, headers))[1].decode()
    found = re.search(r'data-news="([^"]+)" data-pictures="([^"]+)" data-verdict="([^"]+)"', text)
    assert found is not None
    return f"{found[1]}?pictures={found[2]}&verdict={found[3]}"


async def better(box: WebSide, **names: str) -> None:
    """The hit with other pictures."""
    hit = box.store.hit(HIT_ID)
    assert hit is not None
    given = {sha256(data): data for data in pictures(3).values()}
    await asyncio.wrap_future(box.store.update_hit(replace(hit, images=replace(hit.images, **names)), given))


@pytest.mark.parametrize("role", ["crop", "enhanced"])
def test_a_better_picture_is_told_once_it_is_stored(tmp_path: Path, role: str) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            headers = box.session("guard")
            asked = await question(box, headers)
            assert "<a " not in (await box.get(asked, headers))[1].decode()
            await better(box)  # the same pictures again: a longer stay is no better picture
            answer, body = await box.get(asked, headers)
            assert (answer.status, b"<a " in body) == (200, False)
            name = sha256(pictures(3)[role])
            await better(box, **{role: name})
            text = (await box.get(asked, headers))[1].decode()
            assert "A better picture has come." in text
            assert f'href="{HIT}"' in text
            assert "judged" not in text
            assert "<a " not in (await box.get(await question(box, headers), headers))[1].decode()

    run(check())


def test_a_verdict_is_told_by_whom_and_when_it_is_taken_back(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            headers, by = box.session("guard"), box.session("supervisor")
            asked = await question(box, headers)
            await box.post(f"{HIT}/review", {"verdict": "confirmed:checked"}, by)
            told = (await box.get(asked, headers))[1].decode()
            assert "a-supervisor has judged: Confirmed." in told
            assert "picture" not in told
            asked = await question(box, headers)
            await box.post(f"{HIT}/undo", {}, by)
            assert "The verdict was taken back." in (await box.get(asked, headers))[1].decode()

    run(check())


def test_the_second_person_hears_of_a_first_verdict_and_nothing_of_it(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path, review=ReviewConfig(second_person_for=("banned",))) as box:
            headers = box.session("supervisor")
            asked = await question(box, headers)
            form = {"verdict": "rejected:poor_picture", "note": "nose is another"}
            await box.post(f"{HIT}/review", form, box.session("guard"))
            told = (await box.get(asked, headers))[1].decode()
            assert "Somebody has given the first verdict." in told
            for secret in ("a-guard", "ejected", "poor", "nose"):
                assert secret not in told
            asked = await question(box, headers)
            await box.post(f"{HIT}/review", {"verdict": "confirmed:checked"}, box.session("supervisor"))
            assert "The verdicts differ now." in (await box.get(asked, headers))[1].decode()

    run(check())


def test_asking_is_no_look_at_a_person_and_names_nobody(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            headers = box.session("guard")
            await question(box, headers)
            for asked in ("pictures=old&verdict=old", "pictures=older&verdict=old"):
                answer, body = await box.get(f"{HIT}/news?{asked}", headers)
                assert answer.status == 200
                assert b"Rosa" not in body
                assert b"/api/v1/images/" not in body
            box.store.audit("test", "end", "here").result(10)
            told = [(row.action, row.object) for row in box.store.audit_log.newest(None, 100) if row.actor == "a-guard"]
            assert told == [("hit.view", HIT_ID)], "the page itself was looked at, once"

    run(check())


def test_a_hit_that_is_gone_and_a_wrong_question_are_refused(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            headers = box.session("guard")
            assert (await box.get(f"/hits/{make_hit(99)[0].hit_id}/news", headers))[0].status == 404
            assert (await box.get(f"{HIT}/news?picture=x", headers))[0].status == 400

    run(check())


def test_news_are_told_in_german(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            headers = box.session("guard") | {"Accept-Language": "de"}
            asked = await question(box, headers)
            await better(box, crop=sha256(pictures(3)["crop"]))
            await asyncio.wrap_future(review(box.store, HIT_ID, "rejected", "Bo", "no_face"))
            text = (await box.get(asked, headers))[1].decode()
            assert "Ein besseres Bild ist da." in text
            assert "Bo hat bewertet: Abgelehnt." in text
            assert english_in(text) == []

    run(check())
