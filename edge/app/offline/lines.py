"""`edge detect` and `edge embed`: one JSON-ready line per frame or image."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from edge.app.build import Models, load_models
from edge.app.offline.contents import find_clips, open_clip, passed_over
from edge.arrays import ALIGNED_PX, BgrImage, is_aligned
from edge.capture.files import ImagesSource
from edge.capture.pictures.images import read_image
from edge.capture.sources import expected_frames
from edge.config import Config
from edge.detect import Detector, build_detector, for_stills
from edge.enhance import Enhancer, recipe_to_json, score_face
from edge.errors import EdgeError, ImageError
from edge.names import printable
from edge.pixels.faces.geometry import ARCFACE_POINTS, align
from edge.pixels.measures.quality import measure
from edge.recipes import Recipe
from edge.recognise import fuse
from edge.sessions import Pack
from edge.watchlist.picture_checks import largest_face

BATCH = 32
_PendingLine = tuple[dict[str, Any], list[BgrImage]]
"""A line, and the crops of its face: none, the original, or the original and the enhanced one."""


def expected_frames_of(paths: Iterable[Path]) -> int | None:
    """About how many lines `detect` gives; None where a file doesn't say."""
    expected = [expected_frames(path) for path in _clips_of(paths)]
    return None if None in expected else sum(filter(None, expected))


def _clips_of(paths: Iterable[Path]) -> Iterator[Path]:
    """Files as they are; of a folder each video, and the folder for its pictures."""
    for path in paths:
        yield from (clip.path for clip in find_clips(path)) if path.is_dir() else [path]


def detect(config: Config, paths: Iterable[Path], tell: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """Yield a line per frame of every path, in order; `tell` hears what of a path could not be looked at.

    ImageError for a file that can't be read; of a folder, where none can.
    """
    detector = build_detector(config.detect, Pack.open(config.models_dir), config.runtime)
    for path in paths:
        files, errors = list(_clips_of([path])), []
        for file in files:
            try:
                yield from _detect_in(file, detector, tell)
            except ImageError as error:
                errors.append(error)
                if len(errors) == len(files):
                    raise errors[0] from None
                tell(printable(str(error)))
        for line in passed_over(path):
            tell(line)


def _detect_in(path: Path, detector: Detector, tell: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    still = for_stills(detector)
    with open_clip(path) as source:
        for number, frame in enumerate(source.frames()):
            height, width = frame.image.shape[:2]
            found = (still if isinstance(source, ImagesSource) else detector).detect(frame.image)
            yield {
                "path": printable(path),
                "frame": number,
                "width": width,
                "height": height,
                "detections": [
                    {
                        "box": np.round(found.boxes[i], 3).tolist(),
                        "score": round(float(found.scores[i]), 5),
                        "landmarks": np.round(found.landmarks[i], 3).tolist(),
                    }
                    for i in range(len(found))
                ],
            }
        if source.problem is not None:
            tell(printable(source.problem))


def embed(config: Config, paths: Sequence[Path], *, aligned: bool, enhance: str) -> Iterator[dict[str, Any]]:
    """Yield a line per image, in order; embeddings are computed in batches. A bad image is a line with a reason."""
    models = load_models(config)
    ours = models.stages.enhancer
    enhancer = Enhancer(enhance, networks=ours.networks, benefit=ours.benefit)
    waiting: list[_PendingLine] = []
    for path in paths:
        waiting.append(_measure_image(path, for_stills(models.stages.detector), enhancer, aligned))
        if len(waiting) == BATCH:
            yield from _embed_all(waiting, models)
            waiting = []
    yield from _embed_all(waiting, models)


def _measure_image(path: Path, detector: Detector, enhancer: Enhancer, aligned: bool) -> _PendingLine:
    line: dict[str, Any] = {
        "path": printable(path),
        "box": None,
        "landmarks": None,
        "score": None,
        "quality": None,
        "steps": [],
    }
    try:
        image = read_image(path)
        if aligned:
            if not is_aligned(image):
                raise ImageError(
                    f"{printable(path)}: is {image.shape[1]} x {image.shape[0]} px; --aligned takes 112 x 112 crops"
                )
            points, box, crop, score = ARCFACE_POINTS, np.array([0, 0, ALIGNED_PX, ALIGNED_PX], np.float32), image, None
        else:
            found = detector.detect(image)
            best = largest_face(found)
            if best is None:
                return {**line, "embedding": None, "reason": "no_face", "model": None}, []
            points, box, score = found.landmarks[best], found.boxes[best], float(found.scores[best])
            crop = align(image, points)
    except EdgeError as error:
        return {**line, "embedding": None, "reason": str(error), "model": None}, []
    quality, recipe, crops = measure(crop, points, box), Recipe(), [crop]
    if enhancer.helps_recognition:
        scored = score_face(image, points, box, enhancer)
        quality, recipe = scored.quality, scored.recipe
        crops += [scored.enhanced] if scored.enhanced is not None else []
    line |= {
        "box": np.round(box, 3).tolist(),
        "landmarks": np.round(points, 3).tolist(),
        "score": score if score is None else round(score, 5),
        "quality": {**asdict(quality), "parts": dict(quality.parts)},
        "steps": recipe_to_json(recipe)["steps"],
    }
    return line, crops


def _embed_all(waiting: list[_PendingLine], models: Models) -> Iterator[dict[str, Any]]:
    """Embeddings of a batch: a face that was enhanced counts together with its original."""
    embedder = models.stages.embedder
    crops = [crop for _, several in waiting for crop in several]
    vectors = iter(embedder.embed(np.stack(crops)) if crops else ())
    for line, several in waiting:
        if several:
            vector = fuse(np.stack([next(vectors) for _ in several])) if len(several) > 1 else next(vectors)
            line |= {"embedding": [round(float(x), 7) for x in vector], "model": embedder.sha256}
        yield line
