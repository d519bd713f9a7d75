"""A trained checkpoint -> the shipped pack: fp32 ONNX, int8 ONNX, measured scores, manifest entry, card.

`python -m tools.train.pack detector|recogniser|cards --checkpoint FILE [--models DIR] [--measure]`; nets that repair
pictures go through `pack_pictures`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from edge.errors import EdgeError
from tools import quantize, seal
from tools.train import cards, common, data, export, mosaics, paths, views
from tools.train.nets import STRIDES, Detector, Recogniser

CALIBRATION_SEED = 4242
RELEASE = "202611"


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


@dataclass(frozen=True)
class Parcel:
    """What is to be entered, before it is quantized."""

    name: str
    task: str
    trainer: str
    state: dict[str, Any]
    fp32: Path
    exclude: list[str]
    """Nodes that compute in fp32."""
    spec: dict[str, Any]
    outputs: dict[str, Any]
    default: bool = True
    generative: bool = False
    compress: tuple[str, ...] = ()
    """Of the excluded, those whose weights are nevertheless stored as int8."""
    notes: tuple[str, ...] = ()
    """Sentences for the card about how it came about."""


Measure = Callable[[dict[str, Path]], dict[str, Any]]
"""From the files of both precisions to the scores of the manifest."""


def _measuring(task: str, models: Path) -> Measure:
    def scores(files: dict[str, Path]) -> dict[str, Any]:
        from tools.train import measure

        return measure.scores(task, files, models)

    return scores


def detector(
    checkpoint: Path, models: Path, *, cache: Path = paths.CACHE, measure: bool = True, notes: tuple[str, ...] = ()
) -> dict[str, Any]:
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
    parcel = Parcel("detect_mosaic", "detect", "detector", state, fp32, exclude, spec, shapes, notes=notes)
    return enter(
        parcel, models, _pictures(cache, 48 if measure else 8), _measuring("detect", models) if measure else None
    )


def recogniser(
    checkpoint: Path, models: Path, *, cache: Path = paths.CACHE, measure: bool = True, notes: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Export, quantize and enter the recogniser; returns its manifest entry."""
    state = common.load(checkpoint)
    model = Recogniser()
    model.load_state_dict(common.shipped(state))
    fp32 = checkpoint.with_name("recogniser.fp32.onnx")
    exclude = export.recogniser(model, fp32)
    spec = {"name": "image", "shape": ["n", 3, 112, 112], "color": "RGB", "mean": [0, 0, 0], "std": [1, 1, 1]}
    shapes: dict[str, list[Any]] = {"embedding": ["n", 128]}
    parcel = Parcel("embed_plain", "embed", "recogniser", state, fp32, exclude, spec, shapes, notes=notes)
    return enter(
        parcel, models, _crops(cache, 256 if measure else 16), _measuring("embed", models) if measure else None
    )


def enter(
    parcel: Parcel, models: Path, calibration: Iterator[NDArray[np.float32]], measure: Measure | None
) -> dict[str, Any]:
    """Quantize, measure, write the file and its manifest entry, which is returned."""
    models.mkdir(parents=True, exist_ok=True)
    target = models / f"{parcel.name}_{RELEASE}_int8.onnx"
    partial = parcel.fp32.with_name(target.name)
    quantize.quantize(parcel.fp32, partial, calibration, exclude=parcel.exclude)
    quantize.compress(partial, parcel.compress)
    scores = measure({"int8": partial, "fp32": parcel.fp32}) if measure else {}
    opset, _ = quantize.check(partial)
    content = partial.read_bytes()
    entry = {
        "name": parcel.name,
        "task": parcel.task,
        "file": target.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "precision": "int8",
        "opset": opset,
        "input": parcel.spec,
        "outputs": parcel.outputs,
        "default": parcel.default,
        "generative": parcel.generative,
        **cards.words(parcel.name),
        "scores": scores,
        "provenance": _provenance(parcel.trainer, parcel.state) | ({"notes": [*parcel.notes]} if parcel.notes else {}),
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
    parser.add_argument("--note", action="append", default=[], help="a sentence for the card on how it came about")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.task == "cards":
        manifest = json.loads((args.models / "manifest.json").read_text("utf-8"))
        for entry in manifest["models"]:
            write_entry(args.models, entry | cards.words(entry["name"]))
        return
    run = detector if args.task == "detector" else recogniser
    entry = run(args.checkpoint, args.models, measure=args.measure, notes=tuple(args.note))
    print(json.dumps(entry["scores"], indent=1))
    try:
        print("sealed:", seal.seal(args.models))
    except EdgeError as error:  # the other of the two models is missing
        print(f"not sealed ({error}); run python -m tools.seal --models {args.models} when the pack is whole")


if __name__ == "__main__":
    main()
