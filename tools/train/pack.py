"""A trained checkpoint -> the shipped pack: fp32 ONNX, int8 ONNX, measured scores, manifest entry, card.

`python -m tools.train.pack detector|recogniser|cards --checkpoint FILE ... [--models DIR] [--measure]`; nets that
repair pictures go through `pack_pictures`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from edge.errors import EdgeError
from edge.recognise import Embedder
from edge.sessions import InputSpec, load_file
from tools import manifest, seal
from tools.train import common, measure, paths
from tools.train.material import face_cache, mosaics, views
from tools.train.material.canvases import inner
from tools.train.nets.face_nets import STRIDES, Detector, Recogniser
from tools.train.ship import cards, export, whitening
from tools.train.ship.pack_entry import CALIBRATION_SEED, Measure, PackEntry, add_to_pack, write_entry


def _tensor(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(H, W, 3) u8 -> (1, 3, H, W) f32."""
    return np.ascontiguousarray(image.transpose(2, 0, 1)[None], dtype=np.float32)


def _crops(cache: Path, number: int = 256) -> Iterator[NDArray[np.float32]]:
    canvases, rng = face_cache.load(cache).canvases, views.generator(CALIBRATION_SEED, 0)
    for row in rng.integers(len(canvases), size=number):
        crop = views.crop(np.ascontiguousarray(canvases[row]), rng)
        yield _tensor(crop[..., ::-1])


def _whitening(file: Path, cache: Path) -> whitening.Whitening:
    """Fitted to pictures of people with names, each clean and as a bad camera delivers it.

    The others are tight crops whose borders are repeated, and drawn faces: they would move the mean.
    """
    faces, rng = face_cache.load(cache), views.generator(CALIBRATION_SEED, 2)
    spec = InputSpec(color="RGB", shape=("n", 3, 112, 112))
    embedder, found, people = Embedder(load_file(file, "embed", measure.RUNTIME, spec)), [], []
    named = np.flatnonzero(faces.people >= 0)
    for rows in np.array_split(named, max(len(named) // 64, 1)):
        part = faces.canvases[rows]
        worse = [views.crop(np.ascontiguousarray(canvas), rng) for canvas in part]
        found += [embedder.embed(list(inner(part))), embedder.embed(worse)]
        people += [faces.people[rows]] * 2
    return whitening.fit(np.concatenate(found), np.concatenate(people))


def _pictures(cache: Path, number: int = 48) -> Iterator[NDArray[np.float32]]:
    stock, rng = mosaics.load(cache), views.generator(CALIBRATION_SEED, 1)
    for _ in range(number):
        _, _, light, worse, _ = mosaics.pair(stock, 256, rng)
        yield _tensor(light)
        yield _tensor(worse)


def _measuring(task: str, models: Path) -> Measure:
    def scores(files: dict[str, Path]) -> dict[str, Any]:
        return measure.scores(task, files, models)

    return scores


def detector(
    checkpoints: Sequence[Path],
    models: Path,
    *,
    cache: Path = paths.CACHE,
    is_measured: bool = True,
    notes: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Export, quantize and enter the detector, the mean of one or more checkpoints; returns its manifest entry."""
    state = common.load_mean(checkpoints)
    model = Detector()
    model.load_state_dict(state["averaged"])
    fp32 = checkpoints[-1].with_name("detector.fp32.onnx")
    exclude = export.detector(model, fp32)
    shapes: dict[str, list[Any]] = {}
    for s in STRIDES:
        shapes |= {f"cls_{s}": [1, f"n{s}", 1], f"bbox_{s}": [1, f"n{s}", 4], f"kps_{s}": [1, f"n{s}", 10]}
    spec = {"name": "image", "shape": [1, 3, "h", "w"], "color": "BGR", "mean": [0, 0, 0], "std": [1, 1, 1]}
    entry = PackEntry("detect_mosaic", "detect", "detector", state, fp32, exclude, spec, shapes, notes=notes)
    return add_to_pack(entry, models, _pictures(cache), _measuring("detect", models) if is_measured else None)


def recogniser(
    checkpoints: Sequence[Path],
    models: Path,
    *,
    cache: Path = paths.CACHE,
    is_measured: bool = True,
    notes: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Export, quantize and enter the recogniser, the mean of one or more checkpoints; returns its manifest entry."""
    state = common.load_mean(checkpoints)
    model = Recogniser()
    model.load_state_dict(state["averaged"])
    fp32 = checkpoints[-1].with_name("recogniser.fp32.onnx")
    export.recogniser(model, fp32)
    exclude = export.recogniser(model, fp32, _whitening(fp32, cache))
    spec = {"name": "image", "shape": ["n", 3, 112, 112], "color": "RGB", "mean": [0, 0, 0], "std": [1, 1, 1]}
    shapes: dict[str, list[Any]] = {"embedding": ["n", 128]}
    entry = PackEntry("embed_plain", "embed", "recogniser", state, fp32, exclude, spec, shapes, notes=notes)
    return add_to_pack(entry, models, _crops(cache), _measuring("embed", models) if is_measured else None)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="export, quantize, measure and enter a trained model")
    parser.add_argument("task", choices=("detector", "recogniser", "cards"))
    parser.add_argument("--checkpoint", type=Path, nargs="+", help="of several the mean of the weights is packed")
    parser.add_argument("--models", type=Path, default=paths.MODELS)
    parser.add_argument("--measure", action="store_true", help="also measure int8 and fp32 (minutes)")
    parser.add_argument("--note", action="append", default=[], help="a sentence for the card on how it came about")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.task == "cards":
        for entry in manifest.read(args.models)["models"]:
            write_entry(args.models, entry | cards.card_text(entry["name"]))
        return
    run = detector if args.task == "detector" else recogniser
    entry = run(args.checkpoint, args.models, is_measured=args.measure, notes=tuple(args.note))
    print(json.dumps(entry["scores"], indent=1))
    try:
        print("sealed:", seal.seal(args.models))
    except EdgeError as error:  # the other of the two models is missing
        print(f"not sealed ({error}); run python -m tools.seal --models {args.models} when the pack is whole")


if __name__ == "__main__":
    main()
