"""LIME against its float64 twin, its own promises, and the paper's pictures."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edge.errors import ImageError
from edge.pixels.light import lime
from edge.pixels.light.screened import ScreenedGrid
from tests.support import twins
from tests.support.drawings import LIME_PICTURES, dark_scene

SIZES = [(1, 1), (1, 9), (9, 1), (1, 2), (2, 2), (7, 5), (5, 7), (16, 31), (112, 112)]
DEFAULTS = {"alpha": lime.ALPHA, "rho": lime.RHO, "mu0": lime.MU0, "iterations": lime.ITERATIONS}


def twin(image: np.ndarray, weighting: int, gamma: float = lime.GAMMA) -> tuple[np.ndarray, np.ndarray]:
    """Map and unrounded result of the twin."""
    brightest = image.reshape(*image.shape[:2], -1).max(axis=2) / 255.0
    light = twins.lime_illumination(brightest, weighting=weighting, **DEFAULTS)
    return light, twins.lime_relight(image, light, gamma)


@pytest.mark.parametrize("weighting", [1, 2, 3])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [3, None])
def test_equals_its_twin_to_one_step_of_255(size: tuple[int, int], weighting: int, channels: int | None) -> None:
    image = dark_scene(*size, channels)
    light, result = twin(image, weighting)
    assert np.abs(lime.illumination(image, weighting=weighting) - light).max() <= 1 / 255
    fast = lime.enhance_lowlight(image, weighting=weighting)
    assert fast.shape == image.shape
    assert fast.dtype == np.uint8
    assert np.abs(fast / 255.0 - result).max() <= 1 / 255


@pytest.mark.parametrize("name", LIME_PICTURES)
def test_equals_its_twin_on_the_papers_pictures(shared_data: Path, name: str) -> None:
    path = shared_data / "lowlight" / "lime" / f"{name}.png"
    if not path.is_file():
        pytest.skip(f"needs the public test picture lowlight/lime/{name}.png")
    image = cv2.imread(str(path))
    light, result = twin(image, lime.Weighting.INVERSE_GRADIENT)
    assert np.abs(lime.illumination(image) - light).max() <= 1 / 255
    fast = lime.enhance_lowlight(image)
    assert np.abs(fast / 255.0 - result).max() <= 1 / 255
    assert fast.mean() > 1.3 * image.mean()


@pytest.mark.parametrize("size", [(1, 1), (1, 6), (4, 3), (7, 5), (12, 9)])
def test_the_grid_solver_equals_a_dense_solve(size: tuple[int, int]) -> None:
    height, width = size
    identity = np.eye(height * width).reshape(-1, height, width)
    laplacian = sum(
        np.stack([twins.gradient_transposed(twins.gradient(e, axis), axis).ravel() for e in identity])
        for axis in (0, 1)
    )
    right = np.random.default_rng(1).normal(size=size)
    exact = np.linalg.solve(2 * np.eye(height * width) + 7.0 * laplacian, right.ravel()).reshape(size)
    grid = ScreenedGrid(height, width)
    grid.work[np.ix_(grid.rows, grid.columns)] = right
    assert np.allclose(grid.solve(7.0)[np.ix_(grid.rows, grid.columns)], exact, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    hnp.arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(3))),
    st.floats(0, 1),
    st.sampled_from(lime.Weighting),
)
def test_range_hue_and_input_are_kept(image: np.ndarray, gamma: float, weighting: lime.Weighting) -> None:
    before = image.copy()
    light = lime.illumination(image, weighting=weighting)
    assert light.shape == image.shape[:2]
    assert light.dtype == np.float32
    assert ((light >= 0) & (light <= 1)).all()
    result = lime.enhance_lowlight(image, gamma=gamma, weighting=weighting)
    assert np.array_equal(image, before)
    # one gain per pixel: each channel is the input's times that gain, to rounding
    top = image.max(axis=2, keepdims=True).astype(np.float64)
    gain = result.max(axis=2, keepdims=True) / np.maximum(top, 1)
    slack = 0.5 + 0.5 * image / np.maximum(top, 1) + 1e-3
    assert (np.abs(result - image * gain) <= slack).all()
    assert (result.astype(int) >= image.astype(int) - 1).all()


def test_no_channel_becomes_white_that_was_not_the_brightest() -> None:
    image = dark_scene(40, 60)
    image[10:20, 10:20] = (30, 120, 250)
    result = lime.enhance_lowlight(image)
    below = image < image.max(axis=2, keepdims=True)
    assert (result[below] < 255).all()


def test_gray_equals_three_equal_channels() -> None:
    gray = dark_scene(33, 21, None)
    assert np.array_equal(lime.enhance_lowlight(gray), lime.enhance_lowlight(np.dstack([gray] * 3))[:, :, 1])


def test_gamma_zero_changes_at_most_a_rounding_step_and_black_stays_black() -> None:
    image = dark_scene(20, 20)
    assert np.abs(lime.enhance_lowlight(image, gamma=0).astype(int) - image).max() <= 1
    assert not lime.enhance_lowlight(np.zeros((5, 5, 3), np.uint8)).any()


@pytest.mark.parametrize(("size", "channels"), [((1080, 1920), 3), ((541, 967), None), ((1, 1920), 3), ((1080, 1), 3)])
def test_large_frames_equal_their_twin_and_get_brighter(size: tuple[int, int], channels: int | None) -> None:
    image = dark_scene(*size, channels)
    light, relit = twin(image, lime.Weighting.INVERSE_GRADIENT)
    result = lime.enhance_lowlight(image)
    assert np.abs(lime.illumination(image) - light).max() <= 1 / 255
    assert np.abs(result / 255.0 - relit).max() <= 1 / 255
    assert result.mean() > image.mean()


def test_views_and_frozen_arrays_give_the_same_pixels() -> None:
    image = dark_scene(30, 40)
    plain = lime.enhance_lowlight(image)
    frozen = image.copy()
    frozen.flags.writeable = False
    assert np.array_equal(lime.enhance_lowlight(frozen), plain)
    assert np.array_equal(lime.enhance_lowlight(image[:, ::-1][:, ::-1]), plain)


@pytest.mark.parametrize(
    ("source", "options"),
    [
        (np.zeros((0, 4, 3), np.uint8), {}),
        (np.zeros((4, 4, 4), np.uint8), {}),
        (np.zeros((4, 4, 3), np.uint16), {}),
        (np.full((4, 4), 2.0), {}),
        (np.full((4, 4), np.nan), {}),
        ("text", {}),
        (np.zeros((4, 4), np.uint8), {"weighting": 4}),
        (np.zeros((4, 4), np.uint8), {"mu0": 0.0}),
        (np.zeros((4, 4), np.uint8), {"rho": 0.9}),
        (np.zeros((4, 4), np.uint8), {"alpha": -1.0}),
        (np.zeros((4, 4), np.uint8), {"iterations": 0}),
    ],
)
def test_wrong_input_is_refused(source: object, options: dict[str, float]) -> None:
    with pytest.raises(ImageError):
        lime.illumination(source, **options)  # type: ignore[arg-type]


def test_a_bad_gamma_is_refused() -> None:
    with pytest.raises(ImageError, match="gamma"):
        lime.enhance_lowlight(np.zeros((4, 4), np.uint8), gamma=1.5)
