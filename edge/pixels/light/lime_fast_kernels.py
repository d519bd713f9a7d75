"""Per-pixel kernels of LIME's sped-up solver. Valid input is `lime_fast`'s business. No parameter is chosen here.

Resistances are the reciprocals of the objective's weights: what lies one behind the other adds up, so a grid of half
the size keeps thin walls that averaged weights would wash away.
"""

from __future__ import annotations

import numpy as np

from edge.pixels.jit import loose_kernel
from edge.pixels.light.calm import calm_row, luma_row
from edge.pixels.light.lime_kernels import U8
from edge.pixels.light.screened import F32


@loose_kernel
def resist(t: F32, scale: np.float32, epsilon: np.float32, square: bool, rh: F32, rv: F32) -> None:
    """scale (|g| + epsilon), or its square form scale (|g| + epsilon)^2, to the right (rh) and below (rv); 0 beyond."""
    height, width = t.shape
    for i in range(height):
        row, h = t[i], rh[i]
        for j in range(width - 1):
            a = abs(row[j + 1] - row[j]) + epsilon
            h[j] = scale * a * a if square else scale * a
        h[width - 1] = np.float32(0)
        v = rv[i]
        if i + 1 < height:
            below = t[i + 1]
            for j in range(width):
                a = abs(below[j] - row[j]) + epsilon
                v[j] = scale * a * a if square else scale * a
        else:
            v[:] = np.float32(0)


@loose_kernel
def halve_map(t: F32, m: F32, out: F32, masses: F32) -> None:
    """Means (out) and sums of mass of blocks of 2 x 2; m has the shape of t, or is (1, 1) where every mass is 1."""
    height, width = t.shape
    given, one = m.shape[0] == height and m.shape[1] == width, np.float32(1)
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            total, mass = np.float32(0), np.float32(0)
            for i in range(2 * y, min(2 * y + 2, height)):
                for j in range(2 * x, min(2 * x + 2, width)):
                    k = m[i, j] if given else one
                    mass += k
                    total += k * t[i, j]
            out[y, x], masses[y, x] = total / mass, mass


@loose_kernel
def halve_right(rh: F32, out: F32) -> None:
    """Resistances to the right between blocks of 2 x 2: per row half a block, the border, half a block; rows beside."""
    height, width = rh.shape
    half, small = np.float32(0.5), np.float32(1e-30)
    for y in range(out.shape[0]):
        a, b, o = rh[2 * y], rh[min(2 * y + 1, height - 1)], out[y]
        two = 2 * y + 1 < height
        for x in range((width - 1) // 2):
            up = a[2 * x + 1] + half * (a[2 * x] + a[2 * x + 2])
            low = b[2 * x + 1] + half * (b[2 * x] + b[2 * x + 2])
            o[x] = up * low / (up + low + small) if two else up
        for x in range((width - 1) // 2, out.shape[1]):
            o[x] = np.float32(0)


@loose_kernel
def halve_below(rv: F32, out: F32) -> None:
    """As `halve_right`, from blocks to those below."""
    height, width = rv.shape
    half, small = np.float32(0.5), np.float32(1e-30)
    for y in range(out.shape[0]):
        o = out[y]
        if 2 * y + 2 >= height:
            o[:] = np.float32(0)
            continue
        a, b, c = rv[2 * y], rv[2 * y + 1], rv[2 * y + 2]
        for x in range(width // 2):
            left = b[2 * x] + half * (a[2 * x] + c[2 * x])
            right = b[2 * x + 1] + half * (a[2 * x + 1] + c[2 * x + 1])
            o[x] = left * right / (left + right + small)
        if width % 2:
            o[width // 2] = b[width - 1] + half * (a[width - 1] + c[width - 1])


@loose_kernel
def conduct(t: F32, m: F32, rh: F32, rv: F32, mass: F32, right: F32, below: F32, given: F32) -> None:
    """Fill the planes of the solver, with their ring; m as in `halve_map`."""
    height, width = t.shape
    known, one = m.shape[0] == height and m.shape[1] == width, np.float32(1)
    for i in range(height):
        for j in range(width):
            k = m[i, j] if known else one
            mass[i + 1, j + 1], given[i + 1, j + 1] = k, k * t[i, j]
        for j in range(width - 1):
            right[i + 1, j + 1] = one / rh[i, j]
        if i + 1 < height:
            for j in range(width):
                below[i + 1, j + 1] = one / rv[i, j]


@loose_kernel
def likely(t: np.float32, small: F32, light: F32, k: int, q: int, spread: np.float32) -> np.float32:
    """Mean of the light of cells k and q of the near row (0) and the far one (1), by nearness and likeness to t."""
    n, f = np.float32(0.75), np.float32(0.25)
    a, b, c, d = t - small[0, k], t - small[0, q], t - small[1, k], t - small[1, q]
    wa, wb = n * n / (a * a + spread), n * f / (b * b + spread)
    wc, wd = n * f / (c * c + spread), f * f / (d * d + spread)
    total = wa * light[0, k] + wb * light[0, q] + wc * light[1, k] + wd * light[1, q]
    mean: np.float32 = total / (wa + wb + wc + wd)
    return mean


@loose_kernel
def raise_map(small: F32, light: F32, t: F32, spread: np.float32, out: F32) -> None:
    """Joint bilateral upsampling (Kopf et al. 2007) of `light`, guided by the map `t` and its halved form `small`.

    small, light (h + 2, w + 2): with their borders repeated once.
    """
    width = t.shape[1]
    cells, lights = np.empty((2, small.shape[1]), np.float32), np.empty((2, small.shape[1]), np.float32)
    for i in range(t.shape[0]):
        near = i // 2 + 1
        far = near - 1 + 2 * (i % 2)
        cells[0], cells[1], lights[0], lights[1] = small[near], small[far], light[near], light[far]
        row, o = t[i], out[i]
        for x in range(width // 2):
            o[2 * x] = likely(row[2 * x], cells, lights, x + 1, x, spread)
            o[2 * x + 1] = likely(row[2 * x + 1], cells, lights, x + 1, x + 2, spread)
        if width % 2:
            o[width - 1] = likely(row[width - 1], cells, lights, width // 2 + 1, width // 2, spread)


@loose_kernel
def gain_row(tops: F32, lights: F32, powers: F32, epsilon: np.float32, gains: F32) -> None:
    """1 / (light^gamma + epsilon), the power from a table over the square root of light."""
    steps = np.float32(powers.shape[0] - 2)
    for j in range(gains.shape[0]):
        at = np.sqrt(lights[j]) * steps
        k = int(at)
        gains[j] = np.float32(1) / (powers[k] + (at - np.float32(k)) * (powers[k + 1] - powers[k]) + epsilon)


@loose_kernel
def relight_by_table(
    pixels: U8, top: F32, light: F32, powers: F32, epsilon: np.float32, reach: np.float32, out: U8
) -> None:
    """As `relight`, calmed where `reach` is above 0; a channel below white stays below it."""
    height, width, channels = pixels.shape
    flat, results = pixels.reshape(height, width * channels), out.reshape(height, width * channels)
    gains, spread = np.empty(width, np.float32), np.empty(width * channels, np.float32)
    lumas, work = np.empty((3, width + 2), np.float32), np.empty((2, width), np.float32)
    one = np.float32(1)
    luma_row(pixels[0], lumas[0])
    luma_row(pixels[0], lumas[2])
    for i in range(height):
        gain_row(top[i], light[i], powers, epsilon, gains)
        if reach > 0:
            luma_row(pixels[min(i + 1, height - 1)], lumas[(i + 1) % 3])
            calm_row(lumas[(i + 2) % 3], lumas[i % 3], lumas[(i + 1) % 3], light[i], reach, work, gains)
        tops = top[i]
        for j in range(width):
            most = np.float32(254 / 255) if tops[j] < one else one
            gains[j] = min(gains[j], max(one, most / max(tops[j], np.float32(1 / 255))))
        if channels == 3:
            for j in range(width):
                spread[3 * j], spread[3 * j + 1], spread[3 * j + 2] = gains[j], gains[j], gains[j]
        else:
            spread[:] = gains
        given, result = flat[i], results[i]
        for k in range(width * channels):
            result[k] = np.uint8(np.float32(given[k]) * spread[k] + np.float32(0.5))
