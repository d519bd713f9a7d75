"""Strangers for an adopted embedder: drawn from pictures that its owner gives, or those known of a public file.

Pictures are only looked at: neither they nor their embeddings are kept, just vectors drawn from their distribution.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.app.packs.public_models import PublicModel
from edge.app.selfcheck.known_answers import Progress
from edge.arrays import BgrImage, is_aligned
from edge.capture.pictures.images import read_image
from edge.detect import Detector
from edge.errors import ImageError
from edge.evaluate.pairs import main_face
from edge.pixels.faces.geometry import align
from edge.pixels.luma import luma
from edge.recognise import Embedder
from edge.watchlist.strangers import MIN_FACES, draw, fit

ByKind = Mapping[str, NDArray[np.float64]]
"""(N, D) vectors of length 1, by kind of picture."""
COUNT = 2000
MIN_SCORE = 0.3
SEED = 0


def from_pictures(folder: Path, detector: Detector, embedder: Embedder, progress: Progress | None = None) -> ByKind:
    """(COUNT, D) strangers of length 1 for color and for gray pictures, drawn from the faces in a folder.

    Each picture should show one person whom no other picture shows. A picture of 112 x 112 px is taken for an aligned
    crop. Raises ImageError where fewer than `MIN_FACES` pictures show a face.
    """
    files, crops = _files(folder), []
    for number, path in enumerate(files, start=1):
        if (crop := _face(path, detector)) is not None:
            crops.append(crop)
        if progress is not None:
            progress("strangers", number, len(files))
    if len(crops) < MIN_FACES:
        raise ImageError(
            f"{folder}: {len(crops)} pictures show a face, {MIN_FACES} strangers are the least to calibrate with; "
            "add pictures of more people"
        )
    drawn = {}
    for kind, faces in (("color", crops), ("gray", [_gray(crop) for crop in crops])):
        vectors = embedder.embed(faces).astype(np.float64)
        pull, _ = fit(vectors, SEED)
        drawn[kind] = draw(vectors, COUNT, pull, SEED)
    return drawn


def of_public(public: PublicModel, own_sha256: str | None, weight: float) -> ByKind:
    """Strangers known of a public file: alone (`own_sha256` None), or beside our embedder of that hash.

    Empty where none are known for this pair.
    """
    known_by_kind: dict[str, NDArray[np.float64]] = {}
    for known in public.strangers:
        theirs, ours = known.vectors()
        if own_sha256 is None:
            known_by_kind[known.kind] = theirs
        elif known.own_sha256 == own_sha256:
            known_by_kind[known.kind] = np.hstack([np.sqrt(1.0 - weight) * theirs, np.sqrt(weight) * ours])
    return known_by_kind


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _face(path: Path, detector: Detector) -> BgrImage | None:
    """The aligned face that a picture is about; None where there is none or the file can't be read."""
    try:
        image = read_image(path)
    except ImageError:  # not every file of a folder is a picture
        return None
    if is_aligned(image):
        return image
    found = detector.detect(image, MIN_SCORE)
    best = main_face(found, image)
    return None if best is None else align(image, found.landmarks[best])


def _gray(crop: BgrImage) -> BgrImage:
    return np.repeat((luma(crop) * 255 + 0.5).astype(np.uint8)[..., None], 3, axis=2)
