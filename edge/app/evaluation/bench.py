"""What `edge bench` measures: every stage on the rendered clip, warm, on this machine."""

from __future__ import annotations

import resource
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from edge.app.build import Models, load_active_list, load_models
from edge.app.evaluation.bench_steps import steps_of
from edge.app.evaluation.timing import ROUNDS, Timings, time_ms, timings_of, waited_ratio
from edge.app.offline.clips import EPOCH
from edge.app.people.people import enrol
from edge.app.selfcheck import demo_clip
from edge.arrays import BgrImage
from edge.config import Config
from edge.enhance import warm_up
from edge.ops.system.processor import Joules, processor, watts
from edge.pipeline import DeviceFacts, Pipeline
from edge.pixels.encode import to_jpeg, to_png
from edge.pixels.faces.geometry import align
from edge.pixels.measures.quality import measure
from edge.records import Frame, Person
from edge.store import Store
from edge.watchlist.entry import Upload

__all__ = ["measure_stages", "time_ms"]

SECONDS = 4.0


def measure_stages(config: Config) -> dict[str, Any]:
    """Return percentiles and processor time per stage, frames/s, peak memory, processor, and which models ran where."""
    models = load_models(config)
    warm_up()
    frames = [two_faces(frame) for frame in demo_clip.frames(seconds=SECONDS)]
    busiest = min(frames, key=lambda frame: abs(len(models.stages.detector.detect(frame)) - 2))
    found = models.stages.detector.detect(busiest)
    joules = Joules()
    stages = {"detect": timings_of(lambda: models.stages.detector.detect(busiest))}
    if len(found):
        stages |= _face_stages(models, busiest, found.landmarks[0], found.boxes[0])
    stages["live picture"] = timings_of(lambda: to_jpeg(busiest, 80))
    whole, seconds = _whole(config, models, frames)
    timed = {**stages, "whole pipeline": whole}
    return {
        "frame": {"width": busiest.shape[1], "height": busiest.shape[0], "faces": len(found)},
        "threads": config.runtime.threads,
        "processor": processor(),
        "watts": joules.watts() or watts(),
        "waited_ratio": waited_ratio(timed.values()),
        "stages": {name: times.spread() for name, times in timed.items()},
        "enhancement": steps_of(models.pack, ROUNDS),
        "frames_per_s": len(frames) / seconds,
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "models": {
            task: {key: about.get(key, "unknown") for key in ("name", "precision", "provider", "sha256")}
            for task, about in models.descriptions.items()
        },
    }


def two_faces(frame: BgrImage) -> BgrImage:
    """The frame with its left half mirrored over the right one: a second face of the same size."""
    half = frame.shape[1] // 2
    crowded = frame.copy()
    crowded[:, half:] = crowded[:, :half][:, ::-1]
    return crowded


def _face_stages(models: Models, image: BgrImage, landmarks: Any, box: Any) -> dict[str, Timings]:
    crop = align(image, landmarks)
    return {
        "align and measure": timings_of(lambda: measure(align(image, landmarks), landmarks, box)),
        "embed one face": timings_of(lambda: models.stages.embedder.embed(crop[np.newaxis])),
    }


def _whole(config: Config, models: Models, frames: list[BgrImage]) -> tuple[Timings, float]:
    """Run every frame through a new pipeline with the demo's person enrolled."""
    with tempfile.TemporaryDirectory(prefix="edge-bench-") as folder, Store.open(Path(folder)) as store:
        enrol(store, models, Person("bench", "Bench", "bench"), [Upload("portrait.png", to_png(demo_clip.portrait()))])
        facts = DeviceFacts("bench", "test", models.hashes, models.impostor_tail, lambda _: {})
        pipeline = Pipeline(config, models.stages, load_active_list(store, models), facts)
        times = Timings()
        for number, image in enumerate(frames):
            frame = Frame(number, "bench", EPOCH, round(number / demo_clip.FPS * 1e9), image)
            times.take(lambda frame=frame: pipeline.process(frame))  # type: ignore[misc]
        return times, sum(times.wall) / 1e3
