"""The passes of the multigrid solver: line relaxation, residuals, and the ways between a grid and the next coarser one.

Planes are those of `multigrid_setup`. `nine` says that a system has diagonal couplings; the finest has none. Sums over
many arrays are taken in several short loops, which compilers turn into vector code where they don't with one long.
"""

from __future__ import annotations

import numpy as np

from edge.pixels.jit import loose_kernel
from edge.pixels.light.multigrid_setup import LINES
from edge.pixels.light.screened import F32


@loose_kernel
def gather(x: F32, b: F32, s: F32, se: F32, sw: F32, i: int, nine: bool, out: F32) -> None:
    """Row i of b, and what the rows above and below bring."""
    w = x.shape[1] - 2
    here, up, down, above, below = b[i], x[i - 1], x[i + 1], s[i - 1], s[i]
    for j in range(1, w + 1):
        out[j] = here[j] + above[j] * up[j] + below[j] * down[j]
    if nine:
        a, b2, c, d = se[i - 1], sw[i - 1], se[i], sw[i]
        for j in range(1, w + 1):
            out[j] += a[j - 1] * up[j - 1] + b2[j + 1] * up[j + 1]
        for j in range(1, w + 1):
            out[j] += c[j] * down[j + 1] + d[j] * down[j - 1]


@loose_kernel
def relax_rows(
    x: F32, b: F32, e: F32, s: F32, se: F32, sw: F32, g: F32, f: F32, nine: bool, first: int, zero: bool, work: F32
) -> None:
    """Solve every second row exactly, the others held; `zero` says that all others are 0."""
    h, w = x.shape[0] - 2, x.shape[1] - 2
    for top in range(first, h + 1, 2 * LINES):
        n = min(LINES, (h - top) // 2 + 1)
        for r in range(n):
            if zero:
                work[r, 1 : w + 1] = b[top + 2 * r, 1 : w + 1]
            else:
                gather(x, b, s, se, sw, top + 2 * r, nine, work[r])
            work[r, w + 1] = np.float32(0)
        if n == LINES:
            for j in range(1, w + 1):
                for r in range(LINES):
                    work[r, j] = (work[r, j] + e[top + 2 * r, j - 1] * work[r, j - 1]) * g[top + 2 * r, j]
            for j in range(w, 0, -1):
                for r in range(LINES):
                    work[r, j] += f[top + 2 * r, j] * work[r, j + 1]
        else:
            for r in range(n):
                for j in range(1, w + 1):
                    work[r, j] = (work[r, j] + e[top + 2 * r, j - 1] * work[r, j - 1]) * g[top + 2 * r, j]
                for j in range(w, 0, -1):
                    work[r, j] += f[top + 2 * r, j] * work[r, j + 1]
        for r in range(n):
            x[top + 2 * r, 1 : w + 1] = work[r, 1 : w + 1]


@loose_kernel
def relax_columns(x: F32, b: F32, e: F32, s: F32, se: F32, sw: F32, g: F32, f: F32, nine: bool, first: int) -> None:
    """Solve every second column exactly, the others held."""
    h, w = x.shape[0] - 2, x.shape[1] - 2
    for i in range(1, h + 1):
        for j in range(first, w + 1, 2):
            x[i, j] = b[i, j] + e[i, j - 1] * x[i, j - 1] + e[i, j] * x[i, j + 1] + s[i - 1, j] * x[i - 1, j]
        if nine:
            for j in range(first, w + 1, 2):
                x[i, j] += (
                    se[i - 1, j - 1] * x[i - 1, j - 1]
                    + sw[i, j] * x[i + 1, j - 1]
                    + sw[i - 1, j + 1] * x[i - 1, j + 1]
                    + se[i, j] * x[i + 1, j + 1]
                )
        for j in range(first, w + 1, 2):
            x[i, j] *= g[i, j]
    for i in range(h, 0, -1):
        for j in range(first, w + 1, 2):
            x[i, j] += f[i, j] * x[i + 1, j]


@loose_kernel
def apply(x: F32, m: F32, e: F32, s: F32, se: F32, sw: F32, nine: bool, out: F32) -> None:
    """out = A x, by differences: couplings of 1e5 would drown a mass of 1 in float32 otherwise."""
    h, w = x.shape[0] - 2, x.shape[1] - 2
    for i in range(1, h + 1):
        here, up, down, o = x[i], x[i - 1], x[i + 1], out[i]
        mass, right, above, below = m[i], e[i], s[i - 1], s[i]
        for j in range(1, w + 1):
            o[j] = mass[j] * here[j] + right[j] * (here[j] - here[j + 1]) + right[j - 1] * (here[j] - here[j - 1])
        for j in range(1, w + 1):
            o[j] += above[j] * (here[j] - up[j]) + below[j] * (here[j] - down[j])
        if nine:
            a, b, c, d = se[i - 1], sw[i - 1], se[i], sw[i]
            for j in range(1, w + 1):
                o[j] += a[j - 1] * (here[j] - up[j - 1]) + b[j + 1] * (here[j] - up[j + 1])
            for j in range(1, w + 1):
                o[j] += c[j] * (here[j] - down[j + 1]) + d[j] * (here[j] - down[j - 1])


@loose_kernel
def restrict(r: F32, p: F32, out: F32) -> None:
    """out = P' r: what coarse cells get of a fine plane."""
    h, w = r.shape[0] - 2, out.shape[1] - 2
    for y in range(1, out.shape[0] - 1):
        i = 2 * y - 1
        for x in range(1, w + 1):
            out[y, x] = r[i, 2 * x - 1] + p[0, y, x] * r[i, 2 * x] + p[1, y, x - 1] * r[i, 2 * x - 2]
        if i < h:
            for x in range(1, w + 1):
                out[y, x] += (
                    p[2, y, x] * r[i + 1, 2 * x - 1]
                    + p[4, y, x] * r[i + 1, 2 * x]
                    + p[5, y, x - 1] * r[i + 1, 2 * x - 2]
                )
        for x in range(1, w + 1):
            out[y, x] += (
                p[3, y - 1, x] * r[i - 1, 2 * x - 1]
                + p[6, y - 1, x] * r[i - 1, 2 * x]
                + p[7, y - 1, x - 1] * r[i - 1, 2 * x - 2]
            )


@loose_kernel
def prolong(z: F32, p: F32, x: F32) -> None:
    """x += P z."""
    h, w = x.shape[0] - 2, x.shape[1] - 2
    for i in range(1, h + 1, 2):
        y = (i + 1) // 2
        for k in range(1, (w + 1) // 2 + 1):
            x[i, 2 * k - 1] += z[y, k]
        for k in range(1, w // 2 + 1):
            x[i, 2 * k] += p[0, y, k] * z[y, k] + p[1, y, k] * z[y, k + 1]
    for i in range(2, h + 1, 2):
        y = i // 2
        for k in range(1, (w + 1) // 2 + 1):
            x[i, 2 * k - 1] += p[2, y, k] * z[y, k] + p[3, y, k] * z[y + 1, k]
        for k in range(1, w // 2 + 1):
            x[i, 2 * k] += p[4, y, k] * z[y, k] + p[5, y, k] * z[y, k + 1]
            x[i, 2 * k] += p[6, y, k] * z[y + 1, k] + p[7, y, k] * z[y + 1, k + 1]


@loose_kernel
def dot(a: F32, b: F32) -> float:
    """Inner product of two planes, row sums in float32 and their sum in float64."""
    total = 0.0
    for i in range(a.shape[0]):
        u, v, row = a[i], b[i], np.float32(0)
        for j in range(a.shape[1]):
            row += u[j] * v[j]
        total += float(row)
    return total


@loose_kernel
def blend(y: F32, a: np.float32, x: F32, b: np.float32) -> None:
    """y = a y + b x, in place."""
    for i in range(y.shape[0]):
        u, v = y[i], x[i]
        for j in range(y.shape[1]):
            u[j] = a * u[j] + b * v[j]
