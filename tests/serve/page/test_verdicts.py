"""Verdicts on the page: undo within seconds, the second person who must not know, filters of the list."""

from __future__ import annotations

import re
from pathlib import Path

from edge.config import ReviewConfig
from tests.support.web import WebSide, make_hit, person, run, running

HIT = f"/hits/{make_hit(1)[0].hit_id}"
TWO = ReviewConfig(second_person_for=("banned",), urgent_for=("banned",))


def state(box: WebSide) -> str:
    hit = box.store.hit(make_hit(1)[0].hit_id)
    assert hit is not None
    return str(hit.review["state"])


def test_undo_is_offered_to_its_author_and_ends_with_the_time(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path, review=ReviewConfig(undo_s=10)) as box:
            guard, other = box.session("guard"), box.session("supervisor")
            await box.post(f"{HIT}/review", {"verdict": "rejected:no_face"}, guard)
            assert 'data-undo="' in (await box.get(HIT, guard))[1].decode()
            assert 'data-undo="' not in (await box.get(HIT, other))[1].decode()
            assert (await box.post(f"{HIT}/undo", {}, other))[0].status == 409
            assert state(box) == "rejected"
            answer, _ = await box.post(f"{HIT}/undo", {}, guard)
            assert (answer.status, state(box)) == (303, "new")
            assert (await box.post(f"{HIT}/undo", {}, guard))[0].status == 409
        async with running(tmp_path / "late", review=ReviewConfig(undo_s=0)) as box:
            guard = box.session("guard")
            await box.post(f"{HIT}/review", {"verdict": "acknowledged"}, guard)
            assert 'data-undo="' not in (await box.get(HIT, guard))[1].decode()

    (tmp_path / "late").mkdir()
    run(check())


def test_the_second_person_learns_nothing_of_the_first_verdict(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path, review=TWO) as box:
            first, second = box.session("guard"), box.session("supervisor")
            form = {"verdict": "rejected:poor_picture", "note": "nose is another"}
            await box.post(f"{HIT}/review", form, first)
            assert state(box) == "second_needed"
            told = box.store.feed(None, 100).items[-1].body["review"]
            for text in (
                (await box.get(HIT, second))[1].decode(),
                str(told),
                (await box.get("/hits", second))[1].decode(),
            ):
                # The words on the form's own buttons are the same for every verdict.
                shown = re.sub(r"<fieldset>.*?</fieldset>|<select.*?</select>|data-texts='.*?'", "", text, flags=re.S)
                assert "Picture too poor" not in shown
                assert "poor_picture" not in shown
                assert "nose is another" not in shown
                assert "rejected" not in shown.replace('value="rejected', "")
            page = (await box.get(HIT, second))[1].decode()
            assert "You see it after you have given yours" in page
            assert "a-guard" not in page
            assert "Your verdict is stored" in (await box.get(HIT, first))[1].decode()
            await box.post(f"{HIT}/review", {"verdict": "confirmed:checked"}, second)
            assert state(box) == "disputed"
            page = (await box.get(HIT, first))[1].decode()
            assert "A third person decides" in page
            for said in (
                "nose is another",
                "Picture too poor to tell",
                "Checked on the spot",
                "a-guard",
                "a-supervisor",
            ):
                assert said in page
            kept = box.store.hit(make_hit(1)[0].hit_id)
            assert kept is not None
            assert [verdict["state"] for verdict in kept.review["verdicts"]] == ["rejected", "confirmed"]

    run(check())


def test_filters_are_kept_from_page_to_page_and_refused_when_wrong(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path, num_hits=60) as box:
            headers = box.session("guard")
            for number in (100, 101):
                await box.post(f"/hits/{make_hit(number - 99)[0].hit_id}/review", {"verdict": "acknowledged"}, headers)

            async def listed(query: str) -> tuple[list[str], str]:
                _, body = await box.get(f"/hits?{query}", headers)
                return re.findall(r'data-hit="([^"]+)"', body.decode()), body.decode()

            ids, page = await listed("person=p1&camera=&state=new&since=&until=")
            assert len(ids) == 50
            assert "58 possible matches" in page
            older = re.search(r'href="/hits\?([^"]+)" rel="next"', page)
            assert older is not None
            assert "person=p1" in older[1]
            ids, page = await listed(older[1].replace("&amp;", "&"))
            assert len(ids) == 8
            assert 'href="/hits?person=p1&amp;state=new"' in page
            assert (await listed("state=acknowledged"))[0] == [make_hit(2)[0].hit_id, make_hit(1)[0].hit_id]
            assert (await listed(f"person={person(2).person_id}"))[0] == []
            assert "No hit matches these filters" in (await listed("camera=nowhere"))[1]
            for query in ("state=maybe", "since=yesterday", "until=2025-99-99", "colour=red", "person=a&person=b"):
                assert (await box.get(f"/hits?{query}", headers))[0].status == 400, query

    run(check())


def test_new_hits_carry_what_the_page_needs_to_sound_and_count(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path, review=TWO) as box:
            headers = box.session("guard")
            page = (await box.get("/now/hits", headers))[1].decode()
            assert page.count('data-severity="urgent"') == 3
            assert 'data-unseen="3"' in page
            await box.post(f"{HIT}/review", {"verdict": "acknowledged"}, headers)
            assert 'data-unseen="2"' in (await box.get("/now/hits", headers))[1].decode()

    run(check())
