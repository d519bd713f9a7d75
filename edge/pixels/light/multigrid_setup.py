"""What the multigrid solver of `multigrid` prepares once per system: line factors, interpolation, coarser systems.

A system on a grid of h x w cells is kept in planes (h + 2, w + 2) with a ring of zeros, so that no kernel asks for
borders: mass `m`, and the couplings of a cell with its neighbours `e` (right), `s` (below), `se` (below right) and `sw`
(below left). It says: (m + sum of couplings) x - sum of coupling * neighbour = b. No iteration happens here.
"""

from __future__ import annotations

import numpy as np

from edge.pixels.jit import loose_kernel
from edge.pixels.light.screened import F32

LINES = 8
"""Rows worked on at once: a recurrence along one row waits for itself, eight beside each other don't."""

Corners = tuple[np.float32, ...]
Ties = tuple[np.float32, ...]


@loose_kernel
def factor(m: F32, e: F32, s: F32, se: F32, sw: F32, gr: F32, fr: F32, gc: F32, fc: F32) -> None:
    """Factors of the tridiagonal systems along rows (gr, fr) and columns (gc, fc): reciprocal pivot, what goes on."""
    h, w = m.shape[0] - 2, m.shape[1] - 2
    one = np.float32(1)
    for i in range(1, h + 1):
        for j in range(1, w + 1):
            gc[i, j] = m[i, j] + e[i, j] + e[i, j - 1] + s[i, j] + s[i - 1, j]
        for j in range(1, w + 1):
            gc[i, j] += se[i, j] + se[i - 1, j - 1] + sw[i, j] + sw[i - 1, j + 1]
    for top in range(1, h + 1, LINES):
        for j in range(1, w + 1):
            for i in range(top, min(top + LINES, h + 1)):
                gr[i, j] = one / (gc[i, j] - e[i, j - 1] * fr[i, j - 1])
                fr[i, j] = e[i, j] * gr[i, j]
    for i in range(1, h + 1):
        for j in range(1, w + 1):
            gc[i, j] = one / (gc[i, j] - s[i - 1, j] * fc[i - 1, j])
            fc[i, j] = s[i, j] * gc[i, j]


@loose_kernel
def weave(e: F32, s: F32, se: F32, sw: F32, p: F32) -> None:
    """Interpolation by couplings (Alcouffe et al. 1981, Dendy 1982); coarse (I, J) is fine (2 I - 1, 2 J - 1).

    p (8, h', w'): shares of the left and right, upper and lower, and four diagonal coarse neighbours. Shares add up to
    1, so a coarse system keeps its masses positive, and float32 is enough.
    """
    h, w = e.shape[0] - 2, e.shape[1] - 2
    no, least = np.float32(0), np.float32(1e-20)
    for i in range(1, h + 1, 2):
        for j in range(2, w + 1, 2):
            a = max(no, e[i, j - 1]) + max(no, se[i - 1, j - 1]) + max(no, sw[i, j])
            b = max(no, e[i, j]) + max(no, sw[i - 1, j + 1]) + max(no, se[i, j])
            share = np.float32(1) / max(a + b, least)
            p[0, (i + 1) // 2, j // 2], p[1, (i + 1) // 2, j // 2] = a * share, b * share
    for i in range(2, h + 1, 2):
        for j in range(1, w + 1, 2):
            a = max(no, s[i - 1, j]) + max(no, se[i - 1, j - 1]) + max(no, sw[i - 1, j + 1])
            b = max(no, s[i, j]) + max(no, sw[i, j]) + max(no, se[i, j])
            share = np.float32(1) / max(a + b, least)
            p[2, i // 2, (j + 1) // 2], p[3, i // 2, (j + 1) // 2] = a * share, b * share
    for i in range(2, h + 1, 2):
        for j in range(2, w + 1, 2):
            y, x = i // 2, j // 2
            up, down = max(no, s[i - 1, j]), max(no, s[i, j])
            left, right = max(no, e[i, j - 1]), max(no, e[i, j])
            a = max(no, se[i - 1, j - 1]) + up * p[0, y, x] + left * p[2, y, x]
            b = max(no, sw[i - 1, j + 1]) + up * p[1, y, x] + right * p[2, y, x + 1]
            c = max(no, sw[i, j]) + down * p[0, y + 1, x] + left * p[3, y, x]
            d = max(no, se[i, j]) + down * p[1, y + 1, x] + right * p[3, y, x + 1]
            share = np.float32(1) / max(a + b + c + d, least)
            p[4, y, x], p[5, y, x], p[6, y, x], p[7, y, x] = a * share, b * share, c * share, d * share


@loose_kernel
def tie(ties: Ties, k: np.float32, p: Corners, q: Corners) -> Ties:
    """Add what a fine coupling `k` between points of shares `p` and `q` couples the four corners of a cell with."""
    a, b, c, d = p[0] - q[0], p[1] - q[1], p[2] - q[2], p[3] - q[3]
    return (
        ties[0] - k * a * b,
        ties[1] - k * a * c,
        ties[2] - k * a * d,
        ties[3] - k * b * c,
        ties[4] - k * b * d,
        ties[5] - k * c * d,
    )


@loose_kernel
def galerkin(
    m: F32, e: F32, s: F32, se: F32, sw: F32, p: F32, cm: F32, ce: F32, cs: F32, cse: F32, csw: F32, nine: bool
) -> None:
    """The coarser system, P' A P, summed over cells; what lies within a cell concerns its four corners alone.

    c* are zeros on entry. `nine` says that the fine system has diagonal couplings.
    """
    one, no = np.float32(1), np.float32(0)
    a, b, c, d = (one, no, no, no), (no, one, no, no), (no, no, one, no), (no, no, no, one)
    for y in range(1, cm.shape[0] - 1):
        i = 2 * y - 1
        for x in range(1, cm.shape[1] - 1):
            j = 2 * x - 1
            top, left = (p[0, y, x], p[1, y, x], no, no), (p[2, y, x], no, p[3, y, x], no)
            mid = (p[4, y, x], p[5, y, x], p[6, y, x], p[7, y, x])
            right, low = (no, p[2, y, x + 1], no, p[3, y, x + 1]), (no, no, p[0, y + 1, x], p[1, y + 1, x])
            mt, ml, mm = m[i, j + 1], m[i + 1, j], m[i + 1, j + 1]
            cm[y, x] += m[i, j] + mt * top[0] + ml * left[0] + mm * mid[0]
            cm[y, x + 1] += mt * top[1] + mm * mid[1]
            cm[y + 1, x] += ml * left[2] + mm * mid[2]
            cm[y + 1, x + 1] += mm * mid[3]
            t: Ties = (no, no, no, no, no, no)
            t = tie(tie(t, e[i, j], a, top), e[i, j + 1], top, b)
            t = tie(tie(t, s[i, j], a, left), s[i + 1, j], left, c)
            t = tie(tie(t, e[i + 1, j], left, mid), e[i + 1, j + 1], mid, right)
            t = tie(tie(t, s[i, j + 1], top, mid), s[i + 1, j + 1], mid, low)
            if nine:
                t = tie(tie(t, se[i, j], a, mid), sw[i, j + 1], top, left)
                t = tie(tie(t, se[i, j + 1], top, right), sw[i, j + 2], b, mid)
                t = tie(tie(t, se[i + 1, j], left, low), sw[i + 1, j + 1], mid, c)
                t = tie(tie(t, se[i + 1, j + 1], mid, d), sw[i + 1, j + 2], right, low)
            ce[y, x] += t[0]
            cs[y, x] += t[1]
            cse[y, x] += t[2]
            csw[y, x + 1] += t[3]
            cs[y, x + 1] += t[4]
            ce[y + 1, x] += t[5]
