"""Word to systemd over its notify socket (sd_notify(3)); silent where the service was not started by systemd."""

from __future__ import annotations

import os
import socket


def notify(state: str) -> bool:
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
