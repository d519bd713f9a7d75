"""Measures how alike two files, or one file in two arithmetics, answer the same pictures.

The pictures are cut from the demo's public-domain portrait and scene, at many places and sizes, each with a fault of
its own, so that nothing but the repository is needed; callers may pass others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from edge.app.selfcheck import demo_clip
from edge.arrays import BgrImage
from edge.pixels import degrade
from edge.pixels.luma import luma_255
from edge.pixels.resize import resize
from edge.sessions import ModelEntry

COUNT = 64
SIDES = {"embed": 112, "detect": 256, "sr2": 48, "sr4": 24}
"""Side of the pictures in px by task; others get 64 px."""
FACE_MIDDLE = (130, 222)
"""Row and column of the middle of the portrait's face."""
F32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Likeness:
    """Over all pictures: cosines of the answers (`embed`, `detect`: of the output least alike), or differences in
    units of 1/255 (models that change pictures)."""

    kind: str
    mean: float
    worst: float

    def told(self) -> str:
        """In words."""
        if self.kind == "cosine":
            return f"cosine {self.mean:.4f} on average, {self.worst:.4f} at least"
        return f"{self.mean:.2f}/255 apart on average, {self.worst:.2f}/255 at most"

    def is_same(self, min_cosine: float = 0.998, max_difference: float = 1.0) -> bool:
        """Whether every cosine reaches `min_cosine`, or the mean difference stays within `max_difference`."""
        return self.worst >= min_cosine if self.kind == "cosine" else self.mean <= max_difference


def pictures(task: str, count: int = COUNT, seed: int = 0) -> list[BgrImage]:
    """Square (S, S, 3) uint8 BGR pictures in the size that suits a task; the same for the same arguments."""
    side, rng = SIDES.get(task, 64), np.random.default_rng(seed)
    sources, made = (demo_clip.portrait(), demo_clip.portrait(), demo_clip.scene()), []
    for number in range(count):
        if task == "embed":  # an embedder has nothing to say of pictures without a face
            source, cut = sources[0], int(rng.integers(110, 180))
            y, x = (int(middle - cut / 2 + rng.integers(-12, 13)) for middle in FACE_MIDDLE)
        else:
            source, cut = sources[number % 3], int(rng.integers(100, 300))
            y, x = (int(rng.integers(0, size - cut)) for size in source.shape[:2])
        part = resize(np.ascontiguousarray(source[y : y + cut, x : x + cut]), side, side)
        name, level = degrade.NAMES[number % len(degrade.NAMES)], 1 + number % 4
        made.append(degrade.apply(part, name, level, rng_or_seed=number, face_px=0.8 * side))
    return made


def answers(path: Path, entry: ModelEntry, shown: Sequence[BgrImage], *, is_exact: bool) -> list[dict[str, F32]]:
    """The outputs by name, per picture, on the CPU; `is_exact`: graph optimisations off, so no int8 kernel is used."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    if is_exact:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return [
        dict(zip(names, session.run(names, {entry.input.name: tensor}), strict=True))
        for tensor in tensors(entry, shown)
    ]


def compare(task: str, first: Sequence[Mapping[str, F32]], second: Sequence[Mapping[str, F32]]) -> Likeness:
    """How alike two lists of answers to the same pictures are."""
    pairs = list(zip(first, second, strict=True))
    if task in ("embed", "detect"):
        cosines = [min(_cosine(a[name], b[name]) for name in a) for a, b in pairs]
        return Likeness("cosine", float(np.mean(cosines)), min(cosines))
    apart = [float(np.mean([np.abs(a[name] - b[name]).mean() for name in a])) for a, b in pairs]
    return Likeness("pixels", float(np.mean(apart)), max(apart))


def tensors(entry: ModelEntry, shown: Sequence[BgrImage]) -> Iterator[F32]:
    """Pictures as the model's inputs, one at a time."""
    for image in shown:
        if entry.input.color == "Y":
            yield luma_255(image)[np.newaxis, np.newaxis].astype(np.float32)
        else:
            yield entry.input.tensor(image[np.newaxis])


def _cosine(first: F32, second: F32) -> float:
    a, b = (one.astype(np.float64).ravel() for one in (first, second))
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))
