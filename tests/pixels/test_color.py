"""Brightness of known colours."""

from __future__ import annotations

import numpy as np
import pytest

from edge.errors import ImageError
from edge.pixels.color import luma


def test_luma_of_primaries_gray_and_white() -> None:
    image = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [51, 51, 51], [255, 255, 255]]], np.uint8)
    result = luma(image)
    assert result.dtype == np.float32
    assert np.allclose(result, [[0.114, 0.587, 0.299, 0.2, 1.0]], atol=1e-6)
    assert result.max() <= 1.0


def test_gray_arrays_are_refused() -> None:
    with pytest.raises(ImageError):
        luma(np.zeros((4, 4), np.uint8))  # type: ignore[arg-type]


def test_gray_is_told_from_color_through_noise_and_compression() -> None:
    from edge.pixels import degrade
    from edge.pixels.color import is_gray

    rng = np.random.default_rng(0)
    shades = np.repeat(rng.integers(30, 220, (14, 14, 1), dtype=np.uint8), 3, axis=2)
    gray = shades.repeat(8, axis=0).repeat(8, axis=1)
    colored = gray.copy()
    colored[..., 2] = np.minimum(colored[..., 2].astype(int) + 25, 255)
    assert is_gray(gray)
    assert not is_gray(colored)
    for fault in ("jpeg", "noise", "dark"):
        assert is_gray(degrade.apply(gray, fault, 2, rng_or_seed=1))
    assert not is_gray(degrade.apply(colored, "jpeg", 3, rng_or_seed=1))
    assert not is_gray(gray[:4, :4]), "too small to tell"
