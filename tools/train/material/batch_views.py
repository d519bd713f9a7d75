"""Canvases -> crops as bad cameras deliver them, in batches on any device: what `views.pair` does, one by one.

Differences from `views`: the broad families, tint and mixtures are the workers' (`Canvases`), who run on the CPU; here
come distance, the faults of the fixed list and the misplacement. Pictures of one group of a batch share their fault and
their shrink factor.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import Dataset

from edge.pixels import degrade
from edge.pixels.faces import geometry
from tools.train import common
from tools.train.material import face_cache, mixtures, views
from tools.train.material.canvases import CANVAS_FACE_PX, CANVAS_PX
from tools.train.material.faults import families, on_batches

GROUP = 16
"""Pictures that share a fault."""


class Canvases(Dataset[common.Batch]):
    """Item = the batch of a step: canvases before and after tint and family faults, (B, H, W, 3) u8 BGR; the clean
    target (B, 128) f32 and its weight (B,), 0 where nobody has that face; and how bad the family fault is (B,), 0..5.
    """

    def __init__(self, cache: Path, batch_size: int, seed: int, real_share: float) -> None:
        self._folder, self._size, self._seed, self._real = cache, batch_size, seed, real_share
        self._cache: face_cache.FaceCache | None = None

    def __getitem__(self, step: int) -> common.Batch:
        if self._cache is None:
            cv2.setNumThreads(1)
            self._cache = face_cache.load(self._folder)
        cache, rng = self._cache, views.generator(self._seed, step)
        clean = np.empty((self._size, CANVAS_PX, CANVAS_PX, 3), np.uint8)
        worse, target = np.empty_like(clean), np.zeros((self._size, 128), np.float32)
        known, level = np.zeros(self._size, np.float32), np.zeros(self._size, np.float32)
        for at in range(self._size):
            if rng.random() < self._real:
                row = int(rng.integers(len(cache.targets)))
                canvas, target[at], known[at] = cache.canvases[row], cache.targets[row], 1.0
            else:
                canvas = mixtures.mixture(cache.canvases, cache.plan, int(rng.integers(len(cache.plan.kind))))
            clean[at] = canvas[:, ::-1] if rng.random() < 0.5 else canvas
            worse[at] = views.tinted(clean[at], rng) if rng.random() < 0.4 else clean[at]
            if rng.random() < 0.75 * views.FAMILY_SHARE:
                amount = float(rng.uniform(0.05, 1.0))
                worse[at] = families.apply(worse[at], families.draw(rng), amount, rng)
                level[at] = 2.5 * amount
        return tuple(torch.from_numpy(one) for one in (clean, worse, target, known, level))


def pairs(clean: Tensor, worse: Tensor, level: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Two (B, 3, 112, 112) f32 RGB 0..255 crops at one place: as a bad camera delivers it, and clean."""
    whole, image = (one.permute(0, 3, 1, 2).float() for one in (clean, worse))
    seen, spoilt = [], []
    for start in range(0, len(image), GROUP):
        part, bad = _degraded(image[start : start + GROUP], level[start : start + GROUP], rng)
        seen.append(part)
        spoilt.append(bad)
    loose = 1 + 0.25 * torch.cat(spoilt)
    angle = torch.randn_like(loose) * 0.03 * loose
    grow = torch.exp(torch.randn_like(loose) * 0.025 * loose)
    shift = torch.randn(len(loose), 2, device=loose.device) * loose[:, None]
    return _placed(torch.cat(seen), angle, grow, shift).flip(1), _placed(whole, angle, grow, shift).flip(1)


def _degraded(image: Tensor, level: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """One group at a distance, with no fault, one or two; and how bad each picture is now."""
    face_px, far = CANVAS_FACE_PX, rng.random() < 0.35
    if far:
        side = round(CANVAS_PX * float(np.exp(rng.uniform(np.log(26), np.log(80)))) / CANVAS_FACE_PX)
        face_px *= side / CANVAS_PX
        image = on_batches.codes(functional.interpolate(image, size=(side, side), mode="area"))
    for name, low, high in _drawn(rng):
        middle, spread = rng.uniform(low, high), 0.3
        drawn = middle + (torch.rand(len(image), device=image.device) - 0.5) * 2 * spread
        now = drawn.clamp(0.0, 5.0)
        image = on_batches.apply(image, name, now, face_px)
        level = torch.maximum(level, now)
    if far:
        image = functional.interpolate(image, size=(CANVAS_PX, CANVAS_PX), mode="bilinear", align_corners=False)
    return image, level


def _drawn(rng: np.random.Generator) -> list[tuple[str, float, float]]:
    """The faults of one group with the limits of their levels, in the shares of `views.degraded`."""
    kind = rng.random()
    if kind < 0.4:
        return []
    if kind < 0.86:
        return [(str(rng.choice(degrade.NAMES, p=views.WEIGHTS)), 0.4, 5.0)]
    return [(str(name), 0.4, 3.2) for name in rng.choice(degrade.NAMES[:-1], 2, replace=False)]


def _placed(canvas: Tensor, angle: Tensor, grow: Tensor, shift: Tensor) -> Tensor:
    """The middle of each canvas, turned, enlarged and moved by `shift` px of the crop; black beyond the canvas."""
    size = geometry.ALIGNED_PX
    at = torch.arange(size, device=canvas.device, dtype=torch.float32) - (size - 1) / 2
    x, y = at[None, None, :] - shift[:, 0, None, None], at[None, :, None] - shift[:, 1, None, None]
    cosine, sine = (torch.cos(angle) / grow)[:, None, None], (torch.sin(angle) / grow)[:, None, None]
    half = canvas.shape[-1] / 2
    grid = torch.stack([(cosine * x + sine * y) / half, (cosine * y - sine * x) / half], -1)
    return functional.grid_sample(canvas, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
