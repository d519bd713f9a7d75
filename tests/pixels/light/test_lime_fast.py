"""LIME's sped-up solver against scipy's direct one, its promises for whole frames, and that serving never compiles."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edge.errors import ImageError
from edge.pixels.light import lime
from edge.pixels.light.calm import measure_noise
from edge.pixels.light.lime_fast import HALVE_FROM, MOST_CELLS, num_halvings
from edge.pixels.measures.metrics import psnr
from tests.support import twins
from tests.support.drawings import LIME_PICTURES, dark_scene

SIZES = [(1, 1), (1, 9), (9, 1), (1, 2), (2, 1), (2, 2), (2, 9), (3, 3), (7, 5), (16, 31), (64, 65), (112, 112)]


def brightest(image: np.ndarray) -> np.ndarray:
    return image.reshape(*image.shape[:2], -1).max(axis=2) / 255.0


def relative_error(found: np.ndarray, truth: np.ndarray) -> float:
    return float(np.linalg.norm(found - truth) / max(np.linalg.norm(truth), 1e-12))


@pytest.mark.parametrize("weighting", [1, 2, 3])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [3, None])
def test_is_within_two_percent_of_a_direct_solution(
    size: tuple[int, int], weighting: int, channels: int | None
) -> None:
    image = dark_scene(*size, channels)
    truth = twins.lime_sped_up(brightest(image), alpha=lime.ALPHA, weighting=weighting)
    found = lime.illumination(image, weighting=weighting, solver="fast")
    assert found.shape == size
    assert found.dtype == np.float32
    assert relative_error(found, truth) <= 0.02


@pytest.mark.parametrize("name", LIME_PICTURES)
def test_the_papers_pictures(shared_data: Path, name: str) -> None:
    path = shared_data / "lowlight" / "lime" / f"{name}.png"
    if not path.is_file():
        pytest.skip(f"needs the public test picture lowlight/lime/{name}.png")
    image = cv2.imread(str(path))
    truth = twins.lime_sped_up(brightest(image), alpha=lime.ALPHA, weighting=2)
    assert relative_error(lime.illumination(image, solver="fast"), truth) <= 0.02
    whole = twins.lime_relight(image, truth.clip(0, 1), lime.GAMMA) * 255
    halved = lime.enhance_lowlight(image, solver="fast")
    assert psnr(np.rint(whole).astype(np.uint8), halved) >= 35


def test_large_frames_are_halved_and_nothing_grows_beyond_bounds() -> None:
    assert num_halvings(112, 112) == 0
    assert num_halvings(720, 1280) == num_halvings(1080, 1920) == 1
    assert num_halvings(1, HALVE_FROM * 2) == 0
    for height, width in ((3000, 4000), (8000, 8000), (301, 777)):
        halvings = num_halvings(height, width)
        assert (height * width) / 4**halvings <= MOST_CELLS * 1.01


@settings(max_examples=40, deadline=None)
@given(
    hnp.arrays(
        np.uint8,
        st.one_of(
            st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(3)),
            st.tuples(st.integers(1, 12), st.integers(1, 12)),
        ),
    ),
    st.floats(0, 1),
    st.sampled_from(lime.Weighting),
    st.integers(0, 2),
)
def test_range_shape_and_input_are_kept(
    image: np.ndarray, gamma: float, weighting: lime.Weighting, halvings: int
) -> None:
    before = image.copy()
    light = lime.illumination(image, weighting=weighting, solver="fast", halvings=halvings)
    assert light.shape == image.shape[:2]
    assert ((light >= 0) & (light <= 1)).all()
    result = lime.enhance_lowlight(image, gamma=gamma, weighting=weighting, solver="fast")
    assert (result.shape, result.dtype) == (image.shape, np.uint8)
    assert np.array_equal(image, before)
    # one gain per pixel, and none below 1: hue is kept to rounding, and no channel becomes white that was not
    pixels, lit = (np.atleast_3d(a).astype(np.float64) for a in (image, result))
    top = np.maximum(pixels.max(axis=2, keepdims=True), 1)
    assert (np.abs(lit - pixels * lit.max(axis=2, keepdims=True) / top) <= 0.5 + 0.5 * pixels / top + 1e-3).all()
    assert (lit >= pixels - 1).all()
    assert (lit[pixels < 255] < 255).all()


@pytest.mark.parametrize("value", [0, 1, 128, 255])
@pytest.mark.parametrize("size", [(1, 1), (5, 40), (400, 300)])
@pytest.mark.parametrize("calm", [False, True])
def test_constant_pictures_stay_constant(value: int, size: tuple[int, int], calm: bool) -> None:
    image = np.full((*size, 3), value, np.uint8)
    light = lime.illumination(image, solver="fast", halvings=num_halvings(*size))
    assert np.abs(light - value / 255).max() < 2e-3
    result = lime.enhance_lowlight(image, solver="fast", calm=calm)
    assert np.ptp(result) <= 1
    assert abs(int(result.max()) - int(image.max())) <= 1 or 0 < value < 255


@pytest.mark.parametrize("size", [(1, 500), (500, 1), (333, 401), (720, 1280)])
def test_gray_equals_three_equal_channels_and_views_change_nothing(size: tuple[int, int]) -> None:
    gray = dark_scene(*size, None)
    color = np.dstack([gray] * 3)
    result = lime.enhance_lowlight(gray, solver="fast")
    assert np.array_equal(result, lime.enhance_lowlight(color, solver="fast")[:, :, 1])
    assert np.array_equal(result, lime.enhance_lowlight(gray[:, ::-1][:, ::-1], solver="fast"))
    gray.flags.writeable = False
    assert np.array_equal(result, lime.enhance_lowlight(gray, solver="fast"))
    assert result.mean() > 1.3 * gray.mean()


def test_calm_keeps_noise_of_dark_places_down_and_edges_up() -> None:
    rng = np.random.default_rng(5)
    clean = np.full((200, 300), 14.0)
    clean[:, 150:] = 40.0
    noisy = np.rint(clean + rng.normal(0, 2.0, clean.shape)).clip(0, 255).astype(np.uint8)
    image = np.dstack([noisy] * 3)
    assert measure_noise(brightest(image).astype(np.float32), (clean / 255).astype(np.float32)) * 255 == pytest.approx(
        2.0, abs=0.7
    )
    plain = lime.enhance_lowlight(image, solver="fast").astype(float)
    calm = lime.enhance_lowlight(image, solver="fast", calm=True).astype(float)
    flat = (slice(20, 180), slice(20, 130))
    assert calm[flat].std() < 0.7 * plain[flat].std()
    step = calm[:, 155:].mean() - calm[:, :145].mean()
    assert step > 0.9 * (plain[:, 155:].mean() - plain[:, :145].mean())
    bright = np.full((50, 50, 3), 200, np.uint8) + rng.integers(0, 20, (50, 50, 1), np.uint8)
    assert np.array_equal(
        lime.enhance_lowlight(bright, solver="fast", calm=True), lime.enhance_lowlight(bright, solver="fast")
    )


def test_wrong_solvers_are_refused() -> None:
    for options in ({"solver": "magic"}, {"solver": "fast", "halvings": -1}, {"solver": "fast", "weighting": 4}):
        with pytest.raises(ImageError):
            lime.illumination(np.zeros((4, 4), np.uint8), **options)  # type: ignore[arg-type]


NO_COMPILING = """
import numpy as np
from numba.core import event
from edge.pixels.light import lime
lime.warm_up()
with event.install_recorder("numba:compile") as recorder:
    for shape in ((112, 112, 3), (112, 112), (1, 7, 3), (720, 1280, 3), (301, 777, 3)):
        for order in (slice(None), slice(None, None, -1)):
            image = np.random.default_rng(1).integers(0, 90, shape, np.uint8)[order]
            for frozen in (False, True):
                image.flags.writeable = not frozen
                for solver in lime.SOLVERS if image.size < 50_000 else ("fast",):
                    for weighting in lime.Weighting:
                        lime.enhance_lowlight(image, iterations=2, weighting=weighting, solver=solver, calm=True)
print(len(recorder.buffer))
"""


def test_nothing_is_compiled_after_the_warm_up() -> None:
    done = subprocess.run(
        [sys.executable, "-c", NO_COMPILING], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert done.stdout.strip() == "0"
