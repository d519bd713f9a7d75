"""Puts the web side together: keys, middlewares, routes; and starts it on a port."""

from __future__ import annotations

import errno
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any

from aiohttp import web

from edge.config import ReviewConfig, ServeConfig
from edge.errors import ServiceError
from edge.serve.api import coverage, feed, images, status, watchlist
from edge.serve.api.feed_pages import ANSWERS, Answers
from edge.serve.app_keys import (
    BOX_ID,
    CONFIG,
    FEED_BELL,
    HEALTH,
    LIVE,
    METRICS,
    POLLS,
    REVIEW,
    STORE,
    TEMPLATES,
    TEXTS,
    VERSION,
    VIEWERS,
    Slots,
)
from edge.serve.bell import Bell
from edge.serve.board import LiveBoard
from edge.serve.http import shield
from edge.serve.http.audit import NOTES, Notes, note_views
from edge.serve.http.auth import CALLERS, Callers, guard
from edge.serve.http.connection import count_answer
from edge.serve.http.door import DoorSite, Limits
from edge.serve.http.problems import problems
from edge.serve.http.refusals import REFUSALS, Refusals, make_logger
from edge.serve.jobs import EXAMINER, RECOGNITION, Examiner, Recognition
from edge.serve.page import claim, language
from edge.serve.page.assets import Assets
from edge.serve.page.commission import COMMISSIONER, Commissioner
from edge.serve.page.examine import MAX_UPLOADS, UPLOADS
from edge.serve.page.now import LATEST_HITS
from edge.serve.page.renderer import make_templates
from edge.serve.page.sharing import Shared
from edge.serve.ports import PEOPLE, PeopleService
from edge.serve.routes import page_routes
from edge.store import Store

MAX_VIEWERS = 64
KEEPALIVE_S = 10.0
"""Also cuts headers that drip in; aiohttp's own limit would be an hour."""
LINGER_S = 3.0
"""How long what is left of a refused body is still read, so that the refusal can be read in turn."""


def build_app(
    *,
    store: Store,
    config: ServeConfig,
    live: LiveBoard,
    metrics: Callable[[], bytes],
    health: Callable[[], dict[str, Any]],
    version: str,
    people: PeopleService,
    review: ReviewConfig | None = None,
    examiner: Examiner | None = None,
    recognition: Recognition | None = None,
    commissioner: Commissioner | None = None,
) -> web.Application:
    """Return the application; it owns nothing but its subscription to the store, which ends with it."""
    app = web.Application(
        middlewares=[problems, claim.only_claim, guard, note_views], client_max_size=shield.MAX_BODY_BYTES
    )
    assets = Assets()
    app[STORE] = store
    app[CONFIG] = config
    app[LIVE] = live
    app[METRICS] = metrics
    app[HEALTH] = health
    app[VERSION] = version
    app[PEOPLE] = people
    app[EXAMINER] = examiner
    app[RECOGNITION] = recognition
    app[COMMISSIONER] = commissioner
    # The configuration may give the box another name than the one its database made.
    app[BOX_ID] = str(health().get("box_id") or store.box_id)
    app[FEED_BELL] = Bell()
    app[REVIEW] = review = review or ReviewConfig()
    app[TEXTS] = texts = language.load()
    app[TEMPLATES] = {name: make_templates(assets, review, t) for name, t in texts.items()}
    app[CALLERS] = Callers(store)
    app[NOTES] = Notes()
    app[LATEST_HITS] = Shared()
    app[ANSWERS] = Answers()
    app[REFUSALS] = Refusals()
    app[UPLOADS] = Slots(MAX_UPLOADS, "uploads")
    claim.prepare(app)
    app[POLLS] = Slots(config.max_long_polls, "long polls")
    app[VIEWERS] = Slots(MAX_VIEWERS, "live views")
    app.on_response_prepare.append(shield.add_headers)
    app.on_response_prepare.append(count_answer)
    app.cleanup_ctx.append(_listen_to_store)
    app.add_routes(_routes(assets))
    return app


def _routes(assets: Assets) -> list[web.RouteDef]:
    """All routes; each name has its line in `access.ACCESS`."""
    return [
        web.get("/livez", status.livez, name="livez"),
        web.get("/static/{name}", assets.serve, name="static"),
        *page_routes(),
        web.get("/api/v1/alerts", feed.alerts, name="api.alerts"),
        web.get("/api/v1/alerts/{hit_id}", feed.alert, name="api.alert"),
        web.get("/api/v1/images/{sha256}", images.image, name="api.image"),
        web.get("/api/v1/health", status.health, name="api.health"),
        web.get("/api/v1/consumers", status.consumers, name="api.consumers"),
        web.get("/api/v1/openapi.json", status.describe, name="api.openapi"),
        web.get("/api/v1/coverage", coverage.coverage, name="api.coverage"),
        web.get("/api/v1/watchlist", watchlist.whole, name="api.watchlist"),
        web.put("/api/v1/watchlist", watchlist.replace_whole, name="api.watchlist.replace"),
        web.put("/api/v1/watchlist/{person_id:[^/]+}", watchlist.put, name="api.person.put"),
        web.delete("/api/v1/watchlist/{person_id:[^/]+}", watchlist.erase, name="api.person.erase"),
        web.get("/metrics", status.metrics, name="metrics"),
    ]


async def _listen_to_store(app: web.Application) -> AsyncIterator[None]:
    """Ring the feed's bell at each commit, from the writer thread, for as long as the application lives."""
    bell = app[FEED_BELL]
    unsubscribe = app[STORE].subscribe(lambda item: bell.ring())
    yield
    unsubscribe()


async def start(
    app: web.Application, host: str, port: int, tls: ssl.SSLContext | None = None
) -> tuple[web.AppRunner, int]:
    """Listen on `host` and `port` (0: a free one); return the runner, for the caller to clean up, and the real port."""
    config, refusals = app.get(CONFIG) or ServeConfig(), app.get(REFUSALS) or Refusals()
    runner = web.AppRunner(
        app,
        access_log=None,
        handler_cancellation=True,
        keepalive_timeout=KEEPALIVE_S,
        lingering_time=LINGER_S,
        shutdown_timeout=0.5,
        logger=make_logger(refusals),
    )
    await runner.setup()
    limits = Limits(config.max_connections, config.max_connections_per_address)
    try:
        await DoorSite(runner, host, port, limits, refusals, tls).start()
    except OSError as error:
        await runner.cleanup()
        raise ServiceError(_why(error, host, port)) from error
    return runner, int(runner.addresses[0][1])


def _why(error: OSError, host: str, port: int) -> str:
    where = f"the page can't listen on {host} port {port}"
    match error.errno:
        case errno.EADDRINUSE:
            return f"{where}: another program uses it; stop that, or choose another [serve] port (0 takes a free one)"
        case errno.EACCES:
            return f"{where}: ports below 1024 need a privilege; choose a higher one with [serve] port"
        case errno.EADDRNOTAVAIL:
            return f"{where}: this machine has no such address; set [serve] host to one of its own, or to 127.0.0.1"
        case _:
            return f"{where}: {error.strerror or error}; check [serve] host and port"
