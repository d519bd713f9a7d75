"""The watchlist over HTTP: against a version, all or nothing, refused by name, erased with a receipt."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from edge.app.examine.queue import ExamineQueue
from edge.app.people.worker import PeopleWorker
from edge.app.service.start.preparing import NobodyYet
from edge.config import Config
from edge.records import Person
from edge.serve.api import watchlist_schema
from edge.serve.http import inputs
from edge.store import Listing, Store
from tests.support.drawings import pictures, sha256
from tests.support.serve.people import any_png, people_for, picture  # noqa: F401
from tests.support.serve.web_client import no_less_no_more, send
from tests.support.web import make_hit, run, running

LIST = "/api/v1/watchlist"


pytestmark = pytest.mark.usefixtures("any_png")


def test_read_change_and_the_version_guards(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path, people=people_for) as box:
            key = box.token("watchlist:write")
            status, listed, etag = await send(box, "GET", LIST, key)
            assert status == 200
            no_less_no_more(watchlist_schema.WatchlistJson, listed)
            assert [person["id"] for person in listed["people"]] == ["p1", "p2"]
            assert [person["references"] for person in listed["people"]] == [1, 1]
            assert (await send(box, "GET", LIST, key | {"If-None-Match": etag}))[0] == 304

            entry = {"name": "Rosa Alba", "status": "banned", "reason": "theft, 2 June", "owner": "shift lead"}
            entry |= {"expires_at": "2031-01-01T00:00:00Z"}
            for wrong, code in ((None, 428), ('"0-0000000000000000"', 412), ("nonsense", 400), ('W/"1"', 400)):
                headers = key if wrong is None else key | {"If-Match": wrong}
                assert (await send(box, "PUT", f"{LIST}/p1", headers, entry))[0] == code
            assert box.store.person("p1").reason is None
            status, changed, second = await send(box, "PUT", f"{LIST}/p1", key | {"If-Match": etag}, entry)
            assert (status, second != etag) == (200, True)
            no_less_no_more(watchlist_schema.ChangedJson, changed)
            person = box.store.person("p1")
            assert (person.reason, person.owner) == ("theft, 2 June", "shift lead")
            assert person.expires_at == dt.datetime(2031, 1, 1, tzinfo=dt.UTC)
            assert len([r for r in box.store.references() if r.person_id == "p1"]) == 1
            # the tag from before the change: somebody else's change is not overwritten
            assert (await send(box, "PUT", f"{LIST}/p2", key | {"If-Match": etag}, entry))[0] == 412
            assert (await send(box, "DELETE", f"{LIST}/p2", key | {"If-Match": etag}))[0] == 412

            body = entry | {"pictures": [picture(3), picture(4, good=False)]}
            status, changed, third = await send(box, "PUT", f"{LIST}/p1", key | {"If-Match": second}, body)
            assert status == 200
            assert [(p["accepted"], p["reason"]) for p in changed["people"][0]["pictures"]] == [
                (True, None),
                (False, "no_face"),
            ]
            kept = [r.image_sha256 for r in box.store.references() if r.person_id == "p1"]
            assert kept == [sha256(pictures(3)["reference"])]
            body = entry | {"pictures": [picture(5, good=False)]}
            status, problem, _ = await send(box, "PUT", f"{LIST}/new", key | {"If-Match": third}, body)
            assert status == 422
            no_less_no_more(watchlist_schema.RefusedProblem, problem)
            assert box.store.person("new") is None
            status, told, _ = await send(box, "PUT", f"{LIST}/new", key | {"If-Match": "*"}, entry)
            assert (status, "without a picture" in told["people"][0]["warning"]) == (201, True)
            body = entry | {"pictures": [picture(5)]}
            status, told, _ = await send(box, "PUT", f"{LIST}/new", key | {"If-Match": "*"}, body)
            assert (status, told["people"][0]["warning"]) == (200, None)
            _, body_, _ = await send(box, "GET", "/api/v1/alerts", box.token(name="other"))
            assert body_["audit_head"] == box.store.audit_head().sha256
            assert box.store.audit_log.newest(limit=2)[1].actor == "central"

    run(check())


def test_the_whole_list_is_replaced_or_nothing_is(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path, people=people_for) as box:
            key = box.token("watchlist:write")
            _, _, etag = await send(box, "GET", LIST, key)
            good = {"id": "p2", "name": "Viktor", "status": "missing"}
            new = {"id": "q9", "name": "Neu", "status": "banned", "pictures": [picture(6)]}
            bad = {"id": "q8", "name": "Bad", "status": "banned", "pictures": [picture(6, good=False)]}
            status, problem, _ = await send(box, "PUT", LIST, key | {"If-Match": etag}, {"people": [good, new, bad]})
            assert status == 422
            assert [person["id"] for person in problem["people"]] == ["p2", "q9", "q8"]
            assert [person.person_id for person in box.store.people()] == ["p1", "p2"]
            status, _, _ = await send(box, "PUT", LIST, key | {"If-Match": etag}, {"people": [good, good]})
            assert status == 422
            status, changed, after = await send(box, "PUT", LIST, key | {"If-Match": etag}, {"people": [good, new]})
            assert status == 200
            assert [person.person_id for person in box.store.people()] == ["p2", "q9"]
            assert changed["version"] == box.store.watchlist_version()[0]
            assert box.store.person("p2").name == "Viktor"
            assert {r.person_id for r in box.store.references()} == {"p2", "q9"}
            assert box.store.hit(make_hit(1)[0].hit_id) is None, "p1 is erased with all hits"
            _, page, _ = await send(box, "GET", "/api/v1/alerts?limit=500", box.token(name="a"))
            assert {item["type"] for item in page["items"]} == {"alert.erased"}
            confirmed_at = box.store.watchlist_changed_at()
            status, _, _ = await send(box, "PUT", LIST, key | {"If-Match": after}, {"people": [good, new]})
            assert status == 200
            assert box.store.watchlist_changed_at() > confirmed_at
            status, _, _ = await send(box, "PUT", LIST, key | {"If-Match": "*"}, {"people": []})
            assert (status, box.store.people()) == (200, [])

    run(check())


def test_a_list_that_has_one_face_under_two_ids_says_so(tmp_path: Path) -> None:
    """Neither of the two would be told from the other."""

    async def check() -> None:
        async with running(tmp_path, people=people_for) as box:
            key = box.token("watchlist:write") | {"If-Match": "*"}
            one = {"id": "q1", "name": "One", "status": "banned", "pictures": [picture(5, good=False), picture(6)]}
            two = {"id": "q2", "name": "Two", "status": "banned", "pictures": [picture(7)]}
            status, told, _ = await send(box, "PUT", LIST, key, {"people": [one]})
            assert (status, [one["like"] for one in told["people"][0]["pictures"]]) == (200, [None, None])
            status, told, _ = await send(box, "PUT", LIST, key, {"people": [one, two]})
            assert status == 200
            first, second = (person["pictures"] for person in told["people"])
            assert [picture["like"] for picture in (*first, *second)] == [None, "q2", "q1"]
            assert "same person under two ids: q1" in second[0]["message"]
            kept = {"id": "q1", "name": "One", "status": "banned"}
            _, told, _ = await send(box, "PUT", LIST, key, {"people": [kept, two]})
            assert told["people"][1]["pictures"][0]["like"] == "q1", "also like somebody whose pictures stay"

    run(check())


def test_erasing_gives_a_receipt(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            key = box.token("watchlist:write")
            status, receipt, etag = await send(box, "DELETE", f"{LIST}/p1", key | {"If-Match": "*"})
            assert status == 200
            no_less_no_more(watchlist_schema.ErasedJson, receipt)
            assert (receipt["hits"], receipt["references"], receipt["is_scrubbed"]) == (3, 1, True)
            assert (await send(box, "GET", LIST, key))[2] == etag
            assert (await send(box, "DELETE", f"{LIST}/p1", key | {"If-Match": "*"}))[0] == 404

    run(check())


def test_an_end_in_the_past_is_refused_where_it_is_new_and_told_in_a_list(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path, people=people_for) as box:
            key = box.token("watchlist:write") | {"If-Match": "*"}
            past = {"name": "Rosa Alba", "status": "banned", "expires_at": "2021-01-01T00:00:00.1234Z"}
            before = box.store.watchlist_version()
            status, problem, _ = await send(box, "PUT", f"{LIST}/p1", key, past)
            assert (status, "ended at 2021-01-01T00:00:00.123Z" in problem["detail"]) == (422, True)
            assert box.store.watchlist_version() == before
            status, changed, _ = await send(box, "PUT", LIST, key, {"people": [past | {"id": "p1"}]})
            assert status == 200, "one old entry must not keep the whole list away"
            assert "never matches" in changed["people"][0]["warning"]
            status, changed, _ = await send(box, "PUT", f"{LIST}/p1", key, past | {"name": "Rosa A."})
            assert (status, "never matches" in changed["people"][0]["warning"]) == (200, True), "that end was there"
            status, changed, _ = await send(
                box, "PUT", f"{LIST}/p1", key, past | {"expires_at": "2101-01-01T00:00:00Z"}
            )
            assert (status, changed["people"][0]["warning"]) == (200, None)

    run(check())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"name":"a"}',
        b'{"name":"a","status":"b","nope":1}',
        b'{"name":"","status":"b"}',
        b'{"name":"a\\u0000b","status":"b"}',
        b'{"name":"\\ud800","status":"b"}',
        b'{"name":"a","status":"b","expires_at":"tomorrow"}',
        b'{"name":"a","status":"b","expires_at":"2030-01-01T00:00:00"}',
        b'{"name":"a","status":"b","expires_at":1900000000}',
        b'{"name":"a","status":"b","expires_at":"1900000000"}',
        b'{"name":"a","status":"b","expires_at":"0001-01-01T00:00:00+12:00"}',
        b'{"name":"a","status":"b","pictures":[]}',
        b'{"name":"a","status":"b","pictures":[{"name":"x","data":"@@"}]}',
        b'{"name":"a","status":"b","pictures":[{"name":"x"}]}',
        b"\xff\xfe{}",
        b"[" * 100_000,
    ],
)
def test_a_wrong_body_is_refused_and_nothing_written(tmp_path: Path, body: bytes) -> None:
    async def check() -> None:
        async with running(tmp_path, people=people_for) as box:
            key = box.token("watchlist:write") | {"If-Match": "*", "Content-Type": "application/json"}
            before = box.store.stats()["commits"]
            status, problem, _ = await send(box, "PUT", f"{LIST}/p1", key, body)
            assert (status, problem["status"]) == (422, 422)
            assert box.store.stats()["commits"] == before

    run(check())


def test_bodies_that_are_too_large_drip_or_are_no_json_are_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "BODY_TIMEOUT_S", 0.3)
    monkeypatch.setattr("edge.serve.api.watchlist.MAX_PERSON_BYTES", 5000)

    async def check() -> None:
        async with running(tmp_path) as box:
            key = box.token("watchlist:write") | {"If-Match": "*"}
            assert (await send(box, "PUT", f"{LIST}/p1", key, b"x" * 6000))[0] == 413
            assert (await send(box, "PUT", f"{LIST}/p1", key | {"Content-Type": "text/plain"}, b"{}"))[0] == 415

            async def chunks(count: int, pause_s: float) -> Any:
                for _ in range(count):
                    yield b"{" * 1000
                    await asyncio.sleep(pause_s)

            for count, pause_s, code in ((10, 0.0, 413), (4, 0.5, 408)):
                headers = key | {"Content-Type": "application/json"}
                async with box.http.put(f"{box.url}{LIST}/p1", data=chunks(count, pause_s), headers=headers) as answer:
                    assert answer.status == code
            body = {"name": "a", "status": "b", "pictures": [picture(1)]}
            monkeypatch.undo()
            async with box.http.put(f"{box.url}{LIST}/p1", json=body, headers=key) as answer:
                assert (answer.status, answer.headers["Retry-After"]) == (503, "10"), "no models"

    run(check())


def test_a_box_that_is_being_prepared_says_when_to_ask_again(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path, people=lambda store: NobodyYet()) as box:
            key = box.token("watchlist:write") | {"If-Match": "*"}
            async with box.http.put(f"{box.url}{LIST}", json={"people": []}, headers=key) as answer:
                assert (answer.status, answer.headers["Retry-After"]) == (503, "60")

    run(check())


def test_an_erasure_leaves_what_waits_to_be_examined(tmp_path: Path) -> None:
    """Nothing was found in it yet, and it is examined with the list of then; its name must not name the person."""

    async def check() -> None:
        config = Config(data_dir=tmp_path / "data")
        examiner = ExamineQueue(config)

        def people(store: Store) -> PeopleWorker:
            return PeopleWorker(config, store, None, examiner.forget_person)

        async with running(tmp_path, people=people, examiner=examiner) as box:
            path = examiner.inbox / "upload.png"
            path.write_bytes(pictures(1)["reference"])
            job = await examiner.submit("of person-77.png", path, "a-guard")
            folder = config.data_dir / "examine" / job.job_id
            assert folder.is_dir()
            key = box.token("watchlist:write") | {"If-Match": "*"}
            box.store.put_listing(Listing(Person("person-77", "Ada", "banned"))).result()
            assert (await send(box, "DELETE", f"{LIST}/person-77", key))[0] == 200
            assert box.store.person("person-77") is None
            await examiner.remove_unlisted([person.person_id for person in box.store.people()])
            assert folder.is_dir()
            assert [(one.job_id, one.name, one.state) for one in examiner.jobs()] == [
                (job.job_id, "(erased)", "queued")
            ]

    run(check())


def test_an_id_with_braces_from_an_earlier_version_can_be_erased(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            box.store.put_listing(Listing(Person("a{b}", "Ada", "banned"))).result()
            key = box.token("watchlist:write") | {"If-Match": "*"}
            assert (await send(box, "DELETE", f"{LIST}/a%7Bb%7D", key))[0] == 200
            assert box.store.person("a{b}") is None

    run(check())
