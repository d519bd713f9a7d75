"""The faces of a kept frame that are not the hit's: where they are, so that they are covered before it is encoded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge.arrays import BgrImage, Boxes
from edge.detect import tiles
from edge.errors import AnswerError
from edge.pixels.faces.boxes import iou
from edge.pixels.faces.cover import cover_faces
from edge.records import Detections, Track

DOUBTFUL_SCORE = 0.34
"""Detector score from which on something may be a face and is covered: a cover too many does less harm. Nearly every
face that can be seen is found from here on, as from .3 on by the detector before (decision 90)."""
MAX_UNTILED_PX = 960
"""Frames with a longer side are also searched in tiles, since the detector would see their small faces too coarsely."""
LEAST_TILES = 2
TILE_PX = 2200
"""Side that no tile exceeds by much: in a larger one faces that anybody would know were too small for the detector."""
DOUBTFUL_MARGIN = 0.1
"""The cover of what may be a face reaches so far beyond it: with more, false finds would hide much of the scene."""
SAME_FACE_IOU = 0.2
SAME_FACE_SHARE = 0.6
"""A doubtful box that overlaps the hit's own face by this much is a part of it, or the same face once more."""

Box = tuple[float, float, float, float]


def _no_boxes() -> Boxes:
    return np.zeros((0, 4), np.float32)


class Searcher(Protocol):
    """Anything that finds faces."""

    def detect(self, image: BgrImage, min_score: float | None = None) -> Detections:
        """Faces of an (H, W, 3) uint8 BGR image, best first."""
        ...


@dataclass(frozen=True, slots=True)
class Bystanders:
    """Boxes of one frame beside a face, each (N, 4) float32 xyxy px.

    `detected` were found as faces of their own, whatever their score. `doubtful` may be faces: where a track not seen
    in this frame should be, and what has a low score.
    """

    detected: Boxes = field(default_factory=_no_boxes)
    doubtful: Boxes = field(default_factory=_no_boxes)
    is_searched: bool = False
    """Whether `doubtful` holds all that a low score finds in the whole frame."""


def bystanders_of(track: Track, detections: Detections, tracks: Sequence[Track]) -> Bystanders:
    """All faces of a frame beside that of `track`."""
    own = [] if track.detection is None else [track.detection]
    unseen = [one.box for one in tracks if one.detection is None and one.track_id != track.track_id]
    doubtful = np.array(unseen, np.float32).reshape(-1, 4)
    if detections.doubtful is not None:
        doubtful = np.concatenate([doubtful, detections.doubtful])
    return Bystanders(np.delete(detections.boxes, own, axis=0), doubtful, _is_told(detections))


def beside(face: int, detections: Detections) -> Bystanders:
    """All faces of a picture beside its detection number `face`."""
    doubtful = _no_boxes() if detections.doubtful is None else detections.doubtful
    return Bystanders(np.delete(detections.boxes, face, axis=0), doubtful, _is_told(detections))


def _is_told(detections: Detections) -> bool:
    """Whether a search told all that a low score finds in the whole frame."""
    return detections.is_whole and detections.doubtful is not None


def everybody_in(detections: Detections, tracks: Sequence[Track]) -> Bystanders:
    """All faces of a frame: those found in it, and those that are only followed there."""
    followed = np.array([one.box for one in tracks], np.float32).reshape(-1, 4)
    doubtful = _no_boxes() if detections.doubtful is None else detections.doubtful
    return Bystanders(np.concatenate([detections.boxes, followed]), doubtful, _is_told(detections))


def cover_everybody(image: BgrImage, known: Bystanders, searcher: Searcher | None) -> BgrImage:
    """The frame with every face covered. A frame that was not searched before is searched with each score."""
    every = _searched(image, known, searcher)
    covered = cover_faces(image, _with_area(every.detected))
    return cover_faces(covered, _with_area(every.doubtful), margin=DOUBTFUL_MARGIN)


def find_bystanders(image: BgrImage, own: Box, known: Bystanders, searcher: Searcher | None) -> Bystanders:
    """All that is to be covered in a frame that is kept for the face in the box `own`.

    `known` is what the search of the frame found. Unless that search covered the whole frame with a low score,
    `searcher` does so now. It also searches a large frame tile by tile.
    """
    every, face = _searched(image, known, searcher), np.array(own, np.float32)
    others = every.detected[len(known.detected) :]
    others = others[~_is_same_face(others, face)]
    whole = (every.doubtful == np.array([0, 0, image.shape[1], image.shape[0]], np.float32)).all(axis=1)
    doubtful = every.doubtful[~_is_same_face(every.doubtful, face) | whole]
    return Bystanders(_with_area(np.concatenate([known.detected, others])), _with_area(doubtful))


def cover_bystanders(image: BgrImage, own: Box, others: Bystanders) -> BgrImage:
    """The frame with those faces covered; the face in the box `own` stays; what is doubtful never touches its box."""
    face = np.array(own, np.float32)
    sure = cover_faces(image, others.detected, face)
    done = cover_faces(sure, others.doubtful, face, margin=DOUBTFUL_MARGIN)
    if done is not sure:
        left, top = np.floor(np.maximum(face[:2], 0)).astype(int)
        right, bottom = np.ceil(np.maximum(face[2:], 0)).astype(int)
        done[top:bottom, left:right] = sure[top:bottom, left:right]
    return done


def _with_area(boxes: Boxes) -> Boxes:
    return boxes[(boxes[:, 2:] > boxes[:, :2]).all(axis=1)]


def _searched(image: BgrImage, known: Bystanders, searcher: Searcher | None) -> Bystanders:
    """What is known of a frame, followed by what `searcher` finds in it.

    If the searcher's answer is no number, all of the frame counts as somebody else's face.
    """
    try:
        return known if searcher is None else _found_by(searcher, image, known)
    except AnswerError:
        everywhere = np.array([[0, 0, image.shape[1], image.shape[0]]], np.float32)
        return Bystanders(known.detected, np.concatenate([known.doubtful, everywhere]), is_searched=True)


def _found_by(searcher: Searcher, image: BgrImage, known: Bystanders) -> Bystanders:
    height, width = image.shape[:2]
    sure, doubtful = [known.detected], [known.doubtful]
    if not known.is_searched:
        sure.append(searcher.detect(image).boxes)
        doubtful.append(searcher.detect(image, DOUBTFUL_SCORE).boxes)
    if max(height, width) > MAX_UNTILED_PX:
        across, down = (max(LEAST_TILES, math.ceil(side / TILE_PX)) for side in (width, height))
        for left, top, right, bottom in tiles(width, height, across, down):
            part = searcher.detect(np.ascontiguousarray(image[top:bottom, left:right]), DOUBTFUL_SCORE).boxes
            doubtful.append(part + np.array([left, top] * 2, np.float32))
    return Bystanders(np.concatenate(sure), np.concatenate(doubtful), is_searched=True)


def _is_same_face(boxes: Boxes, own: Boxes) -> NDArray[np.bool_]:
    """Which of (N, 4) boxes show the face in the box `own` (4,), or a part of it."""
    low, high = np.maximum(boxes[:, :2], own[:2]), np.minimum(boxes[:, 2:], own[2:])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    areas = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=1)
    smaller = np.minimum(areas, (own[2:] - own[:2]).prod())
    is_alike = iou(boxes, own[np.newaxis])[:, 0] >= SAME_FACE_IOU
    return np.asarray(is_alike | (shared >= SAME_FACE_SHARE * np.maximum(smaller, 1e-6)), np.bool_)
