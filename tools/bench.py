"""Speed as ratios against a peer or a reference in the same run: `make bench`. Absolute times are one machine's only.

Peers that need the public weights are left out, by name, where `../shared/data` (or EDGE_TEST_DATA) is absent.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from edge.app import clip
from edge.app.bench import time_ms
from edge.app.build import load_models
from edge.arrays import BgrImage
from edge.capture.images import read_image
from edge.config import Config, DetectConfig, RuntimeConfig
from edge.detect import build_detector
from edge.pixels import lime
from edge.pixels.geometry import align
from edge.recognise import open_peer_embedder
from edge.records import Person, Reference
from edge.sessions import Pack
from edge.watchlist import Gallery
from tests import reference

DATA = Path(os.environ.get("EDGE_TEST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
ONE_THREAD = RuntimeConfig(threads=1)


def ratio(name: str, ours: Callable[[], object], peer: Callable[[], object], rounds: int = 20) -> dict[str, object]:
    """Median milliseconds of both, and how many times faster ours is."""
    a, b = float(np.median(time_ms(ours, rounds))), float(np.median(time_ms(peer, rounds)))
    return {"what": name, "ours_ms": round(a, 3), "peer_ms": round(b, 3), "times_faster": round(b / a, 2)}


def lime_twin(image: BgrImage) -> object:
    """LIME by the slow obvious implementation, with the same settings."""
    light = reference.lime_illumination(
        image.max(axis=2) / 255.0,
        alpha=lime.ALPHA,
        rho=lime.RHO,
        mu0=lime.MU0,
        iterations=lime.ITERATIONS,
        weighting=lime.Weighting.INVERSE_GRADIENT,
    )
    return reference.lime_relight(image, light, lime.GAMMA)


def gallery_row(num_references: int = 100_000, num_people: int = 20_000, dim: int = 128) -> dict[str, object]:
    """One search of a large list, against comparing reference by reference."""
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((num_references, dim), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    owners = [f"p{i % num_people:05d}" for i in range(num_references)]
    references = [Reference(f"r{i:06d}", owners[i], "", vectors[i], "m", {}, "") for i in range(num_references)]
    gallery = Gallery(references, [Person(owner, owner, "listed") for owner in sorted(set(owners))])
    probe = vectors[12345].copy()

    def one_by_one() -> object:
        best: dict[str, float] = {}
        for owner, vector in zip(owners, vectors, strict=True):
            best[owner] = max(best.get(owner, -2.0), float(vector @ probe))
        return sorted(best.items(), key=lambda item: -item[1])[:2]

    return ratio(
        f"search {num_references:,} references, one by one", lambda: gallery.search(probe, limit=2), one_by_one, 5
    )


def measure() -> list[dict[str, object]]:
    """Every ratio that can be measured here."""
    config = Config(runtime=ONE_THREAD)
    models = load_models(config)
    frame = list(clip.frames(seconds=4.0))[50]
    crop = align(frame, models.stages.detector.detect(frame).landmarks[0])
    pack = Pack.open(config.models_dir)
    haar = build_detector(DetectConfig(model="haar"), pack, ONE_THREAD)
    rows = [
        gallery_row(),
        ratio(
            "detect 640 x 480, against Haar", lambda: models.stages.detector.detect(frame), lambda: haar.detect(frame)
        ),
        ratio(
            "LIME 112 x 112, against the float64 twin",
            lambda: lime.enhance_lowlight(crop),
            lambda: lime_twin(crop),
            rounds=5,
        ),
    ]
    weights = DATA / "weights"
    if not weights.is_dir():
        print(f"left out: YuNet and MobileFaceNet ({weights} is not there)", file=sys.stderr)
        return rows
    yunet = build_detector(DetectConfig(model=str(weights / "yunet_n_dynamic.onnx")), pack, ONE_THREAD)
    public = open_peer_embedder(weights / "mobilefacenet_foamliu.onnx", ONE_THREAD)
    one = crop[np.newaxis]
    rows.append(
        ratio(
            "detect 640 x 480, against YuNet", lambda: models.stages.detector.detect(frame), lambda: yunet.detect(frame)
        )
    )
    rows.append(
        ratio(
            "embed one face, against MobileFaceNet",
            lambda: models.stages.embedder.embed(one),
            lambda: public.embed(one),
        )
    )
    picture = read_image(DATA / "lowlight" / "lime" / "lamp.png")
    rows.append(
        ratio(
            f"LIME {picture.shape[1]} x {picture.shape[0]}, against the float64 twin",
            lambda: lime.enhance_lowlight(picture),
            lambda: lime_twin(picture),
            rounds=3,
        )
    )
    return rows


if __name__ == "__main__":
    for row in measure():
        print(json.dumps(row))
