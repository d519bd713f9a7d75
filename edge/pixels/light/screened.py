"""The linear system of LIME's T-step: (2 + mu D'D) x = b on a grid with reflecting borders, solved by a 2-D DCT.

The DCT-II diagonalises D'D when no gradient crosses the border. It is taken from one real FFT of the reordered
right-hand side (Makhoul 1980), with the twiddles, the division and the way back fused into one pass over half a
spectrum. Nothing here knows about images or illumination.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.pixels.jit import kernel

F32 = NDArray[np.float32]
C64 = NDArray[np.complex64]
Index = NDArray[np.intp]


class ScreenedGrid:
    """Tables for one grid size, and the solver. Not shared between threads: it owns its work array."""

    def __init__(self, height: int, width: int) -> None:
        self.shape = (height, width)
        self.rows, self.columns = _order(height), _order(width)
        self.work = np.zeros((height, width), np.float32)
        self._eigen = _eigenvalues(height), _eigenvalues(width)
        self._twiddle = _twiddles(height), _twiddles(width)

    def solve(self, mu: float) -> F32:
        """Solve for the right-hand side in `work`; both it and the answer are in the order `rows` x `columns`."""
        spectrum = np.fft.rfft2(self.work).astype(np.complex64, copy=False)
        _divide_spectrum(spectrum, *self._twiddle, *self._eigen, np.float32(mu))
        return np.fft.irfft2(spectrum, s=self.shape).astype(np.float32, copy=False)


def _order(size: int) -> Index:
    """Where each sample goes: even ones ascending from the front, odd ones descending from the back."""
    order = np.arange(size)
    return np.where(order % 2 == 0, order // 2, size - 1 - order // 2).astype(np.intp)


def _eigenvalues(size: int) -> F32:
    """Eigenvalues of D'D for a path of `size` samples; one spare at the end."""
    return (4.0 * np.sin(np.pi * np.arange(size + 1) / (2 * size)) ** 2).astype(np.float32)


def _twiddles(size: int) -> C64:
    turns: C64 = np.exp(-0.5j * np.pi * np.arange(size) / size).astype(np.complex64)
    return turns


@kernel
def _divide_spectrum(v: C64, w1: C64, w2: C64, l1: F32, l2: F32, mu: np.float32) -> None:
    """Divide the DCT of the samples behind `v` by 2 + mu (l1 + l2), in place."""
    height, half = v.shape  # v (H, W // 2 + 1), w1 (H,), w2 (W,), l1 (H + 1,), l2 (W + 1,)
    width = w2.shape[0]
    two = np.float32(2.0)
    for k in range(height // 2 + 1):
        m = (height - k) % height
        for j in range(half):
            a, b = v[k, j], v[m, j]
            # real part: DCT coefficient j of this row; minus the imaginary part: coefficient width - j
            first = w2[j] * (w1[k] * a + w1[k].conjugate() * b)
            second = w2[j] * (w1[m] * b + w1[m].conjugate() * a)
            near, far = l2[j], l2[width - j]
            first = w2[j].conjugate() * np.complex64(
                complex(first.real / (two + mu * (l1[k] + near)), first.imag / (two + mu * (l1[k] + far)))
            )
            second = w2[j].conjugate() * np.complex64(
                complex(second.real / (two + mu * (l1[m] + near)), second.imag / (two + mu * (l1[m] + far)))
            )
            if k == 0:
                v[0, j] = np.complex64(0.5) * first
                continue
            turn = np.complex64(-0.5j)
            v[k, j] = w1[k].conjugate() * (np.complex64(0.5) * first + turn * second)
            v[m, j] = w1[m].conjugate() * (np.complex64(0.5) * second + turn * first)
