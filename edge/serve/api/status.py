"""Health, feed consumers, metrics, the API's own description, and `/livez`."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import json
from typing import Any

from aiohttp import web

from edge.serve.api import openapi
from edge.serve.app_keys import BOX_ID, HEALTH, LIVE, METRICS, STORE, VERSION, read
from edge.serve.board import age_ms
from edge.serve.http import inputs
from edge.serve.http.route import ROUTES
from edge.store import time_to_text


async def livez(request: web.Request) -> web.StreamResponse:
    """Answer `ok` as long as the event loop runs. Open to all, so it tells nothing else."""
    return web.Response(text="ok\n")


async def health(request: web.Request) -> web.StreamResponse:
    """State of the box and of each camera."""
    inputs.check_names(request, ())
    body: dict[str, Any] = {
        "box_id": request.app[BOX_ID],
        "version": request.app[VERSION],
        "cameras": cameras(request),
        "box": await read(request.app[HEALTH]),
    }
    return web.json_response(body, dumps=functools.partial(json.dumps, default=_to_json))


def _to_json(value: object) -> str:
    return time_to_text(value) if isinstance(value, dt.datetime) else str(value)


def cameras(request: web.Request) -> list[dict[str, Any]]:
    """State of each camera with the age of its newest processed frame."""
    board = request.app[LIVE]
    answer = []
    for camera in board.health():
        newest = board.newest(camera.camera)
        state = dataclasses.asdict(camera) | {"state": camera.state.value, "since": time_to_text(camera.since)}
        answer.append(state | {"frame_age_ms": None if newest is None else round(age_ms(newest), 1)})
    return answer


async def consumers(request: web.Request) -> web.StreamResponse:
    """Who pulls the feed, and how far they are."""
    inputs.check_names(request, ())
    found = await read(request.app[STORE].consumers)
    rows = [
        dataclasses.asdict(consumer)
        | {"last_pull_at": None if consumer.last_pull_at is None else time_to_text(consumer.last_pull_at)}
        for consumer in found
    ]
    return web.json_response({"consumers": rows})


async def metrics(request: web.Request) -> web.StreamResponse:
    """Counters and gauges in Prometheus' text format."""
    body = await read(request.app[METRICS])
    return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})


async def describe(request: web.Request) -> web.StreamResponse:
    """The OpenAPI document."""
    inputs.check_names(request, ())
    return web.json_response(openapi.document(request.app[VERSION], request.app[ROUTES].values()))
