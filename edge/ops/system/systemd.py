"""Talks to systemd over its notify socket (sd_notify(3)), and feeds its watchdog.

Nothing is sent where systemd did not start the service.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

PERIOD_WITHOUT_SYSTEMD_S = 5.0
MORE_EVERY_S, MORE_S = 30.0, 120.0
"""How often more time is asked for at the start, and how much from then on."""
MORE_FOR_S = 6 * 3600.0
"""Seconds after which no more is asked for: then something hangs."""


def is_booted() -> bool:
    """Whether systemd runs here; it does not while an image is made (sd_booted(3))."""
    return Path("/run/systemd/system").is_dir()


def notify_systemd(state: str) -> bool:
    """Send `state`, such as "READY=1" or "WATCHDOG=1"; return whether somebody listens."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as link:
            link.sendto(state.encode(), address)
    except OSError:
        return False
    return True


@contextlib.asynccontextmanager
async def more_time_to_start(doing: str, every_s: float = MORE_EVERY_S) -> AsyncIterator[None]:
    """While the block runs, ask systemd not to take the start for hanging, and have `systemctl status` say why.

    Else a start that has to read a large database from a slow disk would be ended in its midst, each time anew.
    """

    async def ask() -> None:
        until_s = time.monotonic() + MORE_FOR_S
        while time.monotonic() < until_s:
            notify_systemd(f"EXTEND_TIMEOUT_USEC={round(MORE_S * 1e6)}\nSTATUS={doing}")
            await asyncio.sleep(every_s)

    task = asyncio.create_task(ask())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        notify_systemd("STATUS=")


@dataclass(frozen=True, slots=True)
class SignsOfLife:
    """Signs of life: frames through all stages, turns of the vision thread, whether any camera gives frames."""

    frames_done: int
    turns: int
    is_any_live: bool


def is_alive(before: SignsOfLife, now: SignsOfLife) -> bool:
    """Whether a frame was processed, or no camera delivers frames and the vision thread still polls them.

    A lost camera must not restart the service, which reports the loss; a frame that gets stuck must.
    """
    if now.frames_done != before.frames_done:
        return True
    return not now.is_any_live and not before.is_any_live and now.turns != before.turns


async def feed_watchdog(look: Callable[[], SignsOfLife]) -> None:
    """Feed the watchdog, three times in its period, for as long as there are signs of life; runs until cancelled."""
    period_us = int(os.environ.get("WATCHDOG_USEC", "0"))
    before = look()
    while True:
        await asyncio.sleep(period_us / 3e6 if period_us else PERIOD_WITHOUT_SYSTEMD_S)
        now = look()
        if is_alive(before, now):
            notify_systemd("WATCHDOG=1")
        before = now
