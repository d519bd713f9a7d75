"""`edge eval restore`: measures every enhancement step, and writes benefit.json, which allows steps for recognition."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edge import durable
from edge.app.build import Models, load_models
from edge.arrays import BgrImage
from edge.capture.pictures.images import read_image
from edge.config import Config
from edge.enhance import BENEFIT_FILE, STEPS, Enhancer
from edge.enhance.benefit import BenefitFile, hashes_of
from edge.errors import ImageError, StoreError
from edge.evaluate.benefit import CANDIDATES, CONFIDENCE, MAX_LOSS, MIN_GAIN, choose, disagreement
from edge.evaluate.pairs import Picture
from edge.evaluate.restore import AUTO, Condition, Face, embed_clean, measure_condition, row_of

Progress = Callable[[str, int, int], None]
LEVELS = (3, 5)
CONDITIONS = tuple(
    f"{name}:{level}"
    for name in ("dark", "motion", "blur", "lowres", "noise", "jpeg", "cctv", "small")
    for level in LEVELS
)
TRIED_UNDER = {
    "deblur": ("motion", "blur", "lowres", "cctv"),
    "sr2": ("small",),
}
"""Degradations a slow step is tried under; the others don't show the fault that it repairs."""
SEED = 4
MAX_PER_PERSON = 4


def measure_restoration(
    config: Config,
    images: Path,
    people: Sequence[str],
    *,
    conditions: Sequence[str] = CONDITIONS,
    steps: Sequence[str] = (),
    count: int = 120,
    progress: Progress | None = None,
) -> tuple[dict[str, Any], list[Condition]]:
    """The table: every step of the pack under every condition, on up to `count` pictures."""
    models = load_models(config)
    enhancer = open_enhancer(models)
    wanted = list(steps) or [*_available_steps(enhancer), AUTO]
    faces = read_faces(images, people, count, models, progress)
    found = []
    rows: list[dict[str, Any]] = []
    for name in conditions:
        condition = measure_condition(
            faces,
            name,
            wanted,
            enhancer=enhancer,
            detector=models.stages.detector,
            embedder=models.stages.embedder,
            num_pixels=len(faces),
            progress=progress,
        )
        found.append(condition)
        rows += [dict(row_of(condition, step, faces)) for step in wanted]
    missing = [name for name in STEPS if name not in _available_steps(enhancer)]
    answer = {
        "models": hashes_of(models.pack),
        "people": len({face.picture.person for face in faces}),
        "pictures": len(faces),
        "left_out": [f"{name}: the model pack has no model for it" for name in missing],
        "rows": rows,
    }
    return answer, found


def write_benefit(
    config: Config, images: Path, people: Sequence[str], *, count: int, progress: Progress | None = None
) -> dict[str, Any]:
    """Choose what may be done for recognition, on these people, and write it beside the model pack."""
    models = load_models(config)
    enhancer = open_enhancer(models)
    there = set(_available_steps(enhancer))
    faces = read_faces(images, people, count, models, progress)
    conditions = []
    for name in CONDITIONS:
        fault, _, level = name.partition(":")
        steps = [
            step for step in CANDIDATES if step in there and (step not in TRIED_UNDER or fault in TRIED_UNDER[step])
        ]
        conditions.append(
            measure_condition(
                faces,
                name,
                [*steps, *([AUTO] if int(level) == LEVELS[0] else [])],
                enhancer=enhancer,
                detector=models.stages.detector,
                embedder=models.stages.embedder,
                num_pixels=0,
                progress=progress,
            )
        )
    used = {"detect", "embed", *CANDIDATES}
    shown, tried = choose(conditions, faces)
    held = BenefitFile(
        version=1,
        models={task: sha256 for task, sha256 in hashes_of(models.pack).items() if task in used},
        steps={name: STEPS[name].version for name in CANDIDATES if name in there},
        shown=shown,
        disagreement=disagreement(conditions, faces),
        how={"pictures": len(faces), "min_gain": MIN_GAIN, "max_loss": MAX_LOSS, "confidence": CONFIDENCE},
        rows=tuple(tried),
    )
    path = models.pack.models_dir / BENEFIT_FILE
    try:
        durable.replace(path, (json.dumps(held.model_dump(), indent=1) + "\n").encode(), 0o644)
    except OSError as error:
        raise StoreError(f"{path}: can't be written ({error.strerror}); give a models_dir that can be") from None
    return {"written": str(path), **held.model_dump()}


def read_faces(
    images: Path, people: Sequence[str], count: int, models: Models, progress: Progress | None
) -> tuple[Face, ...]:
    """Read up to `count` pictures of people who have at least two, most pictures first: the measure needs pairs."""
    order = np.random.default_rng(SEED).permutation(len(people))
    found = {people[index]: sorted((images / people[index]).glob("*.jpg"))[:MAX_PER_PERSON] for index in order}
    chosen: list[tuple[Picture, BgrImage]] = []
    for person in sorted((person for person in found if len(found[person]) > 1), key=lambda one: -len(found[one])):
        if len(chosen) + 2 > count:
            break
        chosen += _readable(person, found[person])[: count - len(chosen)]
        if progress is not None:
            progress("pictures", len(chosen), count)
    if len(chosen) < 4:
        raise ImageError(f"{images}: fewer than two of the listed people have two pictures; check both paths")
    return embed_clean(chosen, models.stages.detector, models.stages.embedder)


def _readable(person: str, paths: Sequence[Path]) -> list[tuple[Picture, BgrImage]]:
    """The pictures that can be read; none where that leaves fewer than two."""
    read: list[tuple[Picture, BgrImage]] = []
    for path in paths:
        try:
            read.append((Picture(person, int(path.stem.rpartition("_")[2])), read_image(path)))
        except (ImageError, ValueError):
            continue
    return read if len(read) > 1 else []


def open_enhancer(models: Models) -> Enhancer:
    """Every step of the pack and its choices for eyes; no benefit, no budget."""
    return Enhancer("auto", networks=models.stages.enhancer.networks, views=models.stages.enhancer.views)


def _available_steps(enhancer: Enhancer) -> list[str]:
    return [name for name, kind in STEPS.items() if not kind.learned or enhancer.networks.default_of(name) is not None]
