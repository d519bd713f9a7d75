"""Where in a frame: the part that is searched in place of all of it, around what changed and around the faces in view.

It is shrunk less than the whole frame or not at all, so smaller faces are found, and it costs less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edge.arrays import BgrImage, Boxes
from edge.detect import Detector
from edge.pixels.faces.boxes import iou
from edge.pixels.faces.patches import Box
from edge.pixels.scene.change import Gray
from edge.records import Detections, Track

Region = tuple[int, int, int, int]
"""left, top, right, bottom, px of the frame."""

AROUND = 0.5
"""How far a region reaches beyond what is in it, in its own sides: of somebody in the dark the shirt alone may show."""
BESIDE, ABOVE = 1.0, 0.5
"""How far the body and hair of a followed face reach beside and above its box, in box sides; below, to the ground."""
NEAR = 1.0
"""How far around the place of a lost face something of low score may be that face, in box sides; a region reaches so
far beyond each face at least."""
LEAST_PX = 192
"""Shorter side of the smallest region."""
BORDER_PX = 3.0
"""What lies so near to where a region was cut may be a part of a face."""
KNOWN_IOU = 0.3


def region_of(
    changed: NDArray[np.bool_], boxes: Sequence[Box], shape: tuple[int, ...], max_side_px: int
) -> Region | None:
    """The region of a frame around all that changed and all boxes.

    Parameters
    ----------
    changed : (h, w) bool
        Of a small copy of the frame, at least one pixel of it true.
    boxes : xyxy px of the frame
        Of faces.
    shape : height and width of the frame, px
    max_side_px : >= 1
        The detector shrinks what is larger.

    Returns
    -------
    Region or None
        None where it would cost no less than the whole frame.
    """
    height, width = shape[:2]
    rows, columns = np.nonzero(changed)
    # The short side of the small copy is rounded, so the two scales differ: much where a frame is tall and narrow.
    scales = np.tile([width / changed.shape[1], height / changed.shape[0]], 2)
    corners = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]) * scales
    faces = np.array(boxes, np.float64).reshape(-1, 4)
    side = NEAR * (faces[:, 2:] - faces[:, :2])
    low = np.vstack([corners[np.newaxis, :2], faces[:, :2] - side]).min(axis=0)
    high = np.vstack([corners[np.newaxis, 2:], faces[:, 2:] + side]).max(axis=0)
    middle, half = (low + high) / 2, (high - low) * (0.5 + AROUND)
    half = np.maximum(half, LEAST_PX / 2)
    left, top = np.maximum(np.floor(middle - half), 0).astype(int)
    right, bottom = np.minimum(np.ceil(middle + half), [width, height]).astype(int)
    if _cost(right - left, bottom - top, max_side_px) >= _cost(width, height, max_side_px):
        return None
    return int(left), int(top), int(right), int(bottom)


def _cost(width: int, height: int, max_side_px: int) -> float:
    """Pixels that the detector sees of a picture."""
    return float(width * height * min(1.0, max_side_px / max(width, height)) ** 2)


def detect_in(detector: Detector, image: BgrImage, region: Region, min_score: float, known: Boxes) -> Detections:
    """The faces of a region, in px of the whole (H, W, 3) uint8 image.

    What lies at its border and overlaps none of the `known` boxes, (M, 4), is left out: it may be half a face. A search
    of the whole frame will find it.
    """
    left, top, right, bottom = region
    found = detector.detect(np.ascontiguousarray(image[top:bottom, left:right]), min_score)
    corner = np.array([left, top], np.float32)
    moved = replace(
        found,
        boxes=np.asarray(found.boxes + np.tile(corner, 2), np.float32),
        landmarks=np.asarray(found.landmarks + corner, np.float32),
        doubtful=None if found.doubtful is None else np.asarray(found.doubtful + np.tile(corner, 2), np.float32),
        is_whole=False,
    )
    height, width = image.shape[:2]
    # A side of the frame cuts nothing that a search of the whole would not cut as well.
    low = np.array([left if left > 0 else -np.inf, top if top > 0 else -np.inf]) + BORDER_PX
    high = np.array([right if right < width else np.inf, bottom if bottom < height else np.inf]) - BORDER_PX
    is_kept = np.array((moved.boxes[:, :2] >= low).all(axis=1) & (moved.boxes[:, 2:] <= high).all(axis=1), np.bool_)
    if len(known) and not is_kept.all():
        is_kept |= (iou(moved.boxes, known) >= KNOWN_IOU).any(axis=1)
    return moved if is_kept.all() else moved.only(is_kept)


def is_near(boxes: Boxes, tracks: Sequence[Track]) -> bool:
    """Whether any of the boxes, (N, 4), lies near the place of a track."""
    places = np.array([track.box for track in tracks], np.float32).reshape(-1, 4)
    sides = np.tile(places[:, 2:] - places[:, :2], 2) * np.array([-1, -1, 1, 1], np.float32)
    around = np.asarray(places + np.float32(NEAR) * sides, np.float32)
    return bool((iou(around, boxes) > 0).any())


def leave_out(apart: Gray, box: Box, scale: float) -> None:
    """Set to no change, in place, where the person of a face stands; `scale`: px of `apart` a px of `box`."""
    x1, y1, x2, y2 = box
    left, right = (x1 - BESIDE * (x2 - x1)) * scale, (x2 + BESIDE * (x2 - x1)) * scale
    apart[max(int((y1 - ABOVE * (y2 - y1)) * scale), 0) :, max(int(left), 0) : max(int(right) + 1, 0)] = 0
