"""What systemd is told over its notify socket (sd_notify(3)), and when its watchdog is fed.

Nothing is sent where systemd did not start the service.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass

PERIOD_WITHOUT_SYSTEMD_S = 5.0


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
