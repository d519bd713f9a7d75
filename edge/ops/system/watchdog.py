"""When systemd's watchdog is fed: what counts as work, and what may stand still without being broken."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass

from edge.ops.system.systemd import notify

UNWATCHED_PERIOD_S = 5.0


@dataclass(frozen=True, slots=True)
class Signs:
    """Signs of life: frames through all stages, turns of the vision thread, whether any camera gives frames."""

    frames_done: int
    turns: int
    is_any_live: bool


def is_alive(before: Signs, now: Signs) -> bool:
    """Whether work went on: a frame passed all stages, or no camera gives frames and the vision thread looks for them.

    A camera that is gone is no reason to kill the service, which tells people of it; a frame that is stuck is one.
    """
    if now.frames_done != before.frames_done:
        return True
    return not now.is_any_live and not before.is_any_live and now.turns != before.turns


async def feed(look: Callable[[], Signs]) -> None:
    """Feed the watchdog, three times in its period, for as long as there are signs of life; runs until cancelled."""
    period_us = int(os.environ.get("WATCHDOG_USEC", "0"))
    before = look()
    while True:
        await asyncio.sleep(period_us / 3e6 if period_us else UNWATCHED_PERIOD_S)
        now = look()
        if is_alive(before, now):
            notify("WATCHDOG=1")
        before = now
