"""Running a picture of any size through a function of fixed size: reflected borders, overlapping tiles, no seams.

Pure geometry and adding up; what the function does (a network, a filter) is the caller's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.errors import ImageError

F32 = NDArray[np.float32]
Run = Callable[[F32], F32]
"""(C, h, w) -> (K, h * scale, w * scale), both float32."""
Progress = Callable[[int, int], None]
"""Tiles done, tiles there are."""


@dataclass(frozen=True, slots=True)
class Tiling:
    """How a picture is cut. All in px of the input.

    `context` is what each tile sees beyond what it gives, at least the reach of the function for tiles to equal the
    whole; over `blend` px neighbours are faded into each other, for functions that reach further. Each tile gives at
    least twice as much. A picture that fits
    into one tile is not cut: it gets `border` px (None: as much as `context`) and is filled up to a multiple of
    `multiple`.
    """

    side: int = 256
    context: int = 16
    blend: int = 16
    multiple: int = 16
    border: int | None = None
    fixed: tuple[int, int] | None = None
    """Height and width of every tile, where the function takes no others."""

    def __post_init__(self) -> None:
        sides = self.fixed or (self.side, self.side)
        if min(sides) <= 2 * (self.context + self.blend) or min(self.context, self.blend, self.multiple - 1) < 0:
            raise ImageError(f"tiles of {sides} px can't have {self.context} px of context and {self.blend} of blend")

    def tile_of(self, length: int, axis: int) -> tuple[int, int]:
        """Side of the tiles along an axis (0: down) of a picture of `length` px, and what they see before they give."""
        border = self.context if self.border is None else self.border
        side = self.fixed[axis] if self.fixed else -(-self.side // self.multiple) * self.multiple
        needed = -(-(length + 2 * border) // self.multiple) * self.multiple
        if needed > side:
            return side, self.context
        return (side if self.fixed else needed), border


@dataclass(frozen=True, slots=True)
class _Cut:
    """One tile along one axis: the part of the picture it gives, and how much of that is faded."""

    low: int
    high: int
    fade_in: int
    fade_out: int


def run_tiled(image: F32, run: Run, scale: int, tiling: Tiling, progress: Progress | None = None) -> F32:
    """Put a picture through `run`, in tiles where it is large.

    Parameters
    ----------
    image : (C, H, W) float32, any range; at least 1 x 1
        Not changed.
    run : function
        Gives `scale` times the size it is given; called once per tile, row after row.
    scale : int, 1 or more
    tiling : Tiling

    Returns
    -------
    (K, H * scale, W * scale) float32
        A new array. Borders are reflected, so that the function sees no black edge.

    Raises
    ------
    ImageError
        `image` has no pixel, or `run` gives another size than it should.
    """
    if image.ndim != 3 or 0 in image.shape:
        raise ImageError(f"tiles need a (C, H, W) picture with pixels, got shape {image.shape}")
    (high, above), (wide, before) = tiling.tile_of(image.shape[1], 0), tiling.tile_of(image.shape[2], 1)
    rows, columns = list(_cuts(image.shape[1], high, above, tiling)), list(_cuts(image.shape[2], wide, before, tiling))
    down = _reflected(image.shape[1], above, rows[-1].low + high)
    right = _reflected(image.shape[2], before, columns[-1].low + wide)
    padded = image[:, down[:, np.newaxis], right]
    out: F32 | None = None
    for number, (row, column) in enumerate((row, column) for row in rows for column in columns):
        tile = np.ascontiguousarray(padded[:, row.low : row.low + high, column.low : column.low + wide])
        done = run(tile)
        if done.ndim != 3 or done.shape[1:] != (high * scale, wide * scale):
            raise ImageError(f"a tile of {tile.shape} became {done.shape}; {scale} times its size was expected")
        if out is None:
            out = np.zeros((done.shape[0], image.shape[1] * scale, image.shape[2] * scale), np.float32)
        _add(out, done[:, above * scale :, before * scale :], row, column, scale)
        if progress is not None:
            progress(number + 1, len(rows) * len(columns))
    assert out is not None
    return out


def _cuts(length: int, tile: int, context: int, tiling: Tiling) -> Iterator[_Cut]:
    """Tiles along one axis; together they give each px once, or faded between two."""
    given = tile - 2 * context
    if given >= length:
        yield _Cut(0, length, 0, 0)
        return
    step = given - tiling.blend
    count = -(-(length - tiling.blend) // step)
    for number in range(count):
        low, last = number * step, number == count - 1
        yield _Cut(low, length if last else low + given, tiling.blend if number else 0, 0 if last else tiling.blend)


def _reflected(length: int, before: int, total: int) -> NDArray[np.intp]:
    """Indices of `total` px from `before` px ahead of the first, walking to and fro; the border px is not doubled."""
    period = max(2 * (length - 1), 1)
    index = np.arange(-before, total - before) % period
    return np.minimum(index, period - index) if length > 1 else np.zeros(total, np.intp)


def _add(out: F32, done: F32, row: _Cut, column: _Cut, scale: int) -> None:
    """Add the part a tile gives, faded at the sides that have a neighbour."""
    height, width = (row.high - row.low) * scale, (column.high - column.low) * scale
    part = done[:, :height, :width]
    for cut, shape in ((row, (1, height, 1)), (column, (1, 1, width))):
        if cut.fade_in or cut.fade_out:
            part = part * _ramp(shape, cut.fade_in * scale, cut.fade_out * scale)
    top, left = row.low * scale, column.low * scale
    out[:, top : top + height, left : left + width] += part


def _ramp(shape: tuple[int, int, int], fade_in: int, fade_out: int) -> F32:
    """Weights along the one long axis; those of two neighbours add up to 1."""
    weights = np.ones(max(shape), np.float32)
    if fade_in:
        weights[:fade_in] = (np.arange(fade_in, dtype=np.float32) + 0.5) / fade_in
    if fade_out:
        weights[len(weights) - fade_out :] = 1 - (np.arange(fade_out, dtype=np.float32) + 0.5) / fade_out
    return weights.reshape(shape)
