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
