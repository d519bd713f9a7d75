"""What the kernel knows about the clock."""

from __future__ import annotations

import ctypes
import functools
from pathlib import Path
from typing import Any

_TIME_ERROR = 5
"""`adjtimex` return value of a clock that nobody disciplines (adjtimex(2))."""


class _Timex(ctypes.Structure):
    """The head of `struct timex`; the rest is padding we never read."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 192),
    )


def clock_facts() -> dict[str, Any]:
    """Return `synced` (is the clock disciplined, None if unknown) and `error_bound_ms` as the kernel states them."""
    try:
        timex = _Timex()
        state = ctypes.CDLL(None).adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):
        return {"synced": None, "error_bound_ms": None}
    if state < 0:
        return {"synced": None, "error_bound_ms": None}
    synced = state != _TIME_ERROR
    return {"synced": synced, "error_bound_ms": round(timex.maxerror / 1000, 3) if synced else None}


@functools.cache
def boot_id() -> str:
    """Return the kernel's id of this boot, or an empty text where there is none."""
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text("ascii").strip() if path.is_file() else ""
