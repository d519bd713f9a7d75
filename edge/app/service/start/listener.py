"""Opens the page on its port, with its certificate, logs its address, and changes what is behind it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from edge.config import Config
from edge.reach import page_url
from edge.serve import change, close_port, end_gently, start
from edge.serve.http.tls import server_identity
from edge.store import Store

log = logging.getLogger(__name__)


Announce = Callable[[Store, str], Awaitable[None]]
"""Called with store and URL once the page is open; prints the claim code where nobody can log in yet."""


class Page:
    """The page on its port; it stays open while the application behind it changes."""

    def __init__(self, url: str, runner: Any, stack: contextlib.AsyncExitStack) -> None:
        self.url = url
        self._runner, self._stack = runner, stack
        self._shown = runner

    async def show(self, app: Any) -> None:
        """Put another application behind the port; what the one before answers now it answers to the end."""
        former, self._shown = self._shown, await change(self._runner, app)
        ending = asyncio.create_task(end_gently(former))
        # In the end, before anything that was built after the page opened: nobody in, then nobody left.
        self._stack.callback(ending.cancel)
        self._stack.push_async_callback(self._shown.cleanup)
        self._stack.push_async_callback(close_port, self._runner)


async def open_page(
    stack: contextlib.AsyncExitStack, app: Any, config: Config, store: Store, announce: Announce
) -> Page:
    """Serve `app`, or what is shown later in its place, until the stack ends."""
    box_id = config.box_id or store.box_id
    shown = await asyncio.to_thread(server_identity, config.serve, config.data_dir, box_id)
    runner, port = await start(app, config.serve.host, config.serve.port, None if shown is None else shown.context)
    stack.push_async_callback(runner.cleanup)
    url = f"http{'s' if shown else ''}://{config.serve.host}:{port}"
    told = page_url(config.serve.model_copy(update={"port": port}))  # nobody can open 0.0.0.0
    log.info("serving on %s", told)
    await announce(store, told)
    if shown is not None:
        whose = "made by this box" if shown.is_own else "given by the installer"
        log.info("the certificate is %s, its SHA-256 fingerprint %s", whose, shown.fingerprint)
    return Page(url, runner, stack)
