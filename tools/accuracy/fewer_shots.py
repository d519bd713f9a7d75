"""Whether faces whose answer is sure may give fewer shots: `python -m tools.accuracy.fewer_shots --probes 60`.

Pictures of held-out people who are listed, and of strangers, become tracks of faces under faults drawn anew for each
frame. Two tracked faces get the same crops, one gives all its shots, one stops where the shipped pace lets it. Told are
the tracks whose answer differs, how often each recognises people of the list, how many shots were embedded, and how
good the best shot is, which is the picture of a hit.
"""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.app.evaluation.accuracy import read_people
from edge.capture.pictures.images import read_image
from edge.config import Config
from edge.detect import in_two_looks
from edge.evaluate.identify import split_people
from edge.evaluate.pairs import Picture, main_face
from edge.pipeline.active_list import ActiveList
from edge.pipeline.face import TrackedFace
from edge.pipeline.limits import limits_of
from edge.pipeline.pace import Pace
from edge.pixels import degrade
from edge.recognise import Embedder
from edge.records import Frame, Track, TrackState
from tools.accuracy.early_answers import Probes, listed
from tools.data import DATA

FRAMES = 16
"""Searches of a track; three frames of a camera lie between two."""
AT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
COURSES: dict[str, Callable[[int, np.random.Generator], tuple[str, float]]] = {
    "far away": lambda number, rng: ("cctv", 4.0),
    "comes nearer": lambda number, rng: ("cctv", 5.0 - 4.0 * number / FRAMES),
    "moves": lambda number, rng: ("motion", float(rng.uniform(0.5, 5.0))),
    "comes out of the dark": lambda number, rng: ("dark", 5.0 - 3.0 * number / FRAMES),
}
"""Fault and level of each frame."""


class Remembering(Embedder):
    """Embeds equal crops once."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder, self._known = embedder, dict[bytes, NDArray[np.float32]]()
        self.asked = 0

    def embed(self, aligned: object) -> NDArray[np.float32]:
        """As `Embedder.embed`."""
        rows = []
        for crop in aligned:  # type: ignore[attr-defined]
            self.asked += 1
            key = crop.tobytes()
            if key not in self._known:
                self._known[key] = self._embedder.embed(crop[np.newaxis])[0]
            rows.append(self._known[key])
        return np.stack(rows)


def shots(probes: Probes, picture: Picture, course: str, seed: int) -> Iterator[tuple[Frame, Track]]:
    """Frames in which the detector's first look finds the face, with its track."""
    detector, _ = in_two_looks(probes.models.stages.detector)
    rng = np.random.default_rng([picture.number, seed])
    image = read_image(probes.images / picture.person / f"{picture.person}_{picture.number:04d}.jpg")
    for number in range(FRAMES):
        fault, level = COURSES[course](number, rng)
        seen = degrade.apply(image, fault, level, rng_or_seed=rng, face_px=90.0)
        found = detector.detect(seen)
        face = main_face(found, seen)
        if face is not None:
            x1, y1, x2, y2 = (float(value) for value in found.boxes[face])
            track = Track(
                1, TrackState.CONFIRMED, (x1, y1, x2, y2), float(found.scores[face]), found.landmarks[face], 0, 0, 3, 0
            )
            yield Frame(3 * number, "c", AT, number, seen), track


def measure(probes: Probes, active: ActiveList, pictures: list[Picture], course: str) -> dict[str, float]:
    """Counts over the tracks of all pictures, and the mean quality of best shots."""
    settings, pace = probes.config.recognise, Pace.of(probes.config.detect)
    limits = limits_of(settings, active)
    _, settle = in_two_looks(probes.models.stages.detector)
    row: dict[str, float] = dict.fromkeys(
        ("tracks", "all right", "all wrong", "fewer right", "fewer wrong", "differ"), 0
    )
    row |= {"embedded for all": 0, "embedded for fewer": 0}
    best: list[list[float]] = [[], []]
    for picture in pictures:
        asked = [Remembering(probes.models.stages.embedder) for _ in range(2)]
        faces = [TrackedFace(settings, pace.min_gain), TrackedFace(settings, pace.min_gain, pace.sure_by)]
        asked[1]._known = asked[0]._known
        for frame, track in shots(probes, picture, course, len(course)):
            for face, embedder in zip(faces, asked, strict=True):
                face.is_continued = True
                if face.add_shot(frame, track, 16.0, embedder, settle=settle):
                    face.answer(active, limits)
        for face in faces:
            if face.match is None and face.best is not None:
                face.answer(active, limits, is_last=True)
        names = [face.match.person_id if face.match else None for face in faces]
        row["tracks"] += 1
        row["differ"] += names[0] != names[1]
        for what, name in zip(("all", "fewer"), names, strict=True):
            row[f"{what} right"] += name == picture.person
            row[f"{what} wrong"] += name not in (None, picture.person)
        row["embedded for all"] += asked[0].asked
        row["embedded for fewer"] += asked[1].asked
        for kept, face in zip(best, faces, strict=True):
            kept += [face.best[1].quality.score] if face.best else []
    row |= {
        f"best quality of {what}": round(float(np.mean(kept)), 1)
        for what, kept in zip(("all", "fewer"), best, strict=True)
    }
    row["worst loss of quality"] = round(max(1 - few / every for every, few in zip(*best, strict=True)), 2)
    return row


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, default=DATA / "faces" / "lfw" / "images")
    parser.add_argument("--people", type=Path, default=DATA / "faces" / "lfw" / "people_dev.txt")
    parser.add_argument("--probes", type=int, default=60, help="pictures of each kind")
    given = parser.parse_args()
    probes = Probes(given.images, Config())
    parts = split_people(given.images, read_people(given.people))
    active = listed(probes, parts.enrolled)
    print(f"{len(active.people)} people, limit {limits_of(probes.config.recognise, active)['color']}", flush=True)
    for kind, pictures in (("listed", parts.genuine), ("strangers", parts.strangers)):
        few = list(pictures)[:: max(len(pictures) // given.probes, 1)][: given.probes]
        for course in COURSES:
            print(kind, course, measure(probes, active, few, course), flush=True)


if __name__ == "__main__":
    main()
