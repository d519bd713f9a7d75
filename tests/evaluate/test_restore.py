"""Steps are measured one beside the other, each with its own parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from edge.enhance import Enhancer
from edge.enhance.planner import Plan, PlannedStep
from edge.evaluate.pairs import Picture
from edge.evaluate.restore import AUTO, Face, measure_condition
from edge.records import Detections, Quality


class Gentle(Enhancer):
    """Plans to brighten less than the step does by itself."""

    def plan(self, quality: Quality, *args: Any, **kwargs: Any) -> Plan:
        return Plan((PlannedStep("lime", {"gamma": 0.3}),), ())


class Nowhere:
    """Finds no face, so each is taken to be in the middle."""

    def detect(self, image: np.ndarray, min_score: float | None = None) -> Detections:
        return Detections.empty()


class Flat:
    """Embeds by the mean brightness."""

    def embed(self, crops: Any) -> np.ndarray:
        values = np.array([[crop.mean() / 255, 1.0] for crop in crops], np.float32)
        return np.asarray(values / np.linalg.norm(values, axis=1, keepdims=True), np.float32)


def test_what_the_planner_does_is_not_taken_for_the_step_by_itself() -> None:
    rng = np.random.default_rng(0)
    faces = []
    for number in range(4):
        image = rng.integers(90, 200, (120, 120, 3), dtype=np.uint8)
        faces.append(Face(Picture(f"p{number // 2}", number), image, np.array([1, 0], np.float32)))
    tools: dict[str, Any] = {"enhancer": Gentle("auto"), "detector": Nowhere(), "embedder": Flat(), "num_pixels": 4}
    together = measure_condition(faces, "dark:4", ["lime", AUTO], **tools)
    alone = measure_condition(faces, "dark:4", [AUTO], **tools)
    assert together.variants[AUTO].psnr == alone.variants[AUTO].psnr
    assert np.mean(together.variants["lime"].psnr) - np.mean(alone.variants[AUTO].psnr) > 1
