"""Overlap of boxes, and suppression by overlap. Boxes are xyxy px."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.arrays import Boxes
from edge.errors import ImageError

F32 = NDArray[np.float32]
Indices = NDArray[np.intp]
_ZERO = np.float32(0)
_AT_ONCE = 128
"""Boxes up to which all pairs are compared at once."""
_COMPARABLE = np.float32(1 / 3)
"""Share of a box's area from which on a better box inside it shows the same face, not a part of it."""


def iou(a: Boxes, b: Boxes) -> F32:
    """Intersection over union of every pair of boxes.

    Parameters
    ----------
    a : (N, 4) float32 xyxy px
    b : (M, 4) float32 xyxy px
        Neither is changed. N and M may be 0. A box whose far corner is not beyond its near one has no area.

    Returns
    -------
    (N, M) float32, 0..1
        A new array; 0 where neither box has an area.

    Raises
    ------
    ImageError
        Not (N, 4), or not finite.
    """
    first, second = _require_boxes(a), _require_boxes(b)
    return _overlap(first[:, np.newaxis], second[np.newaxis])


def nms(boxes: Boxes, scores: F32, iou_threshold: float) -> Indices:
    """Keep the best of boxes that show the same thing (greedy non-maximum suppression).

    Parameters
    ----------
    boxes : (N, 4) float32 xyxy px
    scores : (N,) float32, higher is better
        Neither is changed. Of equal scores the lower index goes first.
    iou_threshold : float, 0..1
        A box is dropped when its IoU with a kept one is above this.

    Returns
    -------
    (K,) intp
        Indices of the kept boxes, best score first.

    Raises
    ------
    ImageError
        Wrong shapes, values that are not finite, or a threshold outside 0..1.
    """
    checked = _require_boxes(boxes)
    values = np.asarray(scores, np.float32)
    if values.shape != (len(checked),) or not np.isfinite(values).all():
        raise ImageError(
            f"non-maximum suppression needs one finite score per box, got {values.shape} for {len(checked)}"
        )
    if not 0 <= iou_threshold <= 1:
        raise ImageError(f"non-maximum suppression can't use the threshold {iou_threshold}: pass 0..1")
    order = np.argsort(-values, kind="stable")
    return order[_suppress(checked[order], np.float32(iou_threshold))]


def blend(boxes: Boxes, scores: F32, landmarks: F32, count: int, min_iou: float) -> tuple[Boxes, F32]:
    """Place the first detections at the mean of all that show the same face, a better one weighing more.

    Parameters
    ----------
    boxes : (N, 4) float32 xyxy px
    scores : (N,) float32, 0..1, best first
    landmarks : (N, 5, 2) float32 px
        None is changed.
    count : int, 0..N
        How many of the first are placed.
    min_iou : float, 0..1
        Two detections show the same face when their boxes overlap at least so much.

    Returns
    -------
    (count, 4) float32 px, (count, 5, 2) float32 px
        New boxes and landmarks.

    Raises
    ------
    ImageError
        Wrong shapes, boxes that are not finite, or a count outside 0..N.

    Notes
    -----
    Bazarevsky et al., BlazeFace (2019), section 4.2, which weighs by the score; here by its cube.
    """
    checked, marks = _require_boxes(boxes), np.asarray(scores, np.float32)
    points = np.asarray(landmarks, np.float32)
    if marks.shape != (len(checked),) or points.shape != (len(checked), 5, 2) or not 0 <= count <= len(checked):
        raise ImageError(
            f"blending needs a score and five landmarks per box, got {marks.shape} and {points.shape} for "
            f"{len(checked)}, of which {count} are placed"
        )
    values = np.hstack([checked, points.reshape(-1, 10)])
    placed = _blend(checked, values=values, scores=marks, count=count, threshold=np.float32(min_iou))
    return placed[:, :4], placed[:, 4:].reshape(-1, 5, 2)


def drop_nested(boxes: Boxes, scores: F32, share: float) -> Indices:
    """Keep one box a face where detections are nested: an eye or a mouth inside a face, or a box around two faces.

    Parameters
    ----------
    boxes : (N, 4) float32 xyxy px
    scores : (N,) float32, higher is better
        Neither is changed.
    share : float, 0..1
        A box lies within a larger one when at least this share of its own area does.

    Returns
    -------
    (K,) intp
        Indices of the kept boxes, ascending. The larger box stays, unless a better one of at least a third of its area,
        or two better ones of any size, lie within it.

    Raises
    ------
    ImageError
        Wrong shapes, values that are not finite, or a share outside 0..1.

    Notes
    -----
    IoU cannot tell this: a box of a quarter of a face's size inside it has an IoU of .25, as two neighbours may have.
    """
    checked, values = _require_boxes(boxes), np.asarray(scores, np.float32)
    if values.shape != (len(checked),) or not np.isfinite(values).all() or not 0 <= share <= 1:
        raise ImageError(f"nested boxes need one finite score per box and a share in 0..1, got {share}")
    size = np.clip(checked[:, 2:] - checked[:, :2], 0, None)
    area = size[:, 0] * size[:, 1]
    low = np.maximum(checked[:, np.newaxis, :2], checked[np.newaxis, :, :2])
    high = np.minimum(checked[:, np.newaxis, 2:], checked[np.newaxis, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    is_inner = (area < area[:, np.newaxis]) & (shared >= share * area)
    kept = np.ones(len(checked), np.bool_)
    around = np.flatnonzero(is_inner.any(axis=1) & (area > 0))
    for outer in around[np.argsort(-area[around], kind="stable")]:
        if not kept[outer]:
            continue
        inner = np.flatnonzero(kept & is_inner[outer])
        better = inner[values[inner] > values[outer]]
        if len(better) >= 2 or (area[better] >= _COMPARABLE * area[outer]).any():
            kept[outer] = False
        else:
            kept[inner] = False
    return np.flatnonzero(kept)


def clip(boxes: Boxes, width: int, height: int) -> Boxes:
    """Cut boxes at the borders of a frame.

    Parameters
    ----------
    boxes : (N, 4) float32 xyxy px
        Not changed.
    width, height : int, px

    Returns
    -------
    (N, 4) float32
        A new array: x within 0..width, y within 0..height. A box wholly outside keeps no area.

    Raises
    ------
    ImageError
        Not (N, 4), or not finite.
    """
    limits = np.array([width, height, width, height], np.float32)
    return np.clip(_require_boxes(boxes), np.float32(0), limits)


def _require_boxes(boxes: Any) -> Boxes:
    checked = np.asarray(boxes, np.float32)
    if checked.ndim != 2 or checked.shape[1] != 4 or not np.isfinite(checked).all():
        raise ImageError(f"boxes must be finite and (N, 4), got shape {checked.shape}")
    return checked


def _overlap(a: F32, b: F32) -> F32:
    """IoU of boxes that broadcast, (..., 4); 0 where neither has an area."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        low, high = np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., 2:], b[..., 2:])
        sides = np.maximum(high - low, _ZERO)
        shared = sides[..., 0] * sides[..., 1]
        union = _area(a) + _area(b) - shared
        share = np.minimum(shared / union, np.float32(1))
        return np.asarray(np.where(union > _ZERO, share, _ZERO), np.float32)


def _area(boxes: F32) -> F32:
    sides = np.maximum(boxes[..., 2:] - boxes[..., :2], _ZERO)
    return np.asarray(sides[..., 0] * sides[..., 1], np.float32)


def _suppress(boxes: F32, threshold: np.float32) -> NDArray[np.bool_]:
    """Which of `boxes`, (N, 4), best first, are kept. Many are compared row by row, so that noise takes no memory."""
    count = len(boxes)
    kept = np.ones(count, np.bool_)
    among = _overlap(boxes[:, np.newaxis], boxes[np.newaxis]) > threshold if count <= _AT_ONCE else None
    for i in range(count):
        if kept[i]:
            later = among[i, i + 1 :] if among is not None else _overlap(boxes[i], boxes[i + 1 :]) > threshold
            kept[i + 1 :] &= ~later
    return kept


def _blend(boxes: F32, scores: F32, values: F32, count: int, threshold: np.float32) -> F32:
    """Mean of `values`, (N, K), of what overlaps each of the first boxes; summed one after the other, best first."""
    weights = scores * scores * scores
    is_near = _overlap(boxes[:count, np.newaxis], boxes[np.newaxis]) >= threshold
    is_near[np.arange(count), np.arange(count)] = True  # one without area overlaps not even itself
    rows, columns = np.nonzero(is_near)
    sizes = np.bincount(rows, minlength=count)
    turns = np.arange(len(rows)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    # One column a turn: who has no more to add adds 0, so each sum is as if it were made by itself.
    shares = np.zeros((count, int(sizes.max(initial=0))), np.float32)
    which = np.zeros(shares.shape, np.intp)
    shares[rows, turns], which[rows, turns] = weights[columns], columns
    totals, sums = np.zeros((count, 1), np.float32), np.zeros((count, values.shape[1]), np.float32)
    for turn in range(which.shape[1]):
        share = shares[:, turn : turn + 1]
        totals += share
        sums += share * values[which[:, turn]]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(totals > _ZERO, sums / totals, values[:count]), np.float32)
