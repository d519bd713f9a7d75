"""What the teacher says of a scene and of the same scene twice as large, as one lesson for the detector.

YuNet places the landmarks of a small face better, and is surer of it, where it sees the face larger; the mean over the
cells that see a face is nearer to the truth than any one of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.pixels.faces.boxes import blend, iou, nms
from tools.train.material.teachers import STRIDES

F32 = NDArray[np.float32]

LEAST_SCORE = 0.05
"""Cells below it are background, and stay as they are."""
SEEN = 0.3
SURE = 0.6
SAME_FACE_IOU = 0.4
BLENDED_IOU = 0.7
LARGE_FACE_PX = 64.0
"""Faces wider than this are placed in the scene as it is: twice as large they fill more than YuNet sees well."""
_RAISED_AT_MOST = 2.0
"""What can hardly be seen in the scene as it is stays doubtful: who is sure of it sees faces where there are none."""


def lesson(small: F32, large: F32, side: int) -> F32:
    """Places of the faces, and scores of small ones, corrected by what is seen at twice the size.

    Parameters
    ----------
    small : (B, cells, 15) float32
        `DenseFaces` of scenes of `side` x `side` px.
    large : (B, 4 * cells, 15) float32
        `DenseFaces` of the same scenes of twice that side.
    side : int, px

    Returns
    -------
    (B, cells, 15) float32
        As `small`; its argument is not changed. A score never falls.
    """
    result = small.copy()
    for answer, from_large in zip(result, large, strict=True):
        scores, boxes, points = _decoded(from_large, 2 * side)
        boxes, scores, points = _faces(boxes / np.float32(2), scores, points / np.float32(2))
        near = np.minimum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]) <= LARGE_FACE_PX
        own_scores, own_boxes, own_points = _decoded(answer, side)
        _correct(answer, side, own_boxes, boxes[near], scores[near], points[near])
        boxes, scores, points = _faces(own_boxes, own_scores, own_points)
        far = np.minimum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]) > LARGE_FACE_PX
        _correct(answer, side, own_boxes, boxes[far], scores[far], points[far])
    return result


def _correct(answer: F32, side: int, cells: F32, boxes: F32, scores: F32, points: F32) -> None:
    """Give cells of `answer`, (cells, 15), the place of the face they see; `cells` are their boxes, (cells, 4) px."""
    seeing = np.flatnonzero(answer[:, 0] >= LEAST_SCORE)
    if not len(boxes) or not len(seeing):
        return
    overlap = iou(cells[seeing], boxes)
    face = overlap.argmax(axis=1)
    same = overlap[np.arange(len(seeing)), face] >= SAME_FACE_IOU
    seeing, face = seeing[same], face[same]
    strides, at = grid(side)
    stride, corner = strides[seeing, np.newaxis], at[seeing]
    box = boxes[face]
    answer[seeing, 1:3] = (box[:, :2] + box[:, 2:]) / 2 / stride - corner
    answer[seeing, 3:5] = np.log(np.maximum(box[:, 2:] - box[:, :2], 1.0) / stride)
    answer[seeing, 5:] = (points[face] / stride[:, np.newaxis] - corner[:, np.newaxis]).reshape(-1, 10)
    for index in np.unique(face[scores[face] >= SURE]):
        of_it = seeing[face == index]
        raised = min(max(float(scores[index] / answer[of_it, 0].max()), 1.0), _RAISED_AT_MOST)
        answer[of_it, 0] = np.minimum(answer[of_it, 0] * raised, 1.0)


def _faces(boxes: F32, scores: F32, points: F32) -> tuple[F32, F32, F32]:
    """One box, score and five points a face, each at the mean of the cells that see it."""
    order = np.argsort(-scores, kind="stable")
    order = order[scores[order] >= SEEN]
    boxes, scores, points = boxes[order], scores[order], points[order]
    placed, marks = blend(boxes, scores, points, len(boxes), BLENDED_IOU)
    kept = nms(boxes, scores, SAME_FACE_IOU)
    return placed[kept], scores[kept], marks[kept]


def _decoded(answer: F32, side: int) -> tuple[F32, F32, F32]:
    """(cells,) scores, (cells, 4) boxes and (cells, 5, 2) points in px."""
    strides, at = grid(side)
    stride = strides[:, np.newaxis]
    center = (at + answer[:, 1:3]) * stride
    half = np.exp(np.clip(answer[:, 3:5], -4, 8)) * stride / 2
    points = (answer[:, 5:].reshape(-1, 5, 2) + at[:, np.newaxis]) * stride[:, np.newaxis]
    return answer[:, 0], np.hstack([center - half, center + half]), points


def grid(side: int) -> tuple[F32, F32]:
    """(cells,) strides and (cells, 2) columns and rows."""
    strides, at = [], []
    for stride in STRIDES:
        count = side // stride
        rows, columns = np.divmod(np.arange(count * count), count)
        at.append(np.stack([columns, rows], axis=1))
        strides.append(np.full(count * count, stride))
    return np.concatenate(strides).astype(np.float32), np.concatenate(at).astype(np.float32)
