"""Per-pixel kernels of LIME. They assume valid input: `lime` checks it. No parameter is chosen here."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.pixels.jit import kernel
from edge.pixels.light.screened import F32, Index

U8 = NDArray[np.uint8]


@kernel
def brightest(pixels: U8) -> F32:
    """Brightest channel over 255."""
    height, width, channels = pixels.shape
    out = np.empty((height, width), np.float32)
    for i in range(height):
        for j in range(width):
            top = pixels[i, j, 0]
            for c in range(1, channels):
                top = max(top, pixels[i, j, c])
            out[i, j] = np.float32(top) / np.float32(255)
    return out


@kernel
def gradients(t: F32, h: F32, v: F32) -> None:
    """Forward differences; 0 where the next pixel is outside."""
    height, width = t.shape  # h, v (H, W)
    for i in range(height):
        for j in range(width):
            h[i, j] = t[i, j + 1] - t[i, j] if j + 1 < width else np.float32(0)
            v[i, j] = t[i + 1, j] - t[i, j] if i + 1 < height else np.float32(0)


@kernel
def smooth_rows(source: F32, window: F32, out: F32) -> None:
    """Weighted mean along each row, over what of the window lies inside."""
    height, width = source.shape  # window (2 r + 1,), out (H, W)
    radius = window.shape[0] // 2
    for i in range(height):
        for j in range(width):
            total, weight = np.float32(0), np.float32(0)
            for k in range(max(0, j - radius), min(width, j + radius + 1)):
                total += window[k - j + radius] * source[i, k]
                weight += window[k - j + radius]
            out[i, j] = total / weight


@kernel
def smooth_columns(source: F32, window: F32, out: F32) -> None:
    """Weighted mean along each column, over what of the window lies inside."""
    height, width = source.shape  # window (2 r + 1,), out (H, W)
    radius = window.shape[0] // 2
    for i in range(height):
        first, last = max(0, i - radius), min(height, i + radius + 1)
        for j in range(width):
            total, weight = np.float32(0), np.float32(0)
            for k in range(first, last):
                total += window[k - i + radius] * source[k, j]
                weight += window[k - i + radius]
            out[i, j] = total / weight


@kernel
def invert(gradients: F32, epsilon: np.float32) -> None:
    """Equations 21 and 22: 1 / (|g| + epsilon), in place."""
    height, width = gradients.shape
    for i in range(height):
        for j in range(width):
            gradients[i, j] = np.float32(1) / (abs(gradients[i, j]) + epsilon)


@kernel
def pull(light: F32, mu: np.float32, qh: F32, qv: F32) -> None:
    """Right-hand gradients of the first T-step, where G and Z are still 0."""
    height, width = light.shape  # qh, qv (H, W)
    for i in range(height):
        for j in range(width):
            qh[i, j] = -mu * (light[i, j + 1] - light[i, j]) if j + 1 < width else np.float32(0)
            qv[i, j] = -mu * (light[i + 1, j] - light[i, j]) if i + 1 < height else np.float32(0)


@kernel
def right_side(initial: F32, light: F32, qh: F32, qv: F32, rows: Index, columns: Index, out: F32) -> None:
    """2 (initial - light) + D'q, in the order the grid solver wants."""
    height, width = light.shape  # qh, qv, out (H, W), rows (H,), columns (W,)
    for i in range(height):
        for j in range(width):
            total = np.float32(2) * (initial[i, j] - light[i, j]) - qh[i, j] - qv[i, j]
            if j > 0:
                total += qh[i, j - 1]
            if i > 0:
                total += qv[i - 1, j]
            out[rows[i], columns[j]] = total


@kernel
def add_ordered(light: F32, change: F32, rows: Index, columns: Index) -> None:
    """Add the grid solver's answer to `light`, in place."""
    height, width = light.shape  # change (H, W), rows (H,), columns (W,)
    for i in range(height):
        for j in range(width):
            light[i, j] += change[rows[i], columns[j]]


@kernel
def shrink(
    light: F32,
    wh: F32,
    wv: F32,
    alpha: np.float32,
    mu: np.float32,
    mu_next: np.float32,
    zh: F32,
    zv: F32,
    qh: F32,
    qv: F32,
) -> float:
    """G-step and Z-step; leaves q = mu_next (G - grad) - Z for the next T-step and returns |grad - G|^2."""
    height, width = light.shape  # wh, wv, zh, zv, qh, qv (H, W)
    gap = 0.0
    for i in range(height):
        for j in range(width):
            if j + 1 < width:
                gradient = light[i, j + 1] - light[i, j]
                pulled = gradient + zh[i, j] / mu
                most = alpha * wh[i, j] / mu
                held = min(max(pulled, -most), most)
                miss = pulled - held - gradient
                zh[i, j] = mu * held
                qh[i, j] = mu_next * miss - zh[i, j]
                gap += float(miss) * float(miss)
            if i + 1 < height:
                gradient = light[i + 1, j] - light[i, j]
                pulled = gradient + zv[i, j] / mu
                most = alpha * wv[i, j] / mu
                held = min(max(pulled, -most), most)
                miss = pulled - held - gradient
                zv[i, j] = mu * held
                qv[i, j] = mu_next * miss - zv[i, j]
                gap += float(miss) * float(miss)
    return gap


@kernel
def relight(pixels: U8, light: F32, gamma: np.float32, epsilon: np.float32, out: U8) -> None:
    """Multiply each pixel by 1 / (light^gamma + epsilon), at most by what keeps its brightest channel in range."""
    height, width, channels = pixels.shape  # light (H, W), out (H, W, C)
    for i in range(height):
        for j in range(width):
            top = np.float32(1)
            for c in range(channels):
                top = max(top, np.float32(pixels[i, j, c]))
            gain = min(np.float32(1) / (light[i, j] ** gamma + epsilon), np.float32(255) / top)
            for c in range(channels):
                out[i, j, c] = np.uint8(np.float32(pixels[i, j, c]) * gain + np.float32(0.5))
