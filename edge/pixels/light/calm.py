"""Smooths noise that relighting amplified in dark places. Works on luma and keeps the hue."""

from __future__ import annotations

import numpy as np

from edge.pixels.jit import loose_kernel
from edge.pixels.light.lime_kernels import U8
from edge.pixels.light.screened import F32
from edge.pixels.measures.noise import GAIN

DARK = 0.3
"""Light, 0..1, below which a place counts as dark; the change sets in smoothly over the half of it."""

LEAST_NOISE = 0.4 / 255
"""Noise of the original below which nothing is done: rounding alone makes 0.29 / 255."""

REACH = 3.0
"""A neighbour that differs by this many standard deviations of the noise gets no weight."""

_SAMPLES = 5_000


def measure_noise(top: F32, light: F32) -> float:
    """Standard deviation of noise, 0..1, in the dark places of (H, W) maps 0..1; 0 where there are none.

    As `measures.noise` measures it, on about 5,000 places.
    """
    height, width = top.shape
    if height < 3 or width < 3:
        return 0.0
    stride = max(1, int(np.sqrt(height * width / _SAMPLES)))
    rows, columns = np.arange(1, height - 1, stride)[:, np.newaxis], np.arange(1, width - 1, stride)
    corners = sum(top[rows + i, columns + j] for i in (-1, 1) for j in (-1, 1))
    sides = sum(top[rows + i, columns + j] for i, j in ((-1, 0), (1, 0), (0, -1), (0, 1)))
    found = np.abs(4 * top[rows, columns] - 2 * sides + corners)[light[rows, columns] < DARK]
    return float(np.median(found)) / GAIN if found.size else 0.0


def calming_reach(top: F32, light: F32) -> np.float32:
    """Difference of luma, 0..255 of the original, at which a neighbour counts no more; 0: there is nothing to calm."""
    noise = measure_noise(top, light)
    return np.float32(noise * REACH * 255 if noise >= LEAST_NOISE else 0)


@loose_kernel
def luma_row(row: U8, out: F32) -> None:
    """Luma 0..255 of one row (W, C) into out (W + 2,), its ends repeated."""
    width, channels = row.shape
    flat = row.reshape(width * channels)
    if channels == 3:
        for j in range(width):
            b, g, r = np.float32(flat[3 * j]), np.float32(flat[3 * j + 1]), np.float32(flat[3 * j + 2])
            out[j + 1] = np.float32(0.114) * b + np.float32(0.587) * g + np.float32(0.299) * r
    else:
        for j in range(width):
            out[j + 1] = np.float32(flat[j])
    out[0], out[width + 1] = out[1], out[width]


@loose_kernel
def _gather(y: F32, other: F32, reach: np.float32, total: F32, weight: F32) -> None:
    """Add three neighbours of each pixel, weighted by Tukey's biweight of their difference."""
    no, one = np.float32(0), np.float32(1)
    near = one / reach
    for j in range(total.shape[0]):
        a, b, c = other[j], other[j + 1], other[j + 2]
        da, db, dc = (a - y[j + 1]) * near, (b - y[j + 1]) * near, (c - y[j + 1]) * near
        wa, wb, wc = max(no, one - da * da), max(no, one - db * db), max(no, one - dc * dc)
        total[j] += wa * wa * a + wb * wb * b + wc * wc * c
        weight[j] += wa * wa + wb * wb + wc * wc


@loose_kernel
def calm_row(above: F32, y: F32, below: F32, light: F32, reach: np.float32, work: F32, gains: F32) -> None:
    """Multiply gains (W,) by what brings the luma of a row to a mean over 3 x 3, in dark places alone; work (2, W).

    The gain of a pixel and of its neighbours is about the same, so evening out before and after relighting are one.
    """
    no, one, dark = np.float32(0), np.float32(1), np.float32(DARK)
    total, weight = work[0], work[1]
    total[:] = no
    weight[:] = no
    _gather(y, above, reach, total, weight)
    _gather(y, y, reach, total, weight)
    _gather(y, below, reach, total, weight)
    for j in range(gains.shape[0]):
        much = min(one, max(no, (dark - light[j]) * np.float32(2) / dark))
        gains[j] *= one + much * (total[j] / (weight[j] * max(y[j + 1], np.float32(0.01))) - one)
