"""Verdicts on the page: undo within seconds, the second person who must not know, filters of the list."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from edge.config import ReviewConfig
from tests.support.web import PASSWORD, WebSide, make_hit, person, run, running

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


async def judge(box: WebSide, number: int, verdict: str, role: str) -> int:
    address = f"/hits/{make_hit(number)[0].hit_id}/review"
    return (await box.post(address, {"verdict": verdict}, box.session(role)))[0].status


async def next_hit(box: WebSide, role: str, number: int | None = None) -> str:
    """Where "next" leads from the hit of that number."""
    come_from = f"?from={make_hit(number)[0].hit_id}" if number else ""
    answer, _ = await box.get(f"/hits/next{come_from}", box.session(role))
    return answer.headers["Location"]


def page_of(number: int) -> str:
    return f"/hits/{make_hit(number)[0].hit_id}"


def test_who_skips_hits_comes_to_each_of_them(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path, review=TWO, num_hits=4) as box:
            assert await next_hit(box, "guard") == page_of(4)
            ways = [await next_hit(box, "guard", number) for number in (4, 3, 2, 1)]
            assert ways == [page_of(3), page_of(2), page_of(1), page_of(4)]
            await judge(box, 3, "confirmed:checked", "guard")
            assert await next_hit(box, "guard", 3) == page_of(4), "a new one may have come"
            assert await next_hit(box, "guard", 4) == page_of(2), "one's own waits for somebody else"
            assert await next_hit(box, "supervisor", 1) == page_of(3), "what needs a second person comes after"

    run(check())


def test_a_third_person_is_led_to_what_two_disagree_on(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path, review=TWO, num_hits=1) as box:
            await asyncio.wrap_future(box.store.add_user("a-third", "guard", PASSWORD))
            await judge(box, 1, "confirmed:checked", "guard")
            await judge(box, 1, "rejected:no_face", "supervisor")
            assert await next_hit(box, "third") == page_of(1)
            for role in ("guard", "supervisor"):
                assert await next_hit(box, role) == "/hits?state=new"
                assert (
                    "Every hit has been reviewed." in (await box.get("/hits?state=new", box.session(role)))[1].decode()
                )
            for role, chosen in (("guard", "Confirm"), ("supervisor", "Reject"), ("third", None)):
                page = (await box.get(page_of(1), box.session(role)))[1].decode()
                marked = re.findall(r'<summary class="button quiet chosen"[^>]*>(\w+)<', page)
                assert marked == ([chosen] if chosen else []), role

    run(check())


def test_what_is_answered_twice_shows_the_hit_and_not_an_error(tmp_path: Path) -> None:
    """A double click, or "Seen" where somebody has just decided."""

    async def check() -> None:
        async with running(tmp_path, num_hits=1) as box:
            seen = r'value="acknowledged"[^>]* disabled'
            assert not re.search(seen, (await box.get(page_of(1), box.session()))[1].decode())
            for verdict in ("acknowledged", "acknowledged", "rejected:no_face", "rejected:no_face", "acknowledged"):
                assert await judge(box, 1, verdict, "guard") == 303, verdict
                assert re.search(seen, (await box.get(page_of(1), box.session()))[1].decode()), verdict
            assert [one.state for one in box.store.reviews.verdicts(make_hit(1)[0].hit_id)] == [
                "acknowledged",
                "rejected",
            ]

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
            for times in ("since=2026-03-02T00:00&until=2026-03-01T00:00", "since=2026-03-01&until=2026-03-01"):
                assert "From is not before Until" in (await listed(times))[1]
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
