"""What is known of one track: its best shots, their embeddings, and the present answer to who it is."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from edge.arrays import Embedding
from edge.config import RecogniseConfig
from edge.pipeline.watch import Watch
from edge.pixels.geometry import align
from edge.pixels.quality import measure
from edge.recognise import Embedder, decide, fuse
from edge.records import Crop, Frame, Match, Quality, Reason, Track
from edge.track import BestShots

MIN_GAP_FRAMES = 3
"""Frames between two kept shots: neighbours of a video are nearly the same picture and add no evidence."""

_REASON_OF_PART = {
    "size": Reason.TOO_SMALL,
    "sharpness": Reason.BLUR,
    "pose": Reason.POSE,
    "luma": Reason.EXPOSURE,
    "noise": Reason.EXPOSURE,
}


class TrackedFace:
    """Best shots by quality, never by similarity; the answer is the fused embedding's."""

    def __init__(self, settings: RecogniseConfig) -> None:
        self._settings = settings
        self._shots = BestShots(settings.max_shots, MIN_GAP_FRAMES)
        self._embeddings: dict[int, Embedding] = {}
        self.best: tuple[Frame, Crop] | None = None
        self.match: Match | None = None
        self.reason: Reason = Reason.TOO_FEW_SHOTS

    @property
    def num_shots(self) -> int:
        """Crops kept so far."""
        return len(self._embeddings)

    def see(self, frame: Frame, track: Track, min_face_px: float, embedder: Embedder) -> bool:
        """Look at the track's face in this frame; return whether the kept shots changed."""
        reason = _refuse_box(frame, track, min_face_px)
        if reason is not None:
            self._note(reason)
            return False
        crop = cut(frame, track)
        if crop.quality.score < self._settings.min_quality:
            self._note(weakest(crop.quality))
            return False
        if not self._shots.offer(crop):
            return False
        embedding = embedder.embed(crop.image[np.newaxis])[0]
        kept = {shot.frame_id for shot in self._shots.shots}
        self._embeddings = {k: v for k, v in {**self._embeddings, crop.frame_id: embedding}.items() if k in kept}
        if self.best is None or crop.quality.score > self.best[1].quality.score:
            self.best = (frame, crop)
        return True

    def answer(self, watch: Watch, expired_ids: Collection[str] = ()) -> Match | None:
        """Score the fused shots against the gallery; None while there are too few of them."""
        if self.num_shots < self._settings.min_shots:
            self._note(Reason.TOO_FEW_SHOTS)
            return None
        self.match = decide(watch.gallery.search(self.fused()), self._settings, expired_ids=expired_ids)
        self.reason = self.match.reason or Reason.NO_MATCH
        return self.match

    def fused(self) -> Embedding:
        """One embedding for the track: the shots' mean, weighted by quality."""
        shots = self._shots.shots
        vectors = np.stack([self._embeddings[shot.frame_id] for shot in shots])
        return fuse(vectors, np.array([shot.quality.score for shot in shots], np.float32))

    def _note(self, reason: Reason) -> None:
        """Keep the reason of the latest refusal, unless the track was answered already."""
        if self.match is None:
            self.reason = reason


def cut(frame: Frame, track: Track) -> Crop:
    """Align the track's face to 112 x 112 and measure it."""
    image = align(frame.image, track.landmarks)
    return Crop(
        frame_id=frame.frame_id,
        captured_at=frame.captured_at,
        box=track.box,
        score=track.score,
        landmarks=track.landmarks,
        image=image,
        quality=measure(image, track.landmarks, np.asarray(track.box, np.float32)),
    )


def weakest(quality: Quality) -> Reason:
    """Name the part that pulled the quality down most."""
    part = min(quality.parts, key=lambda name: quality.parts[name])
    return _REASON_OF_PART.get(part, Reason.BLUR)


def _refuse_box(frame: Frame, track: Track, min_face_px: float) -> Reason | None:
    x1, y1, x2, y2 = track.box
    if min(x2 - x1, y2 - y1) < min_face_px:
        return Reason.TOO_SMALL
    height, width = frame.image.shape[:2]
    inside = (track.landmarks >= 0).all() and (track.landmarks < (width, height)).all()
    return None if inside else Reason.EDGE
