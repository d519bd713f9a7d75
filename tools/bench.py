"""Speed as ratios against a peer or a reference in the same run: `make bench`. Times would hold for one machine.

Peers that need the public weights are left out, by name, where `../shared/data` (or EDGE_TEST_DATA) is absent.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

import cv2
import numpy as np
from scipy.sparse.linalg import spsolve

from edge.app.build import load_models
from edge.app.evaluation.bench import time_ms
from edge.app.selfcheck import demo_clip
from edge.arrays import BgrImage
from edge.capture.pictures.images import read_image
from edge.config import Config, DetectConfig, RuntimeConfig
from edge.detect import build_detector
from edge.pixels.faces.geometry import align
from edge.pixels.light import lime
from edge.recognise import open_peer_embedder
from edge.records import Person, Reference
from edge.sessions import Pack
from edge.watchlist import Gallery
from tests.support import twins
from tools.data import DATA

ONE_THREAD = RuntimeConfig(threads=1)


def ratio(name: str, ours: Callable[[], object], peer: Callable[[], object], rounds: int = 20) -> dict[str, object]:
    """Median milliseconds of both, and how many times faster ours is."""
    a, b = float(np.median(time_ms(ours, rounds))), float(np.median(time_ms(peer, rounds)))
    return {"what": name, "ours_ms": round(a, 3), "peer_ms": round(b, 3), "times_faster": round(b / a, 2)}


def cpu_ms(call: Callable[[], object]) -> float:
    """CPU milliseconds of this thread for one call; other processes disturb it least."""
    start = time.thread_time()
    call()
    return (time.thread_time() - start) * 1000


def lime_rows(picture: BgrImage) -> list[dict[str, object]]:
    """LIME on one picture in turns with its peers, best of several; peers run on one core only if told so."""
    top = picture.max(axis=2) / 255.0
    system = twins.lime_sped_up_system(top, alpha=lime.ALPHA, weighting=2)
    frame = np.asarray(cv2.resize(picture, (1280, 720), interpolation=cv2.INTER_AREA), np.uint8)
    asked = {"alpha": lime.ALPHA, "rho": lime.RHO, "mu": lime.MU0, "gamma": lime.GAMMA}
    calls: dict[str, Callable[[], object]] = {
        "whole": lambda: lime.enhance_lowlight(picture, solver="fast"),
        "map": lambda: lime.illumination(picture, solver="fast"),
        "frame": lambda: lime.enhance_lowlight(frame, solver="fast", calm=True),
        "exact": lambda: lime.enhance_lowlight(picture),
        "prototype": lambda: twins.lime_prototype(picture, **asked),
        "lean": lambda: twins.lime_lean(picture, **asked),
        "scipy": lambda: spsolve(system, top.ravel()),
        "twin": lambda: twins.lime_illumination(
            top, alpha=lime.ALPHA, rho=lime.RHO, mu0=lime.MU0, iterations=lime.ITERATIONS, weighting=2
        ),
    }
    for name in ("whole", "map", "frame", "exact"):
        calls[name]()
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(3):
        for name, call in calls.items():
            best[name] = min(best[name], *(cpu_ms(call) for _ in range(3 if best[name] < 100 else 1)))
    size = f"{picture.shape[1]} x {picture.shape[0]}"
    pairs = [
        ("whole", "prototype", f"LIME {size}, against the prototype's ten iterations in numpy"),
        ("whole", "lean", f"LIME {size}, against the same with a 2-D transform and no matrices"),
        ("map", "scipy", f"LIME's map of {size}, every pixel, against scipy's sparse solve"),
        ("exact", "twin", f"LIME {size}, exact, against the float64 twin"),
    ]
    rows: list[dict[str, object]] = [
        {
            "what": what,
            "ours_ms": round(best[ours], 2),
            "peer_ms": round(best[peer], 2),
            "times_faster": round(best[peer] / best[ours], 1),
        }
        for ours, peer, what in pairs
    ]
    return [*rows, {"what": "LIME 1280 x 720, calmed", "ours_ms": round(best["frame"], 2)}]


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
    frame = list(demo_clip.frames(seconds=4.0))[50]
    crop = align(frame, models.stages.detector.detect(frame).landmarks[0])
    pack = Pack.open(config.models_dir)
    haar = build_detector(DetectConfig(model="haar"), pack, ONE_THREAD)
    rows = [
        gallery_row(),
        ratio(
            "detect 640 x 480, against Haar", lambda: models.stages.detector.detect(frame), lambda: haar.detect(frame)
        ),
    ]
    weights = DATA / "weights"
    if not weights.is_dir():
        print(f"left out: YuNet and MobileFaceNet ({weights} is not there)", file=sys.stderr)
        return rows
    yunet_file = DetectConfig(model=str(weights / "yunet_n_dynamic.onnx"))
    yunet = build_detector(yunet_file, pack, ONE_THREAD, is_refined=False)
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
    picture = read_image(DATA / "lowlight" / "lime" / "moon.png")
    rows += lime_rows(picture)
    return rows


if __name__ == "__main__":
    for row in measure():
        print(json.dumps(row))
