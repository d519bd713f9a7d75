"""What is known of one track: its best shots, their embeddings, and the present answer."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.arrays import Embedding
from edge.capture.masks import paint_masks
from edge.config import CameraConfig, DetectConfig, RecogniseConfig
from edge.detect import Settle
from edge.enhance import Enhancer
from edge.errors import AnswerError, ImageError
from edge.pipeline.active_list import ActiveList
from edge.pipeline.bystanders import Box, Bystanders
from edge.pipeline.limits import MatchLimits
from edge.pipeline.pace import SURE_AT_ONCE, needed_gain
from edge.pipeline.places import place_problem
from edge.pipeline.reliability import weight
from edge.pipeline.sameness import Sameness, is_alike
from edge.pipeline.shots import box_problem, cut_settled_shot, cut_shot, embed_shot
from edge.pixels.color import is_gray
from edge.pixels.faces.geometry import align
from edge.pixels.measures.quality import highest_score
from edge.recipes import Recipe
from edge.recognise import Embedder, decide, fuse
from edge.records import Crop, Frame, Match, Reason, Track
from edge.track import BestShots

MIN_GAP_FRAMES = 3
"""Frames between two kept shots: neighbours of a video are nearly the same picture and add no evidence."""

SETTLED_AFTER, SETTLED_AFTER_SURE = 3, 1
"""Crops in a row that add nothing to a full set of shots, or to a sure answer, after which it is taken for complete."""


class TrackedFace:
    """Keeps the best shots by quality, never by similarity; the answer comes from their fused embedding."""

    def __init__(self, settings: RecogniseConfig, min_gain: float = 1.0, sure_by: float | None = None) -> None:
        """`min_gain`, `sure_by`: as in `pace.Pace`."""
        self._settings = settings
        self._sure_by = sure_by
        self._shots = BestShots(settings.max_shots, MIN_GAP_FRAMES, min_gain)
        self._embeddings: dict[int, Embedding] = {}
        self._enhanced: dict[int, Embedding] = {}
        """By frame: mean of original and enhanced embedding, where enhancement is shown to help."""
        self._gray_frames: set[int] = set()
        self.best: tuple[Frame, Crop] | None = None
        self.bystanders = Bystanders()
        """Who else was in the frame of the best shot."""
        self.recipe = Recipe()
        """What was done to the best shot for recognition."""
        self.match: Match | None = None
        self.limits: MatchLimits | None = None
        self.searched_list = -1
        """Number of the list that was last searched for this face. Not the list: nobody erased is held on to."""
        self.timing = "regular"
        self.found_on = "original"
        """`both`, or `enhanced` where the original alone would not have been the match."""
        self.has_hit = False
        """Whether this track has led to a hit of its own."""
        self.reason: Reason = Reason.TOO_FEW_SHOTS
        self.is_continued = False
        """Whether it was found just where its pixels had gone to since the search before: it can't be somebody else."""
        self.has_returned = False
        """Whether the search before did not find it."""
        self._is_vouched = True
        """Whether it was continued in each search since a shot that resembled the shots before it."""
        self._sameness = Sameness()
        self._num_in_vain = 0

    @property
    def is_settled(self) -> bool:
        """Whether more frames hardly change its answer: all shots are there, and the last crops were no better."""
        is_full = self.num_shots >= self._settings.max_shots and self._num_in_vain >= SETTLED_AFTER
        is_sure = self._needed_gain() is not None and self._num_in_vain >= SETTLED_AFTER_SURE
        return (is_full or is_sure) and not self.is_doubtful

    @property
    def is_doubtful(self) -> bool:
        """Whether the track looked unlike its own shots when it was last compared with them."""
        return self._sameness.num_unlike > 0

    def has_changed(self, frame: Frame, track: Track, embedder: Embedder, settle: Settle | None = None) -> bool:
        """Whether the track has jumped to another face: twice in a row it did not resemble its own shots."""
        named, is_continued = self.match is not None and self.match.person_id is not None, self.is_continued
        same, has_returned = self._sameness, self.has_returned
        is_due = same.is_due(frame, is_named=named, is_continued=is_continued, has_returned=has_returned)
        if not is_due or not self._embeddings:
            return False
        same.begin(frame)
        try:
            landmarks = track.landmarks if settle is None else settle(frame.image, track.landmarks)
            now = embedder.embed(align(frame.image, landmarks)[np.newaxis])
        except (ImageError, AnswerError):  # no points of a face, or no answer: this frame says nothing
            return False
        return same.note(frame, now, self.fused())

    @property
    def num_shots(self) -> int:
        """Crops kept so far."""
        return len(self._embeddings)

    def add_shot(
        self,
        frame: Frame,
        track: Track,
        min_face_px: float,
        embedder: Embedder,
        camera: CameraConfig | None = None,
        enhancer: Enhancer | None = None,
        bystanders: Bystanders | None = None,
        settle: Settle | None = None,
    ) -> bool:
        """Offer the track's face in this frame as a shot; return whether the kept shots changed. AnswerError: no shot.

        `settle`: the landmarks are those of a first look, and it places them as a second one does.
        """
        self._num_in_vain += 1
        self._is_vouched = self._is_vouched and self.is_continued
        reason = box_problem(frame, track, min_face_px) or place_problem(frame, track, camera)
        crop = reason if reason is not None else self._cut(frame, track, min_face_px, settle)
        if isinstance(crop, Reason):
            self._note(crop)
        if not isinstance(crop, Crop):
            return False
        own = None if self._is_vouched or not self._embeddings else self.fused()
        vectors, recipe = embed_shot(frame, crop, embedder, enhancer, self._sameness.known(frame.frame_id))
        is_own = own is None or is_alike(vectors[0], own)
        if not is_own and (self.match is not None or self.is_doubtful):
            # Perhaps of somebody else: as a shot it would be the picture of the hit, and be resembled from then on.
            self._sameness.doubt(frame)
            return False
        self._num_in_vain = 0
        self._is_vouched = is_own
        self._keep(crop, vectors)
        if self.best is None or crop.quality.score > self.best[1].quality.score:
            self.best, self.recipe = (frame, crop), recipe
            self.bystanders = bystanders or Bystanders()
        return True

    def _cut(self, frame: Frame, track: Track, min_face_px: float, settle: Settle | None) -> Crop | Reason | None:
        """The crop, why it can't be a shot, or None where it could be one but adds nothing to those that are kept."""
        # Size and pose alone limit the score. Once there is an answer, a face that they rule out is not measured;
        # before, it is, since the reason why it is refused may be what the track ends with.
        if self.match is not None and not self._is_useful(frame.frame_id, highest_score(track.landmarks, track.box)):
            return None
        crop = cut_shot(frame, track, self._settings.min_quality)
        if settle is not None and isinstance(crop, Crop) and self._is_useful(frame.frame_id, crop.quality.score):
            crop = cut_settled_shot(frame, track, min_face_px, self._settings.min_quality, settle)
        if isinstance(crop, Reason) or self._is_useful(frame.frame_id, crop.quality.score):
            return crop
        return None

    def _keep(self, crop: Crop, vectors: NDArray[np.float32]) -> None:
        """Take a crop among the shots, and forget what is known of the shot it may have replaced.

        `vectors`: the embedding of the original and, where there is one, of the enhanced face.
        """
        self._shots.offer(crop)
        kept = {shot.frame_id for shot in self._shots.shots}
        if is_gray(crop.image):
            self._gray_frames.add(crop.frame_id)
        self._embeddings[crop.frame_id] = vectors[0]
        if len(vectors) > 1:
            self._enhanced[crop.frame_id] = fuse(vectors)
        self._gray_frames &= kept
        self._embeddings = {number: vector for number, vector in self._embeddings.items() if number in kept}
        self._enhanced = {number: vector for number, vector in self._enhanced.items() if number in kept}

    def _is_useful(self, frame_id: int, score: float) -> bool:
        """Whether a crop of this frame with that quality score would be taken as a shot."""
        gain = self._needed_gain()
        if gain is not None and score < gain * self._shots.shots[0].quality.score:
            return False
        return self._shots.can_win(frame_id, score)

    def _needed_gain(self) -> float | None:
        """How many times better than the best shot a crop has to be; None: it counts among all."""
        match, limits, sure_by = self.match, self.limits, self._sure_by
        num_spare = self.num_shots - self._settings.min_shots
        if sure_by is None or match is None or limits is None or num_spare < 0 or not self._is_vouched:
            return None
        return needed_gain(match, limits, sure_by if num_spare > 0 else SURE_AT_ONCE * sure_by)

    def hide(self, camera: CameraConfig) -> None:
        """Paint a camera's masks over the frame that a hit would keep: it may be older than they are."""
        if self.best is not None:
            image = self.best[0].image.copy()
            paint_masks(image, camera.masks, camera.mask_polygons)
            self.best = replace(self.best[0], pixels=image), self.best[1]

    @property
    def kind(self) -> str:
        """`gray` where most shots have no color, as from a camera with infrared light."""
        return "gray" if 2 * len(self._gray_frames) > self.num_shots else "color"

    def answer(
        self,
        active: ActiveList,
        limits: Mapping[str, MatchLimits],
        expired_ids: Collection[str] = (),
        *,
        is_last: bool = False,
    ) -> Match | None:
        """Score the fused shots against the gallery.

        With fewer shots than `min_shots` the answer is None, unless it is sure (`early_similarity`; once given it stays
        while the usual limits hold) or there will be no more (`is_last`).
        """
        if self.num_shots == 0:
            return None
        limit = limits[self.kind]
        match, found_on = self._decide(active, limit, expired_ids)
        timing = "regular"
        if self.num_shots < self._settings.min_shots:
            known = self.match.person_id if self.match else None
            sure = match.similarity >= limit.early_similarity or (known is not None and match.person_id == known)
            timing = "late" if is_last else "early"
            # An expired entry is reported at once, even with few shots.
            if not is_last and not (match.person_id and sure) and match.reason is not Reason.EXPIRED_ENTRY:
                self._note(Reason.TOO_FEW_SHOTS)
                return None
        self.match, self.limits, self.timing, self.found_on = match, limit, timing, found_on
        self.reason = match.reason or Reason.NO_MATCH
        return match

    def _decide(self, active: ActiveList, limit: MatchLimits, expired_ids: Collection[str]) -> tuple[Match, str]:
        """Return the match and the face it rests on. The original is always scored, too."""
        match = decide(active.gallery.search(self.fused(enhanced=True), limit=2), limit, expired_ids=expired_ids)
        if not self._enhanced:
            return match, "original"
        scores = active.gallery.search(self.fused())
        alone = decide(scores, limit, expired_ids=expired_ids)
        likeness = next((s[1] for s in scores if s[0] == match.candidate_id), alone.similarity)
        match = replace(match, similarity_original=likeness, similarity_enhanced=match.similarity)
        return match, "both" if alone.person_id == match.person_id else "enhanced"

    def fused(self, *, enhanced: bool = False) -> Embedding:
        """One embedding for the track: the mean of its shots, weighted by their quality.

        `enhanced`: with the enhanced face where a step was shown to help; else of the originals alone.
        """
        shots = self._shots.shots
        known = {**self._embeddings, **self._enhanced} if enhanced else self._embeddings
        vectors = np.stack([known[shot.frame_id] for shot in shots])
        return fuse(vectors, np.array([weight(shot.quality.score) for shot in shots], np.float32))

    def shot_at(self, frame_id: int, box: Box) -> Crop | None:
        """The kept shot of that frame, if it is of the face that lay there."""
        return next((shot for shot in self._shots.shots if (shot.frame_id, shot.box) == (frame_id, box)), None)

    def decision(self, detect: DetectConfig, crop: Crop) -> dict[str, Any]:
        """JSON-ready: every gate's value for this shot against its limit, and how the answer came about."""
        assert self.match is not None
        assert self.limits is not None
        match, limits = self.match, self.limits
        x1, y1, x2, y2 = crop.box
        gates = (
            ("detector_score", crop.score, detect.min_score),
            ("face_px", min(x2 - x1, y2 - y1), detect.min_face_px),
            ("quality", crop.quality.score, self._settings.min_quality),
            ("shots", self.num_shots, self._settings.min_shots),
            ("similarity", match.similarity, limits.min_similarity),
            ("margin", match.margin, limits.min_margin),
        )
        shots = sorted(self._shots.shots, key=lambda shot: shot.frame_id)
        return {
            "kind": limits.kind,
            "limits": limits.source,
            "timing": self.timing,
            "found_on": self.found_on,
            "early_similarity": round(limits.early_similarity, 4),
            "gates": [{"gate": gate, "value": round(float(v), 4), "limit": round(float(w), 4)} for gate, v, w in gates],
            "shots": [
                {"frame_id": shot.frame_id, "quality": round(q, 2), "weight": round(weight(q), 3)}
                for shot in shots
                for q in [shot.quality.score]
            ],
        }

    def _note(self, reason: Reason) -> None:
        """Keep the reason of the latest refusal, unless the track was answered already."""
        if self.match is None:
            self.reason = reason
