"""Pairing boxes with boxes: costs, and the greedy choice among them. Nothing here knows about tracks or scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.pixels.faces.boxes import iou

F64 = NDArray[np.float64]


def overlap_costs(a: F64, b: F64, min_iou: float) -> F64:
    """Cost of each pair of boxes (N, 4) and (M, 4): minus their IoU, infinite below `min_iou`; (N, M), a new array."""
    overlap = iou(a.astype(np.float32), b.astype(np.float32)).astype(np.float64)
    return np.where(overlap >= min_iou, -overlap, np.inf)


def distance_costs(a: F64, b: F64, max_center_distance: float, max_size_ratio: float) -> F64:
    """Cost of each pair of boxes (N, 4) and (M, 4): distance of centres in mean sides; (N, M), a new array.

    Infinite where that is above `max_center_distance` or one side is more than `max_size_ratio` times the other.
    """
    apart = centers(a)[:, None] - centers(b)[None]
    side_a, side_b = _sides(a)[:, None], _sides(b)[None]
    relative = np.hypot(apart[..., 0], apart[..., 1]) / np.maximum((side_a + side_b) / 2, 1e-6)
    alike = np.maximum(side_a, side_b) <= max_size_ratio * np.minimum(side_a, side_b)
    return np.where(alike & (relative <= max_center_distance), relative, np.inf)


def greedy_pairs(costs: F64) -> list[tuple[int, int]]:
    """Row and column of the cheapest pair, then of the cheapest among the rest, and so on while finite.

    Of equal costs the lower row, then the lower column goes first.
    """
    left = costs.copy()
    pairs: list[tuple[int, int]] = []
    while left.size:
        row, column = divmod(int(np.argmin(left)), left.shape[1])
        if not np.isfinite(left[row, column]):
            break
        pairs.append((row, column))
        left[row, :] = np.inf
        left[:, column] = np.inf
    return pairs


def centers(boxes: F64) -> F64:
    """(N, 2) middles of (N, 4) boxes."""
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def _sides(boxes: F64) -> F64:
    """(N,) root of each box's area."""
    size = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    sides: F64 = np.sqrt(size[:, 0] * size[:, 1])
    return sides
