"""People on the page: pictures checked and told one by one, editing, erasing with a receipt; with real models."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import aiohttp
import numpy as np
import pytest

from edge.app.service.start.preparing import NobodyYet
from edge.store import Listing
from tests.support.drawings import pictures, png, sha256
from tests.support.serve.people import people_for, with_models
from tests.support.web import NASTY, WebSide, make_hit, run, running

FIELDS = {"person_id": "gate-7", "name": "Demo Person", "status": "banned", "expires": "2031-05-06", "reason": "theft"}


async def send(
    box: WebSide, path: str, fields: Mapping[str, str], pictures: Mapping[str, bytes], role: str = "supervisor"
) -> tuple[aiohttp.ClientResponse, str]:
    with aiohttp.MultipartWriter("form-data") as form:
        for name, value in fields.items():
            form.append(value).set_content_disposition("form-data", name=name)
        for name, data in pictures.items():
            form.append(data).set_content_disposition("form-data", name="pictures", filename=name)
    headers = box.session(role) | {"Origin": box.url, "Accept": "text/html"}
    async with box.http.post(box.url + path, data=form, headers=headers, allow_redirects=False) as answer:
        return answer, (await answer.read()).decode()


def test_a_person_is_added_with_a_good_and_a_bad_picture_each_told(tmp_path: Path, portrait: Path) -> None:
    face = portrait.read_bytes()

    async def check() -> None:
        async with with_models(tmp_path) as box:
            gray = png(np.full((200, 200, 3), 120, np.uint8))
            pictures = {"good.png": face, "gray.png": gray, "torn.png": b"\x89PNG\r\n\x1a\n"}
            answer, page = await send(box, "/people", FIELDS, pictures)
            assert answer.status == 201, page
            for said in (
                "Demo Person is on the list with 1 new picture.",
                "Accepted",
                "No face was found",
                "can&#39;t be read",
            ):
                assert said in page
            kept = box.store.person("gate-7")
            assert kept is not None
            assert (kept.name, kept.status, kept.reason, kept.owner) == ("Demo Person", "banned", "theft", None)
            assert kept.expires_at is not None
            assert kept.expires_at.astimezone().date().isoformat() == "2031-05-06"
            assert [r.source for r in box.store.references() if r.person_id == "gate-7"] == ["good.png"]
            _, page = await send(box, "/people", FIELDS, pictures)
            assert "is already on the list" in page

            changed = FIELDS | {"name": "New Name", "expires": ""}
            answer, page = await send(box, "/people/gate-7/edit", changed, {})
            assert (answer.status, "New Name was changed" in page) == (200, True)
            answer, page = await send(box, "/people/gate-7/edit", changed, {"same.png": face})
            assert "The same picture is already enrolled" in page
            kept = box.store.person("gate-7")
            assert kept is not None
            assert (kept.name, kept.expires_at) == ("New Name", None)

            headers = box.session("supervisor")
            answer, body = await box.post("/people/gate-7/erase", {"confirm": "gate-8"}, headers)
            assert (answer.status, b"nothing was erased" in body) == (422, True)
            assert box.store.person("gate-7") is not None
            answer, body = await box.post("/people/gate-7/erase", {"confirm": "gate-7"}, headers)
            assert answer.status == 200
            assert b"Erased: gate-7" in body
            assert box.store.person("gate-7") is None
            assert (await box.get("/people/gate-7/edit", headers))[0].status == 404

    run(check())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"person_id": "../x"}, "The id needs"),
        ({"person_id": ""}, "The id needs"),
        ({"name": " "}, "A name is needed"),
        ({"name": "x" * 201}, "A name is needed"),
        ({"status": ""}, "A status is needed"),
        ({"expires": "31.12.2030"}, "The date is not right"),
        ({"expires": "2021-05-06"}, "is past: this person would not be looked for"),
        ({}, "needs at least one picture"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(tmp_path: Path, change: Mapping[str, str], words: str) -> None:
    async def check() -> None:
        async with with_models(tmp_path) as box:
            before = box.store.watchlist_version()
            pictures = {"a.png": b"x"} if change else {}
            answer, page = await send(box, "/people", FIELDS | {"owner": NASTY} | change, pictures)
            assert answer.status == 422
            assert words in page
            assert "alert(1)" in page
            assert "<script>alert" not in page
            assert box.store.watchlist_version() == before

    run(check())


def test_an_entry_that_has_ended_says_so_and_can_be_changed(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path, people=people_for) as box:
            person = box.store.person("p1")
            assert person is not None
            ended = replace(person, expires_at=dt.datetime(2021, 5, 6, 7, tzinfo=dt.UTC))
            box.store.put_listing(Listing(ended)).result(10)
            _, page = await box.get("/people", box.session())
            assert page.decode().count("is not recognised any more") == 1
            form = {"name": "New Name", "status": person.status}
            answer, page = await send(box, "/people/p1/edit", form | {"expires": "2021-05-07"}, {})
            assert (answer.status, "is past" in page) == (422, True)
            answer, _ = await send(box, "/people/p1/edit", form | {"expires": "2021-05-06"}, {})
            kept = box.store.person("p1")
            assert kept is not None
            assert (answer.status, kept.name, kept.expires_at) == (200, "New Name", ended.expires_at)

    run(check())


def test_a_person_without_a_usable_picture_is_not_stored(tmp_path: Path) -> None:
    async def check() -> None:
        async with with_models(tmp_path) as box:
            answer, page = await send(box, "/people", FIELDS, {"gray.png": png(np.full((200, 200, 3), 90, np.uint8))})
            assert answer.status == 422
            assert "no picture can be used" in page
            assert "No face was found" in page
            assert 'value="Demo Person"' in page
            assert box.store.person("gate-7") is None

    run(check())


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ("box is still being prepared", "Nothing was stored. What you typed is kept here")),
        ("de", ("Box wird noch vorbereitet", "Das Eingetippte steht noch hier")),
    ],
)
def test_what_was_typed_stays_while_the_box_is_being_prepared(
    tmp_path: Path, language: str, said: tuple[str, ...]
) -> None:
    async def check() -> None:
        async with running(tmp_path, people=lambda store: NobodyYet()) as box:
            box.http.headers["Accept-Language"] = language
            for path, fields in (("/people", FIELDS), ("/people/p1/edit", FIELDS | {"name": "Typed Name"})):
                answer, page = await send(box, path, fields, {"a.png": b"x"})
                assert answer.status == 503
                assert f'value="{fields["name"]}"' in page
                for words in said:
                    assert words in page
                assert 'name="kept"' not in page, "the memory that would hold it ends with the preparing"

    run(check())


def test_forms_that_are_too_much_are_refused(tmp_path: Path) -> None:
    async def check() -> None:
        async with with_models(tmp_path) as box:
            assert (await send(box, "/people", FIELDS, {"a.png": b"\xff" * 20_000_001}))[0].status == 413
            assert (await send(box, "/people", FIELDS, {f"{n}.png": b"x" for n in range(21)}))[0].status == 413
            assert (await send(box, "/people", {"name": "x" * 5000}, {}))[0].status == 413
            answer, _ = await box.post("/people", FIELDS, box.session("supervisor"))
            assert answer.status == 415
            for role in ("guard", "installer", "auditor"):
                assert (await send(box, "/people", FIELDS, {}, role))[0].status == 403

    run(check())


def test_every_page_shows_the_best_picture_of_a_person_first(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            hit = make_hit(2)[0]
            who = hit.person
            (first,) = box.store.references(person_id=who.person_id)
            made = {
                name: pictures(number)["reference"] for name, number in (("a-poor", 5), ("b-best", 6), ("c-good", 7))
            }
            for (name, data), score in zip(made.items(), (12.0, 97.0, 95.0), strict=True):
                one = replace(first, reference_id=name, image_sha256=sha256(data), quality={"score": score})
                await asyncio.wrap_future(box.store.put_person(who, [one], {sha256(data): data}))
            poor, best, good = map(sha256, made.values())

            async def shown(path: str, role: str = "supervisor") -> list[str]:
                """Enrolled pictures in the order in which the page shows them."""
                page = (await box.get(path, box.session(role) | {"Accept": "text/html"}))[1].decode()
                found = re.findall("images/([0-9a-f]{64})", page)
                return [one for one in dict.fromkeys(found) if one in {poor, best, good, first.image_sha256}]

            assert (await shown("/people"))[-1] == best
            assert await shown(f"/people/{who.person_id}/edit") == [best, good, first.image_sha256, poor]
            matched = hit.images.reference
            assert matched == first.image_sha256
            assert await shown(f"/hits/{hit.hit_id}") == [matched, best, good], "the verdict is about what matched"
            walker = (await box.get(f"/commission/people/{who.person_id}/picture", box.session("supervisor")))[1]
            assert sha256(walker) == best

    run(check())
