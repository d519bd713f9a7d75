"""The service: store, page, models, cameras, vision thread; owned by one exit stack, ended by one signal.

The page is open before anything heavy is even imported; `preparing` makes the rest ready behind it.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge import credentials, heaps
from edge.app.service import settings
from edge.app.service.start.listener import open_page
from edge.app.service.start.preparing import PreparingPage
from edge.config import Config, drawn
from edge.ops.system.clock import clock_facts
from edge.ops.system.systemd import more_time_to_start, notify_systemd
from edge.store import Store
from edge.store.database.alone import as_service

if TYPE_CHECKING:
    from edge.app.service.vision import VisionThread

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunningService:
    """Handles on a service that is up; `stop` asks it to end."""

    url: str
    store: Store
    vision: VisionThread
    stop: Callable[[], None]


async def run(
    config: Config,
    *,
    kind: str = "actual",
    on_ready: Callable[[RunningService], Any] | None = None,
    reread: Callable[[], Config] | None = None,
) -> None:
    """Run until a signal or `RunningService.stop`; raises EdgeError if it can't start, and whatever breaks later.

    On SIGHUP the settings are read again with `reread`, and what is safe is taken over.
    """
    config.require_camera()
    heaps.keep_few()
    stopped, reload_asked = asyncio.Event(), asyncio.Event()
    async with contextlib.AsyncExitStack() as stack:
        _set_on_signals(stopped, stack, signal.SIGINT, signal.SIGTERM)
        _set_on_signals(reload_asked, stack, signal.SIGHUP)
        async with more_time_to_start("opening the database"):
            store = await asyncio.to_thread(
                Store.open, config.data_dir, is_clock_synced=lambda: clock_facts()["synced"]
            )
        stack.callback(store.close)
        stack.enter_context(as_service(config.data_dir))
        store.audit_log.record_settings(settings.changed_settings(config))
        _log_left_over(config)
        first = PreparingPage(config, store)
        page = await open_page(stack, first.app(), config, store, _print_claim_code)
        models, pipeline = await first.prepare(page, stopped, kind)
        # Imported by now, on a thread: they need what is heavy.
        from edge.app.service import reload
        from edge.app.service.parts import Parts

        follow = functools.partial(reload.follow, reload_asked, reread)
        parts = Parts(config, store, models, pipeline, first.board, follow)
        stack.callback(parts.people.close)
        await page.show(parts.app())
        for camera in parts.cameras:
            stack.callback(camera.stop)
            camera.start()
        running = RunningService(page.url, store, parts.vision, stopped.set)
        await parts.work(stopped, lambda: on_ready and on_ready(running))
    notify_systemd("STOPPING=1")


def _log_left_over(config: Config) -> None:
    for name in sorted(drawn.left_over(config)):
        log.warning(
            "zones or masks were drawn for camera %s, and no camera has that name: they are not in force; "
            "if it was renamed, rename its tables in %s, too",
            name,
            config.data_dir / drawn.FILE,
        )


async def _print_claim_code(store: Store, url: str) -> None:
    """If no user exists yet, make the claim code for the first one and log it with the URL."""
    if await asyncio.to_thread(store.claim.is_claimed):
        return
    given = credentials.read("claim_code")
    code = await asyncio.wrap_future(store.claim.new_code(given))
    # Don't log a code that the installer was given already: more people read the log.
    shown = code if given is None else "that the installer was given"
    log.warning("nobody can log in yet: open %s/claim and enter the code %s", url, shown)


def _set_on_signals(event: asyncio.Event, stack: contextlib.AsyncExitStack, *numbers: signal.Signals) -> None:
    loop = asyncio.get_running_loop()
    for number in numbers:
        # Only the main thread may set handlers; a service run inside a test's thread is stopped by its handle.
        with contextlib.suppress(ValueError, RuntimeError):
            loop.add_signal_handler(number, event.set)
            stack.callback(loop.remove_signal_handler, number)
