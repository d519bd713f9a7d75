"""Open-set identification: people enrolled with two pictures looked for among strangers. FNIR at FPIR, degraded too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.detect import Detector
from edge.errors import ImageError
from edge.evaluate.pairs import CLEAN, Picture, degraded, main_face
from edge.pixels.faces.geometry import align
from edge.recognise import Embedder
from edge.records import Person, Reference
from edge.watchlist.calibration import Calibration, calibrate, stranger_scores
from edge.watchlist.gallery import Gallery

NUM_ENROLLED = 2
FPIRS = (1e-1, 3e-2, 1e-2)
ReadImage = Callable[[Path], NDArray[np.uint8]]
Vectors = Mapping[Picture, NDArray[np.float32] | None]
"""The embedding of each probe; None where no face was found."""


@dataclass(frozen=True, slots=True)
class Split:
    """Pictures to enrol, probes of the same people, and strangers; every probe is a face that is searched once."""

    enrolled: tuple[Picture, ...]
    genuine: tuple[Picture, ...]
    strangers: tuple[Picture, ...]


@dataclass(frozen=True, slots=True)
class IdentifyReport:
    """One row per degradation. `fnir` and `similarity` are by FPIR.

    `promised`: rates that calibration sets the device to (95 % bound), beside the measured ones.

    A face that was not found counts as a miss, never as a false alarm.
    """

    degrade: str
    fnir: dict[str, float]
    similarity: dict[str, float]
    rank_one: float
    promised: tuple[dict[str, float], ...]
    num_people: int
    num_genuine: int
    num_strangers: int
    num_without_face: int

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def split_people(
    images: Path, people: Sequence[str], *, num_enrolled: int = NUM_ENROLLED, first_probe: int | None = None
) -> Split:
    """People with a picture left to probe with are enrolled with their first `num_enrolled`, the others are strangers.

    `first_probe` keeps the probes the same for every number of enrolled pictures. Where everybody has pictures enough,
    every second person is a stranger.
    """
    pictures = {name: _pictures(images, name) for name in people}
    probe_from = num_enrolled if first_probe is None else max(first_probe, num_enrolled)
    listed = [name for name, own in pictures.items() if len(own) > probe_from]
    if len(listed) == len(pictures):
        listed = listed[::2]
    others = [name for name in pictures if name not in set(listed)]
    made = Split(
        tuple(picture for name in listed for picture in pictures[name][:num_enrolled]),
        tuple(picture for name in listed for picture in pictures[name][probe_from:]),
        tuple(picture for name in others for picture in pictures[name]),
    )
    if not made.enrolled or not made.strangers:
        raise ImageError(
            f"{images}: identification needs people with more than {probe_from} pictures, and others to be strangers"
        )
    return made


def evaluate_identification(
    parts: Split,
    images: Path,
    detector: Detector,
    embedder: Embedder,
    read_image: ReadImage,
    *,
    degradations: Iterable[str] = (CLEAN,),
    drawn: NDArray[np.float32] | None = None,
    min_margin: float = 0.0,
    seed: int = 0,
    progress: Callable[[str, int, int], None] | None = None,
) -> list[IdentifyReport]:
    """A report per degradation of the probes; the enrolled pictures are clean. Without `drawn`, nothing is promised."""
    gallery = _enrol(parts.enrolled, images, detector, embedder, read_image)
    made = calibrate(gallery, {"color": drawn}, min_margin) if drawn is not None else None
    rows = []
    for name in degradations:
        vectors = {}
        probes = parts.genuine + parts.strangers
        for number, picture in enumerate(probes):
            vectors[picture] = _embed(picture, name, images, detector, embedder, read_image, seed)
            if progress is not None:
                progress(name, number + 1, len(probes))
        rows.append(_report(name, parts, vectors, gallery, made, min_margin))
    return rows


def _report(
    degrade: str, parts: Split, vectors: Vectors, gallery: Gallery, made: Calibration | None, min_margin: float
) -> IdentifyReport:
    """The rates of one degradation, from the embedding of each probe."""
    found = [picture for picture in parts.strangers if vectors[picture] is not None]
    strangers = np.full(len(parts.strangers), -1.0)
    strangers[: len(found)] = stranger_scores(gallery, _stack(vectors, found), min_margin)
    right, first = _genuine_scores(gallery, parts.genuine, vectors, min_margin)
    limits = {f"{fpir:g}": _limit(strangers, fpir) for fpir in FPIRS}
    promised = {} if made is None else {rate: made.tails["color"].similarity_at(rate) for rate in FPIRS}
    return IdentifyReport(
        degrade=degrade,
        fnir={fpir: float(np.mean(right < limit)) for fpir, limit in limits.items()},
        similarity=limits,
        rank_one=first,
        promised=tuple(
            {"promised": rate, "min_similarity": limit, "measured": float(np.mean(strangers >= limit))}
            for rate, limit in promised.items()
        ),
        num_people=len(gallery),
        num_genuine=len(parts.genuine),
        num_strangers=len(parts.strangers),
        num_without_face=sum(vector is None for vector in vectors.values()),
    )


def _genuine_scores(
    gallery: Gallery, probes: Sequence[Picture], vectors: Vectors, min_margin: float
) -> tuple[NDArray[np.float64], float]:
    """Similarity to the right person, -1 where another leads or the margin is missed; and the share named right."""
    right, first = np.full(len(probes), -1.0), 0
    for index, picture in enumerate(probes):
        vector = vectors[picture]
        if vector is None:
            continue
        best, *others = gallery.search(vector, limit=2)
        if best.person_id == picture.person:
            first += 1
            if best.similarity - (others[0].similarity if others else 0.0) >= min_margin:
                right[index] = best.similarity
    return right, first / max(1, len(probes))


def _limit(strangers: NDArray[np.float64], fpir: float) -> float:
    """The least similarity that at most `fpir` of the strangers reach."""
    allowed = int(np.floor(len(strangers) * fpir + 1e-9))
    return float(np.nextafter(np.sort(strangers)[::-1][min(allowed, len(strangers) - 1)], 2.0))


def _enrol(
    pictures: Sequence[Picture], images: Path, detector: Detector, embedder: Embedder, read_image: ReadImage
) -> Gallery:
    references = []
    for picture in pictures:
        vector = _embed(picture, CLEAN, images, detector, embedder, read_image, 0)
        if vector is not None:
            name = f"{picture.person}-{picture.number}"
            references.append(Reference(name, picture.person, "", vector, embedder.sha256, {}, name))
    people = sorted({reference.person_id for reference in references})
    return Gallery(references, [Person(person_id, person_id, "listed") for person_id in people])


def _embed(
    picture: Picture,
    fault: str,
    images: Path,
    detector: Detector,
    embedder: Embedder,
    read_image: ReadImage,
    seed: int,
) -> NDArray[np.float32] | None:
    image = degraded(read_image(_file(images, picture)), fault, picture, seed)
    found = detector.detect(image)
    face = main_face(found, image)
    return None if face is None else embedder.embed(align(image, found.landmarks[face])[np.newaxis])[0]


def _stack(vectors: Vectors, pictures: Sequence[Picture]) -> NDArray[np.float32]:
    return np.stack([vector for picture in pictures if (vector := vectors[picture]) is not None])


def _pictures(images: Path, person: str) -> list[Picture]:
    """A person's pictures by number."""
    files = sorted((images / person).glob(f"{person}_*.jpg"))
    return [Picture(person, int(file.stem.rsplit("_", 1)[1])) for file in files]


def _file(images: Path, picture: Picture) -> Path:
    return images / picture.person / f"{picture.person}_{picture.number:04d}.jpg"
