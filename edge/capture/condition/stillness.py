"""Tells a stream that repeats one picture, with the noise of its coding and a running clock in it, from a quiet scene.

Light and a sensor's noise make each stretch of a live picture a little different from the last. A repeated picture
averages to the same values again, or comes back exactly but for its clock. Medians over samples leave the clock out.
"""

from __future__ import annotations

import math
from collections import deque

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.arrays import BgrImage

WINDOW_S = 20.0
"""Seconds that are compared: the first third of their looks with the last."""
MIN_LOOKS = 16
MAX_DRIFT, MAX_WIDE_DRIFT = 0.36, 0.12
"""Median change of the means of samples, and of areas of them, in levels of 255, up to which the picture is the same.

Noise with a deviation of one level under unchanging light, coded with H.264, drifts by .4 to 1 (areas: .1 to .45), the
quietest yard among the clips by 1.1; a still picture under a clock by at most .33 (areas: .09) once its coding settled.
"""
MAX_NOISE = 1.3
"""Median deviation of the samples in time that coding can make."""
MIN_EQUAL, MIN_COMING_BACK = 0.85, 1 / 3
"""Share of the samples that are exactly those of a look over ten seconds before, in such a share of the looks."""
MIN_SAMPLES = 100
_STAY = 2.0
"""How much further the means may drift until a picture that stood still counts as live again."""
_AREA = 8
_GRID = 64
_LOWEST, _HIGHEST = 12.0, 240.0
"""Beyond these a live sensor may be without noise, too."""


class Stillness:
    """Holds samples of the last looks. One look is about 4000 pixels."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, NDArray[np.uint8]]] = deque()
        self._is_still = False
        self._began_s = -math.inf

    def begin_pass(self, at_s: float) -> None:
        """From here a recording is played anew: that it shows the same as a moment before is no fault."""
        self._began_s = at_s

    def look(self, image: BgrImage, at_s: float) -> bool:
        """Take in one frame, (H, W, 3) uint8, and return whether the picture has stood still over the whole window."""
        height, width = image.shape[:2]
        rows, columns = max(1, height // _GRID), max(1, width // _GRID)
        sampled = np.ascontiguousarray(image[rows // 2 :: rows, columns // 2 :: columns])
        samples = np.asarray(cv2.cvtColor(sampled, cv2.COLOR_BGR2GRAY), np.uint8)
        if self._looks and self._looks[-1][1].shape != samples.shape:
            self._looks.clear()
        self._looks.append((at_s, samples))
        is_full = False
        while at_s - self._looks[0][0] > WINDOW_S:
            self._looks.popleft()
            is_full = True
        if not is_full or len(self._looks) < MIN_LOOKS or self._looks[0][0] < self._began_s:
            self._is_still = False
            return False
        slack = _STAY if self._is_still else 1.0
        looks = np.stack([samples for _, samples in self._looks])
        self._is_still = is_repeated(looks, slack)
        return self._is_still


def is_repeated(looks: NDArray[np.uint8], slack: float = 1.0) -> bool:
    """Whether (N, H, W) samples of gray pictures show one picture again and again; `slack` widens the limits of drift.

    At least three looks, of at least 100 samples that are neither black nor white; with fewer it is False.
    """
    mean = looks.mean(axis=0, dtype=np.float32)
    counted = (mean > _LOWEST) & (mean < _HIGHEST)
    if int(counted.sum()) < MIN_SAMPLES:
        return False
    third = len(looks) // 3
    if _comes_back(looks[:third, counted], looks[-third:, counted]):
        return True
    first, last = (part.mean(axis=0, dtype=np.float32) for part in (looks[:third], looks[-third:]))
    drift = last - first
    if float(np.median(np.abs(drift)[counted])) > MAX_DRIFT * slack:
        return False
    size = max(1, drift.shape[1] // _AREA), max(1, drift.shape[0] // _AREA)
    wide = np.abs(cv2.resize(np.where(counted, drift, np.float32(0)), size, interpolation=cv2.INTER_AREA))
    seen = cv2.resize(counted.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    if float(np.median((wide / np.maximum(seen, 0.1))[seen > 0.5])) > MAX_WIDE_DRIFT * slack:
        return False
    return float(np.median(looks.std(axis=0, dtype=np.float32)[counted])) <= MAX_NOISE


def _comes_back(first: NDArray[np.uint8], last: NDArray[np.uint8]) -> bool:
    """Whether later looks, (N, M), are earlier ones again: coding gives equal pictures equal bytes."""
    best = [max(float((look == former).mean()) for former in first) for look in last]
    return float(np.mean(np.array(best) >= MIN_EQUAL)) >= MIN_COMING_BACK
