"""Training material of picture nets: clean patches of faces and scenes, and batches of (input, truth).

Each trainer degrades the inputs itself.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional
from torch.utils.data import Dataset

from edge.pixels.luma import UNIT_WEIGHTS
from tools.data import DATA
from tools.train import common, paths
from tools.train.material import mosaics, views
from tools.train.material.canvases import CANVAS_PX

Image = NDArray[np.uint8]
Planes = NDArray[np.float32]


class CleanPictures(NamedTuple):
    """Clean pictures: aligned faces with a margin, (N, 144, 144, 3) BGR memory-mapped, and scenes as they are."""

    faces: Image
    scenes: list[Image]


Make = Callable[[CleanPictures, np.random.Generator], tuple[Planes, Planes]]
"""One training pair: (C, H, W) and (C, r H, r W) float32, 0..255."""


def load(cache: Path) -> CleanPictures:
    """Faces from the cache; scenes and sheets of synthetic faces from the data folder."""
    sheets = sorted((DATA / "faces" / "sfhq").glob("*.jpg"))
    pictures = [paths.read_picture(path) for path in [*paths.scene_pictures(), *sheets]]
    scenes = [picture for picture in pictures if picture is not None]
    return CleanPictures(np.load(cache / "canvases.npy", mmap_mode="r"), scenes)


def face(stock: CleanPictures, size: int, rng: np.random.Generator) -> Image:
    """(size, size, 3) u8 BGR: a training face, off centre by chance, mirrored half of the time; size <= 144."""
    canvas = stock.faces[rng.integers(len(stock.faces))]
    y, x = rng.integers(0, CANVAS_PX - size + 1, 2)
    cut = canvas[y : y + size, x : x + size]
    return np.ascontiguousarray(cut[:, ::-1] if rng.random() < 0.5 else cut)


def scene(stock: CleanPictures, size: int, rng: np.random.Generator) -> Image:
    """(size, size, 3) u8 BGR: a place in a scene, as it is or made smaller, turned and mirrored by chance."""
    zoom = 1.0 if rng.random() < 0.5 else float(np.exp(rng.uniform(np.log(0.5), 0.0)))
    cut = mosaics.crop(stock.scenes[rng.integers(len(stock.scenes))], size, zoom, rng)
    cut = np.rot90(cut, int(rng.integers(4)))
    return np.ascontiguousarray(cut[:, ::-1] if rng.random() < 0.5 else cut)


def patch(stock: CleanPictures, size: int, rng: np.random.Generator, faces: float) -> Image:
    """A face with probability `faces`, else a piece of a scene."""
    return face(stock, size, rng) if rng.random() < faces or not stock.scenes else scene(stock, size, rng)


def luma(image: Image) -> Planes:
    """(1, H, W) f32, 0..255: Y' of BT.601, not rounded."""
    return np.asarray((image.astype(np.float32) @ (UNIT_WEIGHTS * np.float32(255)))[None], np.float32)


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
        self._stock: CleanPictures | None = None

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
