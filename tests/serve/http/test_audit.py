"""Who looked at what is noted once a minute; how far a machine pulled, with its cursor."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from edge.store import Store
from tests.support.web import make_hit, person, run, running

HIT_ID = make_hit(1)[0].hit_id


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
            searches = [e for e in box.store.audit_log.newest(limit=100) if e.action == "hits.search"]
            assert [entry.detail_json for entry in searches] == [None], "the search named the erased person"
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
