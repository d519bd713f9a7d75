"""Measures where a picture has changed since another one, on a small gray copy; noise and slow light are no change.

State (which picture, how much noise) is the caller's; nothing here knows frames or time.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.arrays import is_plane, require_bgr

Gray = NDArray[np.float32]

SMALL_SIDE_PX = 160
"""Longer side of the small copy. At 1280 px a face of 24 px still covers three of its pixels across."""
FLOOR = 3.0
"""Change, 0..255 over 3 x 3 small pixels, below which nothing counts however still a camera is: codecs make as much."""
CEILING = 14.0
"""Change that always counts, however much a place usually changes: a person before a waving tree is seen."""
GAIN = 3.0
"""How many times what is usual at a place a change has to be."""
MIN_PIXELS = 3
"""Small pixels that have to change together; fewer are a flickering speck."""
RISE_PER_S, FALL_PER_S = 1.0, 0.5
"""Levels a second by which what is usual at a place follows larger and smaller differences."""


def small_gray(image: NDArray[np.uint8], span: tuple[int, int] = (0, 255)) -> Gray:
    """A small gray copy of a picture.

    Parameters
    ----------
    image : (H, W, 3) uint8 BGR, or (H, W) uint8 luma
        Never written to.
    span : (black, white), 0..255
        The values of luma that stand for 0 and 255.

    Returns
    -------
    (h, w) float32, 0..255
        A new array whose longer side is `SMALL_SIDE_PX` px, or the picture's own where that is smaller. Each pixel is
        the mean of four samples of its place, not of all: reading every pixel would cost ten times as much.

    Raises
    ------
    ImageError
        `image` is neither.
    """
    height, width = (image if is_plane(image) else require_bgr(image)).shape[:2]
    scale = min(1.0, SMALL_SIDE_PX / max(height, width))
    small = (max(round(width * scale), 1), max(round(height * scale), 1))
    sampled = (min(2 * small[0], width), min(2 * small[1], height))
    picked = cv2.resize(image, sampled, interpolation=cv2.INTER_NEAREST)
    shrunk = cv2.resize(picked, small, interpolation=cv2.INTER_AREA)
    gray = np.asarray(shrunk if image.ndim == 2 else cv2.cvtColor(shrunk, cv2.COLOR_BGR2GRAY), np.float32)
    black, white = span
    if (black, white) == (0, 255):
        return gray
    stretched = (gray - np.float32(black)) * np.float32(255 / (white - black))
    return np.asarray(np.clip(stretched, np.float32(0), np.float32(255)), np.float32)


def difference(now: Gray, before: Gray) -> Gray:
    """Mean absolute difference over 3 x 3 pixels of two small copies of one size, less what all pixels have in common.

    (h, w) float32, 0..255, a new array. The median difference is taken off: light that changes everywhere alike, as
    when a cloud passes or a camera adapts, is not a change of the scene.
    """
    apart = now - before
    apart -= np.float32(np.median(apart[::4, ::4]))
    return np.asarray(cv2.boxFilter(np.abs(apart), -1, (3, 3)), np.float32)


def changed(apart: Gray, usual: Gray) -> NDArray[np.bool_]:
    """Which small pixels differ by clearly more than is usual there; all (h, w), `apart` and `usual` float32."""
    limit = np.clip(usual * np.float32(GAIN), np.float32(FLOOR), np.float32(CEILING))
    return np.asarray(apart > limit, np.bool_)


def changed_places(apart: Gray, usual: Gray) -> int:
    """How many small pixels differ by clearly more than is usual there. See `MIN_PIXELS`."""
    return int(np.count_nonzero(changed(apart, usual)))


def large_share(apart: Gray) -> float:
    """Share of the picture, 0..1, whose change is beyond `CEILING`: much where something near or fast moves."""
    return int(np.count_nonzero(apart > CEILING)) / apart.size


def follow_usual(usual: Gray, apart: Gray, seconds: float) -> Gray:
    """What is usual at each place after one more difference; a new array.

    By limited steps, so that somebody who walks through hardly raises it, while codec noise, leaves in the wind and
    somebody who stands with his back turned are learnt within some seconds.
    """
    step = np.clip(apart - usual, np.float32(-FALL_PER_S * seconds), np.float32(RISE_PER_S * seconds))
    return np.asarray(usual + step, np.float32)
