"""Checks whether a picture may become a reference, from numbers measured elsewhere.

Every refusal carries a reason code, a sentence a guard can act on, and the numbers behind it.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge.arrays import Embedding
from edge.records import Detections, Quality


class RefusalReason(enum.StrEnum):
    """Why a picture was refused."""

    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    TOO_SMALL = "too_small"
    BLUR = "blur"
    POSE = "pose"
    EXPOSURE = "exposure"
    UNLIKE_OTHERS = "unlike_others"
    NEAR_DUPLICATE = "near_duplicate"
    LOOK_ALIKE = "look_alike"


MESSAGES = {
    RefusalReason.NO_FACE: "no face was found; use a picture that shows the face",
    RefusalReason.SEVERAL_FACES: "faces of similar size; choose one with `face` (1: the leftmost), or cut the picture",
    RefusalReason.TOO_SMALL: "the face is too small; use a closer or larger picture",
    RefusalReason.POSE: "the face is turned too far; use a picture that looks at the camera",
    RefusalReason.EXPOSURE: "the face is too dark or too bright; use a better lit picture",
    RefusalReason.BLUR: "the face is blurred; use a sharper picture",
    RefusalReason.UNLIKE_OTHERS: "unlike the person's other pictures; check that it shows the same person",
    RefusalReason.NEAR_DUPLICATE: "the same picture is enrolled already, or was set aside",
    RefusalReason.LOOK_ALIKE: "looks like somebody else on the list; check that it isn't the same person under two ids",
}
LITTLE_ALIKE = "resembles the person's other pictures little"
MAKE_SURE = "make sure that it shows the same person, and set it aside if not"


@dataclass(frozen=True, slots=True)
class EnrolLimits:
    """What a reference must reach; `..._part` are parts 0..1 of `Quality`, the rest is in its unit."""

    min_eye_distance_px: float = 20.0
    min_sharpness_part: float = 0.25
    min_luma_part: float = 0.25
    max_yaw_deg: float = 40.0
    max_second_face: float = 0.4
    """If the second face is wider than this share of the first, it isn't clear who is meant."""
    min_own_similarity: float = 0.3
    sure_own_similarity: float = 0.42
    """Below, a picture may well show somebody else (decision 93): it is taken, and that is told."""
    max_own_similarity: float = 0.985
    max_other_similarity: float = 0.6
    """From this likeness to another person on, the two could be confused."""


class OtherPeople(NamedTuple):
    """The references of all other people."""

    embeddings: NDArray[np.float32]
    """(R, D), rows of length 1."""
    person_ids: Sequence[str]
    """Whose each row is."""
    names: Mapping[str, str] = MappingProxyType({})
    """Names by id, for whoever reads the refusal: those who enrol may see the list."""
    images: Sequence[str] = ()
    """SHA-256 of each row's picture; empty where nobody is to see it."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One picture or video frame with what was measured on its largest face; `at_s` is its time in a video."""

    source: str
    detections: Detections
    quality: Quality | None = None
    embedding: Embedding | None = field(default=None, repr=False)
    at_s: float | None = None


@dataclass(frozen=True, slots=True)
class PictureCheck:
    """The answer for one candidate; `reason` is None where it is accepted."""

    candidate: Candidate
    reason: RefusalReason | None
    message: str
    numbers: Mapping[str, float]
    like: int | None = None
    """Row of `OtherPeople` that it looks like, whether it was refused for that or not."""
    note: str = ""
    """What somebody should look at, though it is accepted."""

    @property
    def ok(self) -> bool:
        """Whether the picture may be enrolled."""
        return self.reason is None


def largest_face(detections: Detections) -> int | None:
    """Index of the face with the largest area, or None."""
    if len(detections) == 0:
        return None
    sides = detections.boxes[:, 2:] - detections.boxes[:, :2]
    return int(np.argmax(sides[:, 0] * sides[:, 1]))


def check_pictures(
    candidates: Sequence[Candidate],
    limits: EnrolLimits | None = None,
    enrolled: NDArray[np.float32] | None = None,
    others: OtherPeople | None = None,
    allow_alike: bool = False,
) -> list[PictureCheck]:
    """One check for each candidate, in order. With `allow_alike` a likeness to others is told, and no reason to refuse.

    `enrolled` holds the person's references there are already, (R, D). Where there are none, the pictures are held
    against the one that is most like all the others; between two that disagree the better one stays.
    """
    limits = limits or EnrolLimits()
    checks = [_check_alone(candidate, limits) for candidate in candidates]
    if others is not None and len(others.person_ids):
        checks = [_check_others(check, others, limits, allow_alike=allow_alike) for check in checks]
    order, vectors = _most_typical_first(candidates, checks)
    if not order:
        return checks
    accepted = vectors.copy() if enrolled is None else np.concatenate([enrolled, vectors])
    count = 0 if enrolled is None else len(enrolled)
    for index, vector in zip(order, vectors, strict=True):
        check = _check_against(candidates[index], vector, accepted[:count], limits)
        checks[index] = replace(check, like=checks[index].like)
        if checks[index].ok:
            # accepted[:count] are accepted; a row is written only after its candidate was checked.
            accepted[count] = vector
            count += 1
    return checks


def _check_alone(candidate: Candidate, limits: EnrolLimits) -> PictureCheck:
    """The checks that need no other picture."""
    main = largest_face(candidate.detections)
    if main is None or candidate.quality is None:
        return _refuse(candidate, RefusalReason.NO_FACE, {})
    quality = candidate.quality
    widths = np.sort(candidate.detections.boxes[:, 2] - candidate.detections.boxes[:, 0])[::-1]
    second = float(widths[1] / widths[0]) if len(widths) > 1 else 0.0
    sharp, light = quality.parts.get("sharpness", 1.0), quality.parts.get("luma", 1.0)
    rules: tuple[tuple[RefusalReason, bool, dict[str, float]], ...] = (
        (
            RefusalReason.SEVERAL_FACES,
            second > limits.max_second_face,
            {"num_faces": len(widths), "second_face": second, "max_second_face": limits.max_second_face},
        ),
        (
            RefusalReason.TOO_SMALL,
            quality.eye_distance_px < limits.min_eye_distance_px,
            {"eye_distance_px": quality.eye_distance_px, "min_eye_distance_px": limits.min_eye_distance_px},
        ),
        (
            RefusalReason.POSE,
            abs(quality.yaw_deg) > limits.max_yaw_deg,
            {"yaw_deg": quality.yaw_deg, "max_yaw_deg": limits.max_yaw_deg},
        ),
        (
            RefusalReason.EXPOSURE,
            light < limits.min_luma_part,
            {"luma": quality.luma, "luma_part": light, "min_luma_part": limits.min_luma_part},
        ),
        (
            RefusalReason.BLUR,
            sharp < limits.min_sharpness_part,
            {"sharpness": quality.sharpness, "sharpness_part": sharp, "min_sharpness_part": limits.min_sharpness_part},
        ),
    )
    for reason, broken, numbers in rules:
        if broken:
            return _refuse(candidate, reason, numbers)
    return PictureCheck(candidate, None, "accepted", {"quality": quality.score})


def _refuse(candidate: Candidate, reason: RefusalReason, numbers: Mapping[str, float]) -> PictureCheck:
    count = f"{numbers['num_faces']:.0f} " if reason is RefusalReason.SEVERAL_FACES else ""
    return PictureCheck(candidate, reason, count + MESSAGES[reason], numbers)


def _most_typical_first(
    candidates: Sequence[Candidate], checks: Sequence[PictureCheck]
) -> tuple[list[int], NDArray[np.float32]]:
    """Indexes that passed so far and their embeddings: first the one most like all the others, then by likeness to it.

    Ties go to the better quality.
    """
    left = [
        (i, candidate.embedding, candidate.quality.score)
        for i, (candidate, check) in enumerate(zip(candidates, checks, strict=True))
        if check.ok and candidate.embedding is not None and candidate.quality is not None
    ]
    if not left:
        return [], np.zeros((0, 0), np.float32)
    matrix = np.stack([embedding for _, embedding, _ in left]).astype(np.float32)
    alike = (matrix.astype(np.float64) @ matrix.T.astype(np.float64)).round(6)
    typical = alike.sum(axis=0).round(6)
    anchor = max(range(len(left)), key=lambda n: (float(typical[n]), left[n][2], -n))
    order = sorted(range(len(left)), key=lambda n: (n != anchor, -float(alike[n, anchor]), -left[n][2], n))
    return [left[n][0] for n in order], matrix[order]


def _check_against(
    candidate: Candidate, embedding: Embedding, accepted: NDArray[np.float32], limits: EnrolLimits
) -> PictureCheck:
    """Check that it shows the same person as the others, and is no near duplicate."""
    quality = candidate.quality.score if candidate.quality else 0.0
    if len(accepted) == 0:
        return PictureCheck(candidate, None, "accepted", {"quality": quality})
    best = float((accepted @ embedding).max())
    if best < limits.min_own_similarity:
        numbers = {"similarity": best, "min_similarity": limits.min_own_similarity}
        return _refuse(candidate, RefusalReason.UNLIKE_OTHERS, numbers)
    if best > limits.max_own_similarity:
        numbers = {"similarity": best, "max_similarity": limits.max_own_similarity}
        return _refuse(candidate, RefusalReason.NEAR_DUPLICATE, numbers)
    note = f"{LITTLE_ALIKE} (similarity {best:.2f}); {MAKE_SURE}" if best < limits.sure_own_similarity else ""
    return PictureCheck(candidate, None, "accepted", {"quality": quality, "similarity": best}, note=note)


def _check_others(check: PictureCheck, others: OtherPeople, limits: EnrolLimits, *, allow_alike: bool) -> PictureCheck:
    """Check that this picture does not resemble another person on the list."""
    embedding = check.candidate.embedding
    if not check.ok or embedding is None:
        return check
    alike = others.embeddings @ embedding
    best = int(np.argmax(alike))
    if alike[best] < limits.max_other_similarity:
        return check
    if allow_alike:
        return replace(check, like=best)
    numbers = {"similarity": float(alike[best]), "max_similarity": limits.max_other_similarity}
    person_id = others.person_ids[best]
    whom = f"{others.names[person_id]} ({person_id})" if person_id in others.names else person_id
    told = f"{MESSAGES[RefusalReason.LOOK_ALIKE]}: {whom}"
    return PictureCheck(check.candidate, RefusalReason.LOOK_ALIKE, told, numbers, best)
