"""Finds faces: one image in, `Detections` out, by our models and by baselines. No face is followed or named here."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from edge.arrays import BgrImage, Boxes, require_bgr
from edge.config import DetectConfig, RuntimeConfig
from edge.errors import ModelError
from edge.pixels.boxes import drop_nested, iou, nms
from edge.pixels.geometry import Letterbox, letterbox
from edge.pixels.haar import HaarCascade
from edge.records import Detections
from edge.sessions import Pack, Session, load_file

STRIDES = (8, 16, 32)
NMS_IOU = 0.45
NESTED_SHARE = 0.75
"""A box with at least this share of its area inside a larger one counts as a part of that face."""
MAX_CANDIDATES = 1000
"""Cells that enter non-maximum suppression, best first: a frame of noise must not cost seconds."""
OVERVIEW_SIDE_PX = 160
"""Longest side of the second, small look at a frame, which finds the faces that fill much of it."""
MIN_OVERVIEW_GAIN = 1.5
"""A frame that is not at least this much larger needs no second look."""
MAX_FACE_PX = 170.0
"""Widest face, px of the network's input, that the full look finds whole; wider ones break into parts."""
OVERVIEW_MIN_SCORE = 0.85
"""Least score in the second look: a face that fills it has over .9, a torso or two hands less."""
_OVERLAP_OF_LOOKS = 0.6
"""The second look begins at this share of that width, so that no face falls between the two."""
TILE_OVERLAP = 0.2
"""Share of a tile that its neighbour shows, too. A face wider than that is left to the look at the whole frame."""
_MAX_LOG_SIZE = 8.0
_ROUNDING = 1e-6

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


class _Candidates(NamedTuple):
    """Detections of one look, best first."""

    boxes: Boxes  # (N, 4) f32
    scores: NDArray[np.float32]  # (N,)
    landmarks: NDArray[np.float32]  # (N, 5, 2)

    def narrower(self, width_px: float) -> _Candidates:
        """Return those at most this wide."""
        return self._pick(self.boxes[:, 2] - self.boxes[:, 0] <= width_px)

    def wider(self, width_px: float) -> _Candidates:
        """Return those wider than this."""
        return self._pick(self.boxes[:, 2] - self.boxes[:, 0] > width_px)

    def without(self, others: _Candidates) -> _Candidates:
        """Those that show nothing of `others`, whose landmarks were seen in more pixels."""
        rows: NDArray[np.bool_] = np.asarray((iou(self.boxes, others.boxes) <= NMS_IOU).all(axis=1), np.bool_)
        return self._pick(rows)

    def moved(self, x: int, y: int) -> _Candidates:
        """Return the same in pixels of the picture in which this one begins at (x, y)."""
        by = np.array([x, y], np.float32)
        return _Candidates(self.boxes + np.tile(by, 2), self.scores, self.landmarks + by)

    def back(self, fit: Letterbox) -> _Candidates:
        """Return the same in pixels of the picture that `fit` was made from."""
        corners = fit.back(self.boxes.reshape(-1, 2, 2)).reshape(-1, 4)
        return _Candidates(corners, self.scores, fit.back(self.landmarks))

    def sure(self, min_score: float) -> _Candidates:
        """Return those with at least that score."""
        return self._pick(self.scores >= min_score)

    def _pick(self, rows: NDArray[np.bool_]) -> _Candidates:
        return _Candidates(self.boxes[rows], self.scores[rows], self.landmarks[rows])


class _Looks(NamedTuple):
    """What the network saw of one picture: whole, and small where faces may fill much of it. No score is cut yet."""

    full: _Candidates
    overview: _Candidates | None
    fit: Letterbox

    def has_between(self, low: float, high: float) -> bool:
        """Whether the lower limit would find anything more."""
        return any(bool(((low <= one.scores) & (one.scores < high)).any()) for one in (self.full, self.overview) if one)

    def at_least(self, min_score: float) -> _Candidates:
        """Both looks as one, in pixels of the picture."""
        found = self.full.sure(min_score)
        if self.overview is not None:
            overview = self.overview.sure(max(min_score, OVERVIEW_MIN_SCORE))
            found = found.narrower(MAX_FACE_PX)
            between = overview.wider(MAX_FACE_PX * _OVERLAP_OF_LOOKS).narrower(MAX_FACE_PX).without(found)
            found = _joined(_joined(found, between), overview.wider(MAX_FACE_PX))
        return found.back(self.fit)


class FaceDetector:
    """A YuNet-format network: per stride s, `cls_s`, optional `obj_s`, `bbox_s` and `kps_s` over a grid of cells."""

    def __init__(
        self,
        session: Session,
        *,
        min_score: float = 0.6,
        max_side_px: int = 640,
        tiles: int = 1,
        doubtful_score: float | None = None,
    ) -> None:
        """`doubtful_score`: also tell what a score as low as that finds, from the same look."""
        missing = [f"{head}_{s}" for s in STRIDES for head in ("cls", "bbox", "kps")]
        missing = [name for name in missing if name not in session.output_shapes]
        if missing:
            raise ModelError(
                f"{session.info.file}: no face detector of the YuNet format, it has no output {missing[0]!r}; "
                "choose a detect model of the pack, haar, or a YuNet ONNX file"
            )
        self._session = session
        self._min_score = min_score
        self._tiles = tiles
        self._doubtful_score = doubtful_score
        fixed = session.fixed_size
        if fixed is not None and fixed[0] != fixed[1]:
            raise ModelError(
                f"{session.info.file}: its input is {fixed}, neither square nor free; choose another detector"
            )
        # A model of fixed size gets every picture padded up to that size.
        self._is_free = fixed is None
        self._multiple = STRIDES[-1] if fixed is None else fixed[0]
        self._max_side_px = max_side_px if fixed is None else min(max_side_px, fixed[0])

    def detect(self, image: BgrImage, min_score: float | None = None) -> Detections:
        """Faces of an (H, W, 3) uint8 BGR image of any size, best first, in its own pixels."""
        require_bgr(image, "frame")
        limit = self._min_score if min_score is None else min_score
        low = limit if self._doubtful_score is None else min(limit, self._doubtful_score)
        whole = self._search(image, low)
        parts = [
            (place, self._search(np.ascontiguousarray(image[place[1] : place[3], place[0] : place[2]]), low))
            for place in (tiles(image.shape[1], image.shape[0], self._tiles) if self._tiles > 1 else ())
        ]

        def found(score: float) -> Detections:
            every = whole.at_least(score)
            for (left, top, right, _), part in parts:
                narrow = part.at_least(score).narrower(TILE_OVERLAP * (right - left))
                every = _joined(every, narrow.moved(left, top))
            return _finish(every, image)

        if low == limit:
            return found(limit)
        is_more, sure = any(look.has_between(low, limit) for look in (whole, *(p for _, p in parts))), found(limit)
        return replace(sure, doubtful=found(low).boxes if is_more else sure.boxes)

    def _search(self, image: BgrImage, min_score: float) -> _Looks:
        """One look at the whole image and, where it has many pixels, a small one for faces that fill much of it."""
        small, fit = letterbox(image, self._max_side_px, self._multiple)
        full, overview = self._look(small, min_score), None
        shown = small[: fit.height_px, : fit.width_px]
        if self._is_free and max(shown.shape[:2]) >= OVERVIEW_SIDE_PX * MIN_OVERVIEW_GAIN:
            smaller, further = letterbox(shown, OVERVIEW_SIDE_PX, self._multiple)
            overview = self._look(smaller, max(min_score, OVERVIEW_MIN_SCORE)).back(further)
        return _Looks(full, overview, fit)

    def _look(self, small: BgrImage, min_score: float) -> _Candidates:
        """Every cell with at least that score, best first, in pixels of `small`, whose sides suit the network."""
        outputs = self._session.run(self._session.spec.tensor(small[np.newaxis]))
        boxes, scores, landmarks = decode(outputs, small.shape[0], small.shape[1], min_score)
        order = np.argsort(-scores, kind="stable")[:MAX_CANDIDATES]
        order = order[np.isfinite(boxes[order]).all(axis=1) & np.isfinite(landmarks[order]).all(axis=(1, 2))]
        return _Candidates(boxes[order], scores[order], landmarks[order])

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
        order = np.argsort(-scores, kind="stable")
        return _finish(_Candidates(boxes[order], scores[order], landmarks[order]).back(fit), image)

    def describe(self) -> dict[str, Any]:
        """JSON-ready: which model, and what runs it."""
        return {"name": "haar", "task": "detect", "sha256": None, "precision": "none", "provider": "OpenCV"}


def build_detector(
    config: DetectConfig, pack: Pack | None, runtime: RuntimeConfig, *, doubtful_score: float | None = None
) -> Detector:
    """The detector `config.model` names: default or a name of the pack, haar, or the path of an ONNX file."""
    limits: dict[str, Any] = {"min_score": config.min_score, "max_side_px": config.max_side_px}
    if config.model == "haar":
        return HaarDetector(**limits)
    limits |= {"tiles": config.tiles, "doubtful_score": doubtful_score}
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
        score = outputs[f"cls_{stride}"].reshape(-1)
        columns = width // stride
        if len(score) != columns * (height // stride):
            raise ModelError(
                f"cls_{stride} has {len(score)} cells for an input of {width} x {height}: not the YuNet format; "
                "choose another detector"
            )
        # A score is at most the root of its first part: few of thousands of cells are worth working out.
        least = min_score * min_score - _ROUNDING if f"obj_{stride}" in outputs else min_score
        cells = np.flatnonzero(score >= least)
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
    boxes, scores, landmarks = (np.concatenate(part).astype(np.float32) for part in zip(*found, strict=True))
    return boxes, scores, landmarks


def tiles(width: int, height: int, number: int) -> list[tuple[int, int, int, int]]:
    """`number` x `number` tiles (left, top, right, bottom) that cover a frame and overlap by `TILE_OVERLAP`."""
    share = 1 / (number - (number - 1) * TILE_OVERLAP)
    spans = []
    for side in (width, height):
        length = min(math.ceil(side * share), side)
        spans.append([(round(k * (side - length) / max(number - 1, 1)), length) for k in range(number)])
    return [(x, y, x + w, y + h) for y, h in spans[1] for x, w in spans[0]]


def _joined(first: _Candidates, second: _Candidates) -> _Candidates:
    """Return both together, best first."""
    boxes, scores, landmarks = (np.concatenate(pair) for pair in zip(first, second, strict=True))
    order = np.argsort(-scores, kind="stable")
    return _Candidates(boxes[order], scores[order], landmarks[order])


def _finish(found: _Candidates, image: BgrImage) -> Detections:
    """Suppress overlaps and boxes within a face, and clip to the frame; drop boxes without area."""
    height, width = image.shape[:2]
    kept = np.sort(np.asarray(nms(found.boxes, found.scores, NMS_IOU), np.intp))
    kept = kept[drop_nested(found.boxes[kept], found.scores[kept], NESTED_SHARE)]
    limits = np.array([width, height, width, height], np.float32)
    clipped = np.clip(found.boxes[kept], 0.0, limits).astype(np.float32)
    real = (clipped[:, 2] > clipped[:, 0]) & (clipped[:, 3] > clipped[:, 1])
    return Detections(clipped[real], found.scores[kept][real], found.landmarks[kept][real])
