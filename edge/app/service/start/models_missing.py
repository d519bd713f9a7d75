"""Shows the page alone while the models can't be loaded (`serve.keep_page`), and tries to load them again.

The cameras stay off and coverage records them as blind; stored hits, people, feed and health stay readable. Without
the setting the service exits with code 78, which systemd does not restart.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import itertools
import logging
from typing import Any

from edge import __version__
from edge.app.build import Models, load_models
from edge.app.examine.results import forget_in
from edge.app.health import checks
from edge.app.health.monitor import HealthMonitor, Inputs
from edge.app.people.worker import PeopleWorker
from edge.app.service.outbox import Outbox
from edge.app.service.start.listener import Page
from edge.app.service.status import basic_status
from edge.config import Config
from edge.errors import ModelError
from edge.ops.system.systemd import SignsOfLife, feed_watchdog, notify_systemd
from edge.records import CameraHealth, CameraState
from edge.serve import LiveBoard, build_app
from edge.store import Store

log = logging.getLogger(__name__)

RETRY_EVERY_S = 5.0
NO_MODELS = "models can't be loaded"


async def load_or_serve_page(config: Config, store: Store, stopped: asyncio.Event, page: Page) -> Models:
    """Return the loaded models; until loading succeeds, `page` shows what can be shown without.

    Raises ModelError at once without `serve.keep_page`, and when `stopped` is set first.
    """
    try:
        return await asyncio.to_thread(load_models, config, may_begin_on_cpu=True)
    except ModelError as error:
        if not config.serve.keep_page:
            raise
        problem = error
    log.error("nobody is recognised until this is fixed: %s", problem)
    async with contextlib.AsyncExitStack() as stack:
        waiting = _WithoutModels(config, store, problem)
        await page.show(waiting.app())
        for work in (waiting.monitor.run(), _feed_watchdog()):
            stack.push_async_callback(_cancel, asyncio.create_task(work))
        notify_systemd("READY=1")
        while not stopped.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), RETRY_EVERY_S)
                break
            try:
                models = await asyncio.to_thread(load_models, config, may_begin_on_cpu=True)
            except ModelError as error:
                waiting.problem = error
                continue
            log.info("the models can be loaded again: the service starts")
            notify_systemd("WATCHDOG=1")  # begins a new watchdog period, so that the first frame may take all of it
            return models
    raise waiting.problem


async def _feed_watchdog() -> None:
    """Feed the watchdog while only the page runs: no frame is processed, so a turning event loop counts as alive."""
    turns = itertools.count()
    await feed_watchdog(lambda: SignsOfLife(0, next(turns), is_any_live=False))


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


class _WithoutModels:
    """The web application without models, and the monitor that records the cameras as blind."""

    def __init__(self, config: Config, store: Store, problem: ModelError) -> None:
        self.config, self.store, self.problem = config, store, problem
        self.started_at = dt.datetime.now(dt.UTC)
        self.board = LiveBoard()
        waiting = [
            CameraHealth(one.name, CameraState.STARTING, self.started_at, NO_MODELS, 0, 0) for one in config.camera
        ]
        identity = checks.identity(store.identity.settle())
        inputs = Inputs(
            cameras=lambda: waiting,
            newest=self.board.newest,
            frames_done=lambda: 0,
            frames_dropped=lambda: 0,
            pause=store.pauses.current,
            is_list_stale=lambda at: False,
            publish=self.board.publish_conditions,
            consumer_warn_minutes=self.config.serve.consumer_warn_minutes,
            models=lambda: ("unusable", str(self.problem)),
            blind=lambda: NO_MODELS,
            identity=lambda: identity,
        )
        self.monitor = HealthMonitor(store, config.data_dir, config.store.min_free_bytes, inputs, Outbox(store))

    def app(self) -> Any:
        """The web application, without what needs models."""
        return build_app(
            store=self.store,
            config=self.config.serve,
            review=self.config.review,
            site=self.config.site,
            statuses=self.config.status,
            live=self.board,
            metrics=lambda: b"",
            health=lambda: basic_status(self.config, self.store, self.monitor.conditions, self.started_at),
            version=__version__,
            people=PeopleWorker(self.config, self.store, None, forget_in(self.config.data_dir)),
        )
