"""The C library's heaps: few of them, and given back when much was freed. Nothing here knows what lies in them.

glibc gives each thread a heap of its own, eight for each core, and none gives back what lies in its middle. A service
with a dozen threads, most of which wait, holds a sixth more memory for that.
"""

from __future__ import annotations

import contextlib
import ctypes

NUM_HEAPS = 2
_M_ARENA_MAX = -8


def keep_few(number: int = NUM_HEAPS) -> None:
    """Let all threads of this process share so many heaps; call it before there are any. No glibc: nothing happens."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, number)


def give_back() -> None:
    """Return free memory to the system, after what was needed once; takes some milliseconds."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
