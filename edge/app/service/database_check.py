"""Looks at the whole database soon after each start and daily, while nobody is there; has it mended where damaged."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from edge.errors import EdgeError
from edge.store import Store

log = logging.getLogger(__name__)

LOOK_EVERY_S = 600.0
DAY_S = 86400.0
LOSSES_TICK_S = 2.0
"""How soon it is looked for pictures whose folder was gone."""
LOSSES_EVERY_S = 60.0
LOSSES_SHARE = 200.0
"""So many times as long as the last look for pictures took, the next one is away."""
REST_S = 0.05
"""Seconds of rest between a hundred hits, so that the cameras get theirs."""
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


async def watch_for_losses(store: Store, look_every_s: float = LOSSES_EVERY_S) -> None:
    """Look for lost pictures and damaged hits until cancelled: soon after the start, then now and then."""
    pictures_at = hits_at = float("-inf")
    while True:
        now_s = time.monotonic()
        try:
            if store.losses.is_due or now_s >= pictures_at:
                await asyncio.to_thread(store.losses.look_for_pictures)
                pictures_at = now_s + max(look_every_s, LOSSES_SHARE * (time.monotonic() - now_s))
            if now_s >= hits_at:
                hits_at = now_s + DAY_S
                await asyncio.to_thread(store.losses.look_for_hits, lambda: time.sleep(REST_S))
        except EdgeError as error:
            log.error("lost pictures and damaged hits could not be looked for: %s", error)
        await asyncio.sleep(min(look_every_s, LOSSES_TICK_S))


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
