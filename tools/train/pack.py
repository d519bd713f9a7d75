"""A trained checkpoint -> the shipped pack: fp32 ONNX, int8 ONNX, measured scores, manifest entry, card.

`python -m tools.train.pack detector|recogniser|cards --checkpoint FILE [--models DIR] [--measure]`
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tools import quantize
from tools.train import cards, common, data, export, mosaics, paths, views
from tools.train.nets import STRIDES, Detector, Recogniser

CALIBRATION_SEED = 4242
RELEASE = "202611"
NAMES = {"detect": "detect_mosaic", "embed": "embed_plain"}


def _tensor(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(H, W, 3) u8 -> (1, 3, H, W) f32."""
    return np.ascontiguousarray(image.transpose(2, 0, 1)[None], dtype=np.float32)


def _crops(cache: Path, number: int = 256) -> Iterator[NDArray[np.float32]]:
    canvases, rng = data.load(cache).canvases, views.generator(CALIBRATION_SEED, 0)
    for row in rng.integers(len(canvases), size=number):
        crop = views.crop(np.ascontiguousarray(canvases[row]), rng)
        yield _tensor(crop[..., ::-1])


def _pictures(cache: Path, number: int = 48) -> Iterator[NDArray[np.float32]]:
    stock, rng = mosaics.load(cache), views.generator(CALIBRATION_SEED, 1)
    for _ in range(number):
        _, light, worse = mosaics.pair(stock, 256, rng)
        yield _tensor(light)
        yield _tensor(worse)


def detector(checkpoint: Path, models: Path, *, cache: Path = paths.CACHE, measure: bool = True) -> dict[str, Any]:
    """Export, quantize and enter the detector; returns its manifest entry."""
    state = common.load(checkpoint)
    model = Detector()
    model.load_state_dict(state["averaged"])
    fp32 = checkpoint.with_name("detector.fp32.onnx")
    exclude = export.detector(model, fp32)
    shapes: dict[str, list[Any]] = {}
    for s in STRIDES:
        shapes |= {f"cls_{s}": [1, f"n{s}", 1], f"bbox_{s}": [1, f"n{s}", 4], f"kps_{s}": [1, f"n{s}", 10]}
    spec = {"name": "image", "shape": [1, 3, "h", "w"], "color": "BGR", "mean": [0, 0, 0], "std": [1, 1, 1]}
    pictures = _pictures(cache, 8 if not measure else 48)
    return _enter("detect", "detector", state, fp32, models, pictures, exclude, spec, shapes, measure)


def recogniser(checkpoint: Path, models: Path, *, cache: Path = paths.CACHE, measure: bool = True) -> dict[str, Any]:
    """Export, quantize and enter the recogniser; returns its manifest entry."""
    state = common.load(checkpoint)
    model = Recogniser()
    model.load_state_dict(state["averaged"])
    fp32 = checkpoint.with_name("recogniser.fp32.onnx")
    exclude = export.recogniser(model, fp32)
    spec = {"name": "image", "shape": ["n", 3, 112, 112], "color": "RGB", "mean": [0, 0, 0], "std": [1, 1, 1]}
    crops = _crops(cache, 16 if not measure else 256)
    return _enter("embed", "recogniser", state, fp32, models, crops, exclude, spec, {"embedding": ["n", 128]}, measure)


def _enter(
    task: str,
    trainer: str,
    state: dict[str, Any],
    fp32: Path,
    models: Path,
    calibration: Iterator[NDArray[np.float32]],
    exclude: list[str],
    spec: dict[str, Any],
    outputs: dict[str, Any],
    measure: bool,
) -> dict[str, Any]:
    models.mkdir(parents=True, exist_ok=True)
    name = NAMES[task]
    target = models / f"{name}_{RELEASE}_int8.onnx"
    partial = fp32.with_name(target.name)
    quantize.quantize(fp32, partial, calibration, exclude=exclude)
    scores: dict[str, Any] = {}
    if measure:
        from tools.train import measure as measuring

        scores = measuring.scores(task, {"int8": partial, "fp32": fp32}, models)
    opset, _ = quantize.check(partial)
    content = partial.read_bytes()
    entry = {
        "name": name,
        "task": task,
        "file": target.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "precision": "int8",
        "opset": opset,
        "input": spec,
        "outputs": outputs,
        "default": True,
        "generative": False,
        **cards.words(task),
        "scores": scores,
        "provenance": _provenance(trainer, state),
    }
    target.write_bytes(content)
    write_entry(models, entry)
    return entry


def _provenance(trainer: str, state: dict[str, Any]) -> dict[str, Any]:
    plan = state["plan"]
    length = f"--minutes {plan['minutes']:g}" if plan["minutes"] else f"--steps {plan['steps']}"
    return {
        "command": f"python -m tools.train.{trainer} {length} --batch-size {plan['batch_size']} --out DIR",
        "seed": plan["seed"],
        "steps": state["step"],
        "batch_size": plan["batch_size"],
        "minutes": round(state["elapsed_s"] / 60, 1),
        "torch": torch.__version__,
    }


def write_entry(models: Path, entry: dict[str, Any]) -> None:
    """Put an entry into the manifest (replacing the one of that name) and rewrite the cards."""
    path = models / "manifest.json"
    manifest = json.loads(path.read_text("utf-8")) if path.is_file() else {"version": 1, "models": []}
    others = [old for old in manifest["models"] if (old["task"], old["name"]) != (entry["task"], entry["name"])]
    manifest["models"] = sorted([*others, entry], key=lambda one: (one["task"], one["name"]))
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")
    partial.replace(path)
    (models / "MODELS.md").write_text(cards.page(manifest["models"]), "utf-8")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="export, quantize, measure and enter a trained model")
    parser.add_argument("task", choices=("detector", "recogniser", "cards"))
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--models", type=Path, default=paths.MODELS)
    parser.add_argument("--measure", action="store_true", help="also measure int8 and fp32 (minutes)")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.task == "cards":
        manifest = json.loads((args.models / "manifest.json").read_text("utf-8"))
        for entry in manifest["models"]:
            write_entry(args.models, entry | cards.words(entry["task"]))
        return
    run = detector if args.task == "detector" else recogniser
    entry = run(args.checkpoint, args.models, measure=args.measure)
    print(json.dumps(entry["scores"], indent=1))


if __name__ == "__main__":
    main()
