"""The baseline of the first prototypes."""

from __future__ import annotations

from typing import Any

import numpy as np

from edge.arrays import BgrImage, require_bgr
from edge.detect.looks import Candidates, finish
from edge.pixels.faces.geometry import letterbox
from edge.pixels.faces.haar import HaarCascade
from edge.records import Detections

# Medians over 1,073 held-out faces that both the cascade and YuNet found, as fractions of the cascade's square.
HAAR_BOX = np.array([0.11, -0.04, 0.91, 1.08], np.float32)
HAAR_LANDMARKS = np.array([[0.315, 0.396], [0.690, 0.396], [0.505, 0.612], [0.345, 0.785], [0.671, 0.785]], np.float32)
# On the same pictures 88 of 100 faces and 5 of 100 false squares weigh more than 4.6, which this makes a score of 0.6.
_HAAR_MID, _HAAR_SPREAD = 4.2, 1.0


class HaarDetector:
    """Haar cascade; five landmarks are placed by mean proportions, so alignment is rough."""

    def __init__(self, *, min_score: float = 0.6, max_side_px: int = 640) -> None:
        self._cascade = HaarCascade()
        self._min_score = min_score
        self._max_side_px = max_side_px

    def detect(self, image: BgrImage, min_score: float | None = None) -> Detections:
        """Faces of an (H, W, 3) uint8 BGR image, best first; the score is a squashed last-stage weight."""
        require_bgr(image, "frame")
        small, fit = letterbox(image, self._max_side_px, 1)
        squares, weights = self._cascade.find(small)
        scores = (1.0 / (1.0 + np.exp(-(weights - _HAAR_MID) / _HAAR_SPREAD))).astype(np.float32)
        keep = scores >= (self._min_score if min_score is None else min_score)
        squares, scores = squares[keep], scores[keep]
        corner, side = squares[:, :2], squares[:, 2:] - squares[:, :2]
        boxes = np.tile(corner, 2) + np.tile(side, 2) * HAAR_BOX
        landmarks = corner[:, np.newaxis] + side[:, np.newaxis] * HAAR_LANDMARKS
        order = np.argsort(-scores, kind="stable")
        return finish(Candidates(boxes[order], scores[order], landmarks[order]).back(fit), image)

    def describe(self) -> dict[str, Any]:
        """JSON-ready: which model, and what runs it."""
        return {"name": "haar", "task": "detect", "sha256": None, "precision": "none", "provider": "OpenCV"}
