"""Adding people: pictures and videos in, accepted references and reasons out. The originals are read, never moved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from edge.app.build import Models
from edge.app.offline.clips import VIDEO_SUFFIXES
from edge.arrays import BgrImage
from edge.capture.images import decode_image, read_image
from edge.capture.sources import open_path
from edge.errors import EdgeError, ImageError
from edge.pipeline.draft import cut_with_margin
from edge.pixels.encode import file_sha256, to_png
from edge.pixels.geometry import align
from edge.pixels.quality import measure
from edge.records import Person, Reference
from edge.store import Store
from edge.watchlist import (
    Archive,
    Candidate,
    OtherPeople,
    PictureCheck,
    check_pictures,
    choose_best,
    read_classic,
    write_archive,
)
from edge.watchlist.archive import LIST_NAME
from edge.watchlist.picture_checks import largest_face

FRAMES_PER_VIDEO = 8
"""References kept of one video: more would be near duplicates of these."""
FRAME_STEP_S = 0.2
"""Seconds between two frames of a video that are looked at."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one picture, or of one frame of a video."""

    source: str
    accepted: bool
    reason: str | None
    message: str
    numbers: dict[str, float]

    @classmethod
    def of(cls, verdict: PictureCheck, *, chosen: bool = True) -> Outcome:
        """An accepted frame that was not among the best of its video is not an error, but is not kept either."""
        if verdict.ok and not chosen:
            return cls(
                verdict.candidate.source, False, "not_among_best", "good, but others of the video were better", {}
            )
        numbers = {name: round(float(value), 4) for name, value in verdict.numbers.items()}
        return cls(verdict.candidate.source, verdict.ok, verdict.reason, verdict.message, numbers)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What became of one person."""

    person: Person
    outcomes: tuple[Outcome, ...]
    references: tuple[Reference, ...]
    images: dict[str, bytes] = field(default_factory=dict, repr=False)
    """File bytes of the references' pictures, by SHA-256."""


def enrol(
    store: Store,
    models: Models,
    person: Person,
    paths: Sequence[Path] = (),
    files: Sequence[tuple[str, bytes]] = (),
    *,
    allow_alike: bool = False,
) -> Enrolment:
    """Check every picture, keep what passes, and store person and references in one commit.

    `paths` are pictures and videos on disk, `files` are pictures already read: (name, file bytes).

    Raises ImageError if not one picture passed: then nothing is stored.
    """
    done = check(store, models, person, paths, files, allow_alike=allow_alike)
    if not done.references:
        raise ImageError(none_usable(done))
    store.put_person(person, done.references, done.images).result()
    return done


def none_usable(done: Enrolment) -> str:
    """Why nobody was enrolled, in a paragraph."""
    why = "; ".join(f"{o.source}: {o.message}" for o in done.outcomes[:5]) or "no picture was given"
    return f"{done.person.person_id} was not enrolled, no picture can be used. {why}"


def check(
    store: Store,
    models: Models,
    person: Person,
    paths: Sequence[Path] = (),
    files: Sequence[tuple[str, bytes]] = (),
    *,
    replace: bool = False,
    allow_alike: bool = False,
) -> Enrolment:
    """Look at every picture and make references of those that pass; nothing is stored.

    With `replace` the pictures are not compared with those the person has already; with `allow_alike` not with those of
    everybody else, as for twins.
    """
    looker = _Looker(models)
    outcomes: list[Outcome] = []
    chosen: list[Candidate] = []
    model = models.stages.embedder.sha256
    known = store.references(model)
    # What was set aside does not come back by being handed in again: only whoever set it aside can tell why.
    held = [r.embedding for r in store.references() if (r.person_id, r.model_sha256) == (person.person_id, model)]
    others = None if allow_alike else _others(known, person.person_id)
    for path in (path for path in paths if path.suffix.lower() in VIDEO_SUFFIXES):
        best, verdicts = choose_best(list(looker.video(path)), FRAMES_PER_VIDEO, others=others)
        chosen += best
        outcomes += [Outcome.of(v, chosen=any(v.candidate is b for b in best)) for v in verdicts]
    stills = [path for path in paths if path.suffix.lower() not in VIDEO_SUFFIXES]
    loads = [(str(path), partial(read_image, path)) for path in stills]
    loads += [(name, partial(decode_image, data, name)) for name, data in files]
    pictures, broken = looker.pictures(loads)
    own = [] if replace else held
    own += [c.embedding for c in chosen if c.embedding is not None]
    verdicts = check_pictures(pictures, enrolled=np.stack(own) if own else None, others=others)
    outcomes += [*map(Outcome.of, verdicts), *broken]
    chosen += [verdict.candidate for verdict in verdicts if verdict.ok]
    made = [looker.reference(person.person_id, candidate) for candidate in chosen]
    images = {reference.image_sha256: data for reference, data in made}
    return Enrolment(person, tuple(outcomes), tuple(reference for reference, _ in made), images)


def _others(known: Sequence[Reference], person_id: str) -> OtherPeople | None:
    """The references of everybody but this person."""
    rest = [reference for reference in known if reference.person_id != person_id]
    if not rest:
        return None
    return OtherPeople(np.stack([reference.embedding for reference in rest]), [one.person_id for one in rest])


def enrol_folder(
    store: Store, models: Models, path: Path, progress: Callable[[str], None] | None = None
) -> list[Enrolment | EdgeError]:
    """Enrol everybody of a classic folder (or its JSON); a person without a usable picture is an error in the list."""
    done: list[Enrolment | EdgeError] = []
    for listed in read_classic(path):
        try:
            done.append(enrol(store, models, listed.person, listed.pictures))
        except ImageError as error:
            done.append(error)
        if progress:
            progress(listed.person.person_id)
    if done and all(isinstance(one, EdgeError) for one in done):
        raise ImageError(f"{path}: nobody could be enrolled. {done[0]}")
    return done


def import_people(
    store: Store, models: Models, path: Path, progress: Callable[[str], None] | None = None
) -> list[Enrolment | EdgeError]:
    """Enrol everybody of our own archive or of the classic layout, whichever `path` is."""
    if not (path.is_file() and path.suffix.lower() == ".zip") and not (path / LIST_NAME).is_file():
        return enrol_folder(store, models, path, progress)
    done: list[Enrolment | EdgeError] = []
    with Archive(path) as archive:
        for person in archive.people:
            files = [(name, archive.read(name)) for name in archive.pictures(person.person_id)]
            try:
                done.append(enrol(store, models, person, files=files))
            except ImageError as error:
                done.append(error)
            if progress:
                progress(person.person_id)
    return done


def export_people(store: Store, path: Path) -> int:
    """Write everybody and their kept pictures as one archive; returns the number of people."""
    pictures: dict[str, list[bytes]] = {}
    for reference in store.references():
        file = store.image_path(reference.image_sha256)
        if file is not None:
            pictures.setdefault(reference.person_id, []).append(file.read_bytes())
    people = [(person, pictures.get(person.person_id, [])) for person in store.people()]
    write_archive(path, people)
    return len(people)


class _Looker:
    """Measures pictures, and remembers the cut-out face of each until its reference is made."""

    def __init__(self, models: Models) -> None:
        self._stages = models.stages
        self._found: dict[str, tuple[BgrImage, dict[str, Any]]] = {}

    def pictures(self, loads: Iterable[tuple[str, Callable[[], BgrImage]]]) -> tuple[list[Candidate], list[Outcome]]:
        """Candidates of the readable pictures, outcomes of the others."""
        candidates, broken = [], []
        for name, load in loads:
            try:
                candidates.append(self._look(name, load(), None))
            except EdgeError as error:
                broken.append(Outcome(name, False, "unreadable", str(error), {}))
        return candidates, broken

    def video(self, path: Path) -> Iterator[Candidate]:
        """Candidates of a video's frames, a fifth of a second apart."""
        next_s = 0.0
        with open_path(path) as source:
            for number, frame in enumerate(source.frames()):
                at_s = frame.media_s if frame.media_s is not None else number / 25.0
                if at_s + 1e-6 >= next_s:
                    next_s = at_s + FRAME_STEP_S
                    yield self._look(f"{path}#{number}", frame.image, at_s)

    def reference(self, person_id: str, candidate: Candidate) -> tuple[Reference, bytes]:
        """The reference of an accepted candidate and its picture's file bytes."""
        assert candidate.embedding is not None
        image, quality = self._found[candidate.source]
        data = to_png(image)
        sha256 = file_sha256(data)
        source = Path(candidate.source).name
        model = self._stages.embedder.sha256
        return Reference(
            f"{person_id}-{sha256[:16]}", person_id, sha256, candidate.embedding, model, quality, source
        ), data

    def _look(self, source: str, image: BgrImage, at_s: float | None) -> Candidate:
        found = self._stages.detector.detect(image)
        face = largest_face(found)
        if face is None:
            return Candidate(source, found, at_s=at_s)
        landmarks, box = found.landmarks[face], found.boxes[face]
        crop = align(image, landmarks)
        quality = measure(crop, landmarks, box)
        embedding = self._stages.embedder.embed(crop[np.newaxis])[0]
        x1, y1, x2, y2 = (float(v) for v in box)
        cut, corner = cut_with_margin(image, (x1, y1, x2, y2))
        numbers = {**asdict(quality), "parts": dict(quality.parts)}
        # With the landmarks the kept picture can be aligned and embedded again by a later model.
        numbers["landmarks"] = np.round(landmarks - np.array(corner, np.float32), 3).tolist()
        self._found[source] = (cut, numbers)
        return Candidate(source, found, quality, embedding, at_s)
