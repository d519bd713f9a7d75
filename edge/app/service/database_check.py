"""Looks at the whole database soon after each start and daily, while nobody is there; has it mended where damaged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from edge.errors import EdgeError
from edge.store import Store

log = logging.getLogger(__name__)

LOOK_EVERY_S = 600.0
DAY_S = 86400.0
PATIENCE_S = 6 * 3600.0
"""A device that is never idle is checked all the same, so long after its day is over."""


async def watch_for_damage(store: Store, look_every_s: float = LOOK_EVERY_S, day_s: float = DAY_S) -> None:
    """Check once a day until cancelled, first soon after the start, which leaves out what is large."""
    since_s, commits = day_s, -1.0
    while True:
        await asyncio.sleep(look_every_s)
        since_s += look_every_s
        former, commits = commits, float(store.head_seq())
        # Heartbeats alone, one a minute, are no sign of anybody.
        is_idle = former >= 0 and commits - former <= 1.5 * look_every_s / 60
        if since_s >= day_s and (is_idle or since_s >= day_s + PATIENCE_S):
            since_s = 0.0
            await check_once(store.check, store.repair)


async def check_once(check: Callable[[], list[str]], repair: Callable[[], None]) -> bool:
    """Check the database, and have it mended before its next write; returns whether it was well."""
    try:
        found = await asyncio.to_thread(check)
    except EdgeError as error:
        log.error("the database could not be checked: %s", error)
        return True
    if found:
        log.error("the database is damaged and will be mended: %s", found[0])
        repair()
    return not found
