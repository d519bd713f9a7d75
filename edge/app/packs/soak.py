"""`edge probe --soak`: works without a rest, and notes the rate and the temperature of each minute."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable

import numpy as np

from edge.app.build import Models
from edge.app.selfcheck import known_answers
from edge.errors import ModelError
from edge.ops.packs.choice import platform_facts
from edge.ops.packs.soak import Minute, Soak
from edge.ops.system import sensors
from edge.pixels.faces.geometry import align
from edge.store import time_to_text

MINUTE_S = 60.0
NUM_FACES = 4

Progress = Callable[[str, int, int], None]


def frame_work(models: Models) -> Callable[[], object]:
    """The work of one frame with four faces, with the models and settings that the service would use."""
    shown = known_answers.pictures()
    frame = next(image for name, image in shown.items() if name != "portrait")
    stages = models.stages
    found = stages.detector.detect(shown["portrait"])
    if not len(found):
        raise ModelError("no face was found in the demo pictures; restore the pack")
    crop = align(shown["portrait"], found.landmarks[0])
    faces = np.stack([crop] * NUM_FACES)

    def work() -> None:
        stages.detector.detect(frame)
        stages.embedder.embed(faces)

    return work


def soak(
    models: Models,
    minutes: float,
    progress: Progress | None = None,
    *,
    work: Callable[[], object] | None = None,
    clock: Callable[[], float] = time.monotonic,
    temperature_c: Callable[[], float | None] = sensors.temperature_c,
    throttled: Callable[[], str | None] = sensors.throttled,
) -> Soak:
    """Work for so many minutes without a rest. `clock` counts seconds."""
    work = work or frame_work(models)
    work()
    began_s = minute_s = clock()
    kept: list[Minute] = []
    count = 0
    while True:
        work()
        count += 1
        now_s = clock()
        is_over = now_s - began_s >= minutes * MINUTE_S
        if now_s - minute_s >= MINUTE_S or is_over:
            rate = round(count / max(now_s - minute_s, 1e-9), 3)
            slowed = throttled()
            kept.append(
                Minute(at_s=round(now_s - began_s, 1), rate=rate, temperature_c=temperature_c(), throttled=slowed)
            )
            minute_s, count = now_s, 0
            if progress is not None:
                progress("soak", len(kept), max(len(kept), round(minutes)))
        if is_over:
            at = time_to_text(dt.datetime.now(dt.UTC))
            return Soak(at=at, platform=platform_facts(), models=models.hashes, minutes=tuple(kept))
