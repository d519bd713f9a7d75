"""A trained picture net -> the shipped pack, through `pack.enter`.

`python -m tools.train.pack_pictures NAME --checkpoint FILE [--models DIR] [--measure]`, NAME as in MODELS.md.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tools.train import common, deblur, denoise, export, pack, paths, pictures, restore, sr, views

PRODUCTS = {
    product.name: product for product in (denoise.PRODUCT, deblur.PRODUCT, restore.PRODUCT, *sr.PRODUCTS.values())
}


def _inputs(product: pictures.Product, cache: Path, number: int) -> Iterator[NDArray[np.float32]]:
    stock, rng = pictures.load(cache), views.generator(pack.CALIBRATION_SEED, 2)
    for _ in range(number):
        yield product.make(stock, rng)[0][None]


def _whole(checkpoint: Path) -> dict[str, Any]:
    """The checkpoint, its length told with the part before the critic."""
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


def ship(
    product: pictures.Product,
    checkpoint: Path,
    models: Path,
    *,
    cache: Path = paths.CACHE,
    measure: bool = True,
    notes: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Export, quantize and enter a picture net; returns its manifest entry."""
    state = _whole(checkpoint)
    model = product.net()
    model.load_state_dict(state["averaged"])
    fp32 = checkpoint.with_name(f"{product.name}.fp32.onnx")
    exclude = export.picture(model, fp32)
    channels = 1 if product.color == "Y" else 3
    spec: dict[str, Any] = {"name": "image", "shape": [1, channels, "h", "w"], "color": product.color}
    spec |= {"mean": [0, 0, 0], "std": [1, 1, 1], "multiple": product.multiple, "margin": product.margin}
    outputs = {"out": [1, channels, "h_out", "w_out"]}
    parcel = pack.Parcel(
        product.name, product.task, product.command, state, fp32, exclude, spec, outputs,
        product.default, product.generative,
        tuple(name for name in exclude if name in ("/first/Conv", "/last/Conv")), notes,
    )  # fmt: skip
    from tools.train import measure_pictures

    scores = measure_pictures.measuring(product, checkpoint) if measure else None
    return pack.enter(parcel, models, _inputs(product, cache, 64 if measure else 4), scores)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="export, quantize, measure and enter a trained picture net")
    parser.add_argument("name", choices=sorted(PRODUCTS))
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--models", type=Path, default=paths.MODELS)
    parser.add_argument("--measure", action="store_true", help="also measure int8 and fp32 (minutes)")
    parser.add_argument("--note", action="append", default=[], help="a sentence for the card")
    args = parser.parse_args()
    torch.set_num_threads(1)
    entry = ship(PRODUCTS[args.name], args.checkpoint, args.models, measure=args.measure, notes=tuple(args.note))
    print(json.dumps(entry["scores"], indent=1))


if __name__ == "__main__":
    main()
