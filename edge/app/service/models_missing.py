"""A box whose models can't be loaded: with `serve.keep_page` it serves the page, which says so, until they can.

Cameras stay off and are accounted for as blind; kept hits, people, feed and health are there. Without the setting the
service ends with exit code 78, and systemd leaves it so.
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
from edge.app.health.monitor import Eyes, Keeper
from edge.app.people.worker import PeopleWorker
from edge.app.service.listener import Announce, open_page
from edge.app.service.outbox import Outbox
from edge.app.service.status import basics
from edge.config import Config
from edge.errors import ModelError
from edge.ops.system.systemd import Signs, feed, notify
from edge.records import CameraHealth, CameraState
from edge.serve import LiveBoard, build_app
from edge.store import Store

log = logging.getLogger(__name__)

TRY_EVERY_S = 5.0
WHY = "models can't be loaded"


async def models_or_page(config: Config, store: Store, stopped: asyncio.Event, announce: Announce) -> Models:
    """Load the models; where they can't be, serve the page alone until they can. Else, or once stopped, ModelError."""
    try:
        return await asyncio.to_thread(load_models, config)
    except ModelError as error:
        if not config.serve.keep_page:
            raise
        problem = error
    log.error("nobody is recognised until this is put right: %s", problem)
    async with contextlib.AsyncExitStack() as stack:
        page = _Page(config, store, problem)
        await open_page(stack, page.app(), config, store, announce)
        for work in (page.keeper.run(), _feed_watchdog()):
            stack.push_async_callback(_ended, asyncio.create_task(work))
        notify("READY=1")
        while not stopped.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), TRY_EVERY_S)
                break
            try:
                models = await asyncio.to_thread(load_models, config)
            except ModelError as error:
                page.problem = error
                continue
            log.info("the models are there: the service starts")
            notify("WATCHDOG=1")  # the service has the whole period until its first frame
            return models
    raise page.problem


async def _feed_watchdog() -> None:
    """No frame will pass while the page stands alone: it is alive as long as its loop turns."""
    turns = itertools.count()
    await feed(lambda: Signs(0, next(turns), is_any_live=False))


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


class _Page:
    """The web side of a box that can't watch, and the keeper of its account."""

    def __init__(self, config: Config, store: Store, problem: ModelError) -> None:
        self.config, self.store, self.problem = config, store, problem
        self.started_at = dt.datetime.now(dt.UTC)
        self.board = LiveBoard()
        waiting = [CameraHealth(one.name, CameraState.STARTING, self.started_at, WHY, 0, 0) for one in config.camera]
        eyes = Eyes(
            cameras=lambda: waiting,
            newest=self.board.newest,
            frames_done=lambda: 0,
            frames_dropped=lambda: 0,
            pause=store.pauses.current,
            is_list_stale=lambda at: False,
            publish=self.board.publish_conditions,
            models=lambda: ("unusable", str(self.problem)),
            blind=lambda: WHY,
        )
        self.keeper = Keeper(store, config.data_dir, config.store.min_free_bytes, eyes, Outbox(store))

    def app(self) -> Any:
        """The web application, without what needs models."""
        return build_app(
            store=self.store,
            config=self.config.serve,
            review=self.config.review,
            live=self.board,
            metrics=lambda: b"",
            health=lambda: basics(self.config, self.store, self.keeper.conditions, self.started_at),
            version=__version__,
            people=PeopleWorker(self.config, self.store, None, forget_in(self.config.data_dir)),
        )
