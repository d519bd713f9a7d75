"""Makes references of pictures and videos: measures each, then accepts or refuses it. Stores nothing.

The originals are read, never moved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from edge.app.build import Models
from edge.arrays import BgrImage
from edge.capture.images import decode_foreign, read_image
from edge.capture.sources import VIDEO_SUFFIXES, open_path
from edge.errors import EdgeError
from edge.names import is_left_behind, printable
from edge.pipeline.draft import cut_with_margin
from edge.pixels.cover import cover_faces
from edge.pixels.encode import file_sha256, to_png
from edge.pixels.geometry import align
from edge.pixels.quality import measure
from edge.records import Person, Reference
from edge.store import Store
from edge.watchlist import Candidate, OtherPeople, PictureCheck, choose_best
from edge.watchlist import check_pictures as judge
from edge.watchlist.entry import EnrolOutcome, PictureOutcome, Upload
from edge.watchlist.picture_checks import largest_face

FRAMES_PER_VIDEO = 8
"""References kept of one video: more would be near duplicates of these."""
FRAME_STEP_S = 0.2
"""Seconds between two measured frames of a video."""
NOT_AMONG_BEST = "not_among_best"
"""Reason of a frame that could be kept, while others of its video were better."""


@dataclass(frozen=True, slots=True)
class CheckedPerson:
    """One person's pictures after the check, with what there is to store."""

    person: Person
    outcomes: tuple[PictureOutcome, ...]
    references: tuple[Reference, ...]
    images: dict[str, bytes] = field(default_factory=dict, repr=False)
    """File bytes of the references' pictures, by SHA-256."""

    def outcome(self) -> EnrolOutcome:
        """The record for the caller; with not one reference nobody is stored."""
        ids = tuple(reference.reference_id for reference in self.references)
        return EnrolOutcome(self.person, bool(ids), self.outcomes, ids)


def check_pictures(
    store: Store,
    models: Models,
    person: Person,
    pictures: Sequence[Upload | Path],
    *,
    replaces: bool = False,
    allow_alike: bool = False,
) -> CheckedPerson:
    """Measure every picture and make references of those that pass.

    With `replaces` the pictures are not compared with the references the person has; with `allow_alike` not with those
    of everybody else, as for twins.
    """
    measurer = _Measurer(models)
    outcomes: list[PictureOutcome] = []
    chosen: list[Candidate] = []
    model = models.stages.embedder.sha256
    # A new upload must not bring back a reference that was set aside: only the person who did that knows why.
    # Read only where it is needed: a whole list would read itself once for each of its people.
    own = [] if replaces else store.references(person_id=person.person_id)
    held = [reference.embedding for reference in own if reference.model_sha256 == model]
    others = None if allow_alike else _others(store, model, person.person_id)
    pictures = [one for one in pictures if isinstance(one, Upload) or not is_left_behind(one.name)]
    videos = [one for one in pictures if isinstance(one, Path) and one.suffix.lower() in VIDEO_SUFFIXES]
    for path in videos:
        best, verdicts = choose_best(list(measurer.video(path)), FRAMES_PER_VIDEO, others=others)
        chosen += best
        outcomes += [_outcome(v, is_chosen=any(v.candidate is b for b in best)) for v in verdicts]
    candidates, broken = measurer.pictures(_load(one) for one in pictures if one not in videos)
    held += [c.embedding for c in chosen if c.embedding is not None]
    verdicts = judge(candidates, enrolled=np.stack(held) if held else None, others=others)
    outcomes += [*map(_outcome, verdicts), *broken]
    chosen += [verdict.candidate for verdict in verdicts if verdict.ok]
    made = [measurer.reference(person.person_id, candidate) for candidate in chosen]
    images = {reference.image_sha256: data for reference, data in made}
    return CheckedPerson(person, tuple(outcomes), tuple(reference for reference, _ in made), images)


def _outcome(verdict: PictureCheck, *, is_chosen: bool = True) -> PictureOutcome:
    """An accepted frame that was not among the best of its video is no error, but is not kept either."""
    source = printable(verdict.candidate.source)
    if verdict.ok and not is_chosen:
        return PictureOutcome(source, False, NOT_AMONG_BEST, "good, but others of the video were better", {})
    numbers = {name: round(float(value), 4) for name, value in verdict.numbers.items()}
    return PictureOutcome(source, verdict.ok, verdict.reason, verdict.message, numbers)


def _others(store: Store, model: str, person_id: str) -> OtherPeople | None:
    """The references of everybody but this person."""
    rest = [reference for reference in store.references(model) if reference.person_id != person_id]
    if not rest:
        return None
    names = {person.person_id: person.name for person in store.people()}
    return OtherPeople(np.stack([one.embedding for one in rest]), [one.person_id for one in rest], names)


def _load(picture: Upload | Path) -> tuple[str, Callable[[], BgrImage]]:
    """Name of a picture, and the function that decodes it."""
    if isinstance(picture, Path):
        return str(picture), partial(read_image, picture)
    return picture.name, partial(decode_foreign, picture.data, picture.name)


class _Measurer:
    """Measures pictures, and keeps the cut-out face of each until `reference` stores it."""

    def __init__(self, models: Models) -> None:
        self._stages = models.stages
        self._found: dict[str, tuple[BgrImage, dict[str, Any]]] = {}

    def pictures(
        self, loads: Iterable[tuple[str, Callable[[], BgrImage]]]
    ) -> tuple[list[Candidate], list[PictureOutcome]]:
        """Return candidates for the readable pictures, and outcomes for the others."""
        candidates, broken = [], []
        for name, load in loads:
            try:
                candidates.append(self._measure(name, load(), None))
            except EdgeError as error:
                broken.append(PictureOutcome(printable(name), False, "unreadable", printable(str(error)), {}))
        return candidates, broken

    def video(self, path: Path) -> Iterator[Candidate]:
        """Candidates of a video's frames, a fifth of a second apart."""
        next_s = 0.0
        with open_path(path) as source:
            for number, frame in enumerate(source.frames()):
                at_s = frame.media_s if frame.media_s is not None else number / 25.0
                if at_s + 1e-6 >= next_s:
                    next_s = at_s + FRAME_STEP_S
                    yield self._measure(f"{path}#{number}", frame.image, at_s)

    def reference(self, person_id: str, candidate: Candidate) -> tuple[Reference, bytes]:
        """The reference of an accepted candidate and its picture's file bytes."""
        assert candidate.embedding is not None
        image, quality = self._found[candidate.source]
        data = to_png(image)
        sha256 = file_sha256(data)
        reference_id, source = f"{person_id}-{sha256[:16]}", printable(Path(candidate.source).name)
        model = self._stages.embedder.sha256
        return Reference(reference_id, person_id, sha256, candidate.embedding, model, quality, source), data

    def _measure(self, source: str, image: BgrImage, at_s: float | None) -> Candidate:
        found = self._stages.detector.detect(image)
        face = largest_face(found)
        if face is None:
            return Candidate(source, found, at_s=at_s)
        landmarks, box = found.landmarks[face], found.boxes[face]
        image = cover_faces(image, np.delete(found.boxes, face, axis=0), box)  # others in the picture are not kept
        crop = align(image, landmarks)
        quality = measure(crop, landmarks, box)
        embedding = self._stages.embedder.embed(crop[np.newaxis])[0]
        x1, y1, x2, y2 = (float(v) for v in box)
        cut, corner = cut_with_margin(image, (x1, y1, x2, y2))
        numbers = {**asdict(quality), "parts": dict(quality.parts)}
        # A later model needs the landmarks to align and embed the stored picture again.
        numbers["landmarks"] = np.round(landmarks - np.array(corner, np.float32), 3).tolist()
        self._found[source] = (cut, numbers)
        return Candidate(source, found, quality, embedding, at_s)
