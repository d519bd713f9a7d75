"""Puts the web side together: keys, middlewares, routes; and starts it on a port."""

from __future__ import annotations

import errno
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Middleware

from edge.config import ReviewConfig, ServeConfig, SiteConfig, StatusConfig, status_of
from edge.errors import ServiceError
from edge.serve import routes
from edge.serve.api import coverage
from edge.serve.api.feed_pages import FEED_PAGES, FeedPages
from edge.serve.app_keys import (
    BOX_ID,
    CONFIG,
    FEED_BELL,
    HEALTH,
    LIVE,
    METRICS,
    REVIEW,
    SITE,
    STATUSES,
    STORE,
    VERSION,
    Statuses,
)
from edge.serve.bell import Bell
from edge.serve.board import LiveBoard
from edge.serve.http import inputs, security_headers
from edge.serve.http.audit import audit_views
from edge.serve.http.auth import CALLERS, COOKIES, Callers, CookieNames, check_access
from edge.serve.http.connection import count_answer
from edge.serve.http.door import Door
from edge.serve.http.problems import problems
from edge.serve.http.proxies import PROXIES, Proxies, believe_proxies
from edge.serve.http.quotas import BODIES, LIVE_VIEWS, LONG_POLLS, UPLOADS, BodyMemory, ConnectionLimits, Shares
from edge.serve.http.refusals import REFUSALS, Refusals, http_logger
from edge.serve.http.route import ROUTES
from edge.serve.http.work import REQUESTS, REQUESTS_BURST_S, REQUESTS_SHARE, CpuCredit, charge_machines
from edge.serve.page import claim
from edge.serve.page.assets import ASSETS, Assets
from edge.serve.page.live import REJECTED_HITS
from edge.serve.page.now import LATEST_HITS, SharedAnswer
from edge.serve.page.people.choices import KEPT, KeptUploads
from edge.serve.page.renderer import TEMPLATES, TEXTS, make_templates, problem_page
from edge.serve.page.strip import look_at_box
from edge.serve.page.wording import language
from edge.serve.page.wording.zone import ZONE, SiteZone
from edge.serve.ports import (
    ACCEPTANCE_WALK,
    AREAS,
    EXAMINER,
    PEOPLE,
    RECOGNITION_SWITCH,
    AcceptanceWalk,
    Areas,
    Examiner,
    PeopleService,
    RecognitionSwitch,
)
from edge.store import Store

MAX_VIEWERS = 64
MAX_VIEWS_PER_USER = 16
"""Two for each open page."""
MAX_UPLOADS = 3
MAX_UPLOADS_PER_USER = 2
MAX_BODIES_BYTES = 136_000_000
"""Bytes of bodies held in memory at once: two of the largest, and half of it for one caller."""
KEEPALIVE_S = 10.0
"""Seconds an idle connection is kept. It is also the time limit for headers; aiohttp's own would be an hour."""
SHUTDOWN_S = 0.5
GENTLY_S = 65.0
"""Longer than the longest long poll."""
LINGER_S = 3.0
"""Seconds for which the rest of a refused body is read; closing at once would reset the refusal away, too."""

MIDDLEWARES: tuple[Middleware, ...] = (
    believe_proxies,  # all others see the request as the client sent it
    problems(problem_page),  # answers what any after it raises
    claim.lead_to_claim,  # before access is checked: on a new device nobody could log in
    check_access,  # says who asks, which the others need
    charge_machines,
    look_at_box,
    audit_views,
    inputs.give_back_bodies,
)
"""The order in which they take a request; each calls the next."""


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
    site: SiteConfig | None = None,
    statuses: Mapping[str, StatusConfig] | None = None,
    examiner: Examiner | None = None,
    recognition: RecognitionSwitch | None = None,
    walk: AcceptanceWalk | None = None,
    areas: Areas | None = None,
) -> web.Application:
    """Build the application. It owns only its subscription to the store; whatever is passed in, the caller closes."""
    app = web.Application(middlewares=MIDDLEWARES, client_max_size=inputs.MAX_BODY_BYTES)
    app[STORE] = store
    app[CONFIG] = config
    app[PROXIES] = Proxies(config)
    app[LIVE] = live
    app[METRICS] = metrics
    app[HEALTH] = health
    app[VERSION] = version
    app[PEOPLE] = people
    app[EXAMINER] = examiner
    app[RECOGNITION_SWITCH] = recognition
    app[ACCEPTANCE_WALK] = walk
    app[AREAS] = areas
    # The configuration may name the device; otherwise the name made with its database is used.
    app[BOX_ID] = str(health().get("box_id") or store.box_id)
    app[REVIEW] = review = review or ReviewConfig()
    app[SITE] = site or SiteConfig()
    app[STATUSES] = _statuses(statuses or {}, review)
    _add_own_parts(app)
    app.on_response_prepare.append(security_headers.add_headers)
    app.on_response_prepare.append(count_answer)
    app.cleanup_ctx.append(_listen_to_store)
    app[ROUTES] = routes.by_name(routes.TABLE)
    app.add_routes(routes.definitions(routes.TABLE, config.root_path))
    return app


def _statuses(known: Mapping[str, StatusConfig], review: ReviewConfig) -> Statuses:
    return lambda status: status_of(status, known, review)


def _add_own_parts(app: web.Application) -> None:
    """Add what the web side makes for itself: texts and templates, caches, counters, limits."""
    app[ASSETS] = assets = Assets()
    app[TEXTS] = texts = language.load()
    app[ZONE] = zone = SiteZone(app[SITE].time_zone)
    app[TEMPLATES] = {name: make_templates(assets, app[STATUSES], zone, t) for name, t in texts.items()}
    app[FEED_BELL] = Bell()
    app[CALLERS] = Callers(app[STORE])
    app[COOKIES] = CookieNames.of(app[STORE].box_id)
    app[LATEST_HITS] = SharedAnswer()
    app[REJECTED_HITS] = SharedAnswer()
    app[REQUESTS] = CpuCredit(REQUESTS_SHARE, REQUESTS_BURST_S)
    app[FEED_PAGES] = FeedPages()
    coverage.prepare(app)
    app[REFUSALS] = Refusals()
    app[KEPT] = KeptUploads()
    app[BODIES] = BodyMemory(MAX_BODIES_BYTES)
    app[UPLOADS] = Shares(MAX_UPLOADS, "uploads", per_owner=MAX_UPLOADS_PER_USER)
    app[LONG_POLLS] = Shares(app[CONFIG].max_long_polls, "long polls")
    app[LIVE_VIEWS] = Shares(MAX_VIEWERS, "live views", per_owner=MAX_VIEWS_PER_USER)
    claim.prepare(app)


async def _listen_to_store(app: web.Application) -> AsyncIterator[None]:
    """Wake long polls and event streams at each feed item; the store calls back on its writer thread."""
    bell = app[FEED_BELL]
    unsubscribe = app[STORE].subscribe(lambda item: bell.ring())
    yield
    unsubscribe()


async def start(
    app: web.Application, host: str, port: int, tls: ssl.SSLContext | None = None
) -> tuple[web.AppRunner, int]:
    """Listen on `host` and `port` (0: a free one); return the runner, for the caller to clean up, and the real port."""
    config, refusals = app.get(CONFIG) or ServeConfig(), app.get(REFUSALS) or Refusals()
    runner = await _runner(app)
    limits = ConnectionLimits(config.max_connections, config.max_connections_per_address, Proxies(config).__contains__)
    try:
        await Door(runner, host, port, limits, refusals, tls).start()
    except OSError as error:
        await runner.cleanup()
        raise ServiceError(_why(error, host, port)) from error
    return runner, int(runner.addresses[0][1])


async def change(runner: web.AppRunner, app: web.Application) -> web.AppRunner:
    """Put another application behind the port that `runner` opened; the port stays open all the while.

    `runner` keeps the port and is cleaned up last. The application before it is to be ended with `end_gently`.
    """
    following = await _runner(app)
    (door,) = runner.sites
    assert isinstance(door, Door)
    assert following.server is not None
    door.lead_to(following.server)
    return following


async def end_gently(runner: web.AppRunner) -> None:
    """Close the idle connections of an application at once, and the others when they are answered or time is up."""
    if runner.server is not None:
        runner.server.pre_shutdown()
        await runner.server.shutdown(GENTLY_S)


async def close_port(runner: web.AppRunner) -> None:
    """Let nobody in any more; may be called again."""
    for site in runner.sites:
        await site.stop()


async def _runner(app: web.Application) -> web.AppRunner:
    runner = web.AppRunner(
        app,
        access_log=None,
        handler_cancellation=True,
        keepalive_timeout=KEEPALIVE_S,
        lingering_time=LINGER_S,
        shutdown_timeout=SHUTDOWN_S,
        logger=http_logger(app.get(REFUSALS) or Refusals()),
    )
    await runner.setup()
    return runner


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
