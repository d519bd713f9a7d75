"""Luma of known colors, and pictures that are given another."""

from __future__ import annotations

import numpy as np
import pytest

from edge.errors import ImageError
from edge.pixels.luma import luma, luma_255, with_luma_255


def test_luma_of_primaries_gray_and_white() -> None:
    image = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [51, 51, 51], [255, 255, 255]]], np.uint8)
    result = luma(image)
    assert result.dtype == np.float32
    assert np.allclose(result, [[0.114, 0.587, 0.299, 0.2, 1.0]], atol=1e-6)
    assert result.max() <= 1.0


def test_gray_arrays_are_refused() -> None:
    with pytest.raises(ImageError):
        luma(np.zeros((4, 4), np.uint8))  # type: ignore[arg-type]


def test_both_scales_tell_the_same_light() -> None:
    image = np.random.default_rng(0).integers(0, 256, (9, 11, 3), np.uint8)
    assert np.allclose(luma_255(image), 255 * luma(image), atol=1e-3)


def test_a_picture_takes_another_luma_and_keeps_its_colors() -> None:
    image = np.random.default_rng(0).integers(60, 180, (300, 5, 3), np.uint8)  # more rows than one band
    brighter = with_luma_255(image, luma_255(image) + 40)
    assert np.abs(luma_255(brighter) - luma_255(image) - 40).max() <= 0.5
    difference = brighter.astype(int) - image
    assert (np.ptp(difference, axis=2) == 0).all(), "each channel gains as much"


def test_a_luma_of_another_size_is_refused() -> None:
    with pytest.raises(ImageError, match="one value per pixel"):
        with_luma_255(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5), np.float32))
