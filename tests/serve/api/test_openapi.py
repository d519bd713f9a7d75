"""openapi.json: a golden copy, and held against the real answers of the real server."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from edge.serve.api import openapi, schema
from edge.serve.routes import TABLE
from tests.support.paths import GOLDEN
from tests.support.serve.web_client import no_less_no_more
from tests.support.store import review
from tests.support.web import add_person, live_view, make_hit, person, run, running


def test_the_document_is_the_golden_copy() -> None:
    """Within v1 only additions are allowed; write the copy anew with EDGE_WRITE_GOLDEN=1 and look at the difference."""
    document = openapi.document("1.0.0", TABLE)
    text = json.dumps(document, indent=1) + "\n"
    lost = list(what_is_lost(json.loads((GOLDEN / "openapi.json").read_text()), json.loads(text)))
    assert not lost, "clients of v1 rely on these"
    if os.environ.get("EDGE_WRITE_GOLDEN"):
        (GOLDEN / "openapi.json").write_text(text)
    assert text == (GOLDEN / "openapi.json").read_text()


def what_is_lost(before: Any, after: Any, where: str = "") -> Iterator[str]:
    """What a client of the former document would miss: something gone, another type, more that has to be sent."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        if before != after and where.rpartition("/")[2] not in {"description", "summary", "version"}:
            yield where
        return
    for key, value in before.items():
        inside = f"{where}/{key}"
        if key not in after:
            yield inside
        elif key == "required" and isinstance(value, list):
            yield from (f"{inside}: {name}" for name in set(value) - set(after[key]))
        elif key in {"parameters", "anyOf", "oneOf", "enum"} and isinstance(value, list):
            yield from (f"{inside}: {item}" for item in value if item not in after[key])
        else:
            yield from what_is_lost(value, after[key], inside)


def test_each_data_route_is_described(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            routes = {
                route.resource.canonical
                for route in box.runner.app.router.routes()
                if route.resource
                and route.name
                and (route.name.startswith("api.") or route.name in {"metrics", "livez"})
            }
            _, body = await box.get("/api/v1/openapi.json", box.token())
            document = json.loads(body)
            assert set(document["paths"]) == routes
            assert document["info"]["version"] == "1.2.3"

    run(check())


def test_real_answers_have_just_the_described_fields(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            store, headers = box.store, box.token()
            await asyncio.wrap_future(store.update_hit(*make_hit(1, enhanced=False)))
            await asyncio.wrap_future(review(store, make_hit(2)[0].hit_id, "confirmed", "a-guard", None))
            await asyncio.wrap_future(
                store.add_item("health", {"camera": "door", "state": "lost", "detail": "no answer"})
            )
            await asyncio.wrap_future(store.add_item("heartbeat", {"box_id": "gate-2", "frames": 12}))
            await asyncio.wrap_future(store.add_item("gap", {"cause": "retention", "lost": 2}))
            await asyncio.to_thread(add_person, store, person(2))
            await asyncio.wrap_future(store.add_hit(*make_hit(8, person(2))))
            await asyncio.wrap_future(store.forget_person("p2"))
            box.live.publish(live_view(1))
            _, body = await box.get("/api/v1/alerts?limit=500", headers)
            page = json.loads(body)
            no_less_no_more(schema.AlertsPage, page)
            assert {item["type"] for item in page["items"]} == {
                "alert.created",
                "alert.updated",
                "alert.reviewed",
                "alert.erased",
                "health",
                "heartbeat",
                "gap",
            }
            assert {key for item in page["items"] for key in item} - {"n"} <= schema.ITEM_FIELDS
            for path, model in (
                (f"/api/v1/alerts/{make_hit(1)[0].hit_id}", schema.HitJson),
                ("/api/v1/health", schema.HealthJson),
                ("/api/v1/consumers", schema.ConsumersJson),
                ("/api/v1/coverage", schema.CoverageJson),
            ):
                answer, body = await box.get(path, headers)
                assert answer.content_type == "application/json"
                no_less_no_more(model, json.loads(body))

    run(check())


def test_problems_have_just_the_described_fields(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            headers = box.token()
            for path, sent, status in (
                ("/api/v1/alerts?limit=0", headers, 400),
                ("/api/v1/alerts", {}, 401),
                ("/api/v1/alerts", box.session("installer"), 403),
                ("/api/v1/alerts/none", headers, 404),
                ("/api/v1/nope", headers, 404),
            ):
                answer, body = await box.get(path, sent)
                assert (answer.status, answer.content_type) == (status, "application/problem+json")
                no_less_no_more(schema.Problem, json.loads(body))
            async with box.http.delete(f"{box.url}/api/v1/alerts", headers=headers) as answer:
                assert (answer.status, answer.headers["Allow"]) == (405, "GET,HEAD")
                no_less_no_more(schema.Problem, await answer.json(content_type="application/problem+json"))

    run(check())


def test_item_fields_cover_every_item_type() -> None:
    items = TypeAdapter(schema.FeedItemJson).json_schema(ref_template="{model}")
    named = {name for model in items["$defs"].values() if "type" in model["properties"] for name in model["properties"]}
    assert named - {"status"} <= schema.ITEM_FIELDS
