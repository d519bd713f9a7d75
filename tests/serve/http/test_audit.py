"""Who looked at what is noted once a minute; how far a machine pulled, with its cursor."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

from edge.serve.routes import TABLE
from edge.store import Store
from edge.store.audit.log import MORE
from tests.support.serve.routes import PATHS
from tests.support.web import PASSWORD, make_hit, person, run, running

HIT_ID = make_hit(1)[0].hit_id
CHANGES = {route.name: route for route in TABLE if route.change is not None}
FORMS = (
    ("hit.review", {"verdict": "confirmed"}),
    ("hit.undo", {}),
    ("box.user.add", {"user": "new", "role": "guard", "password": PASSWORD}),
    ("box.user.password", {"user": "new", "password": PASSWORD}),
    ("box.user.remove", {"user": "new"}),
    ("box.token.add", {"name": "machine", "days": "30", "scope.alerts:read": "on"}),
    ("box.token.rotate", {"name": "machine"}),
    ("box.token.revoke", {"name": "machine"}),
    ("login.check", {"user": "a-guard", "password": PASSWORD}),
)
"""Forms a supervisor may send one after the other."""


def test_views_are_noted_once_and_refusals_are_not(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            guard, token = box.session(), box.token()
            for _ in range(3):
                await box.get(f"/hits/{HIT_ID}", guard)
                await box.get("/hits?person=p1", guard)
                await box.get(f"/api/v1/alerts/{HIT_ID}", token)
            await box.get("/hits/none", guard)
            await box.get("/people", box.session("installer"))
            await box.get("/people", {})
            box.store.audit("test", "end", "here").result(10)
            entries = [entry for entry in reversed(box.store.audit_log.newest(limit=100)) if "view" in entry.action]
            assert [(entry.actor, entry.action, entry.object) for entry in entries] == [
                ("a-guard", "hit.view", HIT_ID),
                ("central", "hit.view", HIT_ID),
            ]
            searches = [e for e in box.store.audit_log.newest(limit=100) if e.action == "hits.search"]
            assert [entry.detail_json for entry in searches] == [{"query": {"person": "p1"}}]
            await asyncio.wrap_future(box.store.forget_person(person(1).person_id))
            box.store.audit("test", "end", "here").result(10)
            searches = [e for e in box.store.audit_log.newest(limit=100) if e.action == "hits.search"]
            told = [(entry.object, entry.detail_json) for entry in searches]
            assert told == [(MORE, {"count": 2}), (None, None)], "the search named the erased person"
            assert box.store.audit_log.verify().problems == ()

    run(check())


def test_what_is_searched_and_names_nothing_is_not_kept(tmp_path: Path) -> None:
    """A guard may type anybody's name, and a bookmark name somebody who was erased: no erasure would find it later."""

    async def check() -> None:
        async with running(tmp_path) as box:
            guard, erased = box.session(), person(1)
            await asyncio.wrap_future(box.store.forget_person(erased.person_id))
            asked = "state=new&person={}&camera=Jane+Stranger&before=Jane%20Stranger"
            for number, text in enumerate((erased.person_id, "Jane+Stranger")):
                answer, _ = await box.get(f"/hits?{asked.format(text)}&last={('hour', 'day')[number]}", guard)
                assert answer.status == 200
            await box.get("/hits?person=p2&camera=door", guard)
            box.store.audit("test", "end", "here").result(10)
            searches = [e for e in reversed(box.store.audit_log.newest(limit=100)) if e.action == "hits.search"]
            assert [entry.object for entry in searches] == [
                "/hits?state=new&person=(?)&camera=(?)&before=(?)&last=hour",
                "/hits?state=new&person=(?)&camera=(?)&before=(?)&last=day",
                "/hits?person=p2&camera=door",
            ]
            details = json.dumps([entry.detail_json for entry in searches])
            assert "Jane" not in details
            assert "p1" not in details
            assert box.store.traces([erased.person_id, erased.name]) == {}

    run(check())


def test_parameters_that_a_page_does_not_read_are_not_kept(tmp_path: Path) -> None:
    """Some pages have no parameters and refuse none: what stands there is no part of what was seen."""

    async def check() -> None:
        async with running(tmp_path) as box:
            supervisor, answered = box.session("supervisor"), set[str]()
            for route in (route for route in TABLE if route.view is not None and route.method == "GET"):
                for asked in ("q=Jane+Stranger", "Jane+Stranger=1", "saved=Jane+Stranger"):
                    answer, _ = await box.get(f"{PATHS[route.name]}?{asked}", supervisor)
                    answered |= {route.name} if answer.status == 200 else set()
            coverage = "/api/v1/coverage?from=2026-11-01T00:00:00.000Z&to=2026-11-02T00:00:00.000Z"
            await box.get(coverage, box.token("health:read"))
            await box.post("/logout?q=Jane+Stranger", {}, supervisor)
            box.store.audit("test", "end", "here").result(10)
            entries = box.store.audit_log.newest(limit=100)
            assert answered >= {"now", "people", "people.person", "box"}
            assert {entry.action for entry in entries} >= {"watchlist.view", "live.view", "box.view", "logout"}
            assert [(e.action, e.object) for e in entries if "Jane" in f"{e.object} {json.dumps(e.detail_json)}"] == []
            assert [e.object for e in entries if e.action == "coverage.view"] == [coverage]

    run(check())


def test_an_address_that_is_too_long_is_noted_without_half_a_name(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            address = f"/hits?camera={'%20' * 478}&person=p1"
            for _ in range(2):
                await box.get(address, box.session())
            box.store.audit("test", "end", "here").result(10)
            (seen,) = [e for e in box.store.audit_log.newest(limit=100) if e.action == "hits.search"]
            assert (seen.object, (seen.detail_json or {})["query"]["person"]) == ("/hits", "p1")

    run(check())


def test_pictures_seen_are_noted_and_references_with_the_person(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            guard, hit = box.session(), box.store.hit(HIT_ID)
            assert hit is not None
            for _ in range(2):
                for sha256 in (hit.images.reference, hit.images.frame, "0" * 64):
                    await box.get(f"/api/v1/images/{sha256}", guard)
            box.store.audit("test", "end", "here").result(10)
            seen = [e for e in reversed(box.store.audit_log.newest(limit=100)) if e.action == "picture.view"]
            told = [(e.actor, e.object, e.detail_json) for e in seen]
            person_id = hit.person.person_id
            assert told == [
                ("a-guard", f"/api/v1/images/{hit.images.reference}", {"reference_of": person_id}),
                ("a-guard", f"/api/v1/images/{hit.images.frame}", {}),
            ]
            await asyncio.wrap_future(box.store.forget_person(person_id))
            seen = [e for e in reversed(box.store.audit_log.newest(limit=100)) if e.action == "picture.view"]
            assert seen[0].detail_json is None
            assert box.store.audit_log.verify().problems == ()

    run(check())


def test_what_a_machine_has_got_is_noted_with_its_cursor(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            token = box.token()
            _, body = await box.get("/api/v1/alerts", token)
            await box.get(f"/api/v1/alerts?after={json.loads(body)['next']}", token)

    run(check())
    with Store.open(tmp_path / "data") as store:
        pulls = [entry for entry in store.audit_log.newest(limit=10) if entry.action == "feed.pull"]
        assert [(entry.actor, entry.object, entry.detail_json) for entry in pulls] == [
            ("central", "items 1 to 3", {"alerts": 3})
        ]


def test_each_route_that_changes_something_names_what_is_audited() -> None:
    silent = {route.name for route in TABLE if route.method != "GET" and not (route.change or route.view)}
    assert silent == {"language"}, "the language of one's own page is nobody else's business"


def test_a_change_is_audited_as_the_table_says(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            supervisor, machine = box.session("supervisor"), box.token("watchlist:write") | {"If-Match": "*"}

            def newest_row() -> int:
                return max((entry.seq for entry in box.store.audit_log.newest(limit=1)), default=0)

            def new_actions(since: int) -> set[str]:
                return {entry.action for entry in box.store.audit_log.newest(limit=20) if entry.seq > since}

            for name, form in FORMS:
                before = newest_row()
                answer, _ = await box.post(CHANGES[name].path.format(hit_id=HIT_ID), form, supervisor)
                assert answer.status in {201, 303}, name
                assert CHANGES[name].change in new_actions(before), name
            for name in ("api.person.put", "api.watchlist.replace", "api.person.erase"):
                route, entry = CHANGES[name], {"name": "Rosa Alba", "status": "banned"}
                body = {"people": [entry | {"id": "p1"}]} if name == "api.watchlist.replace" else entry
                before = newest_row()
                sent = {"headers": machine} if route.method == "DELETE" else {"headers": machine, "json": body}
                async with box.http.request(
                    route.method, box.url + re.sub(r"\{.*\}", "p1", route.path), **sent
                ) as answer:
                    assert answer.status == 200, name
                assert route.change in new_actions(before), name

    run(check())
