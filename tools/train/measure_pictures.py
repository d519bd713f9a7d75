"""The figures of the picture nets' cards: int8 beside fp32 beside the unchanged input, on people and pictures never
trained on, and what each costs.

`python -m tools.train.measure_pictures NAME --model FILE --fp32 FILE [--checkpoint FILE]` prints them.
"""

from __future__ import annotations

import argparse
import functools
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch.nn import functional

from edge.pixels import degrade, metrics
from tools.train import data, paths, pictures
from tools.train.pictures import Image, Planes
from tools.train.teachers import FaceFinder, session

FAULTS = {
    "denoise": ("noise:1", "noise:3", "noise:5"),
    "deblur": ("motion:2", "motion:3", "motion:4"),
    "restore": ("cctv:2", "cctv:3", "cctv:4"),
}
NUM_FACES = 120
NUM_RUNS = 60
TIMED_PX = 112
Net = Callable[[Planes], Planes]


def net(path: Path, multiple: int = 1) -> Net:
    """A model as a function of planes (C, H, W) f32 0..255; sides padded to `multiple` by reflection and cut again."""
    run = session(str(path), 1)

    def apply(planes: Planes) -> Planes:
        height, width = planes.shape[1:]
        more = [(0, 0), (0, -height % multiple), (0, -width % multiple)]
        (out,) = run.run(None, {"image": np.pad(planes, more, mode="reflect")[None]})
        factor = out.shape[2] // (height + more[1][1])
        return np.asarray(out[0, :, : height * factor, : width * factor], np.float32)

    return apply


def picture(planes: Planes) -> Image:
    """(C, H, W) f32 -> (H, W, 3) u8."""
    out = pictures.bytes_of(planes).astype(np.uint8).transpose(1, 2, 0)
    return np.ascontiguousarray(np.repeat(out, 3, 2) if out.shape[2] == 1 else out)


@functools.lru_cache
def dev_canvases(number: int = NUM_FACES) -> tuple[Image, ...]:
    """Canvases of held-out people, one picture each."""
    find, found = FaceFinder(), []
    names = [line.split("\t")[0] for line in (paths.LFW / "people_dev.txt").read_text().splitlines()[1:]]
    for name in names:
        image = cv2.imread(str(sorted((paths.LFW / "images" / name).glob("*.jpg"))[0]))
        if image is None:
            continue
        whole = np.asarray(image, np.uint8)
        face = data.central_face(find(whole), whole.shape[1], whole.shape[0])
        if face is not None:
            found.append(data.canvas_of(whole, face[4:14].reshape(5, 2)))
        if len(found) == number:
            break
    return tuple(found)


def _y(image: Image) -> Planes:
    """(1, H, W): luma of BT.601 in 16..235, as MATLAB's rgb2ycbcr and the papers have it; not rounded."""
    return np.asarray(16 + pictures.luma(image) * (219 / 255), np.float32)


def _db(answer: Planes, truth: Planes, border: int = 0) -> float:
    cut = slice(border, -border or None)
    error = (np.clip(answer, 0, 255) - truth)[..., cut, cut].astype(np.float64)
    return float(10 * np.log10(255**2 / np.mean(error**2)))


def set5_table(models: dict[str, Path], multiple: int) -> dict[str, Any]:
    """Set5 made half as large and doubled again: luma PSNR, 2 px of border left out, input rounded to 8 bits."""
    rows: dict[str, dict[str, Any]] = {}
    nets = {name: net(path, multiple) for name, path in models.items()}
    for path in sorted((paths.DATA / "scenes" / "set5").iterdir()):
        image = np.asarray(cv2.imread(str(path)), np.uint8)
        truth = _y(np.ascontiguousarray(image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2]))
        given = pictures.bytes_of(pictures.smaller(truth, 2))
        size = (truth.shape[1], truth.shape[2])
        plain = functional.interpolate(torch.from_numpy(given)[None], size=size, mode="bicubic", antialias=True)
        row = rows.setdefault(path.stem, {})
        row["bicubic"] = _db(pictures.bytes_of(plain[0].numpy()), truth, 2)
        for name, one in nets.items():
            row[name] = _db(pictures.bytes_of(one(given)), truth, 2)
    rows["mean"] = {key: float(np.mean([row[key] for row in rows.values()])) for key in ("bicubic", *models)}
    return {
        "what": "Set5, 2x, PSNR of luma in dB (Y of BT.601, 2 px of border left out, input of 8 bits)",
        "rows": rows,
    }


def faults_table(product: pictures.Product, models: dict[str, Path]) -> dict[str, Any]:
    """PSNR and SSIM to the clean aligned crop of held-out people, before and after."""
    rows: dict[str, dict[str, Any]] = {}
    to_planes = pictures.luma if product.color == "Y" else pictures.colors
    nets = {name: net(path, product.multiple) for name, path in models.items()}
    for fault in FAULTS[product.task]:
        name, level = degrade.parse(fault)
        sums: dict[str, list[float]] = {}
        for seed, canvas in enumerate(dev_canvases()):
            worse = data.inner(degrade.apply(canvas, name, level, rng_or_seed=seed))
            truth, given = (to_planes(np.ascontiguousarray(x)) for x in (data.inner(canvas), worse))
            for who, answer in [("input", given), *((key, one(given)) for key, one in nets.items())]:
                sums.setdefault(f"{who} PSNR", []).append(_db(pictures.bytes_of(answer), truth))
                sums.setdefault(f"{who} SSIM", []).append(metrics.ssim(picture(answer), picture(truth)))
        rows[fault] = {key: float(np.mean(values)) for key, values in sums.items()}
    channel = "luma" if product.color == "Y" else "all channels"
    what = f"{NUM_FACES} aligned crops (112 px) of held-out people, levels as for a face of 110 px; mean PSNR in dB of "
    return {"what": f"{what}{channel}, mean SSIM of luma", "rows": rows}


def cost_table(models: dict[str, Path], channels: int, side: int) -> dict[str, Any]:
    """Milliseconds of each, taking turns on one thread, and bytes."""
    image = np.random.default_rng(0).uniform(0, 255, (1, channels, side, side)).astype(np.float32)
    runs = {name: session(str(path), 1) for name, path in models.items()}
    times: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(NUM_RUNS + 5):
        for name, run in runs.items():
            began = time.perf_counter()
            run.run(None, {"image": image})
            if turn >= 5:
                times[name].append((time.perf_counter() - began) * 1000)
    rows = {name: {"ms": float(np.min(t)), "bytes": models[name].stat().st_size} for name, t in times.items()}
    return {
        "what": f"One {side} x {side} px input on one core, fastest of {NUM_RUNS} runs in turn",
        "rows": rows,
    }


def scores(product: pictures.Product, models: dict[str, Path], checkpoint: Path | None = None) -> dict[str, Any]:
    """All tables of a product, for the manifest."""
    channels = 1 if product.color == "Y" else 3
    cost = cost_table(models, channels, 32 if product.task == "sr4" else TIMED_PX)
    if product.task == "sr2":
        return {"tables": [set5_table(models, product.multiple), cost]}
    if product.task == "sr4":
        from tools.train import measure_faces

        return {"tables": [measure_faces.enlarged_table(product, models, checkpoint), cost]}
    return {"tables": [faults_table(product, models), cost]}


def measuring(product: pictures.Product, checkpoint: Path) -> Callable[[dict[str, Path]], dict[str, Any]]:
    """`scores` of the files to come."""
    return lambda models: scores(product, models, checkpoint)


def faces_sheet(product: pictures.Product, model: Path, path: Path, number: int = 8) -> None:
    """Input, output and truth of held-out people, at the middle fault of the task."""
    fault = FAULTS[product.task][1]
    name, level = degrade.parse(fault)
    to_planes = pictures.luma if product.color == "Y" else pictures.colors
    one, rows = net(model, product.multiple), []
    for seed, canvas in enumerate(dev_canvases()[:number]):
        worse = np.ascontiguousarray(data.inner(degrade.apply(canvas, name, level, rng_or_seed=seed)))
        truth = to_planes(np.ascontiguousarray(data.inner(canvas)))
        rows.append([to_planes(worse), one(to_planes(worse)), truth])
    sides = [torch.from_numpy(np.stack([row[i] for row in rows])) for i in range(3)]
    pictures.sheet(sides[0], sides[1], sides[2], path)


def main() -> None:
    """Command line."""
    from tools.train.pack_pictures import PRODUCTS

    parser = argparse.ArgumentParser(description="measure a picture net outside the pack")
    parser.add_argument("name", choices=sorted(PRODUCTS))
    parser.add_argument("--model", type=Path, required=True, help="int8")
    parser.add_argument("--fp32", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--sheet", type=Path, help="picture of input, output and truth of held-out people")
    args = parser.parse_args()
    product = PRODUCTS[args.name]
    print(json.dumps(scores(product, {"int8": args.model, "fp32": args.fp32}, args.checkpoint), indent=1))
    if args.sheet is not None:
        faces_sheet(product, args.model, args.sheet)


if __name__ == "__main__":
    main()
