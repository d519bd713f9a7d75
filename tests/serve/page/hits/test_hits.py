"""The guards' pages as HTML: what they say, what they escape, what they weigh, and what a review keeps."""

from __future__ import annotations

import asyncio
import dataclasses
import html
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path

import pytest

from edge.errors import StoreError
from edge.records import CameraState
from edge.serve.page.assets import FOLDER, TYPES, Assets
from edge.serve.page.wording import words
from edge.serve.page.wording.language import Translate
from tests.support.store import review
from tests.support.web import NASTY, add_person, camera_health, live_view, make_hit, person, run, running

WORDS = words.Words(Translate("en"))
HTML = {"Accept": "text/html"}
PAGES = ("/", "/hits", "/people", "/box", f"/hits/{make_hit(1)[0].hit_id}")


class Tags(HTMLParser):
    """Collects tags, ids and addresses of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name == "id" and value:
                self.ids.append(value)
            if name in {"href", "src", "action"} and value:
                self.addresses.append(value)


def test_pages_escape_names_and_ask_no_other_host(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            who = dataclasses.replace(person(1), name=NASTY, status=NASTY)
            await asyncio.to_thread(add_person, box.store, who)
            hit, images = make_hit(9, who)
            hit = dataclasses.replace(hit, expected_false_alerts=NASTY, quality={NASTY: NASTY}, models={NASTY: NASTY})
            await asyncio.wrap_future(box.store.add_hit(hit, images))
            await asyncio.wrap_future(review(box.store, hit.hit_id, "rejected", NASTY, NASTY))
            box.live.publish_health([camera_health(CameraState.LOST, NASTY)])
            box.live.publish(live_view(1, label=NASTY))
            headers = box.session("supervisor") | HTML
            for path in (*PAGES, "/now/hits", "/now/health", f"/hits/{hit.hit_id}", f"/nope/{NASTY}"):
                _, body = await box.get(path, headers)
                text = body.decode()
                tags = Tags(text)
                assert "alert(1)" not in re.sub(
                    re.escape(html.escape(NASTY, quote=True)),
                    "",
                    text.replace("&#34;", "&quot;").replace("&#39;", "&#x27;"),
                )
                assert all(address.startswith(("/", "#")) for address in tags.addresses), path
                assert not tags.attributes & {"style", "onclick", "onload", "onerror"}, path
                assert len(tags.ids) == len(set(tags.ids)), path
                assert text.count("<script") == text.count('<script type="module" src="/static/')

    run(check())


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_light_and_never_says_identified(tmp_path: Path, path: str) -> None:
    async def check() -> None:
        async with running(tmp_path, num_hits=60) as box:
            answer, body = await box.get(path, box.session("supervisor") | HTML)
            assert answer.status == 200
            assert len(body) + sum(path.stat().st_size for path in FOLDER.iterdir() if path.suffix in TYPES) < 150_000
            text = body.decode().lower()
            assert "identified" not in text
            assert "recognised" not in text
            assert '<html lang="en"' in text
            assert text.count("<h1") == 1

    run(check())


def test_a_hit_shows_three_faces_and_says_how_alike(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            hit = make_hit(2)[0]
            _, body = await box.get(f"/hits/{hit.hit_id}", box.session())
            text = body.decode()
            for role in ("frame", "crop", "enhanced", "reference"):
                assert f"/api/v1/images/{getattr(hit.images, role)}" in text
            for said in ("Possible match", "Rosa Alba", "0.62", "about one in 20,000 is taken", "this list of 3"):
                assert said in text
            for said in ("Viktor Lindqvist-Abendroth", "lime", "noise 0.012 is low", "d" * 64, "The face is too dark"):
                assert said in text
            assert 'viewBox="0 0 640 360"' in text

    run(check())


def test_reviews_are_kept_with_name_and_reason(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            headers, hit_id = box.session("guard"), make_hit(1)[0].hit_id
            for verdict in ("acknowledged", "rejected:other_person", "confirmed:checked"):
                form = {"verdict": verdict, "note": f" {NASTY} "}
                answer, _ = await box.post(f"/hits/{hit_id}/review", form, headers)
                assert (answer.status, answer.headers["Location"]) == (303, f"/hits/{hit_id}")
                hit = box.store.hit(hit_id)
                assert hit is not None
                state, _, reason = verdict.partition(":")
                kept = (hit.review["state"], hit.review["by"], hit.review["reason"], hit.review["note"])
                assert kept == (state, "a-guard", reason or None, NASTY)
            assert [item.type for item in box.store.feed(None, 10).items][-3:] == ["alert.reviewed"] * 3

    run(check())


def test_reviews_that_are_not_right_keep_nothing(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            headers, hit_id = box.session("guard"), make_hit(1)[0].hit_id
            before = box.store.head_seq()
            forms: tuple[Mapping[str, str], ...] = (
                {},
                {"verdict": "maybe"},
                {"verdict": "second_needed"},
                {"verdict": "confirmed:other_person"},
                {"verdict": "confirmed", "note": "x" * 501},
            )
            for form in forms:
                answer, _ = await box.post(f"/hits/{hit_id}/review", form, headers)
                assert answer.status == 422
            assert (await box.post("/hits/none/review", {"verdict": "confirmed"}, headers))[0].status == 404
            answer, _ = await box.post(f"/hits/{hit_id}/review", {"verdict": "confirmed"}, box.session("auditor"))
            assert answer.status == 403
            assert box.store.head_seq() == before

    run(check())


def test_hits_are_paged_by_key_each_once(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path, num_hits=120) as box:
            headers, path, seen = box.session(), "/hits", []
            while path:
                _, body = await box.get(path, headers)
                seen += re.findall(r'data-hit="([^"]+)"', body.decode())
                older = re.search(r'href="(/hits\?before=[^"]+)" rel="next"', body.decode())
                path = html.unescape(older[1]) if older else ""
            assert seen == [make_hit(number)[0].hit_id for number in range(120, 0, -1)]

    run(check())


def test_each_role_sees_only_what_it_may(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            _, body = await box.get("/", box.session("installer"))
            assert b"Rosa" not in body
            assert b'href="/hits"' not in body
            _, body = await box.get(f"/hits/{make_hit(1)[0].hit_id}", box.session("auditor"))
            assert b"Rosa Alba" in body
            assert b"/review" not in body
            panel = body.decode().partition('id="verdict-title">')[2].partition("</section>")[0]
            assert panel.startswith("Verdicts</h2>"), "not yours: an auditor gives none"
            assert "Not reviewed" in panel

    run(check())


def test_a_store_that_fails_is_said_on_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise StoreError("the database at data/edge.db is locked: stop the other program that holds it")

    async def check() -> None:
        async with running(tmp_path) as box:
            headers = box.session()
            monkeypatch.setattr(box.store, "find_hits", fail)
            answer, body = await box.get("/hits", headers | HTML)
            assert (answer.status, answer.content_type) == (503, "text/html")
            assert b"is locked: stop the other program" in body

    run(check())


def test_a_fault_of_ours_is_a_500_that_tells_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> int:
        raise RuntimeError("secret detail")

    async def check() -> None:
        async with running(tmp_path) as box:
            monkeypatch.setattr(box.store, "count_hits", fail)
            answer, body = await box.get("/hits", box.session())
            assert (answer.status, answer.content_type) == (500, "application/problem+json")
            assert b"secret" not in body

    run(check())


@pytest.mark.parametrize("state", list(CameraState))
def test_every_camera_state_has_words_and_all_but_live_an_advice(tmp_path: Path, state: CameraState) -> None:
    health = camera_health(state)
    assert words.tone(health) in {"calm", "wait", "fault"}
    assert bool(WORDS.advice(health)) == (state is not CameraState.LIVE)

    async def check() -> None:
        async with running(tmp_path, num_hits=0) as box:
            box.live.publish_health([health])
            _, body = await box.get("/now/health", box.session())
            assert WORDS.state(health) in body.decode()
            assert "2025-03-01T21:30:00.000Z" in body.decode()

    run(check())


def test_words_for_numbers() -> None:
    cases = {"db_bytes": (1_234_567, "1.2 MB"), "wal_bytes": (0, "0 bytes"), "free_bytes": (81_400_000_000, "81.4 GB")}
    cases |= {
        "eye_distance_px": (38.2, "38 px"),
        "yaw_deg": (-11.0, "-11°"),
        "roll_deg": (-0.4, "0°"),
        "score": (54.2, "54 of 100"),
    }
    cases |= {"hits": (12345, "12,345"), "none": (None, "–"), "text": ("a", "a"), "synced": (True, "True")}
    assert {name: WORDS.with_unit(value, name) for name, (value, _) in cases.items()} == {
        n: c[1] for n, c in cases.items()
    }


def test_doubts_come_from_the_measurements() -> None:
    hit = make_hit(1)[0]
    good = dataclasses.replace(hit, quality={"parts": {"sharpness": 1.0, "luma": 0.9}}, similarity_original=0.6)
    assert WORDS.doubts(good) == []
    assert WORDS.doubts(dataclasses.replace(good, margin=0.07))[0].startswith("Another person")
    assert WORDS.doubts(dataclasses.replace(good, margin=0.07, runner_up_id=None)) == []
    assert WORDS.doubts(dataclasses.replace(good, clock={"synced": False})) != []
    assert WORDS.doubts(dataclasses.replace(good, quality={"parts": {"sharpness": 0.2}})) == ["The face is not sharp."]
    light = {luma: {"luma": luma, "parts": {"luma": 0.2}} for luma in (0.17, 0.9)}
    said = [WORDS.doubts(dataclasses.replace(good, quality=quality)) for quality in light.values()]
    assert said == [["The face is too dark."], ["The face is too bright."]]
    assert "rests on" in WORDS.doubts(dataclasses.replace(good, similarity_original=0.4))[0]


def test_troubles_of_the_box_are_said_with_what_to_do() -> None:
    assert WORDS.troubles({}) == []
    assert WORDS.troubles({"store_problem": "disk full", "hits_waiting": 3})[0].tone == "fault"
    assert "3 hits" in WORDS.troubles({"hits_waiting": 3})[0].what


def luminance(color: str) -> float:
    """Relative luminance of a #rrggbb colour (WCAG 2.2)."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_colours_keep_the_contrast_of_wcag_aa() -> None:
    css = (FOLDER / "edge.css").read_text()
    schemes = [dict(re.findall(r"--(\w+): (#\w{6})", block)) for block in re.findall(r":root \{(.*?)\}", css, re.S)]
    assert len(schemes) == 2
    for colors in schemes:
        for text in ("text", "soft", "signal", "fault", "calm"):
            for ground in ("bg", "panel", "raised"):
                assert contrast(colors[text], colors[ground]) >= 4.5, (text, ground)
        assert contrast(colors["ink"], colors["calm"]) >= 4.5
        assert min(contrast(colors["edge"], colors[ground]) for ground in ("bg", "panel")) >= 3.0


def test_assets_are_kept_for_good_only_by_their_hash(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            address = Assets().address("edge.css")
            answer, _ = await box.get(address)
            assert "immutable" in answer.headers["Cache-Control"]
            assert answer.headers["Content-Type"] == "text/css; charset=utf-8"
            answer, _ = await box.get("/static/edge.css?v=old")
            assert answer.headers["Cache-Control"] == "no-cache"
            again, _ = await box.get("/static/edge.css", {"If-None-Match": answer.headers["ETag"]})
            assert again.status == 304
            for name in ("nope.css", "..%2fapp.py", "%2e%2e%2fapp.py", "app.py"):
                assert (await box.get(f"/static/{name}"))[0].status == 404

    run(check())
