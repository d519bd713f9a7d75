"""Draw synthetic strangers: vectors from a distribution fitted to the training people's embeddings.

`python -m tools.train.cohort [--models DIR]` writes them beside the embedder they belong to, one file for color and one
for gray pictures, with what was measured in the manifest. To be run again whenever the embedder changes.

A plain Gaussian has too thin a tail, because some people resemble one another. So a vector is drawn around the mean of
the `NEIGHBOURS` embeddings nearest to a random one, each of another person, and the rest of the covariance is noise: no
drawn vector belongs to anybody. The manifest says how near the nearest training face is, beside people never seen.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.arrays import BgrImage
from edge.capture.pictures.images import read_image
from edge.config import Config
from edge.detect import build_detector
from edge.errors import ImageError
from edge.evaluate.pairs import main_face
from edge.pixels.faces.geometry import align
from edge.pixels.luma import luma
from edge.recognise import Embedder, build_embedder
from edge.sessions import Pack
from edge.watchlist.strangers import FMRS, HEAVIER, NEIGHBOURS, draw, fit
from tools import manifest
from tools.train import paths
from tools.train.material import views

Vectors = NDArray[np.float64]
LIKENESS_PAIRS = 1500
CROP_FACE_PX = 85.0


def gray(crops: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same pictures without color."""
    return np.stack([np.repeat((luma(crop) * 255 + 0.5).astype(np.uint8)[..., None], 3, axis=2) for crop in crops])


def faces(config: Config, people: str) -> tuple[NDArray[np.uint8], list[str]]:
    """Crops of the people in a list of the data, cut where the shipped detector finds them, and whose they are."""
    detector = build_detector(config.detect, Pack.open(config.models_dir), config.runtime)
    crops: list[BgrImage] = []
    owners: list[str] = []
    for path in paths.lfw_pictures(paths.LFW / people):
        try:
            image = read_image(path)
        except ImageError:
            continue  # one file of the data is cut short
        found = detector.detect(image, 0.3)
        best = main_face(found, image)
        if best is not None:
            crops.append(align(image, found.landmarks[best]))
            owners.append(path.parent.name)
    return np.stack(crops), owners


def measure(drawn: Vectors, trained: Vectors, seen: Vectors, owners: Sequence[str]) -> dict[str, Any]:
    """Drawn vectors against held-out people, beside held-out strangers against the same."""
    people, counts = np.unique(owners, return_counts=True)
    listed = set(people[counts >= 3])
    gallery = np.concatenate([seen[[i for i, o in enumerate(owners) if o == person][:2]] for person in sorted(listed)])
    strangers = seen[[i for i, owner in enumerate(owners) if owner not in listed]]
    real, made = np.sort((strangers @ gallery.T).ravel())[::-1], (drawn @ gallery.T).ravel()
    rows = {}
    for fmr in FMRS:
        limit = float(real[int(fmr * len(real))])
        rows[f"{fmr:g}"] = {
            "similarity": round(limit, 4),
            "drawn_over_real": round(float(np.mean(made > limit)) / fmr, 3),
        }
    nearest = [np.percentile((some @ trained.T).max(axis=1), [50, 95]).round(3).tolist() for some in (drawn, strangers)]
    return {
        "tail": rows,
        "people": len(listed),
        "strangers": len(strangers),
        "nearest_training_face": {"drawn_p50_p95": nearest[0], "strangers_p50_p95": nearest[1]},
    }


def likeness(embedder: Embedder, crops: NDArray[np.uint8], owners: Sequence[str], seed: int) -> list[float]:
    """Quantiles of the similarity between two pictures of one training person, the one as a bad camera delivers it."""
    rng = np.random.default_rng([seed, 2])
    rows = [i for i in range(1, len(owners)) if owners[i] == owners[i - 1]]
    rows = [rows[i] for i in rng.choice(len(rows), min(len(rows), LIKENESS_PAIRS), replace=False)]
    worse = [views.degraded(np.ascontiguousarray(crops[i]), CROP_FACE_PX, rng)[0] for i in rows]
    alike = (embed(embedder, crops[[i - 1 for i in rows]]) * embed(embedder, np.stack(worse))).sum(axis=1)
    return [float(one) for one in np.quantile(alike, np.linspace(0, 1, 41)).round(4)]


def embed(embedder: Embedder, crops: NDArray[np.uint8]) -> Vectors:
    """Embeddings as float64."""
    return embedder.embed(crops).astype(np.float64)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="draw the strangers that a box is calibrated with")
    parser.add_argument("--models", type=Path, default=paths.MODELS)
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    config = Config(models_dir=args.models)
    embedder = build_embedder(config.recognise, Pack.open(args.models), config.runtime)
    crops, trained_owners = faces(config, "people_train.txt")
    seen, owners = faces(config, "people_dev.txt")
    entries = []
    for kind, change in (("color", lambda some: some), ("gray", gray)):
        trained = embed(embedder, change(crops))
        pull, errors = fit(trained, args.seed, HEAVIER)
        drawn = draw(trained, args.count, pull, args.seed)
        scores = measure(drawn, trained, embed(embedder, change(seen)), owners)
        scores["likeness"] = likeness(embedder, change(crops), trained_owners, args.seed)
        content = drawn.astype("<f2").tobytes()
        name = f"cohort_{kind}_202611"
        (args.models / f"{name}.f16").write_bytes(content)
        provenance = {"command": "python -m tools.train.cohort", "seed": args.seed, "neighbours": NEIGHBOURS}
        provenance |= {"pull": pull, "log_error_by_pull": {k: round(v, 3) for k, v in errors.items()}}
        entries.append({
            "name": name, "kind": kind, "file": f"{name}.f16", "sha256": hashlib.sha256(content).hexdigest(),
            "bytes": len(content), "model_sha256": embedder.sha256, "count": len(drawn), "dim": embedder.dim,
            "licence": "Apache-2.0", "scores": scores, "provenance": provenance,
        })  # fmt: skip
        print(kind, json.dumps(scores), json.dumps(provenance))
    manifest.write(args.models, manifest.read(args.models) | {"cohorts": entries})


if __name__ == "__main__":
    main()
