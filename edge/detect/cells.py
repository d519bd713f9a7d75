"""The YuNet format: what a network says of a grid of cells, as boxes, scores and landmarks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.arrays import Boxes
from edge.errors import ModelError

STRIDES = (8, 16, 32)
_MAX_LOG_SIZE = 8.0
_ROUNDING = 1e-6


def decode(
    outputs: dict[str, NDArray[np.float32]], height: int, width: int, min_score: float
) -> tuple[Boxes, NDArray[np.float32], NDArray[np.float32]]:
    """Network outputs for an input of that size in px -> (N, 4) boxes, (N,) scores, (N, 5, 2) landmarks, unsorted."""
    found = []
    for stride in STRIDES:
        score = outputs[f"cls_{stride}"].reshape(-1)
        columns = width // stride
        if len(score) != columns * (height // stride):
            raise ModelError(
                f"cls_{stride} has {len(score)} cells for an input of {width} x {height}: not the YuNet format; "
                "choose another detector"
            )
        for head, values in (("bbox", 4), ("kps", 10)):
            if outputs[f"{head}_{stride}"].size != values * len(score):
                raise ModelError(
                    f"{head}_{stride} has not {values} numbers for each cell: not the YuNet format; choose another "
                    "detector"
                )
        # A score is at most the root of its first part: few of thousands of cells are worth working out.
        least = min_score * min_score - _ROUNDING if f"obj_{stride}" in outputs else min_score
        cells = np.flatnonzero(score >= least)
        if not len(cells):
            continue
        score = score[cells].clip(0.0, 1.0)
        if f"obj_{stride}" in outputs:
            score = np.sqrt(score * outputs[f"obj_{stride}"].reshape(-1)[cells].clip(0.0, 1.0))
            kept = score >= min_score
            cells, score = cells[kept], score[kept]
        at = np.stack([cells % columns, cells // columns], axis=1).astype(np.float32)
        shape = outputs[f"bbox_{stride}"].reshape(-1, 4)[cells]
        center = (at + shape[:, :2]) * stride
        half = np.exp(np.minimum(shape[:, 2:], _MAX_LOG_SIZE)) * (stride / 2)
        points = outputs[f"kps_{stride}"].reshape(-1, 5, 2)[cells]
        found.append((np.hstack([center - half, center + half]), score, (points + at[:, np.newaxis]) * stride))
    if not found:
        return np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros((0, 5, 2), np.float32)
    boxes, scores, landmarks = (np.concatenate(part).astype(np.float32) for part in zip(*found, strict=True))
    return boxes, scores, landmarks
