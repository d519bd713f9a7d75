"""A picture net from its training's command line, or from its checkpoint, to the pack."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.train import common, paths
from tools.train.material import face_cache, pictures, views
from tools.train.nets import picture_training
from tools.train.nets.picture_training import PictureModel
from tools.train.ship import export, picture_scores
from tools.train.ship.pack_entry import CALIBRATION_SEED, PackEntry, add_to_pack


def run(model: PictureModel, args: argparse.Namespace) -> None:
    """Train as the command line asks; `--smoke` builds its own small cache and ends in a packed model."""
    cache = paths.CACHE
    if args.smoke:
        cache = args.out / "cache"
        face_cache.build(cache, mixtures=2, limit=24, threads=args.threads)
    picture_training.train(model, args, cache)
    if args.smoke:
        ship(model, args.out / "checkpoint.pt", args.out, cache=cache, is_measured=False)


def ship(
    model: PictureModel,
    checkpoint: Path,
    models: Path,
    *,
    cache: Path = paths.CACHE,
    is_measured: bool = True,
    notes: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Export and quantize a picture net and add it to the pack; returns its manifest entry."""
    state = with_pixel_stage(checkpoint)
    net = model.net()
    net.load_state_dict(state["averaged"])
    fp32 = checkpoint.with_name(f"{model.name}.fp32.onnx")
    exclude = export.picture(net, fp32)
    channels = 1 if model.color == "Y" else 3
    spec: dict[str, Any] = {"name": "image", "shape": [1, channels, "h", "w"], "color": model.color}
    spec |= {"mean": [0, 0, 0], "std": [1, 1, 1], "multiple": model.multiple, "margin": model.margin}
    outputs = {"out": [1, channels, "h_out", "w_out"]}
    entry = PackEntry(
        model.name, model.task, model.command, state, fp32, exclude, spec, outputs,
        model.default, model.generative,
        tuple(name for name in exclude if name in ("/first/Conv", "/last/Conv")), notes,
    )  # fmt: skip
    scores = picture_scores.scores_of(model, checkpoint) if is_measured else None
    return add_to_pack(entry, models, _inputs(model, cache, 64 if is_measured else 4), scores)


def with_pixel_stage(checkpoint: Path) -> dict[str, Any]:
    """The checkpoint with the duration of its pixel-only stage added."""
    state = common.load(checkpoint)
    before = checkpoint.parent / "pixel" / "checkpoint.pt"
    if before.is_file():
        first = common.load(before)
        minutes = [part["plan"]["minutes"] for part in (first, state)]
        plan = {"minutes": sum(minutes) if all(minutes) else None, "seed": first["plan"]["seed"]}
        plan["steps"] = first["plan"]["steps"] + state["plan"]["steps"]
        state["plan"] |= plan
        state["step"], state["elapsed_s"] = state["step"] + first["step"], state["elapsed_s"] + first["elapsed_s"]
    return state


def _inputs(model: PictureModel, cache: Path, number: int) -> Iterator[NDArray[np.float32]]:
    stock, rng = pictures.load(cache), views.generator(CALIBRATION_SEED, 2)
    for _ in range(number):
        yield model.make(stock, rng)[0][None]
