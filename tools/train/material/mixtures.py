"""Faces that nobody has: two canvases blended, joined, or the one pushed away from the other, or one alone, then bent.

On few real pictures alone a student learns those by heart.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.train.material.canvases import CANVAS_PX, MARGIN_PX


class Mixtures(NamedTuple):
    """How to build each mixture; row k of every array belongs to mixture k."""

    pair: NDArray[np.int32]  # (M, 2) canvases
    mirror: NDArray[np.bool_]  # (M, 2)
    kind: NDArray[np.int8]  # (M,) 0 blend, 1 upper and lower face, 2 left and right, 3 the first alone, 4 a part
    share: NDArray[np.float32]  # (M,) of the first face; over 1: pushed away from the second
    warp: NDArray[np.float32]  # (M, 3) log width, log height, shear of the second face
    bend: NDArray[np.float16]  # (M, 2, 5, 5) shift of a grid of points, px; the picture follows smoothly


def plan_mixtures(number: int, canvases: int, seed: int) -> Mixtures:
    """Random recipes; equal seeds give equal plans."""
    rng = np.random.default_rng([seed, 77])
    kind = rng.choice(5, number, p=(0.42, 0.12, 0.06, 0.22, 0.18)).astype(np.int8)
    share = np.where(rng.random(number) < 0.3, rng.uniform(1.15, 1.5, number), rng.uniform(0.25, 0.75, number))
    strength = np.where(kind == 3, rng.uniform(2.0, 4.0, number), rng.uniform(-1.0, 3.0, number).clip(0))
    return Mixtures(
        pair=rng.integers(0, canvases, (number, 2), dtype=np.int32),
        mirror=rng.random((number, 2)) < 0.5,
        kind=kind,
        share=np.where(kind == 0, share, rng.uniform(0.25, 0.75, number)).astype(np.float32),
        warp=rng.normal(0.0, 0.045, (number, 3)).clip(-0.1, 0.1).astype(np.float32),
        bend=(rng.standard_normal((number, 2, 5, 5), dtype=np.float32) * strength[:, None, None, None])
        .clip(-8, 8)
        .astype(np.float16),
    )


def bent(canvas: NDArray[np.uint8], shift: NDArray[np.float16]) -> NDArray[np.uint8]:
    """The canvas with a (2, 5, 5) grid of shifts, px, applied smoothly: other proportions, the same skin."""
    field = cv2.resize(
        shift.astype(np.float32).transpose(1, 2, 0), (CANVAS_PX, CANVAS_PX), interpolation=cv2.INTER_CUBIC
    )
    at = np.arange(CANVAS_PX, dtype=np.float32)
    x, y = at[None, :] + field[..., 0], at[:, None] + field[..., 1]
    return np.asarray(cv2.remap(canvas, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8)


def mixture(canvases: NDArray[np.uint8], plan: Mixtures, k: int) -> NDArray[np.uint8]:
    """Mixture `k` of the plan as a canvas."""
    first, second = (
        np.ascontiguousarray(canvases[i][:, ::-1] if flip else canvases[i])
        for i, flip in zip(plan.pair[k], plan.mirror[k], strict=True)
    )
    return bent(first if plan.kind[k] == 3 else _joined(first, second, plan, k), plan.bend[k])


def _joined(first: NDArray[np.uint8], second: NDArray[np.uint8], plan: Mixtures, k: int) -> NDArray[np.uint8]:
    width, height, shear = plan.warp[k]
    middle = CANVAS_PX / 2
    linear = np.array([[np.exp(width), shear], [0.0, np.exp(height)]], dtype=np.float32)
    matrix = np.column_stack([linear, middle - linear @ np.array([middle, middle], dtype=np.float32)])
    moved = cv2.warpAffine(second, matrix, (CANVAS_PX, CANVAS_PX), borderMode=cv2.BORDER_REPLICATE)
    second = np.asarray(moved, np.uint8)
    share = float(plan.share[k])
    if plan.kind[k] == 0:
        return np.asarray(cv2.addWeighted(first, share, second, 1 - share, 0.0))
    if plan.kind[k] == 4:
        mask = _part(plan.pair[k], share)
        return np.asarray(second * mask + first * (1 - mask) + 0.5).astype(np.uint8)
    across = np.arange(CANVAS_PX, dtype=np.float32) - MARGIN_PX - (40 + 32 * share)
    ramp = 1 / (1 + np.exp(across / 5.0))
    mask = ramp[:, None, None] if plan.kind[k] == 1 else ramp[None, :, None]
    return np.asarray(first * mask + second * (1 - mask) + 0.5).astype(np.uint8)


_PARTS = ((55.0, 52.0, 30.0, 13.0), (55.0, 70.0, 14.0, 16.0), (55.0, 93.0, 24.0, 13.0), (38.0, 52.0, 15.0, 12.0))
"""Eyes, nose, mouth, one eye: x, y, half width, half height, px of the aligned crop."""


def _part(pair: NDArray[np.int32], share: float) -> NDArray[np.float32]:
    """(CANVAS_PX, CANVAS_PX, 1) f32: 1 where the second face gives its eyes, nose or mouth, with a soft border."""
    x, y, a, b = _PARTS[int(pair.sum()) % len(_PARTS)]
    at = np.arange(CANVAS_PX, dtype=np.float32) - MARGIN_PX
    far = np.sqrt(((at[None, :] - x) / (a * (0.7 + share))) ** 2 + ((at[:, None] - y) / (b * (0.7 + share))) ** 2)
    return np.asarray(1 / (1 + np.exp((far - 1) * 8)), dtype=np.float32)[..., None]
