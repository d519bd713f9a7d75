"""Finds since when a camera's pixels are unchanged, and since when they are dark, from a sparse grid of them.

A live sensor is never without noise, so exactly equal pixels for seconds mean a camera or link that hangs.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.capture.masks import visible_pixels
from edge.capture.orders import Mask, Polygon
from edge.glance import Glance

DARK_BELOW_LUMA = 10.0
_GRID = 48


class FreezeDetector:
    """Takes every frame and holds the two times."""

    def __init__(self, masks: Sequence[Mask] = (), polygons: Sequence[Polygon] = ()) -> None:
        self.unchanged_since_ns = 0
        """Monotonic time of the first of the equal frames."""
        self.dark_since_ns = 0
        """Monotonic time of the first dark frame, 0 while it is light."""
        self._masks, self._polygons = masks, polygons
        self._shape: tuple[int, ...] = ()
        self._visible: NDArray[np.uint8] = np.zeros((0, 0), np.uint8)
        self._num_visible = 0
        self._last: NDArray[np.uint8] = np.zeros((0, 0, 3), np.uint8)

    def look(self, glance: Glance, mono_ns: int) -> None:
        """Take in one frame, already masked. Copies a grid of at most 48 x 48 or so pixels, or of their luma alone."""
        image, (black, white) = glance.pixels, glance.span
        height, width = image.shape[:2]
        rows, columns = max(1, height // _GRID), max(1, width // _GRID)
        if image.shape != self._shape:
            self._shape = image.shape
            visible = visible_pixels(self._masks, height, width, self._polygons)[::rows, ::columns]
            self._visible, self._num_visible = visible.astype(np.uint8), int(np.count_nonzero(visible))
        grid = image[::rows, ::columns].copy()
        if not np.array_equal(grid, self._last):
            self.unchanged_since_ns = mono_ns
        self._last = grid
        channels = 1 if grid.ndim == 2 else 3
        mean = sum(cv2.mean(grid, self._visible)[:channels]) / channels
        is_dark = self._num_visible > 0 and (mean - black) * 255 / (white - black) < DARK_BELOW_LUMA
        if not is_dark:
            self.dark_since_ns = 0
        elif self.dark_since_ns == 0:
            self.dark_since_ns = mono_ns
