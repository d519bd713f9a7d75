"""Typed keys of what handlers find in the application, and `read` and `written` for calls into the store."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import jinja2
from aiohttp import web

from edge.config import ReviewConfig, ServeConfig
from edge.errors import AuthError
from edge.serve.bell import Bell
from edge.serve.board import LiveBoard
from edge.serve.page.language import Translate
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
TEMPLATES: web.AppKey[dict[str, jinja2.Environment]] = web.AppKey("templates")
TEXTS: web.AppKey[dict[str, Translate]] = web.AppKey("texts")
REVIEW = web.AppKey("review", ReviewConfig)


class Slots:
    """A bounded number of answers held open; one more is refused with 429 instead of waiting in a queue."""

    def __init__(self, limit: int, what: str) -> None:
        self._limit = limit
        self._what = what
        self.used = 0

    def __enter__(self) -> None:
        if self.used >= self._limit:
            raise AuthError(
                f"all {self._limit} {self._what} of this box are taken: try again in a few seconds, or without waiting",
                status=429,
                retry_after_s=5,
            )
        self.used += 1

    def __exit__(self, *exc: object) -> None:
        self.used -= 1


POLLS = web.AppKey("polls", Slots)
VIEWERS = web.AppKey("viewers", Slots)


async def read(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a short blocking call on a worker thread, so that the event loop stays free."""
    return await asyncio.to_thread(call, *args, **kwargs)


async def written(future: concurrent.futures.Future[T]) -> T:
    """Wait until a write is committed. A cancelled request (the client has gone) doesn't cancel the write."""
    return await asyncio.shield(asyncio.wrap_future(future))
