"""Kept pictures over HTTP: exact bytes, type by content, ranges, and names that lead nowhere."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from edge.serve.http.file_types import read_picture_header
from edge.serve.http.pictures import ASKED_EACH_TIME
from tests.support.drawings import SCENE, draw_face, draw_scene, jpeg, pictures, png
from tests.support.web import make_hit, run, running

HIT, IMAGES = make_hit(1)
FOR_MACHINES = "private, max-age=31536000, immutable"


def test_pictures_come_as_they_were_kept(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            for headers, kept in ((box.token(), FOR_MACHINES), (box.session("auditor"), ASKED_EACH_TIME)):
                for role, kind in (("frame", "image/jpeg"), ("crop", "image/png"), ("enhanced", "image/png")):
                    name = getattr(HIT.images, role)
                    answer, body = await box.get(f"/api/v1/images/{name}", headers)
                    assert (answer.status, answer.content_type) == (200, kind)
                    assert body == pictures(1)[role]
                    assert answer.headers["Cache-Control"] == kept
                    assert answer.headers["Accept-Ranges"] == "bytes"

    run(check())


def test_a_browser_asks_each_time_and_learns_of_an_erasure(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            guard, path = box.session(), f"/api/v1/images/{HIT.images.crop}"
            tag = (await box.get(path, guard))[0].headers["ETag"]
            for _ in range(3):
                answer, body = await box.get(path, guard | {"If-None-Match": tag})
                assert (answer.status, body, answer.headers["Cache-Control"]) == (304, b"", ASKED_EACH_TIME)
            box.store.audit("test", "end", "here").result(10)
            viewed = [one for one in box.store.audit_log.newest(limit=100) if one.action == "picture.view"]
            assert [one.actor for one in viewed] == ["a-guard"], "what the browser has was audited when it came"
            assert viewed[0].detail_json == {}, "no second view was counted"
            await asyncio.wrap_future(box.store.forget_person(HIT.person.person_id))
            assert (await box.get(path, guard | {"If-None-Match": tag}))[0].status == 404

    run(check())


def test_ranges(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            headers, path, whole = box.token(), f"/api/v1/images/{HIT.images.frame}", pictures(1)["frame"]
            last = len(whole) - 1
            for asked, start, stop in (
                ("0-9", 0, 9),
                ("100-", 100, last),
                ("-7", last - 6, last),
                (f"5-{10**9}", 5, last),
            ):
                answer, body = await box.get(path, headers | {"Range": f"bytes={asked}"})
                assert answer.status == 206, asked
                assert body == whole[start : stop + 1]
                assert answer.headers["Content-Range"] == f"bytes {start}-{stop}/{len(whole)}"
            for asked in (f"bytes={len(whole)}-", "bytes=9-3", "bytes=a-b"):
                answer, body = await box.get(path, headers | {"Range": asked})
                assert answer.status == 416, asked
                assert json.loads(body)["status"] == 416
            for asked in ("lines=1-2", "bytes=0-1,4-5"):
                answer, body = await box.get(path, headers | {"Range": asked})
                assert (answer.status, answer.content_type, body) == (200, "image/jpeg", whole), asked
                assert "ETag" in answer.headers

    run(check())


def test_a_range_of_another_picture_is_answered_with_the_whole(tmp_path: Path) -> None:
    """Whoever has half a picture under another ETag must not put this one's other half to it."""

    async def check() -> None:
        async with running(tmp_path) as box:
            path, whole = f"/api/v1/images/{HIT.images.frame}", pictures(1)["frame"]
            headers = box.token() | {"Range": "bytes=5-9"}
            answer, _ = await box.get(path, headers)
            tag, date = answer.headers["ETag"], "Fri, 01 Jan 2100 00:00:00 GMT"
            for known in ('"another"', f"W/{tag}", date, "*"):
                answer, body = await box.get(path, headers | {"If-Range": known})
                assert (answer.status, body, answer.headers["ETag"]) == (200, whole, tag), known
                assert "Content-Range" not in answer.headers
            answer, body = await box.get(path, headers | {"If-Range": tag})
            assert (answer.status, body) == (206, whole[5:10])
            beyond = {"Range": f"bytes={len(whole)}-", "If-Range": '"another"'}
            assert (await box.get(path, headers | beyond))[0].status == 200

    run(check())


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("0" * 64, 404),
        ("A" * 64, 400),
        ("0" * 63, 400),
        ("..%2f..%2fedge.db", 400),
        ("%00" * 64, 400),
        ("edge.db", 400),
    ],
)
def test_names_that_lead_nowhere(tmp_path: Path, name: str, status: int) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            answer, body = await box.get(f"/api/v1/images/{name}", box.token())
            assert (answer.status, answer.content_type) == (status, "application/problem+json")
            assert str(tmp_path).encode() not in body

    run(check())


def test_a_file_that_vanished_is_a_plain_404(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            path = box.store.image_path(HIT.images.crop)
            assert path is not None
            path.unlink()
            answer, body = await box.get(f"/api/v1/images/{HIT.images.crop}", box.token())
            assert answer.status == 404
            assert json.loads(body)["title"] == "Not found, or no longer stored"
            answer, _ = await box.get(f"/hits/{HIT.hit_id}", box.session())
            assert answer.status == 200

    run(check())


def test_a_damaged_file_is_never_answered_as_the_picture(tmp_path: Path) -> None:
    """A machine keeps what it gets under this address for good."""

    async def check() -> None:
        async with running(tmp_path) as box:
            path = box.store.image_path(HIT.images.frame)
            assert path is not None
            path.write_bytes(path.read_bytes()[:-200] + bytes(200))
            for more in ({}, {"Range": "bytes=0-9"}):
                answer, body = await box.get(f"/api/v1/images/{HIT.images.frame}", box.token() | more)
                assert (answer.status, "is damaged" in json.loads(body)["detail"]) == (404, True)
                assert "immutable" not in answer.headers.get("Cache-Control", "")

    run(check())


def test_type_and_size_are_read_from_the_head(tmp_path: Path) -> None:
    files = {
        "a": (jpeg(draw_scene()[0]), ("image/jpeg", *SCENE)),
        "b": (png(draw_face(1, 80)), ("image/png", 80, 80)),
        "c": (b"", ("application/octet-stream", 0, 0)),
        "d": (b"<script>", ("application/octet-stream", 0, 0)),
        "e": (b"\xff\xd8\xff", ("image/jpeg", 0, 0)),
        "f": (b"\xff\xd8\xff\xe0\x00\x00\xff\xe0", ("image/jpeg", 0, 0)),
        "g": (b"\x89PNG\r\n\x1a\n", ("application/octet-stream", 0, 0)),
    }
    for name, (data, (kind, width, height)) in files.items():
        path = tmp_path / name
        path.write_bytes(data)
        picture = read_picture_header(path)
        assert (picture.content_type, picture.width, picture.height) == (kind, width, height), name
