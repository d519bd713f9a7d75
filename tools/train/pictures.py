"""What the trainings of picture nets share: clean patches, batches of (input, truth), the run itself, sample sheets.

How a net is built lives in `picture_nets`, what it is judged by in `picture_loss`; each trainer says how its inputs are
spoilt. A run with a critic spends its first two thirds on pixels alone (`DIR/pixel`), the rest against the critic.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional
from torch.utils.data import Dataset

from edge.pixels.color import BT601
from tools.train import common, data, mosaics, paths, picture_loss, views
from tools.train.picture_nets import Unfolded

Image = NDArray[np.uint8]
Planes = NDArray[np.float32]
SHEET_STEP = 1 << 30
"""The batch that sample sheets are made from; no training gets as far."""


class Stock(NamedTuple):
    """Clean pictures: aligned faces with a margin, (N, 144, 144, 3) BGR memory-mapped, and scenes as they are."""

    faces: Image
    scenes: list[Image]


Make = Callable[[Stock, np.random.Generator], tuple[Planes, Planes]]
"""One training pair: (C, H, W) and (C, r H, r W) float32, 0..255."""


@dataclass(frozen=True)
class Product:
    """A net that can be trained, packed and measured. `outputs` px come for each pixel of a side."""

    name: str
    task: str
    command: str
    net: Callable[[], Unfolded]
    make: Make
    color: str
    enlarge: int = 1
    multiple: int = 1
    margin: int = 0
    default: bool = True
    generative: bool = False
    critic: picture_loss.Weights | None = None


def load(cache: Path) -> Stock:
    """Faces from the cache; scenes and sheets of synthetic faces from the data folder."""
    sheets = sorted((paths.DATA / "faces" / "sfhq").glob("*.jpg"))
    pictures = [cv2.imread(str(path)) for path in [*paths.scene_pictures(), *sheets]]
    scenes = [np.asarray(picture, np.uint8) for picture in pictures if picture is not None]
    return Stock(np.load(cache / "canvases.npy", mmap_mode="r"), scenes)


def face(stock: Stock, size: int, rng: np.random.Generator) -> Image:
    """(size, size, 3) u8 BGR: a training face, off centre by chance, mirrored half of the time; size <= 144."""
    canvas = stock.faces[rng.integers(len(stock.faces))]
    y, x = rng.integers(0, data.CANVAS_PX - size + 1, 2)
    cut = canvas[y : y + size, x : x + size]
    return np.ascontiguousarray(cut[:, ::-1] if rng.random() < 0.5 else cut)


def scene(stock: Stock, size: int, rng: np.random.Generator) -> Image:
    """(size, size, 3) u8 BGR: a place in a scene, as it is or made smaller, turned and mirrored by chance."""
    zoom = 1.0 if rng.random() < 0.5 else float(np.exp(rng.uniform(np.log(0.5), 0.0)))
    cut = mosaics.piece(stock.scenes[rng.integers(len(stock.scenes))], size, zoom, rng)
    cut = np.rot90(cut, int(rng.integers(4)))
    return np.ascontiguousarray(cut[:, ::-1] if rng.random() < 0.5 else cut)


def patch(stock: Stock, size: int, rng: np.random.Generator, faces: float) -> Image:
    """A face with probability `faces`, else a piece of a scene."""
    return face(stock, size, rng) if rng.random() < faces or not stock.scenes else scene(stock, size, rng)


def luma(image: Image) -> Planes:
    """(1, H, W) f32, 0..255: Y' of BT.601, not rounded."""
    return np.asarray((image.astype(np.float32) @ (BT601 * np.float32(255)))[None], np.float32)


def colors(image: Image) -> Planes:
    """(3, H, W) f32, 0..255, as the picture's own order."""
    return np.ascontiguousarray(image.transpose(2, 0, 1), dtype=np.float32)


def smaller(planes: Planes, factor: int) -> Planes:
    """Bicubic with antialiasing (a = -1/2), as MATLAB's imresize; not rounded, not clipped."""
    size = (planes.shape[-2] // factor, planes.shape[-1] // factor)
    out = functional.interpolate(torch.from_numpy(planes)[None], size=size, mode="bicubic", antialias=True)
    return np.asarray(out[0].numpy(), np.float32)


def bytes_of(planes: Planes) -> Planes:
    """Rounded to what 8 bits hold; still float32."""
    return np.asarray(np.clip(np.rint(planes), 0, 255), np.float32)


class Pairs(Dataset[common.Batch]):
    """Item = the whole batch of that step: two float32 tensors, (B, C, H, W) and (B, C, r H, r W)."""

    def __init__(self, cache: Path, make: Make, batch_size: int, seed: int) -> None:
        self._cache, self._make, self._size, self._seed = cache, make, batch_size, seed
        self._stock: Stock | None = None

    def __getitem__(self, step: int) -> common.Batch:
        if self._stock is None:
            cv2.setNumThreads(1)
            self._stock = load(self._cache)
        rng = views.generator(self._seed, step)
        pairs = [self._make(self._stock, rng) for _ in range(self._size)]
        given, truth = (torch.from_numpy(np.stack(side)) for side in zip(*pairs, strict=True))
        return given, truth


def sheet(given: torch.Tensor, answer: torch.Tensor, truth: torch.Tensor, path: Path) -> None:
    """A picture with a row per sample: input (enlarged pixel by pixel), output, truth; tensors (B, C, H, W) 0..255."""
    factor = answer.shape[-1] // given.shape[-1]
    rows = []
    for group in zip(functional.interpolate(given, scale_factor=factor), answer, truth, strict=True):
        tiles = [bytes_of(part.numpy()).astype(np.uint8).transpose(1, 2, 0) for part in group]
        rows.append(np.hstack([np.repeat(tile, 3, 2) if tile.shape[2] == 1 else tile for tile in tiles]))
    half = (len(rows) + 1) // 2
    rows += [np.zeros_like(rows[0])] * (2 * half - len(rows))
    cv2.imwrite(str(path), np.hstack([np.vstack(rows[:half]), np.vstack(rows[half:])]))


def run(product: Product, args: argparse.Namespace) -> None:
    """Train as the command line asks; `--smoke` builds its own small cache and ends in a packed model."""
    plan = replace(common.plan_from(args), weight_decay=0.0, average=0.999)
    cache = paths.CACHE
    if args.smoke:
        cache = plan.out / "cache"
        data.build(cache, mixtures=2, limit=24, threads=args.threads)
    torch.manual_seed(plan.seed)
    model = product.net()
    if args.init:
        model.load_state_dict(common.load(args.init)["averaged"])
    dataset = Pairs(cache, product.make, plan.batch_size, plan.seed)
    features = picture_loss.FaceFeatures.load() if product.critic else None
    pixel = picture_loss.Pixels(features)
    if product.critic is None:
        averaged = common.train(plan, model, dataset, pixel, resume=args.resume)
    else:
        averaged = in_two_parts(plan, model, dataset, pixel, product.critic, resume=args.resume)
    given, truth = dataset[SHEET_STEP]
    with torch.no_grad():
        answer = averaged.model(given[:12].contiguous())
    sheet(given[:12], answer, truth[:12], plan.out / "samples.png")
    if args.smoke:
        from tools.train import pack_pictures

        pack_pictures.ship(product, plan.out / "checkpoint.pt", plan.out, cache=cache, measure=False)


def in_two_parts(
    plan: common.Plan,
    model: Unfolded,
    dataset: Dataset[common.Batch],
    pixel: picture_loss.Pixels,
    weights: picture_loss.Weights,
    *,
    resume: bool,
    stop_after: int | None = None,
) -> common.Averaged:
    """Two thirds on pixels, the rest with a critic, from the mean weights of the first part."""
    first = replace(
        plan,
        out=plan.out / "pixel",
        steps=plan.steps * 2 // 3,
        minutes=plan.minutes * 2 / 3 if plan.minutes else None,
    )
    second = replace(
        plan,
        steps=plan.steps - first.steps,
        minutes=plan.minutes / 3 if plan.minutes else None,
        learning_rate=plan.learning_rate / 4,
        seed=plan.seed + 1,
    )
    if not (resume and (plan.out / "checkpoint.pt").is_file()):
        averaged = common.train(first, model, dataset, pixel, resume=resume, stop_after=stop_after)
        state = common.load(first.out / "checkpoint.pt")
        if not common.finished(first, state["step"], state["elapsed_s"]):
            return averaged
        model.load_state_dict(averaged.model.state_dict())
    torch.manual_seed(second.seed)
    against = picture_loss.Adversarial(pixel, weights, second.learning_rate)
    return common.train(second, model, dataset, against, resume=resume, stop_after=stop_after)
