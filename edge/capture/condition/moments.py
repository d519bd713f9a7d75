"""Frames of the last five minutes that could be known again exactly, and whether one after the other came back.

A sensor's noise makes every moment different; a recording that is played again brings all of it back, bit by bit. A
frame is known by bands of its samples. Two bands that agree are enough, so a clock in the others is no hindrance.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MEMORY_S = 312.0
"""Seconds that are remembered: loops of up to five minutes are found."""
KEEP_EVERY_S = 0.5
MIN_LAG_S = 6.0
"""What comes back sooner says nothing: a coder may repeat itself with each of its key frames."""
AROUND_S, MAX_EQUAL = 0.35, 2
"""A band that is equal in more of the frames around stands still; a camera may send each picture twice."""
NUM_BANDS, MIN_BANDS = 6, 2
WINDOW_S = 20.0
MIN_BACK, MIN_BACK_SHARE = 12, 0.5
"""Moments that have to be back within the window after the same time, and their share of those remembered."""
MIN_STAY_SHARE = 0.2
"""Share below which the loop is over."""
SAME_S = 0.25
"""How far the times may lie apart after which moments of one loop are back."""

Samples = NDArray[np.uint8]
Prints = list[int]


class Moments:
    """Holds a number for each band of about 600 frames, and no picture."""

    def __init__(self) -> None:
        self.lag_s: float | None = None
        """Seconds after which the stream repeats itself, None while it does not."""
        self._judged_s = -math.inf
        self.begin()

    @property
    def is_looped(self) -> bool:
        """Whether the stream repeats itself."""
        return self.lag_s is not None

    def begin(self) -> None:
        """Forget all, as where a recording is played anew; what was found holds for now."""
        self._recent: deque[tuple[float, Prints]] = deque(maxlen=64)
        self._chosen: tuple[float, Prints] | None = None
        self._next_s = -math.inf
        self._when: dict[int, float] = {}
        self._kept: deque[tuple[float, Prints]] = deque()
        self._back: deque[tuple[float, float]] = deque()

    def look(self, samples: Samples, at_s: float) -> None:
        """Take in samples of one frame, (H, W) uint8, at a monotonic time."""
        prints = [hash((number, band.tobytes())) for number, band in enumerate(np.array_split(samples, NUM_BANDS))]
        self._search(prints, at_s)
        self._recent.append((at_s, prints))
        if self._chosen is None:
            if at_s >= self._next_s:
                self._chosen, self._next_s = self._recent[-1], at_s + KEEP_EVERY_S
        elif at_s - self._chosen[0] > AROUND_S:
            self._keep(*self._chosen)
            self._chosen = None
        if at_s - self._judged_s >= KEEP_EVERY_S:
            self._judged_s = at_s
            self._judge(at_s)

    def _search(self, prints: Prints, at_s: float) -> None:
        found = [when_s for one in prints if (when_s := self._when.get(one)) is not None and at_s - when_s >= MIN_LAG_S]
        for when_s in set(found):
            if found.count(when_s) >= MIN_BANDS:
                self._back.append((at_s, when_s))

    def _keep(self, at_s: float, prints: Prints) -> None:
        around = [one for when_s, one in self._recent if abs(when_s - at_s) <= AROUND_S]
        for number, mine in enumerate(prints):
            is_alone = sum(one[number] == mine for one in around) <= MAX_EQUAL
            if is_alone and at_s - self._when.get(mine, -math.inf) >= MIN_LAG_S:
                self._when[mine] = at_s
        self._kept.append((at_s, prints))
        while at_s - self._kept[0][0] > MEMORY_S:
            then_s, old = self._kept.popleft()
            for one in old:
                if self._when.get(one) == then_s:
                    del self._when[one]

    def _judge(self, at_s: float) -> None:
        while self._back and at_s - self._back[0][0] > WINDOW_S:
            self._back.popleft()
        lag_s, num_back = agreed(self._back)
        asked_s = lag_s if self.lag_s is None else self.lag_s
        num_kept = sum(at_s - WINDOW_S - asked_s <= when_s <= at_s - asked_s for when_s, _ in self._kept)
        if num_back >= max(MIN_BACK, MIN_BACK_SHARE * num_kept):
            self.lag_s = lag_s
        elif num_back < MIN_STAY_SHARE * num_kept or not num_kept:
            self.lag_s = None


def agreed(back: Sequence[tuple[float, float]]) -> tuple[float, int]:
    """The time after which most moments are back, and how many different ones are; (0, 0) where none is.

    `back` holds when a moment was back, and when it had been.
    """
    if not back:
        return 0.0, 0
    now, then = np.array(back).T
    lags = now - then
    order = np.sort(lags)
    ends = np.searchsorted(order, order + SAME_S, side="right")
    first = int(np.argmax(ends - np.arange(len(order))))
    lag_s = float(np.median(order[first : ends[first]]))
    return lag_s, len(np.unique(then[np.abs(lags - lag_s) <= SAME_S]))
