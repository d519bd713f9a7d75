"""Measure how near the embedding of a crop of some quality is to that of the same face, clean.

`python -m tools.train.reliability [--models DIR] [--count N]` prints the table of `edge/pipeline/reliability.py`.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

import numpy as np

from edge.config import Config
from edge.pixels import degrade
from edge.pixels.faces.geometry import ARCFACE_POINTS
from edge.pixels.measures.quality import measure
from edge.recognise import build_embedder
from edge.sessions import Pack
from tools.train import paths
from tools.train.material.canvases import CANVAS_FACE_PX, inner

EDGES = (0.0, 5.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 100.0)
BOX = np.array([14.0, 10.0, 98.0, 108.0], np.float32)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="quality of a crop against likeness to the clean embedding")
    parser.add_argument("--models", type=Path, default=paths.MODELS)
    parser.add_argument("--count", type=int, default=4000)
    args = parser.parse_args()
    config = Config(models_dir=args.models)
    embedder = build_embedder(config.recognise, Pack.open(args.models), config.runtime)
    canvases = np.load(paths.CACHE / "canvases.npy", mmap_mode="r")
    rng = np.random.default_rng(0)
    clean, worse, scores = [], [], []
    for row in rng.choice(len(canvases), args.count, replace=False):
        canvas = np.ascontiguousarray(canvases[row])
        name = degrade.NAMES[int(rng.integers(len(degrade.NAMES)))]
        bad = degrade.apply(canvas, name, float(rng.uniform(0, 5)), rng_or_seed=rng, face_px=CANVAS_FACE_PX)
        clean.append(inner(canvas))
        worse.append(np.ascontiguousarray(inner(bad)))
        scores.append(measure(worse[-1], ARCFACE_POINTS, BOX).score)
    a, b = embedder.embed(clean), embedder.embed(worse)
    likeness, score = np.einsum("nd,nd->n", a, b), np.array(scores)
    print(f"embedder {embedder.sha256[:12]}, {args.count} crops")
    for low, high in itertools.pairwise(EDGES):
        inside = (score >= low) & (score < high + (high == EDGES[-1]))
        if inside.sum() >= 20:
            spread = np.percentile(likeness[inside], [10, 90]).round(3).tolist()
            row = f"({score[inside].mean():.1f}, {likeness[inside].mean():.3f}),"
            print(f"{row}  # {inside.sum()} crops, p10 p90 {spread}")


if __name__ == "__main__":
    main()
