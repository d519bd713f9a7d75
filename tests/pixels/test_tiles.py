"""A tiled run equals the whole one for a function of known reach, at any size, and fades where it reaches further."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import ImageError
from edge.pixels.tiles import Tiling, run_tiled

REACH = 3


def mean_around(tile: np.ndarray) -> np.ndarray:
    """Mean over (2 * REACH + 1) squared px, black beyond the border, as a convolution without padding tricks."""
    side = 2 * REACH + 1
    padded = np.pad(tile, ((0, 0), (REACH, REACH), (REACH, REACH)))
    views = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(1, 2))
    return views.mean(axis=(3, 4), dtype=np.float64).astype(np.float32)


def reflected(image: np.ndarray, axis: int) -> np.ndarray:
    """`REACH` px more on both sides, px by px: back and forth between the borders."""
    length, order = image.shape[axis], []
    for step in range(-REACH, length + REACH):
        at = abs(step) % max(2 * length - 2, 1)
        order.append(at if at < length else 2 * length - 2 - at)
    return np.take(image, order, axis=axis)


def enlarged(tile: np.ndarray) -> np.ndarray:
    return mean_around(tile).repeat(2, axis=1).repeat(2, axis=2)


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    context=st.integers(REACH, 8),
    blend=st.integers(0, 7),
    multiple=st.sampled_from([1, 4, 16]),
    scale=st.sampled_from([1, 2]),
    seed=st.integers(0, 9),
)
def test_tiles_equal_the_whole(
    height: int, width: int, context: int, blend: int, multiple: int, scale: int, seed: int
) -> None:
    image = np.random.default_rng(seed).uniform(0, 255, (1, height, width)).astype(np.float32)
    run = mean_around if scale == 1 else enlarged
    whole = reflected(reflected(image, 1), 2)
    wanted = run(whole)[:, REACH * scale : (REACH + height) * scale, REACH * scale : (REACH + width) * scale]
    found = run_tiled(image, run, scale, Tiling(32, context, blend, multiple))
    assert found.shape == (1, height * scale, width * scale)
    assert found.dtype == np.float32
    assert np.abs(found - wanted).max() < 1e-3


@given(height=st.integers(1, 70), width=st.integers(1, 70))
def test_tiles_of_a_fixed_size_give_the_picture_back(height: int, width: int) -> None:
    image = np.random.default_rng(0).uniform(0, 255, (3, height, width)).astype(np.float32)
    seen: set[tuple[int, ...]] = set()

    def same(tile: np.ndarray) -> np.ndarray:
        seen.add(tile.shape)
        return tile

    found = run_tiled(image, same, 1, Tiling(context=4, blend=6, fixed=(24, 40)))
    assert seen == {(3, 24, 40)}
    assert np.abs(found - image).max() < 1e-3


def test_what_differs_from_tile_to_tile_is_faded() -> None:
    numbers = iter(range(100))

    def constant(tile: np.ndarray) -> np.ndarray:
        return np.full_like(tile, 10.0 * next(numbers))

    found = run_tiled(np.zeros((1, 8, 100), np.float32), constant, 1, Tiling(48, 4, 16, 1))[0, 0]
    assert found[0] == 0
    assert found[-1] == 10 * (next(numbers) - 1)
    assert np.abs(np.diff(found)).max() <= 10 / 16 + 1e-3


def test_progress_counts_tiles() -> None:
    told: list[tuple[int, int]] = []
    run_tiled(
        np.zeros((1, 60, 90), np.float32), lambda t: t, 1, Tiling(32, 2, 4), lambda done, of: told.append((done, of))
    )
    assert told[-1][0] == told[-1][1] == len(told) > 4


def test_what_can_not_be_cut_is_refused() -> None:
    with pytest.raises(ImageError, match="can't have"):
        Tiling(32, 12, 8)
    with pytest.raises(ImageError, match="with pixels"):
        run_tiled(np.zeros((1, 0, 4), np.float32), lambda t: t, 1, Tiling())
    with pytest.raises(ImageError, match="became"):
        run_tiled(np.zeros((1, 4, 4), np.float32), lambda t: t[:, :2], 1, Tiling())
