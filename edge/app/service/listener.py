"""Opens the page on its port, with its certificate, and logs its address."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from edge.app.build import box_id_of
from edge.config import Config
from edge.serve import start
from edge.serve.http.tls import server_identity
from edge.store import Store

log = logging.getLogger(__name__)


Announce = Callable[[Store, str], Awaitable[None]]
"""Called with store and URL once the page is open; prints the claim code where nobody can log in yet."""


async def open_page(
    stack: contextlib.AsyncExitStack, app: Any, config: Config, store: Store, announce: Announce
) -> str:
    """Serve `app` until the stack ends; its address."""
    shown = await asyncio.to_thread(server_identity, config.serve, config.data_dir, box_id_of(config, store))
    runner, port = await start(app, config.serve.host, config.serve.port, None if shown is None else shown.context)
    stack.push_async_callback(runner.cleanup)
    url = f"http{'s' if shown else ''}://{config.serve.host}:{port}"
    log.info("serving on %s", url)
    await announce(store, url)
    if shown is not None:
        whose = "made by this box" if shown.is_own else "given by the installer"
        log.info("the certificate is %s, its SHA-256 fingerprint %s", whose, shown.fingerprint)
    return url
