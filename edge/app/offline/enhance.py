"""`edge enhance`: enhances one picture file, keeps its alpha channel, and returns the recipe of what was done."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edge import durable
from edge.app.build import apply_probe_choice
from edge.arrays import BgrImage
from edge.capture.pictures.stills import Still, read_still
from edge.config import Config
from edge.detect import build_detector, for_stills
from edge.enhance import Enhancer, Networks, Plan, plan_steps, recipe_to_json
from edge.enhance.labels import label_of
from edge.enhance.view import read_views
from edge.errors import ImageError, StoreError
from edge.pixels.encode import ENHANCED_SUFFIXES, encode_still
from edge.pixels.measures.quality import measure_picture
from edge.pixels.resize import resize_plane
from edge.recipes import Recipe
from edge.records import Quality
from edge.sessions import Pack

MIN_FACE_SCORE = 0.8
"""Detector score that a face needs for the picture to be enlarged; lamps and wheels score less."""

Progress = Callable[[str, int, int], None]


def open_networks(config: Config) -> Networks:
    """The learned steps of the configured pack."""
    return Networks(Pack.open(config.models_dir), config.runtime)


def enhance(
    config: Config,
    source: Path,
    target: Path,
    *,
    steps: Sequence[str],
    recipe_file: Path | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Enhance one picture and write it; returns a JSON-ready summary with the recipe.

    `steps` are names in the order they are done, or `auto` alone for what the planner chooses for viewing.
    """
    _require_target(source, target, recipe_file)
    if list(steps) != ["auto"]:
        plan_steps(steps)  # refuse a wrong name before a large picture is read
    still = read_still(source)
    enhancer = Enhancer(
        "auto",
        time.perf_counter,
        networks=open_networks(config),
        views=read_views(Pack.open(config.models_dir)),
        generative=config.enhance.generative,
    )
    quality = _quality(config, still.image) if list(steps) == ["auto"] else None
    plan = plan_steps(steps) if quality is None else enhancer.plan(quality)
    image, recipe = _apply(enhancer, still.image, plan, progress)
    alpha = None if still.alpha is None else resize_plane(still.alpha, *image.shape[:2])
    data = encode_still(image, target.suffix, alpha=alpha, gray=still.is_gray, comment=label_of(recipe))
    told = {
        "source": str(source),
        "out": str(target),
        "width": image.shape[1],
        "height": image.shape[0],
        "notes": [*still.notes, *_loss_notes(still, target)],
        "generated": label_of(recipe),
        "quality": None if quality is None else _numbers(quality),
        "recipe": recipe_to_json(recipe),
    }
    _write(target, data)
    if recipe_file is not None:
        _write(recipe_file, (json.dumps(told["recipe"], indent=1) + "\n").encode())
    return told


def _apply(enhancer: Enhancer, image: BgrImage, plan: Plan, progress: Progress | None) -> tuple[BgrImage, Recipe]:
    """Apply the steps one by one, so that progress can name the current one."""
    done: list[Any] = []
    for planned in plan.steps:
        if progress is not None:
            progress(planned.name, 0, 1)
        tell = None if progress is None else lambda at, of, name=planned.name: progress(name, at, of)
        image, recipe = enhancer.apply(image, Plan((planned,), ()), tell)
        done += recipe.steps
        if progress is not None:
            progress(planned.name, 1, 1)
    return image, Recipe(tuple(done), plan.skipped)


def _quality(config: Config, image: BgrImage) -> Quality:
    """Measure the picture's faults; the eye distance is that of its widest face, 0 without a face."""
    pack = Pack.open(config.models_dir)
    config, runtimes = apply_probe_choice(config, pack)
    detector = for_stills(build_detector(config.detect, pack, runtimes.get("detect", config.runtime)))
    found = detector.detect(image, MIN_FACE_SCORE)
    eyes = 0.0
    if len(found):
        widest = int(np.argmax(found.boxes[:, 2] - found.boxes[:, 0]))
        eyes = float(np.linalg.norm(found.landmarks[widest, 1] - found.landmarks[widest, 0]))
    return replace(measure_picture(image), eye_distance_px=eyes)


def _numbers(quality: Quality) -> dict[str, float]:
    names = ("luma", "noise", "sharpness", "directedness", "blur_deg", "blockiness", "eye_distance_px")
    return {name: round(float(getattr(quality, name)), 4) for name in names}


def _loss_notes(still: Still, target: Path) -> list[str]:
    if still.alpha is not None and target.suffix.lower() in (".jpg", ".jpeg"):
        return ["JPEG has no alpha: it was left out; write a PNG to keep it"]
    return []


def _require_target(source: Path, target: Path, recipe_file: Path | None) -> None:
    """Refuse to write over the original, before any work is done."""
    if target.suffix.lower() not in ENHANCED_SUFFIXES:
        raise ImageError(f"{target}: can't be written as {target.suffix or 'a file without ending'}; "
                         f"choose one of {', '.join(ENHANCED_SUFFIXES)}")  # fmt: skip
    for path in (target, recipe_file):
        if path is not None and path.exists() and source.exists() and path.samefile(source):
            raise ImageError(f"{path}: is the original, which is never written over; give another file")


def _write(path: Path, data: bytes) -> None:
    try:
        durable.replace(path, data, 0o666)  # as open() would: the user's umask says who may read it
    except OSError as error:
        raise StoreError(f"{path}: can't be written ({error.strerror}); check the folder and free space") from None
