"""Make what `edge models adopt` knows of a public embedder: strangers drawn for it, alone and beside the shipped one.

`python -m tools.adoptable FILE.onnx [--models DIR] [--people N]`, again whenever the shipped embedder changes.

One picture each of N training people is embedded by both nets. Vectors are drawn from the joint distribution, so that
one file serves the public net alone (the first half of a row) and any weighted pair; no row belongs to anybody. What
is written lies in `edge/app/packs/public`: vectors and figures, never weights.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.app.packs.public_models import FOLDER, TABLE, find_public
from edge.arrays import BgrImage
from edge.capture.pictures.images import read_image
from edge.config import Config, RuntimeConfig
from edge.detect import build_detector
from edge.errors import ImageError
from edge.evaluate.pairs import main_face
from edge.pixels.faces.geometry import align
from edge.recognise import Embedder, build_embedder
from edge.sessions import Pack, load_file
from edge.watchlist.strangers import FMRS, HEAVIER, draw, fit
from tools.train import paths
from tools.train.cohort import gray

COUNT = 1000
Vectors = NDArray[np.float64]


def crops(config: Config, people: str, number: int) -> NDArray[np.uint8]:
    """(M, 112, 112, 3) uint8 BGR, one face each of at most `number` people of a list of the data."""
    detector = build_detector(config.detect, Pack.open(config.models_dir), config.runtime)
    first = {path.parent: path for path in reversed(paths.lfw_pictures(paths.LFW / people))}
    found: list[BgrImage] = []
    for path in sorted(first.values())[:: max(1, len(first) // number)][:number]:
        try:
            image = read_image(path)
        except ImageError:
            continue  # one file of the data is cut short
        faces = detector.detect(image, 0.3)
        best = main_face(faces, image)
        if best is not None:
            found.append(align(image, faces.landmarks[best]))
    return np.stack(found)


def halves(embedders: tuple[Embedder, Embedder], faces: NDArray[np.uint8]) -> Vectors:
    """(N, D1 + D2), each half of length 1 / sqrt(2)."""
    both = np.hstack([embedder.embed(faces) for embedder in embedders]).astype(np.float64)
    return np.asarray(both / np.sqrt(2), np.float64)


def tail(drawn: Vectors, seen: Vectors) -> dict[str, float]:
    """How often drawn strangers reach the similarity that held-out people reach among themselves, over their rate."""
    real = np.sort((seen @ seen.T)[np.triu_indices(len(seen), 1)])[::-1]
    made = (drawn @ seen.T).ravel()
    return {f"{fmr:g}": round(float(np.mean(made > real[int(fmr * len(real))])) / fmr, 3) for fmr in FMRS}


def unit(vectors: Vectors) -> Vectors:
    """Rows of length 1."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float64)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="draw strangers for a public embedder")
    parser.add_argument("file", type=Path)
    parser.add_argument("--models", type=Path, default=paths.MODELS)
    parser.add_argument("--people", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    config = Config(models_dir=args.models)
    digest = hashlib.sha256(args.file.read_bytes()).hexdigest()
    public = find_public(digest)
    if public is None:
        parser.error(f"{args.file}: {TABLE.name} has no entry for {digest}; add its input format and licence first")
    assert public is not None
    own = build_embedder(config.recognise, Pack.open(args.models), config.runtime)
    pair = (Embedder(load_file(args.file, "embed", RuntimeConfig(), public.input)), own)
    trained, seen = crops(config, "people_train.txt", args.people), crops(config, "people_dev.txt", 400)
    strangers: list[dict[str, Any]] = []
    for kind, change in (("color", lambda some: some), ("gray", gray)):
        both, held_out = halves(pair, change(trained)), halves(pair, change(seen))
        pull, _ = fit(both, args.seed, HEAVIER)
        drawn = draw(both, COUNT, pull, args.seed)
        first, second = unit(drawn[:, : pair[0].dim]), unit(drawn[:, pair[0].dim :])
        content = np.hstack([first, second]).astype("<f2").tobytes()
        path = FOLDER / f"{public.name}_{kind}.f16"
        path.write_bytes(content)
        strangers.append({
            "kind": kind, "file": path.name, "sha256": hashlib.sha256(content).hexdigest(), "count": COUNT,
            "dim": pair[0].dim, "own_sha256": own.sha256, "own_dim": own.dim,
            "drawn_over_real": {
                "alone": tail(first, unit(held_out[:, : pair[0].dim])),
                "half and half": tail(np.hstack([first, second]) / np.sqrt(2), held_out),
            },
            "made_by": f"python -m tools.adoptable FILE --people {args.people}, {len(trained)} faces, pull {pull:g}",
        })  # fmt: skip
        print(json.dumps(strangers[-1]), flush=True)
    table = json.loads(TABLE.read_text("utf-8"))
    next(one for one in table["models"] if one["sha256"] == digest)["strangers"] = strangers
    TABLE.write_text(json.dumps(table, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
