"""Times any call on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

ROUNDS = 40


def time_ms(
    call: Callable[[], object], rounds: int = ROUNDS, clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """Return milliseconds of each of `rounds` calls, after three warm-up calls; `clock` returns seconds."""
    for _ in range(3):
        call()
    times = []
    for _ in range(rounds):
        start = clock()
        call()
        times.append((clock() - start) * 1000)
    return times


def spread(times: list[float]) -> dict[str, float]:
    """Median, 95th and 99th percentile."""
    return {f"p{part}_ms": float(np.percentile(times, part)) for part in (50, 95, 99)}
