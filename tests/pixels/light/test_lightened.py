"""A frame lightened for the eye: like its slow twin, brighter where it is dark, never out of range, never changed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import ImageError
from edge.pixels.light.lightened import GAMMA, MAX_GAIN, gain_map, lighten_frame, multiply
from tests.support.drawings import dark_scene
from tests.support.twins import lighten_pixels


def scene(height: int = 90, width: int = 160) -> np.ndarray:
    return dark_scene(height, width)


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 9))
def test_the_kernel_does_what_its_twin_does(seed: int, height: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (height, width, 3), np.uint8)
    gains = rng.uniform(1, MAX_GAIN, (height, width)).astype(np.float32)
    out = np.empty_like(pixels)
    limits = (np.float32(255) / np.maximum(np.arange(256), 1)).astype(np.float32)
    multiply(pixels, gains, limits, out)
    assert np.abs(out.astype(int) - lighten_pixels(pixels, gains)).max() <= 1


@pytest.mark.parametrize("shape", [(720, 1280), (90, 160), (333, 77), (1, 1), (3, 500)])
def test_dark_places_become_readable_and_bright_ones_stay(shape: tuple[int, int]) -> None:
    dark = np.full((*shape, 3), 12, np.uint8)
    lit = lighten_frame(dark)
    assert lit.shape == dark.shape
    assert (lit > 40).all()
    bright = np.full((*shape, 3), 240, np.uint8)
    assert (np.abs(lighten_frame(bright).astype(int) - 240) <= 10).all()
    assert (dark == 12).all()


def test_a_dark_frame_with_a_lamp() -> None:
    frame = scene(360, 640)
    frame[20:60, 500:560] = 250
    before = frame.copy()
    lit = lighten_frame(frame)
    assert np.array_equal(frame, before), "it is never changed"
    assert lit.mean() > 2 * frame.mean()
    assert lit[30:50, 510:550].min() >= 240, "what was bright stays bright"
    assert (lit.astype(int) >= frame.astype(int) - 1).all(), "nothing gets darker"


def test_hue_is_kept_and_no_channel_runs_over() -> None:
    frame = np.zeros((120, 160, 3), np.uint8)
    frame[:] = (10, 20, 40)
    lit = lighten_frame(frame).astype(float)
    assert np.abs(lit[..., 1] / lit[..., 2] - 0.5).max() < 0.03
    assert np.abs(lit[..., 0] / lit[..., 2] - 0.25).max() < 0.03
    gains = gain_map(frame, GAMMA)
    assert gains.min() >= 1
    assert gains.max() <= MAX_GAIN


def test_black_stays_black_so_masks_stay_masks() -> None:
    frame = scene(240, 320)
    frame[100:200, 50:150] = 0
    assert not lighten_frame(frame)[100:200, 50:150].any()


def test_gamma_0_changes_nothing_and_wrong_input_is_refused() -> None:
    frame = scene()
    assert np.abs(lighten_frame(frame, 0.0).astype(int) - frame).max() <= 1
    frame.flags.writeable = False
    lighten_frame(frame[:, ::2])
    for wrong in (frame[..., 0], frame.astype(np.float32)):
        with pytest.raises(ImageError):
            lighten_frame(wrong)
    with pytest.raises(ImageError, match="gamma"):
        lighten_frame(frame, 1.5)
