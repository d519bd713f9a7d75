"""Noise of a plane: what was put in is measured, whatever the picture, and in the region asked for alone."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.pixels.measures.noise import GAIN, noise


def grain(shape: tuple[int, int], deviation: float) -> np.ndarray:
    return np.random.default_rng(0).normal(0, deviation, shape).astype(np.float32)


@pytest.mark.parametrize("deviation", [0.005, 0.02, 0.1])
def test_noise_of_a_known_deviation_is_measured(deviation: float) -> None:
    ramp = np.tile(np.linspace(0, 1, 200, dtype=np.float32), (150, 1))
    ramp[:, 100:] += 3  # an edge moves it hardly
    assert noise(ramp) == pytest.approx(0, abs=1e-6)
    assert noise(ramp + grain(ramp.shape, deviation)) == pytest.approx(deviation, rel=0.05)


def test_only_the_region_counts() -> None:
    plane = np.zeros((100, 100), np.float32)
    plane[:, 50:] = grain((100, 50), 0.1)
    assert noise(plane, (slice(None), slice(0, 45))) == 0
    assert noise(plane, (slice(None), slice(55, 95))) == pytest.approx(0.1, rel=0.1)


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (7, 1), (64, 85), (5441, 1)])
def test_the_median_is_that_of_numpy_to_the_last_bit(shape: tuple[int, int]) -> None:
    """Recorded recipes hang on it: a chroma filter of another strength would give other pixels."""
    plane = grain(shape, 1.0)
    before = plane.copy()
    operator = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    assert noise(plane) == float(np.median(np.abs(cv2.filter2D(plane, -1, operator)))) / GAIN
    assert np.array_equal(plane, before)
