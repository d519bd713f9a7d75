"""Turns measurements of disk, heat, clock and load into a state and a sentence. Pure: reads no clock, sends nothing.

Leaving a state takes a slightly better value than entering it, so that a value at the limit does not flap.
"""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from edge.store import Consumer, Damage, Losses, time_from_text, time_to_text
from edge.store.identity.identity import CLONE, FIX, Finding

OK = "ok"
"""The state of a subject of health with which nothing is wrong."""
MIN_WRITABLE_BYTES = 10_000_000
"""Free bytes below which the disk counts as full: the next alert may not fit."""
LOAD_WINDOW_S = 10.0
LOAD_STEADY_S = 30.0
"""Seconds for which the appliance must keep up better before that is said: what it gives up helps at once, and a state
that came and went with it would fill the feed."""
LOAD_STATES = (OK, "behind", "overloaded")
MIN_FPS = 2.0
"""Frames per second and camera below which an appliance that drops frames is overloaded: faces may pass unseen."""
FEW_DROPPED = 0.1
"""Share of the frames that may be dropped all the same: of a camera of one frame a second one may be."""
GOOD_FPS = 5.0
"""Frames per second and camera below which the appliance is behind: too few shots of a face for a sure answer."""
SHOW_ANSWERS_FOR_S = 600.0
HOT_C, COOL_C = 80.0, 75.0
RECOVERY_FACTOR = 1.1
UNSYNCED_AFTER_S = 300.0
"""Seconds after the start in which the network may still set the clock."""
MIN_CLOCK_STEP_S = 2.0
"""A change of the wall clock against the boot clock, in seconds, that counts as somebody setting it."""
SHOW_DAMAGE_FOR = dt.timedelta(days=7)
SHOW_STEP_FOR_S = 3600.0
"""Seconds for which a step is shown, because times before and after it can't be compared."""


def disk(free_bytes: int, asked_bytes: int, former: str, *, is_full: bool = False) -> tuple[str, str]:
    """Return `full` (new hits may not be kept) or `low` (old pictures are being deleted), and how much is free.

    `is_full`: a write failed for space.
    """
    detail = f"{free_bytes // 1_000_000} MB are free, {asked_bytes // 1_000_000} MB are asked for"
    if is_full or free_bytes < MIN_WRITABLE_BYTES * (2 if former == "full" else 1):
        return "full", detail
    if free_bytes < asked_bytes * (RECOVERY_FACTOR if former != OK else 1.0):
        return "low", detail
    return OK, detail


def damage(found: Damage | None, wall: dt.datetime) -> tuple[str, str]:
    """What was damaged and mended, shown for some days."""
    if found is None or wall - time_from_text(found.since) > SHOW_DAMAGE_FOR:
        return OK, "no new damage was found"
    return found.state, found.detail


def pictures(found: Losses) -> tuple[str, str]:
    """`unusable` where hits are kept without pictures; `missing` where files of kept pictures are gone."""
    if found.folder:
        return "unusable", found.folder
    if found.pictures:
        if found.pictures == 1:
            return "missing", "1 kept picture is not on the disk any more"
        return "missing", f"{found.pictures:,} kept pictures are not on the disk any more"
    return OK, "all kept pictures are there"


def hits(found: Losses) -> tuple[str, str]:
    """`damaged` where rows of hits can't be read."""
    if found.hits:
        if found.hits == 1:
            return "damaged", "1 hit can't be read: its row in the database is damaged"
        return "damaged", f"{found.hits:,} hits can't be read: their rows in the database are damaged"
    return OK, "all hits can be read"


def identity(found: Finding) -> tuple[str, str]:
    """`clone` where this machine is not the one the device was made on."""
    return (CLONE, f"{found.sentence()}; {FIX}") if found.is_clone else (OK, "the device is on its own machine")


def consumers(known: Sequence[Consumer], since: dt.datetime, now: dt.datetime, minutes: float) -> tuple[str, str]:
    """`silent` where servers may pull, and none has for so many minutes (0: never); at the earliest from `since` on."""
    if not known or minutes <= 0:
        return OK, "no central server is waited for"
    pulled = [one.last_pull_at for one in known if one.last_pull_at is not None]
    if now - max([since, *pulled]) <= dt.timedelta(minutes=minutes):
        return OK, "a central server pulls"
    last = f"the last pull was at {time_to_text(max(pulled))}" if pulled else "none has ever pulled"
    return "silent", f"no central server has pulled for more than {minutes:g} minutes: {last}"


def schedule(off: Sequence[str]) -> tuple[str, str]:
    """`off`: cameras in which no faces are looked for now, by the hours set for them."""
    if off:
        return "off", f"by their schedule no faces are looked for at: {', '.join(off)}"
    return OK, "every camera is within its hours"


def heat(degrees: float | None, throttled: str | None, former: str) -> tuple[str, str]:
    """`throttled` where the board has slowed down, `hot` shortly before."""
    said = "temperature unknown" if degrees is None else f"{degrees:.0f} degrees Celsius"
    if throttled is not None:
        return "throttled", f"{said}; the board says: {throttled}"
    limit = COOL_C if former != OK else HOT_C
    return ("hot" if degrees is not None and degrees >= limit else OK), said


def left_out(num_refused: int) -> str:
    """What is said of so many answers of the models that could not be used."""
    return (
        f"answers of the models that are no numbers, and were left out: {num_refused}; run `edge models verify`, and "
        "start again if it goes on"
    )


class AnswersCheck:
    """Whether the models answer numbers: what they answered else was left out, and is told for some minutes."""

    def __init__(self) -> None:
        self._known = 0
        self._until_s = float("-inf")

    def check(self, num_refused: int, now_s: float) -> tuple[str, str]:
        """Return `wrong` while answers had to be left out; `num_refused` counts them since the start."""
        if num_refused > self._known:
            self._known, self._until_s = num_refused, now_s + SHOW_ANSWERS_FOR_S
        if now_s < self._until_s:
            return "wrong", left_out(num_refused)
        return OK, "the models answer numbers again"


class ClockCheck:
    """Detects steps of the wall clock, and a clock that no time server keeps right."""

    def __init__(self, wall_s: float, boot_s: float) -> None:
        self._began_s = boot_s
        self._offset_s = wall_s - boot_s
        self._stepped: tuple[float, str] | None = None

    def check(self, wall_s: float, boot_s: float, is_synced: bool | None) -> tuple[str, str, float]:
        """Return state, sentence, and the seconds by which the clock was set since the last call (0: it was not)."""
        step_s = wall_s - boot_s - self._offset_s
        self._offset_s = wall_s - boot_s
        if abs(step_s) < MIN_CLOCK_STEP_S:
            step_s = 0.0
        else:
            way = "forward" if step_s > 0 else "back"
            self._stepped = boot_s, f"the clock was set {abs(step_s):.0f} s {way}"
        if self._stepped is not None and boot_s - self._stepped[0] < SHOW_STEP_FOR_S:
            return "stepped", self._stepped[1], step_s
        if is_synced is False and boot_s - self._began_s > UNSYNCED_AFTER_S:
            return "unsynchronised", "no time server keeps the clock right", step_s
        return OK, "the clock is right again", step_s


@dataclass(frozen=True, slots=True)
class FrameCount:
    """Frames so far, at a moment of the monotonic clock."""

    at_s: float
    done: int
    dropped: int


class LoadCheck:
    """Whether the appliance keeps up with its cameras, over the last seconds."""

    def __init__(self) -> None:
        self._counts: deque[FrameCount] = deque()
        self._better_since_s: float | None = None

    def check(self, now: FrameCount, num_live: int, former: str) -> tuple[str, str] | None:
        """Return `overloaded`, `behind` or `ok` by frames/s per camera; None until the window is nearly full.

        A better state than `former` is returned once it has lasted, a worse one at once.
        """
        self._counts.append(now)
        while now.at_s - self._counts[0].at_s > LOAD_WINDOW_S:
            self._counts.popleft()
        if now.at_s - self._counts[0].at_s < LOAD_WINDOW_S * 0.8:
            return None
        state, said = self._judge(now, num_live, former)
        if LOAD_STATES.index(state) >= LOAD_STATES.index(former):
            self._better_since_s = None
            return state, said
        self._better_since_s = now.at_s if self._better_since_s is None else self._better_since_s
        if num_live and now.at_s - self._better_since_s < LOAD_STEADY_S:
            return former, said
        self._better_since_s = None
        return state, said

    def _judge(self, now: FrameCount, num_live: int, former: str) -> tuple[str, str]:
        first = self._counts[0]
        span_s = now.at_s - first.at_s
        fps, dropped = (now.done - first.done) / span_s, now.dropped - first.dropped
        said = f"{fps:.1f} frames/s are processed"
        if num_live and dropped > FEW_DROPPED * (dropped + now.done - first.done):
            said += f", {dropped / span_s:.1f} are dropped"
            each = fps / num_live
            if each < MIN_FPS * (RECOVERY_FACTOR if former == "overloaded" else 1.0):
                return "overloaded", said
            if each < GOOD_FPS * (RECOVERY_FACTOR if former != OK else 1.0):
                return "behind", said
        return OK, said

    def dropped_at_window_start(self) -> int:
        """The count of dropped frames at the start of the window."""
        return self._counts[0].dropped
