"""Makes references of pictures and videos: measures each, then accepts or refuses it. Stores nothing.

The originals are read, never moved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.app.build import Models
from edge.arrays import BgrImage
from edge.capture.pictures.images import Decoded, decode_foreign, decode_noted, read_bytes
from edge.capture.sources import is_to_be_played, open_path
from edge.detect import for_stills
from edge.errors import EdgeError, ImageError
from edge.names import is_left_behind, printable
from edge.pipeline.bystanders import beside, cover_bystanders, find_bystanders
from edge.pipeline.draft import cut_with_margin
from edge.pixels.encode import to_png
from edge.pixels.faces.geometry import align
from edge.pixels.hashing import file_sha256
from edge.pixels.measures.quality import measure
from edge.pixels.resize import resize
from edge.records import Detections, Person, Reference
from edge.store import Store
from edge.watchlist import Candidate, OtherPeople, PictureCheck, choose_best
from edge.watchlist import check_pictures as judge
from edge.watchlist.entry import EnrolOutcome, Look, PictureOutcome, Upload
from edge.watchlist.picture_checks import MESSAGES, RefusalReason, largest_face

FRAMES_PER_VIDEO = 8
"""References kept of one video: more would be near duplicates of these."""
LOOK_PX = 160
"""Longer side of what is shown of a picture before anybody decides about it."""
FRAME_STEP_S = 0.2
"""Seconds between two measured frames of a video."""
NOT_AMONG_BEST = "not_among_best"
"""Reason of a frame that could be kept, while others of its video were better."""
PARTLY_READ = "partly_read"
"""Reason of a video of which something could not be looked at."""


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
    compares: bool = True,
    face: int | None = None,
) -> CheckedPerson:
    """Measure every picture and make references of those that pass.

    With `replaces` the pictures are not compared with the references the person has; without `compares` not with those
    of everybody else. With `allow_alike` those that look like somebody else's pass, as for twins, and say so. `face` is
    which face is meant, counted from the left, where a picture doesn't say it itself.
    """
    measurer = _Measurer(models, face)
    model = models.stages.embedder.sha256
    # A new upload must not bring back a reference that was set aside: only the person who did that knows why.
    # Read only where it is needed: a whole list would read itself once for each of its people.
    own = [] if replaces else store.references(person_id=person.person_id)
    held = [reference.embedding for reference in own if reference.model_sha256 == model]
    others = _others(store, model, person.person_id) if compares else None
    pictures = [one for one in pictures if isinstance(one, Upload) or not is_left_behind(one.name)]
    videos = [(n, p) for n, p in enumerate(pictures) if isinstance(p, Path) and is_to_be_played(p)]
    chosen, outcomes = _check_videos(measurer, videos, others, allow_alike=allow_alike)
    candidates, places, broken = measurer.pictures([one for one in enumerate(pictures) if one not in videos])
    held += [c.embedding for c in chosen if c.embedding is not None]
    verdicts = judge(candidates, enrolled=np.stack(held) if held else None, others=others, allow_alike=allow_alike)
    kept = {reference.image_sha256 for reference in own}
    verdicts = [_unless_kept(verdict, measurer, person, kept) for verdict in verdicts]
    for verdict, place in zip(verdicts, places, strict=True):
        look, outcome = measurer.look(verdict, others), _outcome(verdict, others)
        notes = (*outcome.notes, *measurer.notes[id(verdict.candidate)])
        outcomes.append(replace(outcome, place=place, look=look, notes=notes))
    outcomes += broken
    chosen += [verdict.candidate for verdict in verdicts if verdict.ok]
    made = [measurer.reference(person.person_id, candidate) for candidate in chosen]
    images = {reference.image_sha256: data for reference, data in made}
    return CheckedPerson(person, tuple(outcomes), tuple(reference for reference, _ in made), images)


def _check_videos(
    measurer: _Measurer, videos: Sequence[tuple[int, Path]], others: OtherPeople | None, *, allow_alike: bool
) -> tuple[list[Candidate], list[PictureOutcome]]:
    """The best frames of each video, and outcomes of all; `videos` with their places in the upload."""
    chosen: list[Candidate] = []
    outcomes: list[PictureOutcome] = []
    for place, path in videos:
        candidates, problem = measurer.video(path)
        best, verdicts = choose_best(candidates, FRAMES_PER_VIDEO, others=others, allow_alike=allow_alike)
        are_chosen = [any(verdict.candidate is one for one in best) for verdict in verdicts]
        chosen += [verdict.candidate for verdict, is_chosen in zip(verdicts, are_chosen, strict=True) if is_chosen]
        outcomes += [
            _outcome(v, others, is_chosen=is_chosen) for v, is_chosen in zip(verdicts, are_chosen, strict=True)
        ]
        if problem is not None:
            outcomes.append(PictureOutcome(printable(path), False, PARTLY_READ, printable(problem), {}, place=place))
    return chosen, outcomes


def _unless_kept(verdict: PictureCheck, measurer: _Measurer, person: Person, kept: set[str]) -> PictureCheck:
    """Refused where the very picture is kept: cut out, as an archive holds it, its embedding may differ a little."""
    if not verdict.ok or measurer.reference(person.person_id, verdict.candidate)[0].image_sha256 not in kept:
        return verdict
    reason = RefusalReason.NEAR_DUPLICATE
    return replace(verdict, reason=reason, message=MESSAGES[reason])


def _outcome(verdict: PictureCheck, others: OtherPeople | None, *, is_chosen: bool = True) -> PictureOutcome:
    """An accepted frame that was not among the best of its video is no error, but is not kept either."""
    source = printable(verdict.candidate.source)
    if verdict.ok and not is_chosen:
        return PictureOutcome(source, False, NOT_AMONG_BEST, "good, but others of the video were better", {})
    numbers = {name: round(float(value), 4) for name, value in verdict.numbers.items()}
    like = None if verdict.like is None or others is None else others.person_ids[verdict.like]
    notes = (verdict.note,) if verdict.note else ()
    return PictureOutcome(source, verdict.ok, verdict.reason, verdict.message, numbers, like, notes=notes)


def _others(store: Store, model: str, person_id: str) -> OtherPeople | None:
    """The references of everybody but this person."""
    rest = [reference for reference in store.references(model) if reference.person_id != person_id]
    if not rest:
        return None
    names = {person.person_id: person.name for person in store.people()}
    images = [one.image_sha256 for one in rest]
    return OtherPeople(np.stack([one.embedding for one in rest]), [one.person_id for one in rest], names, images)


def _load(picture: Upload | Path) -> tuple[str, Callable[[], Decoded]]:
    """Name of a picture, and the function that decodes it."""
    if isinstance(picture, Path):
        return str(picture), lambda: decode_noted(read_bytes(picture), printable(picture))
    return picture.name, partial(decode_foreign, picture.data, picture.name)


class _Measurer:
    """Measures pictures, and keeps the cut-out face of each until `reference` stores it."""

    def __init__(self, models: Models, face: int | None = None) -> None:
        self._stages, self._for_stills = models.stages, for_stills(models.stages.detector)
        self._face = face
        self._found: dict[int, tuple[BgrImage, dict[str, Any]]] = {}
        """By the candidate's identity: two files may have one name."""
        self._faces: dict[int, tuple[bytes, ...]] = {}
        self.notes: dict[int, tuple[str, ...]] = {}
        """What of a candidate's file was not looked at, or had to be guessed."""

    def pictures(
        self, given: Sequence[tuple[int, Upload | Path]]
    ) -> tuple[list[Candidate], list[int], list[PictureOutcome]]:
        """Return candidates and places of the readable pictures, and outcomes of the others."""
        candidates, places, broken = [], [], []
        for place, picture in given:
            name, load = _load(picture)
            own = picture.face if isinstance(picture, Upload) else None
            try:
                image, notes, _ = load()
                candidates.append(self._measure(name, image, None, own or self._face))
                places.append(place)
                self.notes[id(candidates[-1])] = notes
            except EdgeError as error:
                why = printable(str(error))
                broken.append(PictureOutcome(printable(name), False, "unreadable", why, {}, place=place))
        return candidates, places, broken

    def look(self, verdict: PictureCheck, others: OtherPeople | None) -> Look | None:
        """What helps a person to decide about a picture that was refused for several faces, or for looking alike."""
        if verdict.reason is RefusalReason.SEVERAL_FACES:
            return Look(faces=self._faces[id(verdict.candidate)])
        if verdict.reason is not RefusalReason.LOOK_ALIKE or verdict.like is None or others is None:
            return None
        given = to_png(_small(self._found[id(verdict.candidate)][0]))
        return Look(given=given, like_image=others.images[verdict.like] if others.images else None)

    def video(self, path: Path) -> tuple[list[Candidate], str | None]:
        """Candidates of a video's frames, a fifth of a second apart, and what of it could not be looked at."""
        next_s, found = 0.0, []
        with open_path(path) as source:
            for number, frame in enumerate(source.frames()):
                at_s = frame.time_s(number)
                if at_s + 1e-6 >= next_s:
                    next_s = at_s + FRAME_STEP_S
                    found.append(self._measure(f"{path}#{number}", frame.image, at_s))
            return found, source.problem

    def reference(self, person_id: str, candidate: Candidate) -> tuple[Reference, bytes]:
        """The reference of an accepted candidate and its picture's file bytes."""
        assert candidate.embedding is not None
        image, quality = self._found[id(candidate)]
        data = to_png(image)
        sha256 = file_sha256(data)
        reference_id, source = f"{person_id}-{sha256[:16]}", printable(Path(candidate.source).name)
        model = self._stages.embedder.sha256
        return Reference(reference_id, person_id, sha256, candidate.embedding, model, quality, source), data

    def _measure(self, source: str, image: BgrImage, at_s: float | None, wanted: int | None = None) -> Candidate:
        found = (self._for_stills if at_s is None else self._stages.detector).detect(image)
        order: list[int] = np.argsort(found.boxes[:, 0]).tolist()
        if wanted is not None and not 1 <= wanted <= len(found):
            raise ImageError(f"{source}: face {wanted} is asked for, and it shows {len(found)}; count from the left")
        face = largest_face(found) if wanted is None else order[wanted - 1]
        if face is None:
            return Candidate(source, found, at_s=at_s)
        shown = order if wanted is None and at_s is None and len(order) > 1 else []
        faces = tuple(to_png(_small(cut_with_margin(image, _corners(found.boxes[n]))[0])) for n in shown)
        landmarks, box = found.landmarks[face], found.boxes[face]
        others = find_bystanders(image, _corners(box), beside(face, found), self._stages.bystander_searcher)
        image = cover_bystanders(image, _corners(box), others)  # others in the picture are not kept
        crop = align(image, landmarks)
        quality = measure(crop, landmarks, box)
        embedding = self._stages.embedder.embed(crop[np.newaxis])[0]
        cut, corner = cut_with_margin(image, _corners(box))
        numbers = {**asdict(quality), "parts": dict(quality.parts)}
        # A later model needs the landmarks to align and embed the stored picture again.
        numbers["landmarks"] = np.round(landmarks - np.array(corner, np.float32), 3).tolist()
        if wanted is not None:  # the choice was made: the others don't count
            found = Detections(found.boxes[[face]], found.scores[[face]], found.landmarks[[face]])
        made = Candidate(source, found, quality, embedding, at_s)
        self._found[id(made)] = (cut, numbers)
        self._faces[id(made)] = faces
        return made


def _corners(box: NDArray[np.float32]) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = (float(v) for v in box)
    return x1, y1, x2, y2


def _small(image: BgrImage) -> BgrImage:
    """The picture, its longer side at most `LOOK_PX`."""
    height, width = image.shape[:2]
    ratio = min(1.0, LOOK_PX / max(height, width))
    return resize(image, max(1, round(height * ratio)), max(1, round(width * ratio))) if ratio < 1.0 else image
