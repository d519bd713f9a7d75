"""Times any call on this machine, in wall-clock and processor time, and beside a peer that is always the same."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

ROUNDS = 40
_PEER = np.random.default_rng(1).normal(size=400_000).astype(np.float32)


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


@dataclass(slots=True)
class Timings:
    """Milliseconds of each call: by the clock, of the processor, and of the peer that was run right after it."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peer: list[float] = field(default_factory=list)
    peer_wall: list[float] = field(default_factory=list)
    """The peer's by the clock: more than its processor time where it had to wait for a processor."""

    def take(self, call: Callable[[], object]) -> None:
        """Time one call, and then the peer."""
        began, cpu_began = time.perf_counter(), time.process_time()
        call()
        cpu_ended, ended = time.process_time(), time.perf_counter()
        self.wall.append((ended - began) * 1e3)
        self.cpu.append((cpu_ended - cpu_began) * 1e3)
        began, cpu_began = time.perf_counter(), time.thread_time()
        _peer()
        self.peer.append((time.thread_time() - cpu_began) * 1e3)
        self.peer_wall.append((time.perf_counter() - began) * 1e3)

    def spread(self) -> dict[str, float]:
        """Percentiles of the wall-clock time, median processor time of all threads, and its ratio to the peer's.

        Other work on the machine lengthens the first, hardly the second, and the ratio least: what slows the processor
        down, such as heat or a neighbour in its caches, slows the peer down, too.
        """
        cpu_ms, peer_ms = float(np.median(self.cpu)), float(np.median(self.peer))
        return {**spread(self.wall), "cpu_ms": cpu_ms, "peer_ratio": cpu_ms / peer_ms}


def waited_ratio(times: Iterable[Timings]) -> float:
    """How many times as long as its work the peer took by the clock: 1 where no other work was in its way."""
    runs = list(times)
    return sum(sum(one.peer_wall) for one in runs) / max(sum(sum(one.peer) for one in runs), 1e-9)


def timings_of(call: Callable[[], object], rounds: int = ROUNDS) -> Timings:
    """Time `rounds` calls, after three warm-up calls, each followed by the peer."""
    for _ in range(3):
        call()
    found = Timings()
    for _ in range(rounds):
        found.take(call)
    return found


def _peer() -> None:
    """Some milliseconds of one thread, in numpy alone, that no release changes."""
    mixed = _PEER * np.float32(1.5) + _PEER[::-1]
    np.sort(mixed[:30_000])
    float(np.sqrt(np.abs(mixed)).sum())


def spread(times: list[float]) -> dict[str, float]:
    """Median, 95th and 99th percentile."""
    return {f"p{part}_ms": float(np.percentile(times, part)) for part in (50, 95, 99)}
