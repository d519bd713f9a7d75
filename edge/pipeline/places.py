"""Where in a camera's picture faces are recognised: not under its privacy masks, and in its zones only."""

from __future__ import annotations

from edge.config import CameraConfig
from edge.config.areas import is_inside
from edge.records import Frame, Reason, Track

MAX_MASKED = 0.1
"""A face is refused if more than this share of its box lies under a privacy mask."""
_GRID = 9


def place_problem(frame: Frame, track: Track, camera: CameraConfig | None) -> Reason | None:
    """Why a face is not recognised where it is: too little of it is visible, or its middle lies outside the zones."""
    if camera is None:
        return None
    height, width = frame.pixels.shape[:2]
    x1, y1, x2, y2 = track.box
    if not camera.is_in_zones((x1 + x2) / 2 / width, (y1 + y2) / 2 / height):
        return Reason.OUTSIDE_ZONES
    return _mask_problem(track, camera, height, width)


def _mask_problem(track: Track, camera: CameraConfig, height: int, width: int) -> Reason | None:
    x1, y1, x2, y2 = track.box
    area = max((x2 - x1) * (y2 - y1), 1e-6)
    for mask in camera.masks:
        across = min(x2, (mask.x + mask.width) * width) - max(x1, mask.x * width)
        down = min(y2, (mask.y + mask.height) * height) - max(y1, mask.y * height)
        if across > 0 and down > 0 and across * down > MAX_MASKED * area:
            return Reason.MASKED
    for points in camera.mask_polygons:
        places = [(i + 0.5) / _GRID for i in range(_GRID)]
        hidden = sum(
            is_inside(points, (x1 + a * (x2 - x1)) / width, (y1 + b * (y2 - y1)) / height)
            for a in places
            for b in places
        )
        if hidden > MAX_MASKED * _GRID**2:
            return Reason.MASKED
    return None
