"""What each enhancement step does to degraded faces: to their pixels, and to their similarity to the person.

Every picture is degraded, detected and aligned as the pipeline would; each step is then done alone, as recognition
would have it, and `auto` as for eyes. Numbers are against the clean picture and between people. What may be done for
recognition is `benefit`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.arrays import BgrImage, Boxes, Landmarks
from edge.detect import Detector
from edge.enhance import Enhancer, plan_steps
from edge.enhance.faults import grade
from edge.enhance.scoring import are_aligned, as_captured, cut
from edge.evaluate.measures import similarity_at_fmr
from edge.evaluate.pairs import CENTRED_BOX, CENTRED_LANDMARKS, Picture, degraded, main_face
from edge.pixels import degrade
from edge.pixels.faces.geometry import align, enlarged_points
from edge.pixels.measures import metrics
from edge.pixels.measures.quality import measure
from edge.pixels.resize import resize
from edge.recognise import Embedder
from edge.records import Quality

F32 = NDArray[np.float32]
Progress = Callable[[str, int, int], None]
OFF, AUTO = "off", "auto"
SMALL = "small"
Done = tuple[tuple[str, tuple[tuple[str, Any], ...]], ...]
"""Steps by name and parameters: the planner brightens less than the step by itself does."""
FMR = 1e-2
WORST = 0.05
"""The worst value is the mean over this share of the faces."""
NUM_SAMPLES = 3
SAME_DB = 100.0
"""The PSNR of two equal pictures, where differences are taken."""


@dataclass(frozen=True, slots=True)
class Face:
    """A clean picture of a person, with its embedding."""

    picture: Picture
    image: BgrImage = field(repr=False)
    embedding: F32 = field(repr=False)


@dataclass(slots=True)
class Variant:
    """The results of one step (or of none, or of the planner's choice) under one condition; `vectors` are (N, D)."""

    vectors: F32 = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    crops: list[BgrImage] = field(default_factory=list)
    psnr: list[float] = field(default_factory=list)
    ssim: list[float] = field(default_factory=list)
    num_done: int = 0


@dataclass(frozen=True, slots=True)
class Condition:
    """All variants under one degradation, and the level of each fault that was measured on each face.

    `clean` holds the clean faces where samples are shown.
    """

    name: str
    variants: Mapping[str, Variant]
    levels: Sequence[Mapping[str, int]]
    clean: Sequence[BgrImage] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class DegradedFace:
    """One degraded face: the part that steps work on, and where its landmarks lie in it.

    `truth` is the clean face and `crop` the degraded one, both aligned by the landmarks that were found.
    """

    part: BgrImage
    points: Landmarks
    truth: BgrImage
    quality: Quality
    crop: BgrImage


def embed_clean(
    pictures: Sequence[tuple[Picture, BgrImage]], detector: Detector, embedder: Embedder
) -> tuple[Face, ...]:
    """The faces of clean pictures."""
    crops = [align(image, _find(image, detector)[0]) for _, image in pictures]
    vectors = embedder.embed(crops)
    return tuple(Face(*pictures[i], vectors[i]) for i in range(len(pictures)))


def measure_condition(
    faces: Sequence[Face],
    name: str,
    steps: Sequence[str],
    *,
    enhancer: Enhancer,
    detector: Detector,
    embedder: Embedder,
    num_pixels: int,
    progress: Progress | None = None,
) -> Condition:
    """Every step under one degradation.

    Parameters
    ----------
    faces : two or more of each person
    name : `clean` or `noise:3`
    steps : names of steps; `auto` for the planner's choice for viewing
    num_pixels : PSNR and SSIM are measured on the first so many faces; embeddings on all
    """
    variants = {variant: Variant() for variant in (OFF, *steps)}
    clean: list[BgrImage] = []
    levels: list[Mapping[str, int]] = []
    for number, face in enumerate(faces):
        seen = degrade_and_find(face, name, detector)
        levels.append(grade(seen.quality))
        if number < NUM_SAMPLES:
            clean.append(seen.truth)
        made: dict[Done, BgrImage] = {(): seen.crop}
        for step, variant in variants.items():
            crop = seen.crop if step == OFF else _changed(seen, step, enhancer, variant, made)
            variant.crops.append(crop)
            if number < num_pixels:
                variant.psnr.append(metrics.psnr(crop, seen.truth))
                variant.ssim.append(metrics.ssim(crop, seen.truth))
        if progress is not None:
            progress(name, number + 1, len(faces))
    for variant in variants.values():
        variant.vectors = embedder.embed(variant.crops)
        del variant.crops[NUM_SAMPLES:]
    return Condition(name, variants, levels, clean)


def row_of(condition: Condition, step: str, faces: Sequence[Face]) -> dict[str, object]:
    """JSON-ready: one line of the table, off beside on."""
    clean, people = np.stack([face.embedding for face in faces]), owners(faces)
    row: dict[str, object] = {"step": step, "degrade": condition.name, "num_faces": len(faces)}
    off, on = condition.variants[OFF], condition.variants[step]
    row["share_done"] = round(on.num_done / max(len(faces), 1), 4)
    for label, variant in ((OFF, off), ("on", on)):
        cosine = np.sort(np.einsum("nd,nd->n", variant.vectors, clean))
        row[label] = {
            "psnr_db": _mean(variant.psnr),
            "ssim": _mean(variant.ssim),
            "cosine": round(float(cosine.mean()), 4),
            "cosine_worst": round(float(cosine[: max(1, round(len(cosine) * WORST))].mean()), 4),
            "tar": round(float(accepted_pairs(variant.vectors, people).mean()), 4),
        }
    row["chance"] = {
        "psnr_db": _error_of_mean(np.minimum(on.psnr, SAME_DB) - np.minimum(off.psnr, SAME_DB)),
        "cosine": _error_of_mean(np.einsum("nd,nd->n", on.vectors - off.vectors, clean)),
    }
    row["both"] = {"tar": round(float(accepted_pairs(mean_direction(off.vectors, on.vectors), people).mean()), 4)}
    return row


def _error_of_mean(changes: NDArray[np.float64]) -> float | None:
    """Standard error of the mean change: what lies within two of it may be chance."""
    known = changes[np.isfinite(changes)]
    return round(float(known.std(ddof=1) / np.sqrt(len(known))), 4) if len(known) > 1 else None


def owners(faces: Sequence[Face]) -> NDArray[np.intp]:
    """A number for each face's person."""
    return np.asarray(np.unique([face.picture.person for face in faces], return_inverse=True)[1], np.intp)


def accepted_pairs(vectors: F32, people: NDArray[np.intp], fmr: float = FMR) -> NDArray[np.bool_]:
    """Whether each pair of one person's faces is taken for one person, at the similarity that `fmr` of all others
    exceed; in the order of `genuine_owners`.
    """
    values = (vectors.astype(np.float64) @ vectors.T.astype(np.float64))[np.triu_indices(len(vectors), 1)]
    same = _same(people)
    return np.asarray(values[same] > similarity_at_fmr(values[~same], fmr))


def genuine_owners(people: NDArray[np.intp]) -> NDArray[np.intp]:
    """The person of each pair of one person's faces."""
    return np.asarray(people[np.triu_indices(len(people), 1)[0][_same(people)]])


def _same(people: NDArray[np.intp]) -> NDArray[np.bool_]:
    first, second = np.triu_indices(len(people), 1)
    return np.asarray(people[first] == people[second])


def mean_direction(original: F32, enhanced: F32) -> F32:
    """Mean direction of both embeddings, which is what recognition scores; (N, D) of length 1."""
    total = original + enhanced
    return np.asarray(total / np.linalg.norm(total, axis=1, keepdims=True), np.float32)


def degrade_and_find(face: Face, name: str, detector: Detector) -> DegradedFace:
    """Spoil a clean picture (`name` as in `measure_condition`) and cut the face out as a hit would."""
    image = _degraded(face, name)
    landmarks, box = _find(image, detector)
    part, corner = cut(image, box)
    points = landmarks - np.array(corner, np.float32)
    truth = align(face.image, enlarged_points(landmarks, face.image.shape[1] / image.shape[1]))
    crop = align(image, landmarks)
    quality = as_captured(measure(crop, landmarks, box), part, corner)
    return DegradedFace(part, points, truth, quality, crop)


def _degraded(face: Face, name: str) -> BgrImage:
    """The degraded picture; `small:3` is `lowres:3` without enlarging it again."""
    what, _, level = name.partition(":")
    if what != SMALL:
        return degraded(face.image, name, face.picture, 0)
    factor = degrade.LOWRES_FACTOR[int(level or 3) - 1]
    height, width = face.image.shape[:2]
    return resize(face.image, round(height / factor), round(width / factor))


def _changed(
    seen: DegradedFace, step: str, enhancer: Enhancer, variant: Variant, made: dict[Done, BgrImage]
) -> BgrImage:
    """Return the aligned face after a step; `made` caches the results."""
    plan = enhancer.plan(seen.quality) if step == AUTO else plan_steps([step])
    variant.num_done += bool(plan.steps)
    if step != AUTO and are_aligned(plan.steps):
        return enhancer.apply(seen.crop, plan)[0]
    what: Done = tuple((planned.name, tuple(sorted(planned.params.items()))) for planned in plan.steps)
    if what not in made:
        done = enhancer.apply(seen.part, plan)[0]
        made[what] = align(done, enlarged_points(seen.points, done.shape[1] / seen.part.shape[1]))
    return made[what]


def _find(image: BgrImage, detector: Detector) -> tuple[Landmarks, Boxes]:
    """Find the subject; without a face, return where subjects of such pictures usually are."""
    found = detector.detect(image)
    best = main_face(found, image)
    if best is not None:
        return found.landmarks[best], found.boxes[best]
    size = np.array([image.shape[1], image.shape[0]], np.float32)
    return CENTRED_LANDMARKS * size, (CENTRED_BOX * size).reshape(-1)


def _mean(values: Sequence[float]) -> float | None:
    finite = [value for value in values if np.isfinite(value)]
    return round(float(np.mean(finite)), 4) if finite else None
