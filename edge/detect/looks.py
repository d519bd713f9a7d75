"""What one look at a picture found, and several looks as one answer. No network runs here."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge.arrays import BgrImage, Boxes
from edge.pixels.faces.boxes import drop_nested, iou, nms
from edge.pixels.faces.geometry import Letterbox
from edge.records import Detections

NMS_IOU = 0.45
NESTED_SHARE = 0.75
"""A box with at least this share of its area inside a larger one counts as a part of that face."""
MAX_FACE_PX = 170.0
"""Widest face, px of the network's input, that the full look finds whole; wider ones break into parts."""
OVERVIEW_MIN_SCORE = 0.85
"""Least score in an overview: a face that fills it has over .9, a torso or two hands less."""
_OVERLAP_OF_LOOKS = 0.6
"""The overview begins at this share of that width, so that no face falls between the two."""
TILE_OVERLAP = 0.2
"""Share of a tile that its neighbour shows, too. A face wider than that is left to the look at the whole frame."""

LARGE_PX, LONG_SHAPE = 6000, 3.0
"""Longer side, and how many times the shorter one it is, from which on a still picture is looked at in parts, too."""
PART_PX = 2560
"""Longer side of the smallest parts: faces of 50 px are found in them."""
MOST_PARTS = 64
"""Of one size; of a picture with more of them, such as a line a million pixels long, only larger ones are looked at."""


class Candidates(NamedTuple):
    """Detections of one look, best first."""

    boxes: Boxes  # (N, 4) f32
    scores: NDArray[np.float32]  # (N,)
    landmarks: NDArray[np.float32]  # (N, 5, 2)

    def narrower(self, width_px: float) -> Candidates:
        """Return those at most this wide."""
        return self._pick(self.boxes[:, 2] - self.boxes[:, 0] <= width_px)

    def wider(self, width_px: float) -> Candidates:
        """Return those wider than this."""
        return self._pick(self.boxes[:, 2] - self.boxes[:, 0] > width_px)

    def without(self, others: Candidates) -> Candidates:
        """Those that show nothing of `others`, whose landmarks were seen in more pixels."""
        rows: NDArray[np.bool_] = np.asarray((iou(self.boxes, others.boxes) <= NMS_IOU).all(axis=1), np.bool_)
        return self._pick(rows)

    def moved(self, x: int, y: int) -> Candidates:
        """Return the same in pixels of the picture in which this one begins at (x, y)."""
        by = np.array([x, y], np.float32)
        return Candidates(self.boxes + np.tile(by, 2), self.scores, self.landmarks + by)

    def back(self, fit: Letterbox) -> Candidates:
        """Return the same in pixels of the picture that `fit` was made from."""
        corners = fit.back(self.boxes.reshape(-1, 2, 2)).reshape(-1, 4)
        return Candidates(corners, self.scores, fit.back(self.landmarks))

    def sure(self, min_score: float) -> Candidates:
        """Return those with at least that score."""
        return self._pick(self.scores >= min_score)

    def _pick(self, rows: NDArray[np.bool_]) -> Candidates:
        if rows.all():
            return self
        return Candidates(self.boxes[rows], self.scores[rows], self.landmarks[rows])


class Looks(NamedTuple):
    """What the network saw of one picture: in full, and in an overview where faces may fill much of it.

    No score is cut yet.
    """

    full: Candidates
    overview: Candidates | None
    fit: Letterbox

    def has_between(self, low: float, high: float) -> bool:
        """Whether the lower limit would find anything more."""
        return any(bool(((low <= one.scores) & (one.scores < high)).any()) for one in (self.full, self.overview) if one)

    def at_least(self, min_score: float) -> Candidates:
        """Both looks as one, in pixels of the picture."""
        found = self.full.sure(min_score)
        if self.overview is not None:
            overview = self.overview.sure(max(min_score, OVERVIEW_MIN_SCORE))
            found = found.narrower(MAX_FACE_PX)
            between = overview.wider(MAX_FACE_PX * _OVERLAP_OF_LOOKS).narrower(MAX_FACE_PX).without(found)
            found = joined(joined(found, between), overview.wider(MAX_FACE_PX))
        return found.back(self.fit)


def tiles(width: int, height: int, across: int, down: int | None = None) -> list[tuple[int, int, int, int]]:
    """`across` x `down` tiles (left, top, right, bottom) that cover a frame and overlap by `TILE_OVERLAP`.

    `down` left out: as many as `across`.
    """
    spans = []
    for side, number in ((width, across), (height, across if down is None else down)):
        share = 1 / (number - (number - 1) * TILE_OVERLAP)
        length = min(math.ceil(side * share), side)
        spans.append([(round(k * (side - length) / max(number - 1, 1)), length) for k in range(number)])
    return [(x, y, x + w, y + h) for y, h in spans[1] for x, w in spans[0]]


def parts_of_picture(width: int, height: int, max_side_px: int) -> list[tuple[int, int, int, int]]:
    """Parts (left, top, right, bottom) of a still picture that is so long or large that a look at all of it finds few.

    Parts of growing size, so that a face too wide for the overlap of the smaller ones lies within larger ones. None for
    the usual photo.
    """
    longer, shorter = max(width, height), min(width, height)
    if longer <= LARGE_PX and (longer <= LONG_SHAPE * shorter or longer <= 2 * max_side_px):
        return []
    side, found = min(max(2 * shorter, max_side_px), max(PART_PX, max_side_px)), []
    while side < longer:
        across, down = (max(1, math.ceil((one / side - TILE_OVERLAP) / (1 - TILE_OVERLAP))) for one in (width, height))
        found += tiles(width, height, across, down) if across * down <= MOST_PARTS else []
        side *= 2
    return found


def widest_in(part: tuple[int, int, int, int], width: int, height: int) -> float:
    """Width, px, of a face that surely lies whole in this part of a picture of that size, or in its neighbour."""
    sides = ((part[2] - part[0], width), (part[3] - part[1], height))
    return TILE_OVERLAP * min(side for side, whole in sides if side < whole)


def joined(first: Candidates, second: Candidates) -> Candidates:
    """Return both together, best first."""
    if not len(first.scores) or not len(second.scores):
        return first if len(first.scores) else second
    boxes, scores, landmarks = (np.concatenate(pair) for pair in zip(first, second, strict=True))
    order = np.argsort(-scores, kind="stable")
    return Candidates(boxes[order], scores[order], landmarks[order])


def finish(found: Candidates, image: BgrImage) -> Detections:
    """Suppress overlaps and boxes within a face, and clip to the frame; drop boxes without area."""
    if not len(found.scores):
        return Detections.empty()
    height, width = image.shape[:2]
    kept = np.sort(np.asarray(nms(found.boxes, found.scores, NMS_IOU), np.intp))
    kept = kept[drop_nested(found.boxes[kept], found.scores[kept], NESTED_SHARE)]
    limits = np.array([width, height, width, height], np.float32)
    clipped = np.clip(found.boxes[kept], 0.0, limits).astype(np.float32)
    real = (clipped[:, 2] > clipped[:, 0]) & (clipped[:, 3] > clipped[:, 1])
    return Detections(clipped[real], found.scores[kept][real], found.landmarks[kept][real])
