"""One person's entry as a form with files: the checks and answers of the JSON way, and nothing hostile gets through."""

from __future__ import annotations

import base64
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest

from edge.serve.api import watchlist_schema
from edge.serve.http import uploads
from tests.support.drawings import png
from tests.support.serve.people import any_png, people_for, with_models  # noqa: F401
from tests.support.serve.web_client import no_less_no_more, send
from tests.support.web import WebSide, run, running

PERSON = "/api/v1/watchlist/gate-7"
FIELDS = {"name": "Demo Person", "status": "banned", "reason": "theft", "expires_at": "2031-01-01T00:00:00Z"}
SECRET = b"PK-payload-that-must-not-be-kept"


def part(name: str, data: bytes, filename: str | None = None, more: str = "") -> bytes:
    """One part of a form, as written by hand."""
    file = "" if filename is None else f'; filename="{filename}"'
    head = f'--XX\r\nContent-Disposition: form-data; name="{name}"{file}\r\n{more}\r\n'
    return head.encode() + data + b"\r\n"


def form(fields: dict[str, str], pictures: Sequence[tuple[str, bytes]] = ()) -> bytes:
    parts = [part(name, value.encode()) for name, value in fields.items()]
    return b"".join([*parts, *(part("pictures", data, name) for name, data in pictures), b"--XX--\r\n"])


async def put(box: WebSide, key: dict[str, str], body: bytes, kind: str = "multipart/form-data; boundary=XX") -> Any:
    status, answer, _ = await send(box, "PUT", PERSON, key | {"If-Match": "*", "Content-Type": kind}, body)
    return status, answer


def files_of(box: WebSide, folder: Path) -> set[str]:
    return {path.name for path in (folder / "data" / "blobs").rglob("*") if path.is_file()}


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb() -> bytes:
    """A PNG of some hundred bytes that would be 2.7 GB of pixels."""
    head = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(100_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def polyglot(picture: bytes) -> bytes:
    """A picture that is also an archive and a script."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../../evil.sh", SECRET)
    return picture + b"<script>alert(1)</script>" + SECRET + packed.getvalue()


def test_a_form_gets_the_answer_that_json_gets(tmp_path: Path, portrait: Path) -> None:
    pictures = [("good.png", portrait.read_bytes()), ("gray.png", png(np.full((200, 200, 3), 120, np.uint8)))]
    pictures += [("torn.png", b"\x89PNG\r\n\x1a\n"), ("empty.png", b"")]
    as_json = [{"name": name, "data": base64.b64encode(data).decode()} for name, data in pictures]

    async def check() -> None:
        async with with_models(tmp_path) as box:
            key = box.token("watchlist:write")
            status, told = await put(box, key, form(FIELDS, pictures))
            assert status == 201
            no_less_no_more(watchlist_schema.ChangedJson, told)
            assert [one["reason"] for one in told["people"][0]["pictures"]] == [
                None,
                "no_face",
                "unreadable",
                "unreadable",
            ]
            entry = box.store.person("gate-7")
            assert (entry.name, entry.status, entry.reason, entry.owner) == ("Demo Person", "banned", "theft", None)
            kept = {r.reference_id for r in box.store.references() if r.person_id == "gate-7"}
            status, again, _ = await send(box, "PUT", PERSON, key | {"If-Match": "*"}, FIELDS | {"pictures": as_json})
            assert (status, again["people"]) == (200, told["people"])
            assert {r.reference_id for r in box.store.references() if r.person_id == "gate-7"} == kept

            status, _ = await put(box, key, form({"name": "Other Name", "status": "missing"}))
            assert (status, box.store.person("gate-7").name) == (200, "Other Name")
            assert box.store.person("gate-7").reason is None, "a PUT is the whole entry"
            assert {r.reference_id for r in box.store.references() if r.person_id == "gate-7"} == kept, (
                "no file: as it was"
            )
            status, problem = await put(box, key, form(FIELDS, pictures[1:]))
            assert (status, problem["type"]) == (422, "urn:edge:problem:refused")
            no_less_no_more(watchlist_schema.RefusedProblem, problem)
            assert box.store.person("gate-7").name == "Other Name", "nothing was changed"
            assert box.store.audit_log.newest(limit=1)[0].actor == "central"

    run(check())


def test_the_version_guards_a_form_too(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path, people=people_for) as box:
            key = box.token("watchlist:write") | {"Content-Type": "multipart/form-data; boundary=XX"}
            assert (await send(box, "PUT", PERSON, key, form(FIELDS)))[0] == 428
            known = key | {"If-Match": '"0-0000000000000000"'}
            assert (await send(box, "PUT", "/api/v1/watchlist/p1", known, form(FIELDS)))[0] == 412
            read_only = box.token("watchlist:read", name="other")
            assert (await put(box, read_only, form(FIELDS)))[0] == 403

    run(check())


def test_bombs_are_refused_and_of_a_polyglot_only_the_face_is_kept(tmp_path: Path, portrait: Path) -> None:
    face = portrait.read_bytes()

    async def check() -> None:
        async with with_models(tmp_path) as box:
            key = box.token("watchlist:write")
            files, commits = files_of(box, tmp_path), box.store.stats()["commits"]
            status, problem = await put(box, key, form(FIELDS, [("bomb.png", bomb())]))
            assert (status, problem["people"][0]["pictures"][0]["reason"]) == (422, "unreadable")
            assert "900000000 pixels" in problem["people"][0]["pictures"][0]["message"]
            assert (files_of(box, tmp_path), box.store.stats()["commits"]) == (files, commits)

            tricks = [("../../../etc/cron.d/evil.png", polyglot(face))]
            status, told = await put(box, key, form(FIELDS, tricks))
            assert (status, told["people"][0]["pictures"][0]["source"]) == (201, "evil.png")
            made = files_of(box, tmp_path) - files
            assert len(made) == 1

    run(check())
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert SECRET not in path.read_bytes(), path
            assert "evil" not in path.name


CASES: dict[str, tuple[bytes, int]] = {
    "no fields": (b"--XX--\r\n", 422),
    "unknown field": (form(FIELDS | {"nope": "1"}), 422),
    "a field twice": (form(FIELDS)[:-8] + part("name", b"b") + b"--XX--\r\n", 422),
    "no status": (form({"name": "a"}), 422),
    "control characters": (form(FIELDS | {"name": "a\x00b"}), 422),
    "not UTF-8": (part("name", b"\xff\xfe") + form({"status": "b"}), 422),
    "no time": (form(FIELDS | {"expires_at": "tomorrow"}), 422),
    "pictures as text": (form(FIELDS | {"pictures": "x"}), 422),
    "a file of another name": (part("name", b"x", "a.png") + form({"status": "b"}), 422),
    "a long field": (form(FIELDS | {"reason": "x" * 5000}), 413),
    "many files": (form(FIELDS, [("a.png", b"x")] * 21), 413),
    "cut in a file": (form(FIELDS, [("a.png", b"x" * 500)])[:-200], 400),
    "cut in a head": (part("name", b"a") + b"--XX\r\nContent-Dispo", 400),
    "a form within a form": (
        part("a", b"", None, "Content-Type: multipart/mixed; boundary=YY\r\n") + b"--XX--\r\n",
        400,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_wrong_form_is_refused_and_nothing_written(tmp_path: Path, case: str) -> None:
    body, expected = CASES[case]

    async def check() -> None:
        async with running(tmp_path, people=people_for) as box:
            key = box.token("watchlist:write")
            files, commits = files_of(box, tmp_path), box.store.stats()["commits"]
            status, problem = await put(box, key, body)
            assert (status, problem["status"]) == (expected, expected), problem
            assert (files_of(box, tmp_path), box.store.stats()["commits"]) == (files, commits)
            assert (await put(box, key, body, "multipart/form-data"))[0] == 400, "no boundary"
            assert (await put(box, key, body, "text/plain"))[0] == 415

    run(check())


def test_a_form_without_a_length_is_cut_where_it_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MAX_PICTURES_BYTES", 50_000)

    async def check() -> None:
        async with running(tmp_path, people=people_for) as box:
            key = box.token("watchlist:write") | {"If-Match": "*", "Content-Type": "multipart/form-data; boundary=XX"}
            sent = 0

            async def parts() -> Any:
                nonlocal sent
                for number in range(15):
                    sent += 1
                    yield part("pictures", b"\x89PNG" + bytes(9_996), f"{number}.png")

            try:
                async with box.http.put(box.url + PERSON, data=parts(), headers=key) as answer:
                    assert (answer.status, json.loads(await answer.read())["status"]) == (413, 413)
            except aiohttp.ClientConnectionError:
                assert sent < 15, "the connection may be cut while much is still on its way"
            assert box.store.person("gate-7") is None

    run(check())
