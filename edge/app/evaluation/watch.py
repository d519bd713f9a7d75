"""`edge eval watch`: clips and scenes become quiet footage, faults are put into it, and the states said are counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edge.arrays import BgrImage
from edge.capture.pictures.images import read_image
from edge.capture.sources import open_path
from edge.errors import ImageError
from edge.evaluate.loops import measure_loop
from edge.evaluate.watch import (
    FROZEN_STEP_S,
    NUM_FAULTS,
    QUIET_STEP_S,
    Footage,
    QuietResult,
    calm,
    faults,
    measure_fault,
    measure_quiet,
    quiet,
    summary,
)
from edge.names import IMAGE_SUFFIXES
from edge.pixels.resize import resize

Progress = Callable[[str, int, int], None]
LONG_SIDE_PX = 480
CLIP_FPS = 3.0
MAX_CLIP_FRAMES = 120
FROZEN_SHARE, LOOP_SHARE = 48, 8
"""One part in so many of the quiet hours is looked at twice a second again, where freezing can be judged, and loops."""


def watch(
    clips: Sequence[Path],
    scenes: Path | None,
    *,
    num_scenes: int,
    variants: int,
    quiet_hours: float,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Recall of faults put into footage, and false states in quiet footage; docs/measured.md explains them.

    Raises ImageError where no clip and no scene is given, or one can't be read.
    """
    footage = [read_clip(path) for path in clips] + read_scenes(scenes, num_scenes)
    if not footage:
        raise ImageError("no footage: give clips with --footage, a folder of pictures with --scenes, or both")
    tell = progress or (lambda what, done, total: None)
    found = []
    total = len(footage) * variants * (NUM_FAULTS + 1)
    for one in footage:
        for variant in range(variants):
            for fault in faults(np.random.default_rng(0)):
                found.append(measure_fault(one, fault, variant))
                tell("faults", len(found), total)
            found.append(measure_loop(one, variant))
            tell("faults", len(found), total)
    calm_results: list[QuietResult] = []
    for number, one in enumerate(footage):
        seconds = quiet_hours * 3600 / len(footage)
        rng = np.random.default_rng([7, number])
        calm_results.append(measure_quiet(one, quiet(one, seconds, QUIET_STEP_S, rng), QUIET_STEP_S))
        looked = calm(one, max(60.0, seconds / FROZEN_SHARE), FROZEN_STEP_S, rng)
        calm_results.append(measure_quiet(one, looked, FROZEN_STEP_S))
        busy = quiet(one, max(60.0, seconds / LOOP_SHARE), FROZEN_STEP_S, rng)
        calm_results.append(measure_quiet(one, busy, FROZEN_STEP_S))
        tell("quiet footage", number + 1, len(footage))
    return {"footage": [one.name for one in footage], "variants": variants, **summary(found, calm_results)}


def read_clip(path: Path) -> Footage:
    """Two or three frames a second of a recording, made small; raises ImageError where there are none."""
    frames: list[BgrImage] = []
    due_s = 0.0
    with open_path(path) as source:
        for frame in source.frames():
            if frame.media_s is not None and frame.media_s < due_s:
                continue
            due_s += 1 / CLIP_FPS
            frames.append(shrink(frame.image))
            if len(frames) >= MAX_CLIP_FRAMES:
                break
    if not frames:
        raise ImageError(f"{path}: holds no frame; give another clip")
    return Footage(path.name, frames, CLIP_FPS)


def read_scenes(folder: Path | None, number: int) -> list[Footage]:
    """The first pictures of a folder by name, made small, each the still scene of one camera."""
    if folder is None:
        return []
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)[:number]
    return [Footage(path.name, [shrink(read_image(path))]) for path in paths]


def shrink(image: BgrImage) -> BgrImage:
    """The picture with a longer side of 480 px."""
    height, width = image.shape[:2]
    scale = LONG_SIDE_PX / max(height, width)
    return resize(image, max(1, round(height * scale)), max(1, round(width * scale)))
