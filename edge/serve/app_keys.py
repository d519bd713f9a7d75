"""Typed keys of what handlers find in the application, and `read` and `written` for calls into the store."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from aiohttp import web

from edge.config import ReviewConfig, ServeConfig, SiteConfig, StatusConfig
from edge.serve.bell import Bell
from edge.serve.board import LiveBoard
from edge.store import Store

P = ParamSpec("P")
T = TypeVar("T")

STORE = web.AppKey("store", Store)
CONFIG = web.AppKey("config", ServeConfig)
LIVE = web.AppKey("live", LiveBoard)
METRICS: web.AppKey[Callable[[], bytes]] = web.AppKey("metrics")
HEALTH: web.AppKey[Callable[[], dict[str, Any]]] = web.AppKey("health")
VERSION = web.AppKey("version", str)
BOX_ID = web.AppKey("box_id", str)
FEED_BELL = web.AppKey("feed_bell", Bell)
REVIEW = web.AppKey("review", ReviewConfig)
SITE = web.AppKey("site", SiteConfig)
Statuses = Callable[[str], StatusConfig]
"""What each status of people on the list means to a guard."""
STATUSES: web.AppKey[Statuses] = web.AppKey("statuses")


async def read(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a short blocking call on a worker thread, so that the event loop stays free."""
    return await asyncio.to_thread(call, *args, **kwargs)


async def written(future: concurrent.futures.Future[T]) -> T:
    """Wait until a write is committed. A cancelled request (the client has gone) doesn't cancel the write."""
    return await asyncio.shield(asyncio.wrap_future(future))
