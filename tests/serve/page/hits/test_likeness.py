"""What a hit says of itself: likeness in words, strangers, the pictures to compare, and what its status means."""

from __future__ import annotations

import asyncio
import dataclasses
import html
import re
from pathlib import Path

from edge.config import StatusConfig
from edge.serve.page.wording import words
from edge.serve.page.wording.language import Translate
from tests.support.drawings import draw_scene, jpeg, sha256
from tests.support.web import make_hit, person, run, running

WORDS = words.Words(Translate("en"))


def test_likeness_goes_by_how_few_strangers_are_as_alike() -> None:
    hit = make_hit(1)[0]

    def said(**decision: object) -> str:
        return str(WORDS.likeness(dataclasses.replace(hit, decision=decision)))

    assert [said(one_in=number) for number in (900, 10_000, 99_000, 100_000)] == [
        "Somewhat alike",
        "Alike",
        "Alike",
        "Very alike",
    ]
    gates = [[{"gate": "similarity", "value": value, "limit": 0.5}] for value in (0.55, 0.62, 0.71)]
    assert [said(gates=one) for one in gates] == ["Somewhat alike", "Alike", "Very alike"], (
        "where nothing is calibrated"
    )
    assert said() == "Somewhat alike"


def test_the_rate_of_false_alerts_is_said_as_one_of_strangers() -> None:
    hit = make_hit(1)[0]

    def said(text: str, language: str = "en") -> str:
        made = words.Words(Translate(language))
        return html.unescape(str(made.strangers(dataclasses.replace(hit, expected_false_alerts=text))))

    assert "about one in 20,000" in said("about 1 in 20,000 faces at this setting, list of 3")
    german = said("fewer than 1 in 500,000 faces at this setting, list of 3", "de")
    assert "Unter 500.000 Fremden wird weniger als eine Person" in german
    assert "not the chance that this hit is wrong" in said("about 1 in 20 faces at this setting, list of 3")
    assert "was not measured" in said("not calibrated")
    assert said("a drill: nobody was seen") == "a drill: nobody was seen"


def test_up_to_three_enrolled_pictures_are_there_to_compare(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            kept = box.store.references(person_id="p1")[0]
            more = {sha256(data): data for data in (jpeg(draw_scene(number)[0]) for number in range(4))}
            added = [
                dataclasses.replace(kept, reference_id=f"more{number}", image_sha256=name)
                for number, name in enumerate(more)
            ]
            await asyncio.wrap_future(box.store.put_person(person(1), [kept, *added], more))
            page = (await box.get(f"/hits/{make_hit(1)[0].hit_id}", box.session()))[1].decode()
            shown = re.findall(r'data-reference="([0-9a-f]{64})"', page)
            assert len(shown) == len(set(shown)) == 3
            assert shown[0] == make_hit(1)[0].images.reference, "the one that matched comes first"

    run(check())


def test_a_status_says_what_it_means_and_who_has_to_confirm(tmp_path: Path) -> None:
    async def check() -> None:
        known = {"banned": StatusConfig(words="Call the shift lead", severity="notice", second_person=True)}
        async with running(tmp_path, statuses=known) as box:
            headers, hit_id = box.session("guard"), make_hit(1)[0].hit_id
            for path in ("/hits", "/now/hits", f"/hits/{hit_id}"):
                assert b"Call the shift lead" in (await box.get(path, headers))[1], path
            assert b'data-severity="notice"' in (await box.get("/now/hits", headers))[1]
            await box.post(f"/hits/{hit_id}/review", {"verdict": "confirmed:checked"}, headers)
            hit = box.store.hit(hit_id)
            assert hit is not None
            assert hit.review["state"] == "second_needed"

    run(check())


def test_a_lead_is_told_only_where_somebody_else_is_on_the_list(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path, num_hits=0) as box:
            alone, images = make_hit(1)
            alone = dataclasses.replace(alone, runner_up_id=None)
            await asyncio.wrap_future(box.store.add_hit(alone, images))
            page = (await box.get(f"/hits/{alone.hit_id}", box.session()))[1].decode()
            assert "nobody else on the list" in page
            assert "<dt>Lead over the runner-up</dt>" not in page

    run(check())
