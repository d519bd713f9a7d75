"""A network of the YuNet format as a detector, and which detector the configuration names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge.arrays import BgrImage, Landmarks, require_bgr
from edge.config import DetectConfig, RuntimeConfig
from edge.detect.cells import STRIDES, decode
from edge.detect.haar import HaarDetector
from edge.detect.looks import (
    OVERVIEW_MIN_SCORE,
    TILE_OVERLAP,
    Candidates,
    Looks,
    finish,
    joined,
    parts_of_picture,
    tiles,
    widest_in,
)
from edge.detect.upright import MOST_FACES, MOST_LOOKS, SURE_SCORE, is_clear, is_face, leans, settled, upright_tiles
from edge.errors import ImageError, ModelError
from edge.pixels.faces.boxes import blend
from edge.pixels.faces.geometry import letterbox
from edge.records import Detections
from edge.sessions import Pack, Session, load_file

BLENDED_IOU = 0.7
"""Cells whose boxes overlap by at least this show one face, and its box and landmarks are their mean."""
BLENDED_SCORE = 0.3
"""Least score of a cell in that mean. It hangs on no setting, so that a face lies at one place whatever is asked."""
MAX_CANDIDATES = 1000
"""Cells that enter non-maximum suppression, best first: a frame of noise must not cost seconds."""
OVERVIEW_SIDE_PX = 160
"""Longest side of the overview: a look at the frame made small, which finds the faces that fill much of it."""
MIN_OVERVIEW_GAIN = 1.5
"""A frame that is not at least this much larger than the overview needs none."""


Settle = Callable[[BgrImage, Landmarks], Landmarks]
"""Landmarks, (5, 2) px of the image, of a first look -> those of a second one."""


class Detector(Protocol):
    """Anything that finds faces."""

    def detect(self, image: BgrImage, min_score: float | None = None) -> Detections:
        """Faces of an (H, W, 3) uint8 BGR image, best first; `min_score` replaces the configured one."""

    def describe(self) -> dict[str, Any]:
        """JSON-ready: which model, and what runs it."""


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
        is_refined: bool = True,
    ) -> None:
        """`doubtful_score`: also tell what a score as low as that finds, from the same look. `is_refined`: a face lies
        at the mean of the cells that see it, and is looked at again upright, where what is none drops out; else at the
        best cell, as OpenCV places it."""
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
        self._is_for_stills = False
        self._doubtful_score = doubtful_score
        self._is_refined = self.looks_twice = is_refined
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
        """Faces of an (H, W, 3) uint8 BGR image of any size, best first, in its own pixels.

        Raises AnswerError where the network answers what is not finite.
        """
        require_bgr(image, "frame")
        limit = self._min_score if min_score is None else min_score
        low = limit if self._doubtful_score is None else min(limit, self._doubtful_score)
        whole = self._search(image, low)
        parts = [
            (place, widest, self._search(np.ascontiguousarray(image[place[1] : place[3], place[0] : place[2]]), low))
            for place, widest in self._parts(image.shape[1], image.shape[0])
        ]

        def found(score: float) -> Detections:
            every = whole.at_least(score)
            for (left, top, _, _), widest, part in parts:
                every = joined(every, part.at_least(score).narrower(widest).moved(left, top))
            return finish(every, image)

        first = found(limit)
        sure = self._look_again(image, first) if self.looks_twice else first
        if low == limit:
            return sure
        is_more = any(look.has_between(low, limit) for look in (whole, *(part for _, _, part in parts)))
        return replace(sure, doubtful=found(low).boxes if is_more else first.boxes)

    def _parts(self, width: int, height: int) -> Iterator[tuple[tuple[int, int, int, int], float]]:
        """What is looked at beside the whole, and the widest face, px, that is taken from there."""
        for place in tiles(width, height, self._tiles) if self._tiles > 1 else ():
            yield place, TILE_OVERLAP * (place[2] - place[0])
        for place in parts_of_picture(width, height, self._max_side_px) if self._is_for_stills else ():
            yield place, widest_in(place, width, height)

    def for_stills(self) -> FaceDetector:
        """The same network for single pictures: very long or large ones are looked at in overlapping parts, too."""
        other = copy(self)
        other._is_for_stills = True
        return other

    def _look_again(self, image: BgrImage, found: Detections) -> Detections:
        """Landmarks as a second look places them, without what it does not take for a face."""
        landmarks, is_kept = found.landmarks.copy(), np.ones(len(found), np.bool_)
        for index in range(min(len(found), MOST_FACES)):
            seen = self._upright(image, landmarks[index])
            if seen is not None:
                is_kept[index] = not self._is_phantom(image, found, index, seen)
                landmarks[index] = self._settled(image, landmarks[index], seen)
        return replace(found, landmarks=landmarks).only(is_kept)

    def without_phantoms(self, image: BgrImage, found: Detections, is_known: NDArray[np.bool_]) -> Detections:
        """What a first look has `found`, (N,), without what a second one does not take for a face.

        Faces that are known, sure, or of lower score than is asked of a new one are not looked at again.
        """
        if not self._is_refined:
            return found
        is_kept = np.ones(len(found), np.bool_)
        asked = ~is_known & (found.scores >= self._min_score) & (found.scores < SURE_SCORE)
        for index in np.flatnonzero(asked)[:MOST_FACES]:
            seen = self._upright(image, found.landmarks[index])
            is_kept[index] = seen is None or not self._is_phantom(image, found, int(index), seen)
        return found if is_kept.all() else found.only(is_kept)

    @staticmethod
    def _is_phantom(image: BgrImage, found: Detections, index: int, seen: Candidates) -> bool:
        if found.scores[index] >= SURE_SCORE or is_face(seen):
            return False
        return is_clear(image, found.landmarks[index], found.boxes[index])

    def _upright(self, image: BgrImage, landmarks: Landmarks) -> Candidates | None:
        """What a second, upright look at (5, 2) points sees; None where there can be none."""
        if not self._is_free:
            return None
        try:
            return self._look(upright_tiles(image, landmarks), BLENDED_SCORE)
        except ImageError:  # no points of a face: they stay, and whoever aligns it says so
            return None

    def settle(self, image: BgrImage, landmarks: Landmarks) -> Landmarks:
        """Landmarks, (5, 2) px of `image`, of a first look as a second, upright look places them."""
        seen = self._upright(image, landmarks)
        return landmarks if seen is None else self._settled(image, landmarks, seen)

    def _settled(self, image: BgrImage, landmarks: Landmarks, seen: Candidates | None) -> Landmarks:
        """Landmarks, (5, 2), as a second look has `seen` them; of a face that leans, as further looks do."""
        for _ in range(MOST_LOOKS):
            if seen is None:
                break
            before, landmarks = landmarks, settled(landmarks, seen)
            if not leans(before, landmarks):
                break
            seen = self._upright(image, landmarks)
        return landmarks

    def first_look(self) -> FaceDetector:
        """The same network for those who want boxes, or settle the few faces they need; a second look costs each face
        a tenth of a frame."""
        other = copy(self)
        other.looks_twice = False
        return other

    def _search(self, image: BgrImage, min_score: float) -> Looks:
        """One look at the whole image and, where it has many pixels, an overview for faces that fill much of it."""
        small, fit = letterbox(image, self._max_side_px, self._multiple)
        full, overview = self._look(small, min_score), None
        shown = small[: fit.height_px, : fit.width_px]
        if self._is_free and max(shown.shape[:2]) >= OVERVIEW_SIDE_PX * MIN_OVERVIEW_GAIN:
            smaller, further = letterbox(shown, OVERVIEW_SIDE_PX, self._multiple)
            overview = self._look(smaller, max(min_score, OVERVIEW_MIN_SCORE)).back(further)
        return Looks(full, overview, fit)

    def _look(self, small: BgrImage, min_score: float) -> Candidates:
        """Every cell with at least that score, best first, in pixels of `small`, whose sides suit the network."""
        outputs = self._session.run(self._session.spec.tensor(small[np.newaxis]))
        if not all(np.isfinite(values).all() for values in outputs.values()):
            raise self._session.refuse("answered scores or places that are not finite")
        least = min(min_score, BLENDED_SCORE) if self._is_refined else min_score
        boxes, scores, landmarks = decode(outputs, small.shape[0], small.shape[1], least)
        if not len(scores):
            return Candidates(boxes, scores, landmarks)
        order = np.argsort(-scores, kind="stable")[:MAX_CANDIDATES]
        order = order[np.isfinite(boxes[order]).all(axis=1) & np.isfinite(landmarks[order]).all(axis=(1, 2))]
        boxes, scores, landmarks = boxes[order], scores[order], landmarks[order]
        count = int((scores >= min_score).sum())
        if self._is_refined and count:
            counted = np.where(scores >= BLENDED_SCORE, scores, np.float32(0))
            boxes, landmarks = blend(boxes, counted, landmarks, count, BLENDED_IOU)
        return Candidates(boxes[:count], scores[:count], landmarks[:count])

    @property
    def num_refused(self) -> int:
        """Answers that were no scores or places."""
        return self._session.num_refused

    def describe(self) -> dict[str, Any]:
        """JSON-ready: which model, and what runs it."""
        return self._session.describe()


def for_stills(detector: Detector) -> Detector:
    """A detector as it looks at single pictures, see `FaceDetector.for_stills`."""
    return detector.for_stills() if isinstance(detector, FaceDetector) else detector


def in_two_looks(detector: Detector) -> tuple[Detector, Settle | None]:
    """A detector's first look, and what settles the landmarks of a face found by it; None where they are settled."""
    if not isinstance(detector, FaceDetector) or not detector.looks_twice:
        return detector, None
    return detector.first_look(), detector.settle


def build_detector(
    config: DetectConfig,
    pack: Pack | None,
    runtime: RuntimeConfig,
    *,
    doubtful_score: float | None = None,
    is_refined: bool = True,
) -> Detector:
    """The detector `config.model` names: default or a name of the pack, haar, or the path of an ONNX file."""
    limits: dict[str, Any] = {"min_score": config.min_score, "max_side_px": config.max_side_px}
    if config.model == "haar":
        return HaarDetector(**limits)
    limits |= {"tiles": config.tiles, "doubtful_score": doubtful_score, "is_refined": is_refined}
    if config.model.endswith(".onnx"):
        return FaceDetector(load_file(Path(config.model).expanduser(), "detect", runtime), **limits)
    if pack is None:
        raise ModelError(
            f"detect.model = {config.model!r} needs a model pack; set models_dir, or choose haar or an ONNX file"
        )
    return FaceDetector(pack.load(pack.find("detect", config.model), runtime), **limits)
