"""LFW-style pairs through detector and embedder, clean and degraded: accuracy, TAR at FMR, and the impostor tail."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.arrays import BgrImage, Boxes, Landmarks, is_aligned
from edge.detect import Detector
from edge.errors import ImageError
from edge.evaluate.measures import PairScores, impostor_tail, score_pairs
from edge.pixels import degrade
from edge.pixels.faces.geometry import ARCFACE_POINTS, align
from edge.recognise import Embedder, normalise
from edge.records import Detections

CLEAN = "clean"
"""Among degradations: none."""
NUM_FOLDS = 10
ReadImage = Callable[[Path], BgrImage]
Enhance = Callable[[BgrImage, Landmarks, Boxes], BgrImage | None]
"""A picture, with landmarks and box of the face, to the aligned enhanced face; None where nothing is done to it."""
Progress = Callable[[str, int, int], None]
"""Progress callback: the task, how much is done, how much there is."""

# Where eyes, nose and mouth corners lie in an LFW picture (medians of 1,030 pictures), as fractions of its sides: the
# crop of a picture in which no face is found, for LFW centres its subject. Counted as `num_without_face`.
CENTRED_BOX = np.array([[0.324, 0.255], [0.688, 0.763]], np.float32)
CENTRED_LANDMARKS = np.array(
    [[0.418, 0.452], [0.588, 0.451], [0.505, 0.550], [0.432, 0.629], [0.580, 0.628]], np.float32
)


@dataclass(frozen=True, slots=True)
class Picture:
    """Picture `number` of a person, found as `person/person_0001.*`."""

    person: str
    number: int


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures and the fold they belong to."""

    first: Picture
    second: Picture
    fold: int

    @property
    def same(self) -> bool:
        """Whether both show one person."""
        return self.first.person == self.second.person


@dataclass(frozen=True, slots=True)
class PairReport:
    """One row of `eval pairs`."""

    degrade: str
    scores: PairScores
    num_pairs: int
    num_pictures: int
    num_without_face: int
    impostor_tail: tuple[tuple[float, float], ...]
    num_enhanced: int = 0
    off: tuple[float, float] | None = None
    """Accuracy and true accept rate at FMR 1e-2 of the very same faces without enhancement."""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, the scores flat beside the counts."""
        row = asdict(self)
        scores = row.pop("scores")
        tar = {"1e-2": scores.pop("tar_at_fmr_1e2"), "1e-3": scores.pop("tar_at_fmr_1e3")}
        off = row.pop("off")
        row["off"] = None if off is None else {"accuracy": off[0], "tar": {"1e-2": off[1]}}
        return {"degrade": row.pop("degrade"), "accuracy": scores.pop("accuracy"), "tar": tar, **scores, **row}


def read_pairs(path: Path) -> tuple[Pair, ...]:
    """Read a pairs file: a header of folds and pairs per fold and kind (one number: one fold), then per fold first the
    genuine pairs (`person n m`), then the impostor ones (`person n other m`). Raises ImageError with the line.
    """
    try:
        lines = [line.split() for line in path.read_text("utf-8").splitlines() if line.strip()]
        header = [int(word) for word in lines[0]]
        folds, size = header if len(header) == 2 else (1, header[0])
    except (OSError, ValueError, IndexError) as error:
        raise ImageError(f"{path}: no pairs file ({error}); its first line is folds and pairs per fold") from None
    if folds < 1 or size < 1 or len(lines) - 1 != 2 * folds * size:
        raise ImageError(f"{path}: the first line promises {2 * folds * size} pairs, there are {len(lines) - 1}")
    pairs = []
    for index, words in enumerate(lines[1:]):
        genuine = index % (2 * size) < size
        try:
            if len(words) != (3 if genuine else 4):
                raise ValueError("person, n, m" if genuine else "person, n, other, m")
            second = words[0] if genuine else words[2]
            pair = Pair(Picture(words[0], int(words[1])), Picture(second, int(words[-1])), index // (2 * size))
            if pair.same != genuine:
                raise ValueError("an impostor pair of one person")
        except ValueError as error:
            raise ImageError(f"{path}: pair {index + 1}: {' '.join(words)!r}: expected {error}") from None
        pairs.append(pair)
    return tuple(pairs)


def split_folds(pairs: Sequence[Pair], num_folds: int = NUM_FOLDS) -> NDArray[np.intp]:
    """The fold of each pair: the file's own where it has several, else ten runs of each kind in the file's order, which
    keeps the pairs of one person together.
    """
    own = np.array([pair.fold for pair in pairs], np.intp)
    if own.max(initial=0) > 0:
        return own
    same = np.array([pair.same for pair in pairs])
    for kind in (True, False):
        where = np.flatnonzero(same == kind)
        own[where] = np.arange(len(where)) * num_folds // max(1, len(where))
    return own


def find_picture(images: Path, picture: Picture) -> Path:
    """File of a picture below `images`; raises ImageError."""
    stem = f"{picture.person}_{picture.number:04d}"
    for suffix in (".jpg", ".png", ".jpeg", ".webp"):
        path = images / picture.person / (stem + suffix)
        if path.is_file():
            return path
    raise ImageError(f"{images / picture.person / stem}.jpg: a picture of the pairs file is missing; give its folder")


def evaluate_pairs(
    pairs: Sequence[Pair],
    images: Path,
    detector: Detector | None,
    embedder: Embedder,
    read_image: ReadImage,
    *,
    degradations: Iterable[str] = (CLEAN,),
    enhance: Enhance | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> list[PairReport]:
    """A report per degradation (`clean` or `name:level`).

    Each distinct picture is degraded, detected and embedded once per report. `detector` None takes the pictures as
    aligned crops. `enhance` gives a second crop of a face, embedded with it. Levels hold as they are: LFW's faces are
    about 110 px wide; the noise of a picture depends on the seed and its name alone.
    """
    pictures = sorted({p for pair in pairs for p in (pair.first, pair.second)}, key=lambda p: (p.person, p.number))
    index = {picture: i for i, picture in enumerate(pictures)}
    first = np.array([index[pair.first] for pair in pairs], np.intp)
    second = np.array([index[pair.second] for pair in pairs], np.intp)
    same = np.array([pair.same for pair in pairs])
    owners = np.unique([picture.person for picture in pictures], return_inverse=True)[1]
    rows = []
    for name in degradations:
        crops: list[BgrImage] = []
        enhanced: dict[int, BgrImage] = {}
        missed = 0
        for done, picture in enumerate(pictures):
            image = degraded(read_image(find_picture(images, picture)), name, picture, seed)
            crop, landmarks, box, found = main_crop(image, detector, picture)
            changed = None if enhance is None else enhance(image, landmarks, box)
            if changed is not None:
                enhanced[len(crops)] = changed
            crops.append(crop)
            missed += not found
            if progress is not None:
                progress(name, done + 1, len(pictures))
        vectors = embedder.embed(crops)
        without = _scores(vectors, first, second, same, pairs) if enhanced else None
        if enhanced:
            where = np.array(list(enhanced), np.intp)
            vectors[where] = normalise(np.add(vectors[where], embedder.embed(list(enhanced.values()))))
        scores = _scores(vectors, first, second, same, pairs)
        tail = impostor_tail(vectors, owners)
        off = without or scores
        told = (off.accuracy, off.tar_at_fmr_1e2)
        rows.append(PairReport(name, scores, len(pairs), len(pictures), missed, tail, len(enhanced), told))
    return rows


def _scores(
    vectors: NDArray[np.float32],
    first: NDArray[np.intp],
    second: NDArray[np.intp],
    same: NDArray[np.bool_],
    pairs: Sequence[Pair],
) -> PairScores:
    similarities = np.einsum("nd,nd->n", vectors[first].astype(np.float64), vectors[second].astype(np.float64))
    return score_pairs(similarities, same, split_folds(pairs))


def degraded(image: BgrImage, name: str, picture: Picture, seed: int) -> BgrImage:
    """The picture as `name:level` makes it; its own noise, the same in every run."""
    if name == CLEAN:
        return image
    what, level = degrade.parse(name)
    own = zlib.crc32(f"{picture.person}/{picture.number}".encode())
    return degrade.apply(image, what, level, rng_or_seed=np.random.default_rng([seed, own]))


def main_face(detections: Detections, image: BgrImage) -> int | None:
    """Return LFW's subject: of the faces at least half as wide as the widest, the one nearest to the middle."""
    if len(detections) == 0:
        return None
    middle = np.array([image.shape[1], image.shape[0]], np.float32) / 2
    low, high = detections.boxes[:, :2], detections.boxes[:, 2:]
    widths = high[:, 0] - low[:, 0]
    away = np.linalg.norm((low + high) / 2 - middle, axis=1)
    return int(np.argmin(np.where(widths >= widths.max() / 2, away, np.inf)))


def main_crop(image: BgrImage, detector: Detector | None, picture: Picture) -> tuple[BgrImage, Landmarks, Boxes, bool]:
    """The aligned face, its landmarks and box, and whether one was found."""
    size = np.array([image.shape[1], image.shape[0]], np.float32)
    if detector is None:
        if not is_aligned(image):
            raise ImageError(f"{picture.person} {picture.number}: {image.shape} is no aligned 112 x 112 crop")
        return image, ARCFACE_POINTS, np.array([0, 0, *size], np.float32), True
    detections = detector.detect(image)
    best = main_face(detections, image)
    if best is None:
        landmarks = CENTRED_LANDMARKS * size
        return align(image, landmarks), landmarks, (CENTRED_BOX * size).reshape(-1), False
    landmarks = detections.landmarks[best]
    return align(image, landmarks), landmarks, detections.boxes[best], True
