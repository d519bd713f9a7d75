"""Counts what happens too often to be listed: a few rows a minute for each kind, then one row with a count."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


@dataclass(slots=True)
class Tally(Generic[K]):
    """Any thread may call. A minute begins with the first event of its kind."""

    max_listed: int
    window_s: float = 60.0
    now: Callable[[], float] = time.monotonic
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _windows: dict[K, list[float]] = field(default_factory=dict)
    """By kind: when its minute began, and how often it has happened since."""

    def is_listed(self, key: K) -> bool:
        """Count an event; whether it gets a row of its own."""
        with self._lock:
            window = self._windows.setdefault(key, [self.now(), 0])
            window[1] += 1
            return window[1] <= self.max_listed

    def take_counts(self, *, all_of_them: bool = False) -> list[tuple[K, int]]:
        """Kinds whose minute is over, with the number of events that were counted and not listed."""
        with self._lock:
            ended = [k for k, (began, _) in self._windows.items() if all_of_them or self.now() - began >= self.window_s]
            counts = [(key, int(self._windows.pop(key)[1]) - self.max_listed) for key in ended]
        return [(key, count) for key, count in counts if count > 0]
