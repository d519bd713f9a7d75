"""Overlap of boxes, and suppression by overlap. Boxes are xyxy px."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.arrays import Boxes
from edge.errors import ImageError
from edge.pixels.jit import kernel

F32 = NDArray[np.float32]
Indices = NDArray[np.intp]
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
    out = np.zeros((len(first), len(second)), np.float32)
    _iou(first, second, out)
    return out


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


def warm_up() -> None:
    """Compile every kernel of this module."""
    box = np.array([[0, 0, 1, 1]], np.float32)
    nms(box, np.ones(1, np.float32), 0.5)
    iou(box, box)


def _require_boxes(boxes: Any) -> Boxes:
    """A contiguous, writable copy or view: the only layout the kernels are compiled for."""
    checked = np.require(boxes, np.float32, ["C", "W"])
    if checked.ndim != 2 or checked.shape[1] != 4 or not np.isfinite(checked).all():
        raise ImageError(f"boxes must be finite and (N, 4), got shape {checked.shape}")
    return checked


@kernel
def _overlap(a: F32, b: F32) -> np.float32:
    """IoU of two boxes."""
    zero = np.float32(0)  # a, b (4,)
    shared = max(zero, min(a[2], b[2]) - max(a[0], b[0])) * max(zero, min(a[3], b[3]) - max(a[1], b[1]))
    area_a = max(zero, a[2] - a[0]) * max(zero, a[3] - a[1])
    area_b = max(zero, b[2] - b[0]) * max(zero, b[3] - b[1])
    union = area_a + area_b - shared
    return min(np.float32(1), shared / union) if union > zero else zero


@kernel
def _iou(a: F32, b: F32, out: F32) -> None:
    """Every pair."""
    for i in range(a.shape[0]):  # a (N, 4), b (M, 4), out (N, M)
        for j in range(b.shape[0]):
            out[i, j] = _overlap(a[i], b[j])


@kernel
def _suppress(boxes: F32, threshold: np.float32) -> NDArray[np.bool_]:
    """Which of `boxes`, best first, are kept."""
    count = boxes.shape[0]  # boxes (N, 4), kept (N,)
    kept = np.ones(count, np.bool_)
    for i in range(count):
        if not kept[i]:
            continue
        for j in range(i + 1, count):
            if kept[j] and _overlap(boxes[i], boxes[j]) > threshold:
                kept[j] = False
    return kept
