"""LIME's sped-up objective, solved by multigrid, for faces and for whole frames. The exact solver is `lime`'s.

X. Guo, Y. Li, H. Ling, IEEE Transactions on Image Processing 26(2), 2017, equations 18 and 19: with |g| of the initial
map in place of the unknown's, the objective is a least-squares one. Large frames are solved on a grid of half the size
whose weights come from every pixel's, and brought back along the edges of the frame. `tests/support/twins.py` has
twins.
"""

from __future__ import annotations

import numpy as np

from edge.pixels.light import multigrid
from edge.pixels.light.calm import calming_reach
from edge.pixels.light.lime_fast_kernels import (
    conduct,
    halve_below,
    halve_map,
    halve_right,
    raise_map,
    relight_by_table,
    resist,
)
from edge.pixels.light.lime_kernels import U8, gradients, smooth_columns, smooth_rows
from edge.pixels.light.multigrid import lay_out, plane
from edge.pixels.light.screened import F32

HALVE_FROM = 100_000
"""Pixels from which the map is solved at half the size: at least 37 dB from the whole one on the paper's pictures."""

MOST_CELLS = 520_000
"""Cells solved at most; pictures of more than 1920 x 1080 are halved again. The solver takes 130 bytes for each."""

SPREAD = 0.03
"""Difference of brightness, 0..1, at which a cell of half the size begins to count less for a pixel."""

WHOLE_STEPS, HALVED_STEPS = 3, 2
"""Steps per coarse level; on the paper's pictures 3 leave 1.3 % RMS at the most, 2 leave 2.0 %."""

_SHORTEST = 8
_POWERS = 4096


def num_halvings(height: int, width: int) -> int:
    """How often a picture of this size is halved before its map is solved."""
    count = 0
    while min(height, width) >= _SHORTEST and height * width > (MOST_CELLS if count else HALVE_FROM):
        height, width, count = (height + 1) // 2, (width + 1) // 2, count + 1
    return count


def solve_map(initial: F32, alpha: float, weighting: int, epsilon: float, halvings: int) -> F32:
    """The map T of equation 19.

    `initial` (H, W) float32 0..1 is not changed; `weighting` 1, 2 or 3; `halvings` 0 solves every pixel, within 2 % RMS
    of a direct solution. Returns a new (H, W) float32 array, 0..1.
    """
    if alpha == 0:
        return initial.copy()
    rh, rv = _resistances(initial, alpha, weighting, epsilon)
    mass, maps = np.ones((1, 1), np.float32), [initial]
    for _ in range(halvings):
        size = tuple((side + 1) // 2 for side in maps[-1].shape)
        fine, finer = maps[-1], mass
        maps.append(np.empty(size, np.float32))
        mass, right, below = (np.empty(size, np.float32) for _ in range(3))
        halve_map(fine, finer, maps[-1], mass)
        halve_right(rh, right)
        halve_below(rv, below)
        rh, rv = right, below
    light = _solve(maps[-1], mass, rh, rv, HALVED_STEPS if halvings else WHOLE_STEPS)
    for small, fine in zip(reversed(maps), reversed(maps[:-1]), strict=False):
        light, coarse = np.empty_like(fine), np.pad(light, 1, mode="edge")
        raise_map(np.pad(small, 1, mode="edge"), coarse, fine, np.float32(SPREAD**2), light)
    return np.clip(light, 0.0, 1.0, out=light)


def relight_fast(pixels: U8, initial: F32, light: F32, gamma: float, epsilon: float, calm: bool) -> U8:
    """L / (T^gamma + eps) as `lime.enhance_lowlight` has it; pixels (H, W, C). No channel below white becomes white.

    `calm` evens out the noise of dark places.
    """
    reach = calming_reach(initial, light) if calm else np.float32(0)
    out = np.empty(pixels.shape, np.uint8)
    roots = np.arange(_POWERS + 2, dtype=np.float64) / _POWERS
    powers = (roots ** (2 * gamma)).astype(np.float32)
    relight_by_table(pixels, initial, light, powers, np.float32(epsilon), reach, out)
    return out


def _resistances(initial: F32, alpha: float, weighting: int, epsilon: float) -> tuple[F32, F32]:
    """Reciprocal weights (|g| + eps) / (alpha W), to the right and below."""
    rh, rv = np.empty_like(initial), np.empty_like(initial)
    resist(initial, np.float32(1 / alpha), np.float32(epsilon), weighting == 2, rh, rv)
    if weighting == 3:
        h, v, spare = np.empty_like(initial), np.empty_like(initial), np.empty_like(initial)
        gradients(initial, h, v)
        for slopes, r in ((h, rh), (v, rv)):
            smooth_rows(slopes, GAUSSIAN, spare)
            smooth_columns(spare, GAUSSIAN, slopes)
            r *= np.abs(slopes, out=slopes) + np.float32(epsilon)
    return rh, rv


GAUSSIAN = np.exp(-(np.arange(-2, 3) ** 2) / 8.0).astype(np.float32)
"""The window of equation 22: radius 2, sigma 2."""


def _solve(t: F32, mass: F32, rh: F32, rv: F32, coarse_steps: int) -> F32:
    """The least-squares solution on this grid."""
    levels, buffer = lay_out(*t.shape)
    parts = (multigrid.MASS, multigrid.RIGHT, multigrid.BELOW, multigrid.GIVEN)
    conduct(t, mass, rh, rv, *(plane(buffer, levels, 0, number) for number in parts))
    multigrid.solve(buffer, levels, coarse_steps, 1)
    return np.ascontiguousarray(plane(buffer, levels, 0, multigrid.SOLUTION)[1:-1, 1:-1])
