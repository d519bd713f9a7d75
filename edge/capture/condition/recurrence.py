"""Tells a stream that plays the same seconds again and again, whatever a clock in it shows, from a live one.

Two live pictures always differ by the noise of the sensor, at any two moments. In a loop a picture comes back: it is
nearer to the one a period ago than to the one just before it. What moves is left out, and light that comes and goes: a
fan or a turning beacon is where it was a period ago, too, and not where it was just before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge.capture.condition.noise import apart_of, grain_of, still_samples

WINDOW_S = 12.0
"""Seconds of frames that are kept; a loop of up to two thirds of that is found."""
MAX_FRAMES = 400
LOOK_EVERY_S = 0.5
RECENT_S = 0.25
MAX_APART = 0.7
"""Difference from the frame a period ago, as a share of the least difference from those just before, when it is back.

A lamp that blinks brings a picture back, too, but never nearer than its neighbours, whose noise is as different.
"""
MIN_OTHER = 0.3
"""Least difference from those just before, in levels of 255: below, coding leaves no noise to judge by."""
MIN_STILL = 0.5
"""Share of the samples that has to hold still: all of a picture may swing, or be lit by a light that turns."""
MIN_STILL_SLOW, SLOW_FPS = 0.25, 4.0
"""The share for a camera of fewer frames a second: a few frames don't show well how much each sample varies."""
NUM_BACK, NUM_LOOKS = 7, 10
"""Looks of the last ones in which the frame must be back, after the same period."""
NUM_STAY = 5
"""Looks of the last ones in which some frame must be back, after whatever time, until the loop is over."""
_SAME_S, _SAME_SHARE = 0.06, 0.03

Samples = NDArray[np.uint8]


class Recurrence:
    """Holds some hundred samples of each frame of the last seconds."""

    def __init__(self) -> None:
        self.is_looped = False
        """Whether the stream repeats itself."""
        self._frames: deque[tuple[float, Samples]] = deque(maxlen=MAX_FRAMES)
        self._periods: deque[float | None] = deque(maxlen=NUM_LOOKS)
        self._looked_s = float("-inf")
        self._began_s: float | None = None

    def begin(self) -> None:
        """From here a recording is played anew, which is no fault of the camera; what was found holds for now."""
        self._frames.clear()
        self._began_s = None

    def look(self, samples: Samples, at_s: float) -> None:
        """Take in samples of one frame, (H, W) uint8, at a monotonic time; kept, not copied."""
        if self._frames and self._frames[-1][1].shape != samples.shape:
            self.begin()
        self._began_s = at_s if self._began_s is None else self._began_s
        if at_s - self._looked_s >= LOOK_EVERY_S:
            self._looked_s = at_s
            self._periods.append(period_of(self._frames, samples, at_s))
            if at_s - self._began_s >= WINDOW_S or not self.is_looped:
                # One picture that is coded anew each time comes back after any time: that ends nothing.
                num_back = sum(period is not None for period in self._periods)
                self.is_looped = _agree(self._periods) or (self.is_looped and num_back >= NUM_STAY)
        self._frames.append((at_s, samples))
        while at_s - self._frames[0][0] > WINDOW_S:
            self._frames.popleft()


def period_of(before: Sequence[tuple[float, Samples]], samples: Samples, at_s: float) -> float | None:
    """Seconds since a frame was clearly more like this one than those just before it are; None where none was."""
    if not before:
        return None
    stack = grain_of(np.stack([one for _, one in before]))
    is_slow = len(before) < SLOW_FPS * (at_s - before[0][0])
    still = still_samples(stack, MIN_STILL_SLOW if is_slow else MIN_STILL)
    if not still.any():
        return None
    ages = at_s - np.array([when for when, _ in before])
    differences = apart_of(stack[:, still], grain_of(samples[np.newaxis])[0, still])
    recent = ages <= max(RECENT_S, ages[-1])
    other = float(differences[recent].min())
    is_back = differences <= MAX_APART * other
    return float(ages[is_back].min()) if other >= MIN_OTHER and is_back.any() else None


def _agree(periods: deque[float | None]) -> bool:
    """Whether enough looks found a period, all of them multiples of one."""
    found = sorted(period for period in periods if period is not None)
    if len(found) < NUM_BACK:
        return False
    least = found[0]
    return sum(abs(one - round(one / least) * least) <= max(_SAME_S, _SAME_SHARE * one) for one in found) >= NUM_BACK
