"""One track, scripted: frames with a face, embeddings of a given likeness, and lists of people to be like."""

from __future__ import annotations

import datetime as dt

import numpy as np

from edge.config import RecogniseConfig
from edge.pipeline.active_list import ActiveList
from edge.pipeline.face import TrackedFace
from edge.pipeline.limits import limits_of
from edge.records import Frame, Person, Reference, Track, TrackState

AT = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
SETTINGS = RecogniseConfig(min_similarity=0.5, min_margin=0.06, min_shots=4, min_quality=0.0)
LANDMARKS = np.array([[200, 200], [240, 200], [220, 225], [205, 245], [235, 245]], np.float32)
DIM = 16


def axis(number: int) -> np.ndarray:
    return np.asarray(np.eye(DIM, dtype=np.float32)[number])


def at_similarity(similarity: float) -> np.ndarray:
    """A unit vector that has this cosine to axis 0."""
    return similarity * axis(0) + np.float32(np.sqrt(1 - similarity**2)) * axis(5)


class Script:
    """Answers the embeddings of a script, one per crop."""

    def __init__(self, *vectors: np.ndarray) -> None:
        self._left = list(vectors)

    def embed(self, crops: np.ndarray) -> np.ndarray:
        return np.stack([self._left.pop(0) for _ in crops])


def list_of(*references: np.ndarray) -> ActiveList:
    people = [Person(f"p{i}", f"P{i}", "listed") for i in range(len(references))]
    kept = [Reference(f"r{i}", f"p{i}", "0" * 64, v, "m", {}, "test") for i, v in enumerate(references)]
    return ActiveList.of(people, kept, 1, "digest")


def frame_of(number: int, *, gray: bool = False) -> Frame:
    image = np.random.default_rng(number).integers(60, 200, (480, 640, 3), dtype=np.uint8)
    image[..., 0] //= 2
    if gray:
        image[:] = image[..., 1:2]
    return Frame(number, "door", AT + dt.timedelta(seconds=number / 10), number * 10**8, image)


def track_of(number: int, box: tuple[float, float, float, float] = (185, 170, 255, 260)) -> Track:
    return Track(1, TrackState.CONFIRMED, box, 0.9, LANDMARKS, 0, number, number + 1, 0)


def play(
    face: TrackedFace, active_list: ActiveList, vectors: list[np.ndarray], *, gray: bool = False
) -> list[str | None]:
    """The person named after each shot."""
    embedder, limits, named = Script(*vectors), limits_of(SETTINGS, active_list), []
    for step in range(len(vectors)):
        number = 3 * step
        assert face.add_shot(frame_of(number, gray=gray), track_of(number), 16, embedder)  # type: ignore[arg-type]
        match = face.answer(active_list, limits)
        named.append(match.person_id if match else None)
    return named


def shots_taken(face: TrackedFace, similarity: float, searches: int = 8) -> int:
    """How many of so many searches' crops were embedded; there is a list of one."""
    limits, active_list = limits_of(SETTINGS, list_of(axis(0))), list_of(axis(0))
    script = Script(*[at_similarity(similarity)] * searches)
    for number in range(0, 3 * searches, 3):
        if face.add_shot(frame_of(number), track_of(number), 16, script):  # type: ignore[arg-type]
            face.answer(active_list, limits)
    return searches - len(script._left)
