"""Choices at enrolment: one of several faces, a look-alike compared and let pass; with real models and both ways in."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from pathlib import Path

import aiohttp
import cv2
import numpy as np

from edge.capture.pictures.images import read_image
from edge.serve.page.people.choices import KEEP_S, MAX_KEPT_BYTES, KeptUploads
from edge.watchlist.entry import Upload
from tests.support.appliance import Appliance
from tests.support.drawings import png
from tests.support.serve.people import with_models
from tests.support.web import WebSide, run

ANN = {"person_id": "ann", "name": "Ann Smith", "status": "banned"}
BEA = {"person_id": "bea", "name": "Bea Smith", "status": "banned"}


def two_faces(portrait: Path) -> bytes:
    """The portrait, and beside it its mirror image, wider and lit from one side: not the same picture twice."""
    face = read_image(portrait)[:380]
    other = cv2.resize(np.ascontiguousarray(face[:, ::-1]), None, fx=1.15, fy=1)
    light = np.linspace(0.25, 1.1, other.shape[1])[None, :, None]
    return png(np.hstack([face, np.clip(other * light, 0, 255).astype(np.uint8)]))


async def send(box: WebSide, path: str, fields: Mapping[str, str], pictures: Mapping[str, bytes]) -> tuple[int, str]:
    with aiohttp.MultipartWriter("form-data") as form:
        for name, value in fields.items():
            form.append(value).set_content_disposition("form-data", name=name)
        for name, data in pictures.items():
            form.append(data).set_content_disposition("form-data", name="pictures", filename=name)
    headers = box.session("supervisor") | {"Origin": box.url, "Accept": "text/html"}
    async with box.http.post(box.url + path, data=form, headers=headers, allow_redirects=False) as answer:
        return answer.status, (await answer.read()).decode()


def kept_in(page: str) -> dict[str, str]:
    """The hidden field that stands for the pictures handed in before."""
    found = re.search(r'name="kept" value="([\w-]+)"', page)
    assert found, page
    return {"kept": found[1]}


def test_a_face_is_chosen_and_a_look_alike_is_let_pass(tmp_path: Path, portrait: Path) -> None:
    face = portrait.read_bytes()

    async def check() -> None:
        async with with_models(tmp_path) as box:
            assert (await send(box, "/people", ANN, {"ann.png": face}))[0] == 201
            status, page = await send(box, "/people", BEA, {"both.png": two_faces(portrait)})
            assert (status, box.store.person("bea")) == (422, None)
            assert "It shows 2 faces. Which one is meant?" in page
            assert page.count('name="face-0"') == 2
            assert page.count("data:image/png;base64,") == 2
            assert "required" not in page[page.index('name="pictures"') :][:150], "the picture needs no second choice"

            status, page = await send(box, "/people", BEA | {"name": ""} | kept_in(page), {})
            assert (status, "A name is needed" in page) == (422, True)
            status, page = await send(box, "/people", BEA | kept_in(page) | {"face-0": "1"}, {})
            assert (status, box.store.person("bea")) == (422, None)
            assert "this is not Ann Smith" in page
            assert "If both show Ann Smith, open that entry" in page
            assert "becomes no hit: either may pass unseen" in page, "what it costs is said before"
            assert "Your answer is needed" in page
            assert "Refused" not in page, "it is a question, not a refusal"
            (enrolled,) = [one.image_sha256 for one in box.store.references() if one.person_id == "ann"]
            assert f"/api/v1/images/{enrolled}" in page, "her picture beside the one handed in"

            status, page = await send(box, "/people", BEA | kept_in(page) | {"allow_alike": "yes"}, {})
            assert status == 201, page
            assert "Enrolled although it looks like Ann Smith." in page
            assert "becomes no hit: either may pass unseen" in page
            entry = next(one for one in box.store.audit_log.newest() if one.object == "person bea")
            assert '"although_like":["ann"]' in str(entry.detail).replace(" ", "").replace("'", '"')
            _, shown = await box.get("/box", box.session("auditor"))
            assert b"although it looks like entry ann" in shown

    run(check())


def test_what_a_choice_could_still_add_is_offered_after_saving(tmp_path: Path, portrait: Path) -> None:
    pictures = {"ann.png": portrait.read_bytes(), "both.png": two_faces(portrait)}

    async def check() -> None:
        async with with_models(tmp_path) as box:
            status, page = await send(box, "/people", ANN, pictures)
            assert (status, "Add the chosen pictures" in page) == (201, True)
            fields = {key: value for key, value in ANN.items() if key != "person_id"} | kept_in(page)
            status, page = await send(box, "/people/ann/edit", fields | {"face-0": "2"}, {})
            assert status == 200, page
            assert len(box.store.references(person_id="ann")) == 2

    run(check())


def test_the_api_names_the_number_of_faces_and_take_the_choice(tmp_path: Path, portrait: Path) -> None:
    async def check() -> None:
        async with with_models(tmp_path) as box:
            secret = box.store.add_token("city", ["watchlist:write"]).result()
            data = base64.b64encode(two_faces(portrait)).decode()

            async def put(who: str, query: str = "", **more: int) -> tuple[int, str]:
                body = {"name": who, "status": "wanted", "pictures": [{"name": "both.png", "data": data, **more}]}
                headers = {"Authorization": f"Bearer {secret}", "If-Match": "*"}
                url = f"{box.url}/api/v1/watchlist/{who}{query}"
                async with box.http.put(url, json=body, headers=headers) as answer:
                    return answer.status, await answer.text()

            status, told = await put("ann")
            assert (status, "2 faces of similar size; choose one with `face`" in told) == (422, True)
            status, told = await put("ann", face=3)
            assert (status, "face 3 is asked for, and it shows 2" in told) == (422, True)
            assert (await put("ann", face=2))[0] == 201
            status, told = await put("bea", face=1)
            assert (status, '"like": "ann"' in told) == (422, True)
            assert (await put("bea", "?allow_alike=maybe", face=1))[0] == 400
            status, told = await put("bea", "?allow_alike=true", face=1)
            assert (status, '"like": "ann"' in told) == (201, True)

    run(check())


def test_the_command_takes_the_choice(tmp_path: Path, portrait: Path) -> None:
    box, path = Appliance(tmp_path), tmp_path / "both.png"
    path.write_bytes(two_faces(portrait))
    person = ("--id", "cleo", "--name", "Cleo", "--status", "wanted", path)
    refused = box.edge("enrol", *person)
    assert (refused.returncode, "2 faces of similar size" in refused.stderr) == (65, True)
    assert box.edge("enrol", "--face", "2", *person).returncode == 0


def test_pictures_wait_for_their_owner_alone_and_not_for_ever() -> None:
    now = [0.0]
    kept = KeptUploads(lambda: now[0])
    key = kept.keep("ann", [Upload("a", b"1")])
    assert kept.keep("ann", []) == ""
    assert kept.take("ben", key) == ()
    assert [one.name for one in kept.take("ann", key)] == ["a"]
    assert kept.take("ann", key) == (), "for one answer"
    key = kept.keep("ann", [Upload("a", b"1")])
    now[0] = KEEP_S
    assert kept.take("ann", key) == ()
    first = kept.keep("ann", [Upload("a", b"1" * (MAX_KEPT_BYTES // 2))])
    second = kept.keep("ben", [Upload("b", b"1" * (MAX_KEPT_BYTES // 2 + 1))])
    assert kept.take("ann", first) == (), "the oldest went"
    assert kept.take("ben", second)
