"""Solve a large, very uneven least-squares system on a grid by multigrid: every level from the coarsest up gets a few
steps of conjugate gradients, preconditioned by a cycle through the coarser ones. Nothing here knows about pictures.

Interpolation follows the couplings (black box multigrid, Dendy 1982), coarse systems are Galerkin's, and lines of the
grid are solved exactly, every second row, the others, then columns: couplings that span six decades leave point
relaxation and 2 x 2 aggregates stuck at 10 % after 20 steps, where this is within 2 % after one at the finest level.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.pixels.jit import loose_kernel
from edge.pixels.light.multigrid_kernels import apply, blend, dot, prolong, relax_columns, relax_rows, restrict
from edge.pixels.light.multigrid_setup import LINES, factor, galerkin, weave
from edge.pixels.light.screened import F32

Levels = NDArray[np.int64]
"""(levels, 3): height, width, and where the level's planes begin in the buffer."""

MASS, RIGHT, BELOW, BELOW_RIGHT, BELOW_LEFT = range(5)
_ROW_G, _ROW_F, _COLUMN_G, _COLUMN_F = range(5, 9)
SOLUTION, GIVEN = 9, 10
_RESIDUAL, _CHANGE, _DIRECTION, _APPLIED, _LEFT = range(11, 16)
_SHARES = 16
_PLANES = 24


def lay_out(height: int, width: int) -> tuple[Levels, F32]:
    """Table and zeroed buffer for one system: halves until a side is 1, where a line solve is exact."""
    rows, size = [], 0
    while True:
        rows.append((height, width, size))
        size += _PLANES * (height + 2) * (width + 2)
        if min(height, width) == 1:
            return np.array(rows, np.int64), np.zeros(size, np.float32)
        height, width = (height + 1) // 2, (width + 1) // 2


@loose_kernel
def plane(buffer: F32, levels: Levels, level: int, number: int) -> F32:
    """One plane (h + 2, w + 2) of a level: a view."""
    h, w, start = levels[level]
    size = (h + 2) * (w + 2)
    return buffer[start + number * size : start + (number + 1) * size].reshape(h + 2, w + 2)


@loose_kernel
def solve(buffer: F32, levels: Levels, coarse_steps: int, fine_steps: int) -> None:
    """Fill plane `SOLUTION` of level 0 from the couplings, masses and `GIVEN` there; the rest of the buffer was 0."""
    last = len(levels) - 1
    work = np.zeros((LINES, levels[0, 1] + 2), np.float32)
    for level in range(last + 1):
        _prepare(buffer, levels, level)
    _relax(buffer, levels, last, SOLUTION, GIVEN, work)
    for level in range(last - 1, -1, -1):
        coarser = plane(buffer, levels, level + 1, SOLUTION)
        prolong(coarser, _shares(buffer, levels, level + 1), plane(buffer, levels, level, SOLUTION))
        _step(buffer, levels, level, fine_steps if level == 0 else coarse_steps, work)


@loose_kernel
def _shares(buffer: F32, levels: Levels, level: int) -> F32:
    """How cells of this level give to the next finer one, (8, h + 2, w + 2)."""
    h, w, start = levels[level]
    size = (h + 2) * (w + 2)
    return buffer[start + _SHARES * size : start + _PLANES * size].reshape(8, h + 2, w + 2)


@loose_kernel
def _system(buffer: F32, levels: Levels, level: int) -> tuple[F32, F32, F32, F32, F32]:
    return (
        plane(buffer, levels, level, MASS),
        plane(buffer, levels, level, RIGHT),
        plane(buffer, levels, level, BELOW),
        plane(buffer, levels, level, BELOW_RIGHT),
        plane(buffer, levels, level, BELOW_LEFT),
    )


@loose_kernel
def _prepare(buffer: F32, levels: Levels, level: int) -> None:
    """Factor the lines of a level, and make the next coarser system."""
    m, e, s, se, sw = _system(buffer, levels, level)
    rows = plane(buffer, levels, level, _ROW_G), plane(buffer, levels, level, _ROW_F)
    columns = plane(buffer, levels, level, _COLUMN_G), plane(buffer, levels, level, _COLUMN_F)
    factor(m, e, s, se, sw, rows[0], rows[1], columns[0], columns[1])
    if level + 1 < len(levels):
        shares = _shares(buffer, levels, level + 1)
        weave(e, s, se, sw, shares)
        cm, ce, cs, cse, csw = _system(buffer, levels, level + 1)
        galerkin(m, e, s, se, sw, shares, cm, ce, cs, cse, csw, level > 0)
        restrict(plane(buffer, levels, level, GIVEN), shares, plane(buffer, levels, level + 1, GIVEN))


@loose_kernel
def _relax(buffer: F32, levels: Levels, level: int, unknown: int, given: int, work: F32) -> None:
    """From 0, solve all rows and then all columns once, every second one first."""
    x, b = plane(buffer, levels, level, unknown), plane(buffer, levels, level, given)
    _, e, s, se, sw = _system(buffer, levels, level)
    h, w, nine = levels[level, 0], levels[level, 1], level > 0
    x[:] = np.float32(0)
    if w > 1 or h == 1:
        g, f = plane(buffer, levels, level, _ROW_G), plane(buffer, levels, level, _ROW_F)
        relax_rows(x, b, e, s, se, sw, g, f, nine, 1, True, work)
        relax_rows(x, b, e, s, se, sw, g, f, nine, 2, False, work)
    if h > 1:
        g, f = plane(buffer, levels, level, _COLUMN_G), plane(buffer, levels, level, _COLUMN_F)
        relax_columns(x, b, e, s, se, sw, g, f, nine, 1)
        relax_columns(x, b, e, s, se, sw, g, f, nine, 2)


@loose_kernel
def _cycle(buffer: F32, levels: Levels, top: int, work: F32) -> None:
    """Make `_CHANGE` of a level about what `_RESIDUAL` asks for: relax on the way down, interpolate on the way up."""
    last = len(levels) - 1
    for level in range(top, last + 1):
        _relax(buffer, levels, level, _CHANGE, _RESIDUAL, work)
        if level < last:
            left = plane(buffer, levels, level, _LEFT)
            m, e, s, se, sw = _system(buffer, levels, level)
            apply(plane(buffer, levels, level, _CHANGE), m, e, s, se, sw, level > 0, left)
            blend(left, np.float32(-1), plane(buffer, levels, level, _RESIDUAL), np.float32(1))
            restrict(left, _shares(buffer, levels, level + 1), plane(buffer, levels, level + 1, _RESIDUAL))
    for level in range(last - 1, top - 1, -1):
        change = plane(buffer, levels, level, _CHANGE)
        prolong(plane(buffer, levels, level + 1, _CHANGE), _shares(buffer, levels, level + 1), change)


@loose_kernel
def _step(buffer: F32, levels: Levels, level: int, steps: int, work: F32) -> None:
    """Flexible conjugate gradients from what `SOLUTION` of a level holds; the first finds the length of a cycle."""
    x, r = plane(buffer, levels, level, SOLUTION), plane(buffer, levels, level, _RESIDUAL)
    z, p, q = (
        plane(buffer, levels, level, _CHANGE),
        plane(buffer, levels, level, _DIRECTION),
        plane(buffer, levels, level, _APPLIED),
    )
    m, e, s, se, sw = _system(buffer, levels, level)
    one, nine, curvature = np.float32(1), level > 0, 1.0
    apply(x, m, e, s, se, sw, nine, r)
    blend(r, -one, plane(buffer, levels, level, GIVEN), one)
    for number in range(steps):
        _cycle(buffer, levels, level, work)
        kept = 0.0 if number == 0 else -dot(z, q) / curvature
        blend(p, np.float32(kept), z, one)
        apply(p, m, e, s, se, sw, nine, q)
        curvature = dot(p, q)
        if curvature <= 0:
            return  # solved to the last bit, as a black picture is from the start
        length = dot(r, p) / curvature
        blend(x, one, p, np.float32(length))
        if number + 1 < steps:
            blend(r, one, q, np.float32(-length))
