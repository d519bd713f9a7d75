"""How the box is: each check turns what was measured into a state and a sentence. No clock is read and nothing told.

A state is left a little later than it is entered, so that a value at the limit is not told again and again.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

OK = "ok"
FULL_BYTES = 10_000_000
"""Less than this is no disk space: the next alert may not fit."""
LOAD_WINDOW_S = 10.0
MIN_FPS = 2.0
"""Frames per second and camera below which a box that drops frames is overloaded: faces may pass between them."""
GOOD_FPS = 5.0
"""Below this it is behind: faces are seen, but seldom often enough for a sure answer."""
HOT_C, COOL_C = 80.0, 75.0
EASE = 1.1
UNSYNCED_AFTER_S = 300.0
"""A clock is given this long after the start to be set by the network."""
STEP_S = 2.0
"""A wall clock that moved this much against the boot's own clock was set."""
STEPPED_FOR_S = 3600.0
"""So long it is shown that the clock was set: times of before and after don't fit together."""


def disk(free_bytes: int, asked_bytes: int, former: str, *, is_full: bool = False) -> tuple[str, str]:
    """`full` where nothing fits any more, `low` where pictures are shed. `is_full` is what a write has met."""
    detail = f"{free_bytes // 1_000_000} MB are free, {asked_bytes // 1_000_000} MB are asked for"
    if is_full or free_bytes < FULL_BYTES * (2 if former == "full" else 1):
        return "full", f"{detail}: new hits may not be kept"
    if free_bytes < asked_bytes * (EASE if former != OK else 1.0):
        return "low", f"{detail}: old pictures are shed"
    return OK, detail


def heat(degrees: float | None, throttled: str | None, former: str) -> tuple[str, str]:
    """`throttled` where the board has slowed down, `hot` shortly before."""
    said = "temperature unknown" if degrees is None else f"{degrees:.0f} degrees Celsius"
    if throttled is not None:
        return "throttled", f"{said}; the board says: {throttled}"
    limit = COOL_C if former != OK else HOT_C
    return ("hot" if degrees is not None and degrees >= limit else OK), said


class Clock:
    """Looks whether somebody set the wall clock, and whether anything keeps it right."""

    def __init__(self, wall_s: float, boot_s: float) -> None:
        self._began_s = boot_s
        self._offset_s = wall_s - boot_s
        self._stepped: tuple[float, str] | None = None

    def look(self, wall_s: float, boot_s: float, is_synced: bool | None) -> tuple[str, str, float]:
        """State, sentence, and by how many seconds the clock was set since the last look (0: it was not)."""
        step_s = wall_s - boot_s - self._offset_s
        self._offset_s = wall_s - boot_s
        if abs(step_s) < STEP_S:
            step_s = 0.0
        else:
            way = "forward" if step_s > 0 else "back"
            self._stepped = boot_s, f"the clock was set {abs(step_s):.0f} s {way}"
        if self._stepped is not None and boot_s - self._stepped[0] < STEPPED_FOR_S:
            return "stepped", self._stepped[1], step_s
        if is_synced is False and boot_s - self._began_s > UNSYNCED_AFTER_S:
            return "unsynchronised", "no time server keeps the clock right", step_s
        return OK, "the clock is right again", step_s


@dataclass(frozen=True, slots=True)
class Count:
    """Frames so far, at a moment of the monotonic clock."""

    at_s: float
    done: int
    dropped: int


class Load:
    """Whether the box keeps up with its cameras, over the last seconds."""

    def __init__(self) -> None:
        self._counts: deque[Count] = deque()

    def look(self, now: Count, num_live: int, former: str) -> tuple[str, str] | None:
        """`overloaded` where hardly any frame is processed, `behind` where few are; None while too little was seen."""
        self._counts.append(now)
        while now.at_s - self._counts[0].at_s > LOAD_WINDOW_S:
            self._counts.popleft()
        first = self._counts[0]
        span_s = now.at_s - first.at_s
        if span_s < LOAD_WINDOW_S * 0.8:
            return None
        fps, dropped = (now.done - first.done) / span_s, now.dropped - first.dropped
        said = f"{fps:.1f} frames/s are processed"
        if num_live and dropped > 0:
            said += f", {dropped / span_s:.1f} are shed"
            each = fps / num_live
            if each < MIN_FPS * (EASE if former == "overloaded" else 1.0):
                return "overloaded", said
            if each < GOOD_FPS * (EASE if former != OK else 1.0):
                return "behind", said
        return OK, said

    def dropped_before(self) -> int:
        """Frames dropped up to the start of the time looked at."""
        return self._counts[0].dropped
