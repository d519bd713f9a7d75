"""Detectors against known faces, side by side: average precision, landmark error, and clutter on real footage."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.arrays import BgrImage, Boxes
from edge.detect import Detector
from edge.evaluate.mosaics import DOUBTFUL, SURE, Mosaic
from edge.evaluate.pairs import CLEAN
from edge.pixels import degrade
from edge.pixels.faces.boxes import iou
from edge.records import Detections

MIN_IOU = 0.5
MIN_SCORE = 0.02
"""Detections are collected down to this score, to cover the whole curve."""
LANDMARK_FACE_PX = 30.0
_SAME_PLACE_IOU = 0.3
_MAX_PLACES = 20


@dataclass(frozen=True, slots=True)
class DetectionReport:
    """One detector under one degradation. `recall` and `false_per_image` hold at `min_score`.

    Landmark errors are mean distances of the five points over the eye distance (at least a fifth of the box width, for
    a profile has next to none) on faces wider than 30 px that were found: `landmark_error` from the points of the clean
    picture at full size, `landmark_error_to_peer` from the peer's own on the clean mosaic. Between those two the peer
    itself scatters by about .1.
    """

    degrade: str
    detector: str
    average_precision: float
    recall: float
    false_per_image: float
    min_score: float
    landmark_error: float | None
    landmark_error_to_peer: float | None
    num_landmark_faces: int
    num_faces: int
    num_images: int

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ClutterReport:
    """`num_clutter` counts detections where the peer, looking as low as .3, sees nothing; `places` lists the surest."""

    num_frames: int
    num_detections: int
    num_clutter: int
    num_peer_sure: int
    num_peer_sure_found: int
    places: tuple[tuple[int, float, tuple[float, float, float, float]], ...]

    @property
    def found_share(self) -> float | None:
        """Share of the faces the peer is sure of that were found."""
        return self.num_peer_sure_found / self.num_peer_sure if self.num_peer_sure else None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; `places` as frame, score and box."""
        places = [{"frame": frame, "score": score, "box": list(box)} for frame, score, box in self.places]
        return {**asdict(self), "found_share": self.found_share, "places": places}


def evaluate_detection(
    detectors: Mapping[str, Detector],
    mosaics: Sequence[Mosaic],
    *,
    peer: Detector | None = None,
    degradations: Iterable[str] = (CLEAN,),
    min_score: float = 0.6,
    face_px: float | None = None,
    seed: int = 0,
    progress: Callable[[str, int, int], None] | None = None,
) -> list[DetectionReport]:
    """A report per detector and degradation (`clean` or `name:level`).

    Levels scale with `face_px`, by default the median face of each mosaic; 110 leaves them as they are for large faces,
    which is far harder on small ones.
    """
    rows = []
    points = [_points(peer, mosaic) for mosaic in mosaics]
    for name in degradations:
        tallies = {label: _Tally() for label in detectors}
        for number, mosaic in enumerate(mosaics):
            image = _degraded(mosaic, name, face_px, np.random.default_rng([seed, number]))
            for label, detector in detectors.items():
                tallies[label].add(detector.detect(image, MIN_SCORE), mosaic, points[number])
            if progress is not None:
                progress(name, number + 1, len(mosaics))
        rows += [tally.report(name, label, min_score, len(mosaics)) for label, tally in tallies.items()]
    return rows


def clutter(frames: Iterable[BgrImage], detector: Detector, peer: Detector, *, min_score: float = 0.6) -> ClutterReport:
    """Hold `detector` at its working score against the peer on footage without labels.

    What the peer misses may still be a face: look at `places` before calling it clutter.
    """
    num_frames = num_detections = num_clutter = num_sure = num_found = 0
    places = []
    for number, frame in enumerate(frames):
        ours, theirs = detector.detect(frame, min_score), peer.detect(frame, DOUBTFUL)
        together = np.asarray(iou(ours.boxes, theirs.boxes) >= _SAME_PLACE_IOU)
        alone = ~np.asarray(together.any(axis=1))
        sure = theirs.scores >= SURE
        num_frames += 1
        num_detections += len(ours)
        num_clutter += int(alone.sum())
        num_sure += int(sure.sum())
        num_found += int(together[:, sure].any(axis=0).sum())
        for index in np.flatnonzero(alone):
            x1, y1, x2, y2 = (round(float(v), 1) for v in ours.boxes[index])
            places.append((number, round(float(ours.scores[index]), 4), (x1, y1, x2, y2)))
    places.sort(key=lambda place: (-place[1], place[0]))
    return ClutterReport(num_frames, num_detections, num_clutter, num_sure, num_found, tuple(places[:_MAX_PLACES]))


def average_precision(scores: NDArray[np.float64], right: NDArray[np.bool_], num_faces: int) -> float:
    """Area under precision over recall, precision made non-increasing (PASCAL VOC 2010, every point)."""
    if num_faces == 0 or len(scores) == 0:
        return 0.0
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(right[order])
    precision = np.maximum.accumulate((hits / np.arange(1, len(hits) + 1))[::-1])[::-1]
    recall = np.concatenate([[0.0], hits / num_faces])
    return float((np.diff(recall) * precision).sum())


def match(found: Detections, boxes: Boxes, ignored: Boxes) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Per detection, best first: the face it finds or -1 (each face once, at the greatest IoU), and whether it counts.

    A detection that finds no face doesn't count where it lies mostly in an ignored box.
    """
    face = np.full(len(found), -1, np.intp)
    counts = np.ones(len(found), np.bool_)
    overlap = iou(found.boxes, boxes)
    free = np.ones(len(boxes), np.bool_)
    for index in range(len(found)):
        candidates = np.where(free, overlap[index], 0.0)
        if len(boxes) and candidates.max() >= MIN_IOU:
            face[index] = int(np.argmax(candidates))
            free[face[index]] = False
        elif len(ignored):
            low = np.maximum(found.boxes[index, :2], ignored[:, :2])
            high = np.minimum(found.boxes[index, 2:], ignored[:, 2:])
            inside = np.clip(high - low, 0, None).prod(axis=1)
            area = float((found.boxes[index, 2:] - found.boxes[index, :2]).prod())
            counts[index] = not (inside >= 0.5 * area).any()
    return face, counts


class _Tally:
    """Sums over the mosaics for one detector."""

    def __init__(self) -> None:
        self._scores: list[float] = []
        self._right: list[bool] = []
        self._errors: list[float] = []
        self._errors_to_peer: list[float] = []
        self._num_faces = 0

    def add(self, found: Detections, mosaic: Mosaic, peer_points: NDArray[np.float32]) -> None:
        face, counts = match(found, mosaic.boxes, mosaic.ignored)
        self._scores += [float(s) for s in found.scores[counts]]
        self._right += [bool(f >= 0) for f in face[counts]]
        self._num_faces += len(mosaic.boxes)
        for index in np.flatnonzero(face >= 0):
            truth, width = mosaic.landmarks[face[index]], float(np.ptp(mosaic.boxes[face[index]][[0, 2]]))
            if width > LANDMARK_FACE_PX:
                unit = max(float(np.linalg.norm(truth[1] - truth[0])), 0.2 * width)
                for errors, points in ((self._errors, truth), (self._errors_to_peer, peer_points[face[index]])):
                    errors.append(float(np.linalg.norm(found.landmarks[index] - points, axis=1).mean()) / unit)

    def report(self, name: str, label: str, min_score: float, num_images: int) -> DetectionReport:
        scores, right = np.array(self._scores), np.array(self._right, np.bool_)
        working = scores >= min_score
        return DetectionReport(
            degrade=name,
            detector=label,
            average_precision=average_precision(scores, right, self._num_faces),
            recall=float(right[working].sum() / max(1, self._num_faces)),
            false_per_image=float((~right[working]).sum() / max(1, num_images)),
            min_score=min_score,
            landmark_error=_mean(self._errors),
            landmark_error_to_peer=_mean(self._errors_to_peer),
            num_landmark_faces=len(self._errors),
            num_faces=self._num_faces,
            num_images=num_images,
        )


def _points(peer: Detector | None, mosaic: Mosaic) -> NDArray[np.float32]:
    """The peer's landmarks of each face of the mosaic (N, 5, 2), NaN where it finds none."""
    points = np.full_like(mosaic.landmarks, np.nan)
    if peer is None:
        return points
    found = peer.detect(mosaic.image, DOUBTFUL)
    face, _ = match(found, mosaic.boxes, mosaic.ignored)
    points[face[face >= 0]] = found.landmarks[face >= 0]
    return points


def _mean(errors: Sequence[float]) -> float | None:
    """Mean of the finite ones, None where there is none."""
    finite = [error for error in errors if np.isfinite(error)]
    return float(np.mean(finite)) if finite else None


def _degraded(mosaic: Mosaic, name: str, face_px: float | None, rng: np.random.Generator) -> BgrImage:
    if name == CLEAN:
        return mosaic.image
    what, level = degrade.parse(name)
    return degrade.apply(mosaic.image, what, level, rng_or_seed=rng, face_px=face_px or mosaic.face_px)
