"""The course of light in the areas of a picture, and whether the same course was there before, minutes ago.

What moves through a scene lightens and darkens its areas one after the other. In a loop all of it comes back after the
same time; it survives another coding, a clock and a soft seam. A quiet scene has no course and says nothing. A traffic
light, a screen or a robot before a live camera repeats its course as well, so the sensor's noise must be back, too.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.capture.condition.noise import Noise

MEMORY_S = 312.0
"""Seconds that are remembered: loops of up to five minutes are found."""
LOOK_S = 0.5
"""Seconds over which the light of an area is averaged; a camera's own rate makes them a little longer."""
MAX_GAP_S = 2.0
"""After a longer silence all is forgotten, for lags are counted in looks."""
MIN_LAG_S = 8.0
"""Something that swings or is driven to and fro comes back sooner."""
ALIKE, ALIKE_STILL = 0.8, 0.5
"""Correlation from which on a course is the same as before, and below which it is no more."""
MAX_ALIKE_SOONER = 0.6
"""Correlation after a shorter time from which on something swings, blinks or turns in the scene itself."""
MIN_LOOKS = 40
"""Looks in which something has to change as it did before: three or four people who walk by, one after the other."""
MIN_AREAS = 0.1
"""Share of the areas that have to take part: a screen or a traffic light is smaller."""
ASK_EVERY_S = 5.0
"""Seconds between two questions for the noise, which take some milliseconds each, while a course is back."""
MIN_COURSES = 3.0
"""Number of independent courses: a lamp that lights a whole room has one."""
_FADE = 40.0
"""Looks with a change after which an older one weighs a third."""
_DEAD, _MOST = 1.5, 12.0
"""Levels of 255 of a change, below which noise and coding may have made it, and above which it counts no more."""
_APART = 2
"""Looks between the two whose light is compared."""
_SOONEST = 4
_SIDE = 12
_CAPACITY = round(MEMORY_S / LOOK_S)
_RICH_LOOKS = 240

Samples = NDArray[np.uint8]
Values = NDArray[np.float32]


class Courses:
    """Holds the changes of 144 areas over the last five minutes, 360 KB, and for each lag how alike they were.

    With the samples by which noise is known again it is about a megabyte.
    """

    def __init__(self) -> None:
        self.lag: int | None = None
        """After how many looks all comes back, None while it does not."""
        self._looked_s = self._asked_s = -math.inf
        self._noise = Noise()
        self.begin()

    @property
    def is_looped(self) -> bool:
        """Whether the stream repeats itself."""
        return self.lag is not None

    def begin(self) -> None:
        """Forget all, as where a recording is played anew; what was found holds for now."""
        self._light, self._num_frames = np.zeros(_SIDE * _SIDE, np.float32), 0
        self._levels: list[Values] = []
        self._changes = np.zeros((_CAPACITY, _SIDE * _SIDE), np.float32)
        self._energies = np.zeros(_CAPACITY, np.float32)
        self._mean_energies = np.zeros(_CAPACITY, np.float32)
        self._sums = np.zeros((5, _CAPACITY), np.float32)
        self._num_both = np.zeros(_CAPACITY, np.int64)
        self._looks_s = np.zeros(_CAPACITY, np.float64)
        self._num_looks = 0
        self._noise.begin()

    def look(self, samples: Samples, at_s: float) -> None:
        """Take in samples of one frame, (H, W) uint8, at a monotonic time."""
        self._noise.note(samples, at_s)
        areas = cv2.resize(samples, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        self._light += areas.reshape(-1)
        self._num_frames += 1
        since_s = at_s - self._looked_s
        if since_s < LOOK_S - 1e-6:
            return
        self._looked_s = at_s
        light = self._light / np.float32(self._num_frames)
        if since_s > MAX_GAP_S:
            self.begin()
            self.lag = None
        self._light[:], self._num_frames = 0, 0
        self._levels.append(light)
        if len(self._levels) > _APART:
            self._take(change_of(self._levels[-1], self._levels.pop(0)), at_s)
            self._judge(at_s)

    def alike(self) -> Values:
        """Correlation of the last changes with those so many looks before, by lag; -1..1, 0 where nothing changed.

        Or with the mean of that look and the one before, where that is more alike: a loop's length is seldom a whole
        number of looks.
        """
        now, products, before, mean_products, means = self._sums
        exactly = products / np.sqrt(np.maximum(now * before, 1e-6))
        between = mean_products / np.sqrt(np.maximum(now * means, 1e-6))
        return np.asarray(np.maximum(exactly, between), np.float32)

    def _take(self, change: Values, at_s: float) -> None:
        """Add one change to the sums of each lag. What turns out not to be alike there is forgotten at once."""
        energy = np.float32(change @ change)
        slots = (self._num_looks - np.arange(_CAPACITY)) % _CAPACITY
        mean = (change + self._changes[slots[1]]) / 2
        self._mean_energies[slots[0]] = mean @ mean
        self._changes[slots[0]], self._energies[slots[0]], self._looks_s[slots[0]] = change, energy, at_s
        self._num_looks += 1
        before = self._energies[slots]
        if not before.any():
            return
        self._sums *= np.where((before > 0) | (energy > 0), np.float32(1 - 1 / _FADE), np.float32(1))
        products = (self._changes @ change)[slots]
        mean_products = (products + np.append(products[1:], np.float32(0))) / 2
        energies = np.full_like(before, energy)
        self._sums += np.stack((energies, products, before, mean_products, self._mean_energies[slots]))
        self._num_both += (before > 0) & (energy > 0)
        is_other = self.alike() < ALIKE_STILL
        self._sums[:, is_other] = 0
        self._num_both[is_other] = 0

    def _judge(self, at_s: float) -> None:
        alike = self.alike()
        if self.lag is not None:
            if alike[self.lag - 1 : self.lag + 2].max() < ALIKE_STILL:
                self.lag = None
            return
        is_back = (alike >= ALIKE) & (self._num_both >= MIN_LOOKS)
        is_back[: round(MIN_LAG_S / LOOK_S)] = False
        if not is_back.any():
            return
        best = float(alike[is_back].max())
        lag = int(np.flatnonzero(is_back & (alike >= 0.95 * best))[0])  # a multiple of it is as much alike
        sooner = slice(_SOONEST, lag - _SOONEST + 1)
        is_sooner = (alike[sooner] >= MAX_ALIKE_SOONER) & (self._num_both[sooner] >= MIN_LOOKS // 2)
        if is_sooner.any() or at_s - self._asked_s < ASK_EVERY_S or not self._is_rich():
            return
        self._asked_s = at_s
        if self._noise.is_back(at_s - float(self._looks_s[(self._num_looks - 1 - lag) % _CAPACITY])):
            self.lag = lag

    def _is_rich(self) -> bool:
        """Whether so much happened of late that chance, or one thing that turns, is no reason."""
        moved = self._changes[(self._num_looks - 1 - np.arange(_RICH_LOOKS)) % _CAPACITY]
        together = moved.T @ moved
        # With p the powers of the principal components: (sum of p)^2 / sum of p^2, for which none need be computed.
        courses = float(np.trace(together)) ** 2 / max(float((together**2).sum()), 1e-6)
        return bool((moved != 0).any(axis=0).mean() >= MIN_AREAS and courses >= MIN_COURSES)


def change_of(now: Values, before: Values) -> Values:
    """Change of each area, in levels of 255, less what all have in common, without noise and without outliers."""
    apart = now - before
    apart -= np.median(apart)
    return np.asarray(np.sign(apart) * np.clip(np.abs(apart) - _DEAD, 0, _MOST), np.float32)
