"""The figures of the picture nets' cards: int8 beside fp32 beside the unchanged input, and what each costs.

People and pictures were never trained on.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch.nn import functional

from edge.pixels import degrade
from edge.pixels.measures import metrics
from tools.data import DATA
from tools.train.material import pictures
from tools.train.material.canvases import inner
from tools.train.material.pictures import Image, Planes
from tools.train.material.teachers import session
from tools.train.nets.picture_training import PictureModel
from tools.train.ship import enlarged_scores
from tools.train.ship.doubled_scores import doubled_table
from tools.train.ship.heldout import NUM_FACES, dev_canvases, net, picture

FAULTS = {
    "denoise": ("noise:1", "noise:3", "noise:5"),
    "deblur": ("motion:2", "motion:3", "motion:4"),
    "restore": ("cctv:2", "cctv:3", "cctv:4"),
}
NUM_RUNS = 60
TIMED_PX = 112


def scores(model: PictureModel, models: dict[str, Path], checkpoint: Path | None = None) -> dict[str, Any]:
    """All tables of a picture net, for the manifest. `models` are its files by name, `checkpoint` its training's."""
    channels = 1 if model.color == "Y" else 3
    cost = cost_table(models, channels, 32 if model.task == "sr4" else TIMED_PX)
    if model.task == "sr2":
        return {"tables": [set5_table(models, model.multiple), doubled_table(models, model.multiple), cost]}
    if model.task == "sr4":
        return {"tables": [enlarged_scores.enlarged_table(model, models, checkpoint), cost]}
    return {"tables": [faults_table(model, models), cost]}


def scores_of(model: PictureModel, checkpoint: Path) -> Callable[[dict[str, Path]], dict[str, Any]]:
    """`scores` as a function of the files alone."""
    return lambda models: scores(model, models, checkpoint)


def faces_sheet(model: PictureModel, file: Path, path: Path, number: int = 8) -> None:
    """Input, output and truth of held-out people, at the middle fault of the task."""
    fault = FAULTS[model.task][1]
    name, level = degrade.parse(fault)
    to_planes = pictures.luma if model.color == "Y" else pictures.colors
    one, rows = net(file, model.multiple), []
    for seed, canvas in enumerate(dev_canvases()[:number]):
        worse = np.ascontiguousarray(inner(degrade.apply(canvas, name, level, rng_or_seed=seed)))
        truth = to_planes(np.ascontiguousarray(inner(canvas)))
        rows.append([to_planes(worse), one(to_planes(worse)), truth])
    sides = [torch.from_numpy(np.stack([row[i] for row in rows])) for i in range(3)]
    pictures.sheet(sides[0], sides[1], sides[2], path)


def set5_table(models: dict[str, Path], multiple: int) -> dict[str, Any]:
    """Set5 made half as large and doubled again: luma PSNR, 2 px of border left out, input rounded to 8 bits."""
    rows: dict[str, dict[str, Any]] = {}
    nets = {name: net(path, multiple) for name, path in models.items()}
    for path in sorted((DATA / "scenes" / "set5").iterdir()):
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


def faults_table(model: PictureModel, models: dict[str, Path]) -> dict[str, Any]:
    """PSNR and SSIM to the clean aligned crop of held-out people, before and after."""
    rows: dict[str, dict[str, Any]] = {}
    to_planes = pictures.luma if model.color == "Y" else pictures.colors
    nets = {name: net(path, model.multiple) for name, path in models.items()}
    for fault in FAULTS[model.task]:
        name, level = degrade.parse(fault)
        sums: dict[str, list[float]] = {}
        for seed, canvas in enumerate(dev_canvases()):
            worse = inner(degrade.apply(canvas, name, level, rng_or_seed=seed))
            truth, given = (to_planes(np.ascontiguousarray(x)) for x in (inner(canvas), worse))
            for who, answer in [("input", given), *((key, one(given)) for key, one in nets.items())]:
                sums.setdefault(f"{who} PSNR", []).append(_db(pictures.bytes_of(answer), truth))
                sums.setdefault(f"{who} SSIM", []).append(metrics.ssim(picture(answer), picture(truth)))
        rows[fault] = {key: float(np.mean(values)) for key, values in sums.items()}
    channel = "luma" if model.color == "Y" else "all channels"
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


def _y(image: Image) -> Planes:
    """(1, H, W): luma of BT.601 in 16..235, as MATLAB's rgb2ycbcr and the papers have it; not rounded."""
    return np.asarray(16 + pictures.luma(image) * (219 / 255), np.float32)


def _db(answer: Planes, truth: Planes, border: int = 0) -> float:
    cut = slice(border, -border or None)
    error = (np.clip(answer, 0, 255) - truth)[..., cut, cut].astype(np.float64)
    return float(10 * np.log10(255**2 / np.mean(error**2)))
