"""Finding faces: one image in, `Detections` out, by our models and by baselines. No face is followed or named here."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge.arrays import BgrImage, Boxes, require_bgr
from edge.config import DetectConfig, RuntimeConfig
from edge.errors import ModelError
from edge.pixels.boxes import nms
from edge.pixels.geometry import Letterbox, letterbox
from edge.pixels.haar import HaarCascade
from edge.records import Detections
from edge.sessions import Pack, Session, load_file

STRIDES = (8, 16, 32)
NMS_IOU = 0.45
MAX_CANDIDATES = 1000
"""Cells that enter non-maximum suppression, best first: a frame of noise must not cost seconds."""
_MAX_LOG_SIZE = 8.0

# Medians over 1,073 held-out faces that both the cascade and YuNet found, as fractions of the cascade's square.
HAAR_BOX = np.array([0.11, -0.04, 0.91, 1.08], np.float32)
HAAR_LANDMARKS = np.array([[0.315, 0.396], [0.690, 0.396], [0.505, 0.612], [0.345, 0.785], [0.671, 0.785]], np.float32)
# On the same pictures 88 of 100 faces and 5 of 100 false squares weigh more than 4.6, which this makes a score of 0.6.
_HAAR_MID, _HAAR_SPREAD = 4.2, 1.0


class Detector(Protocol):
    """Anything that finds faces."""

    def detect(self, image: BgrImage, min_score: float | None = None) -> Detections:
        """Faces of an (H, W, 3) uint8 BGR image, best first; `min_score` replaces the configured one."""

    def describe(self) -> dict[str, Any]:
        """JSON-ready: which model, and what runs it."""


class FaceDetector:
    """A YuNet-format network: per stride s, `cls_s`, optional `obj_s`, `bbox_s` and `kps_s` over a grid of cells."""

    def __init__(self, session: Session, *, min_score: float = 0.6, max_side_px: int = 640) -> None:
        missing = [f"{head}_{s}" for s in STRIDES for head in ("cls", "bbox", "kps")]
        missing = [name for name in missing if name not in session.output_shapes]
        if missing:
            raise ModelError(
                f"{session.info.file}: no face detector of the YuNet format, it has no output {missing[0]!r}; "
                "choose a detect model of the pack, haar, or a YuNet ONNX file"
            )
        self._session = session
        self._min_score = min_score
        fixed = session.fixed_size
        if fixed is not None and fixed[0] != fixed[1]:
            raise ModelError(f"{session.info.file}: its input is {fixed}, not square nor free; choose another detector")
        # A model of fixed size gets every picture padded up to that size.
        self._multiple = STRIDES[-1] if fixed is None else fixed[0]
        self._max_side_px = max_side_px if fixed is None else min(max_side_px, fixed[0])

    def detect(self, image: BgrImage, min_score: float | None = None) -> Detections:
        """Faces of an (H, W, 3) uint8 BGR image of any size, best first, in its own pixels."""
        require_bgr(image, "frame")
        small, fit = letterbox(image, self._max_side_px, self._multiple)
        outputs = self._session.run(self._session.spec.tensor(small[np.newaxis]))
        limit = self._min_score if min_score is None else min_score
        boxes, scores, landmarks = decode(outputs, small.shape[0], small.shape[1], limit)
        return _finish(boxes, scores, landmarks, image, fit)

    def describe(self) -> dict[str, Any]:
        """JSON-ready: which model, and what runs it."""
        return self._session.describe()


class HaarDetector:
    """The baseline of the first prototypes; five landmarks are placed by mean proportions, so alignment is rough."""

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
        return _finish(boxes, scores, landmarks, image, fit)

    def describe(self) -> dict[str, Any]:
        """JSON-ready: which model, and what runs it."""
        return {"name": "haar", "task": "detect", "sha256": None, "precision": "none", "provider": "OpenCV"}


def build_detector(config: DetectConfig, pack: Pack | None, runtime: RuntimeConfig) -> Detector:
    """The detector `config.model` names: default or a name of the pack, haar, or the path of an ONNX file."""
    limits: dict[str, Any] = {"min_score": config.min_score, "max_side_px": config.max_side_px}
    if config.model == "haar":
        return HaarDetector(**limits)
    if config.model.endswith(".onnx"):
        return FaceDetector(load_file(Path(config.model).expanduser(), "detect", runtime), **limits)
    if pack is None:
        raise ModelError(
            f"detect.model = {config.model!r} needs a model pack; set models_dir, or choose haar or an ONNX file"
        )
    return FaceDetector(pack.load(pack.find("detect", config.model), runtime), **limits)


def decode(
    outputs: dict[str, NDArray[np.float32]], height: int, width: int, min_score: float
) -> tuple[Boxes, NDArray[np.float32], NDArray[np.float32]]:
    """Network outputs for an input of that size in px -> (N, 4) boxes, (N,) scores, (N, 5, 2) landmarks, unsorted."""
    found = []
    for stride in STRIDES:
        score = outputs[f"cls_{stride}"].reshape(-1).clip(0.0, 1.0)
        if f"obj_{stride}" in outputs:
            score = np.sqrt(score * outputs[f"obj_{stride}"].reshape(-1).clip(0.0, 1.0))
        columns = width // stride
        if len(score) != columns * (height // stride):
            raise ModelError(
                f"cls_{stride} has {len(score)} cells for an input of {width} x {height}: not the YuNet format; "
                "choose another detector"
            )
        cells = np.flatnonzero(score >= min_score)
        at = np.stack([cells % columns, cells // columns], axis=1).astype(np.float32)
        shape = outputs[f"bbox_{stride}"].reshape(-1, 4)[cells]
        center = (at + shape[:, :2]) * stride
        half = np.exp(np.minimum(shape[:, 2:], _MAX_LOG_SIZE)) * (stride / 2)
        points = outputs[f"kps_{stride}"].reshape(-1, 5, 2)[cells]
        found.append((np.hstack([center - half, center + half]), score[cells], (points + at[:, np.newaxis]) * stride))
    boxes, scores, landmarks = (np.concatenate(part).astype(np.float32) for part in zip(*found, strict=True))
    return boxes, scores, landmarks


def _finish(
    boxes: Boxes, scores: NDArray[np.float32], landmarks: NDArray[np.float32], image: BgrImage, fit: Letterbox
) -> Detections:
    """Sort, suppress overlaps, map back and clip to the frame; what has no area or is not finite is dropped."""
    height, width = image.shape[:2]
    order = np.argsort(-scores, kind="stable")[:MAX_CANDIDATES]
    order = order[np.isfinite(boxes[order]).all(axis=1) & np.isfinite(landmarks[order]).all(axis=(1, 2))]
    boxes, scores, landmarks = boxes[order], scores[order], landmarks[order]
    kept = np.sort(np.asarray(nms(boxes, scores, NMS_IOU), np.intp))
    corners = fit.back(boxes[kept].reshape(-1, 2, 2)).reshape(-1, 4)
    clipped = np.clip(corners, 0.0, np.array([width, height, width, height], np.float32)).astype(np.float32)
    real = (clipped[:, 2] > clipped[:, 0]) & (clipped[:, 3] > clipped[:, 1])
    return Detections(clipped[real], scores[kept][real], fit.back(landmarks[kept])[real])
