"""Builds a hit from a match: the kept pictures, the recipe, and the numbers shown to a guard."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.arrays import BgrImage
from edge.config import DetectConfig
from edge.enhance import Enhancer, recipe_to_json
from edge.enhance.labels import enhanced_png
from edge.enhance.scoring import as_captured
from edge.errors import AnswerError
from edge.hit_ids import derive_hit_id
from edge.pipeline.active_list import ActiveList
from edge.pipeline.bystanders import Bystanders, Searcher, cover_bystanders, find_bystanders
from edge.pipeline.face import TrackedFace
from edge.pipeline.two_faces import recognition_recipe, two_faces_json
from edge.pixels.encode import to_jpeg, to_png
from edge.pixels.faces.geometry import align, enlarged_points
from edge.pixels.hashing import file_sha256
from edge.recipes import Recipe
from edge.recognise import Embedder
from edge.records import Crop, Frame, Hit, HitImages, Match, Visit
from edge.watchlist.false_alerts import expected_false_alerts, rarity

CROP_MARGIN = 0.5
"""The kept picture reaches this many box sizes beyond the box on each side, to show hair and ears."""


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """What every hit of this device carries. `clock` is called per hit; in offline runs it returns a constant."""

    box_id: str
    kind: str
    models: Mapping[str, str]
    impostor_tail: tuple[tuple[float, float], ...] | None
    clock: Callable[[Frame], Mapping[str, Any]]
    attention: Callable[[str], Mapping[str, Any]] = lambda status: {}
    """What the settings say of a person's status."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The pictures a hit shows: the face as captured, and after enhancement where a step was taken."""

    found: BgrImage
    enhanced: BgrImage | None
    enhanced_png: bytes | None = None
    """File bytes of the enhanced face; where a step drew detail, the picture says so."""
    covered: Bystanders = field(default_factory=Bystanders)
    """The faces that are covered in every picture of the hit."""


@dataclass(frozen=True, slots=True)
class _Cut:
    """A face with a margin, cut out of its frame. `box` and `landmarks` are px of the cut."""

    frame: BgrImage
    """The whole frame, bystanders covered."""
    image: BgrImage
    """The face with its margin, bystanders covered."""
    captured: BgrImage
    """The same with nothing covered."""
    covered: Bystanders
    corner: tuple[int, int]
    """(x, y) px of the cut in the frame."""
    box: NDArray[np.float32]
    landmarks: NDArray[np.float32]

    def aligned(self, crop: Crop) -> BgrImage:
        """The face, aligned; the very pixels of `crop` where no bystander is covered in them."""
        return crop.image if np.array_equal(self.image, self.captured) else align(self.image, self.landmarks)


@dataclass(frozen=True, slots=True)
class HitDraft:
    """A hit ready to be stored, with the file bytes of its new pictures by SHA-256."""

    hit: Hit
    images: Mapping[str, bytes]
    is_new: bool
    shown: Shown | None
    """None for a hit continued from the store after a restart."""


def cut_with_margin(image: BgrImage, box: tuple[float, float, float, float]) -> tuple[BgrImage, tuple[int, int]]:
    """Return a copy of the face with a margin, as captured, and the (x, y) px of its corner in the frame."""
    x1, y1, x2, y2 = box
    dx, dy = (x2 - x1) * CROP_MARGIN, (y2 - y1) * CROP_MARGIN
    height, width = image.shape[:2]
    left, top = max(int(x1 - dx), 0), max(int(y1 - dy), 0)
    right, bottom = min(int(x2 + dx) + 1, width), min(int(y2 + dy) + 1, height)
    return np.ascontiguousarray(image[top:bottom, left:right]), (left, top)


@dataclass(frozen=True, slots=True)
class Drafter:
    """Builds hits from answers."""

    enhancer: Enhancer
    embedder: Embedder
    facts: DeviceFacts
    detect: DetectConfig
    bystander_searcher: Searcher | None = None

    def draft(
        self, face: TrackedFace, match: Match, visit: Visit, active: ActiveList, *, hit_id: str | None
    ) -> HitDraft:
        """Return the hit for `match` on the face's best shot; a new one where `hit_id` is None."""
        assert face.best is not None
        assert match.person_id is not None
        assert match.reference_id is not None
        frame, crop = face.best
        cut = self._cut(frame, crop, face.bystanders)
        enhanced, recipe = self._enhance(cut, crop)
        pictures = {"frame": to_jpeg(cut.frame, 95), "crop": to_png(cut.image)}
        if enhanced is not None:
            pictures["enhanced"] = enhanced_png(enhanced, recipe)
        names = {what: file_sha256(data) for what, data in pictures.items()}
        similarities = None if enhanced is None else self._similarities(cut, crop, enhanced, match.person_id, active)
        hit = Hit(
            hit_id=self._new_id(frame.camera, match.person_id, visit) if hit_id is None else hit_id,
            kind=self.facts.kind,
            person=active.people[match.person_id],
            camera=frame.camera,
            visit=visit,
            similarity=match.similarity,
            margin=match.margin,
            runner_up_id=match.runner_up_id,
            similarity_original=match.similarity_original,
            similarity_enhanced=_similarity_enhanced(match, similarities),
            expected_false_alerts=self._expected(face, active),
            quality={**quality_json(crop), "num_shots": face.num_shots},
            recipe=self._recipe_json(recipe, cut, face),
            images=HitImages(
                frame=names["frame"],
                crop=names["crop"],
                enhanced=names.get("enhanced"),
                reference=active.references[match.reference_id].image_sha256,
            ),
            box=crop.box,
            frame_id=frame.frame_id,
            watchlist={"version": active.version, "digest": active.digest},
            models=self.facts.models,
            box_id=self.facts.box_id,
            clock=self.facts.clock(frame),
            review={"state": "new", "by": None, "at": None},
            decision=face.decision(self.detect, crop) | self._rarity(face, match, active),
            enhancement=two_faces_json(face.found_on, similarities, self.enhancer.benefit.disagreement),
            attention=dict(self.facts.attention(active.people[match.person_id].status)),
        )
        images = {names[what]: data for what, data in pictures.items()}
        return HitDraft(hit, images, hit_id is None, Shown(cut.image, enhanced, pictures.get("enhanced"), cut.covered))

    def _new_id(self, camera: str, person_id: str, visit: Visit) -> str:
        return derive_hit_id(visit.first_at, self.facts.box_id, camera, person_id, visit.first_at.isoformat())

    def _enhance(self, cut: _Cut, crop: Crop) -> tuple[BgrImage | None, Recipe]:
        """The face enhanced for eyes, None where no step was taken; and the steps, with why others were not taken."""
        quality = as_captured(crop.quality, cut.captured, cut.corner)
        plan = self.enhancer.plan(quality, num_pixels=cut.image.shape[0] * cut.image.shape[1])
        enhanced, recipe = self.enhancer.apply(cut.image, plan)
        return enhanced if recipe.steps else None, recipe

    def _recipe_json(self, recipe: Recipe, cut: _Cut, face: TrackedFace) -> dict[str, Any]:
        """What was done for eyes, where the face lies in the kept crop, and what was done for recognition."""
        place = {"corner": list(cut.corner), "landmarks": cut.landmarks.tolist(), "box": cut.box.tolist()}
        recognition = recognition_recipe(cut.image, cut.landmarks, cut.box, face.recipe, self.enhancer)
        return {**recipe_to_json(recipe), "input": place, "recognition": recognition}

    def _cut(self, frame: Frame, crop: Crop, bystanders: Bystanders) -> _Cut:
        """Cut the face of a shot out of its frame, with every bystander covered."""
        covered = find_bystanders(frame.image, crop.box, bystanders, self.bystander_searcher)
        kept_frame = cover_bystanders(frame.image, crop.box, covered)
        captured, corner = cut_with_margin(frame.image, crop.box)
        image = cut_with_margin(kept_frame, crop.box)[0]
        box = np.round(np.array(crop.box, np.float32) - np.array(corner * 2, np.float32), 3)
        landmarks = np.round(crop.landmarks - np.array(corner, np.float32), 3)
        return _Cut(kept_frame, image, captured, covered, corner, box, landmarks)

    def renew(self, draft: HitDraft, face: TrackedFace, match: Match, visit: Visit, active: ActiveList) -> HitDraft:
        """The hit with its visit as it is now, and with its pictures.

        While the face they show is in view, the hit also tells what has become of its answer: an early one rested on a
        shot or two.
        """
        hit = replace(draft.hit, visit=visit)
        shot = face.shot_at(hit.frame_id, hit.box)
        if shot is not None:
            enhanced = match.similarity_enhanced
            hit = replace(
                hit,
                similarity=match.similarity,
                margin=match.margin,
                runner_up_id=match.runner_up_id,
                similarity_original=match.similarity_original,
                similarity_enhanced=hit.similarity_enhanced if enhanced is None else enhanced,
                enhancement={**hit.enhancement, "found_on": face.found_on},
                expected_false_alerts=self._expected(face, active),
                quality={**hit.quality, "num_shots": face.num_shots},
                decision=face.decision(self.detect, shot) | self._rarity(face, match, active),
                watchlist={"version": active.version, "digest": active.digest},
            )
        return replace(draft, hit=hit, images={}, is_new=False)

    def _expected(self, face: TrackedFace, active: ActiveList) -> str:
        """Sentence on expected false alerts: from the calibration if there is one, else from the impostor tail."""
        assert face.limits is not None
        if active.calibration is not None:
            return face.limits.expected_false_alerts
        return expected_false_alerts(face.limits.min_similarity, len(active.people), self.facts.impostor_tail)

    def _rarity(self, face: TrackedFace, match: Match, active: ActiveList) -> dict[str, int]:
        """`one_in`: of so many strangers about one would be as alike as this face; nothing where not calibrated."""
        assert face.limits is not None
        tail = active.calibration.tails.get(face.limits.kind) if active.calibration else None
        return {} if tail is None else {"one_in": rarity(tail.bound(match.similarity))}

    def _similarities(
        self, cut: _Cut, crop: Crop, enhanced: BgrImage, person_id: str, active: ActiveList
    ) -> tuple[float, float] | None:
        """Similarity to the person of the face as captured and as enhanced; None where the embedder gives no answer.

        For comparison only: neither makes a match.
        """
        scale = enhanced.shape[1] / cut.image.shape[1]
        faces = [cut.aligned(crop), align(enhanced, enlarged_points(cut.landmarks, scale))]
        try:
            captured, shown = self.embedder.embed(faces)
        except AnswerError:
            return None
        return active.gallery.similarity_to(captured, person_id), active.gallery.similarity_to(shown, person_id)


def _similarity_enhanced(match: Match, shown: tuple[float, float] | None) -> float | None:
    """That of the match, where it rests on an enhanced face; else that of the enhanced face as it is shown."""
    if match.similarity_enhanced is not None or shown is None:
        return match.similarity_enhanced
    return shown[1]


def quality_json(crop: Crop) -> dict[str, Any]:
    """The crop's quality as JSON-ready numbers; four digits are more than was measured."""
    values = asdict(crop.quality)
    parts = {name: round(float(value), 4) for name, value in values.pop("parts").items()}
    return {**{name: round(float(value), 4) for name, value in values.items()}, "parts": parts}


def without_times(hit: Hit) -> Hit:
    """Return the hit without the milliseconds in its recipes, so that every run gives the same."""

    def timeless(recipe: Mapping[str, Any]) -> dict[str, Any]:
        return {**recipe, "steps": [{k: v for k, v in step.items() if k != "ms"} for step in recipe.get("steps", [])]}

    recognition = hit.recipe.get("recognition")
    more = {"recognition": timeless(recognition)} if recognition is not None else {}
    return replace(hit, recipe=timeless(hit.recipe) | more)
