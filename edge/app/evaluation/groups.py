"""`edge eval groups`: a folder of labelled faces through detector and embedder, and false match rates by group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.app.build import Models, load_models
from edge.arrays import BgrImage, is_aligned
from edge.capture.pictures.images import read_image
from edge.config import Config
from edge.detect import Detector
from edge.errors import ConfigError, ImageError
from edge.evaluate.groups import BOUNDS, Label, group_names, measure_all, measure_groups, most_alike, read_label
from edge.evaluate.pairs import main_face
from edge.names import IMAGE_SUFFIXES
from edge.pixels.faces.geometry import align

Progress = Callable[[str, int, int], None]
BORDER_SHARE = 0.3
"""Border added around a tight face, as a share of the picture's shorter side: 48 px at 160."""
GRAY = 127
BATCH = 32
MOST_ALIKE = 20


def groups(
    config: Config,
    images: Path,
    *,
    min_similarity: float | None = None,
    max_similarity: float | None = None,
    aligned: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """False match rates over all pairs of the folder's faces; docs/measured.md explains them.

    `min_similarity` None takes the limit of the configuration, which holds until the device is calibrated. Pairs that
    reach `max_similarity` are taken for one person and left out. `aligned` takes the pictures as 112 x 112 crops.
    Raises ImageError where fewer than two pictures are named by the rule or show a face, ConfigError where the first
    limit is not below the second.
    """
    limit = config.recognise.min_similarity if min_similarity is None else min_similarity
    if max_similarity is not None and max_similarity <= limit:
        raise ConfigError(f"--max-similarity {max_similarity:g} leaves out every match; give more than {limit:g}")
    models = load_models(config)
    paths, labels, num_misnamed = find_faces(images)
    vectors, found = embed_faces(paths, models, aligned, progress)
    if len(vectors) < 2:
        raise ImageError(f"{images}: a face is found in {len(vectors)} of {len(paths)} pictures; crops want --aligned")
    shown = [path for path, there in zip(paths, found, strict=True) if there]
    return {
        "min_similarity": limit,
        "max_similarity": max_similarity,
        "source": "configuration" if min_similarity is None else "option",
        "bounds": BOUNDS,
        "models": models.hashes,
        "num_pictures": len(paths),
        "num_without_face": len(paths) - len(shown),
        "num_misnamed": num_misnamed,
        **_overall(vectors, models.strangers.get("color"), limit, max_similarity),
        "by": _by_label(vectors, labels, found, limit, max_similarity),
        "most_alike": [
            {"paths": [str(shown[first]), str(shown[second])], "similarity": similarity}
            for first, second, similarity in most_alike(vectors, MOST_ALIKE)
        ],
    }


def _overall(
    vectors: NDArray[np.float32], strangers: NDArray[np.float32] | None, limit: float, max_similarity: float | None
) -> dict[str, Any]:
    everybody = measure_all(vectors, limit, max_similarity)
    return {
        "num_left_out": len(vectors) * (len(vectors) - 1) // 2 - everybody.pairs,
        "all": asdict(everybody),
        "strangers": None if strangers is None else asdict(measure_all(strangers, limit)),
    }


def _by_label(
    vectors: NDArray[np.float32],
    labels: Sequence[Label],
    found: NDArray[np.bool_],
    limit: float,
    max_similarity: float | None,
) -> dict[str, Any]:
    seen = group_names([label for label, there in zip(labels, found, strict=True) if there])
    missed = group_names([label for label, there in zip(labels, found, strict=True) if not there])
    return {
        kind: measure_groups(vectors, names, limit, max_similarity, without_face=missed[kind]).to_dict()
        for kind, names in seen.items()
    }


def find_faces(images: Path) -> tuple[list[Path], list[Label], int]:
    """Return pictures named NNNNN_AGE_SEX_SKIN with labels, and the number of others; raises ImageError."""
    try:
        files = sorted(path for path in images.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    except OSError as error:
        raise ImageError(f"{images}: can't be read ({error.strerror}); give a folder of faces") from None
    named = [(path, label) for path in files if (label := read_label(path.stem)) is not None]
    if len(named) < 2:
        raise ImageError(
            f"{images}: {len(named)} of {len(files)} pictures are named NNNNN_AGE_SEX_SKIN.jpg (sex 0 or 1, skin 0 to "
            "4), and two are the least; name them so"
        )
    return [path for path, _ in named], [label for _, label in named], len(files) - len(named)


def embed_faces(
    paths: Sequence[Path], models: Models, aligned: bool, progress: Progress | None
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return (N, D) embeddings of the faces found, and for each picture whether a face was found."""
    found = np.zeros(len(paths), bool)
    parts = [models.stages.embedder.embed([])]
    for start in range(0, len(paths), BATCH):
        crops = []
        for index in range(start, min(start + BATCH, len(paths))):
            image = read_image(paths[index])
            if aligned and not is_aligned(image):
                raise ImageError(f"{paths[index]}: is no aligned 112 x 112 crop; leave out --aligned")
            crop = image if aligned else crop_tight(image, models.stages.detector)
            if crop is not None:
                found[index] = True
                crops.append(crop)
            if progress is not None:
                progress("faces", index + 1, len(paths))
        parts.append(models.stages.embedder.embed(crops))
    return np.concatenate(parts), found


def crop_tight(image: BgrImage, detector: Detector) -> BgrImage | None:
    """The aligned crop of a tightly cut face, None where none is found.

    Foreheads and chins are cut in such pictures, so the border is repeated before a face is looked for. The crop itself
    gets gray there, because the stripes of a repeated border make strangers alike: of the 130,000 pairs of 509 people
    of LFW, 6 reached a similarity of .5 uncut, 14 cut as tightly as UTKFace with gray, over 300 with stripes.
    """
    height, width = image.shape[:2]
    border = round(BORDER_SHARE * min(height, width))
    wide = np.pad(image, ((border, border), (border, border), (0, 0)), mode="edge")
    detections = detector.detect(wide)
    face = main_face(detections, wide)
    if face is None:
        return None
    filled = np.full_like(wide, GRAY)
    filled[border : border + height, border : border + width] = image
    return align(filled, detections.landmarks[face])
