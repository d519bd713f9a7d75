"""Colors freed from noise: what is noise goes, and what is picture stays."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.errors import ImageError
from edge.pixels.chroma import repaint
from edge.pixels.luma import luma_255


def two_colors() -> np.ndarray:
    """An edge between a blue and a red half of different light, 64 x 64."""
    image = np.full((64, 64, 3), (150, 90, 60), np.uint8)
    image[:, 32:] = (60, 110, 190)
    return image


def chroma_error(image: np.ndarray, truth: np.ndarray) -> float:
    """RMS of what B - Y and R - Y are off."""
    off = [(one[:, :, channel] - luma_255(one)) for one in (image, truth) for channel in (0, 2)]
    return float(np.sqrt(np.mean((off[0] - off[2]) ** 2 + (off[1] - off[3]) ** 2)))


def test_noise_of_colors_goes_and_their_edge_stays() -> None:
    clean = two_colors()
    grain = np.random.default_rng(0).normal(0, 12, clean.shape)
    noisy = np.clip(clean + grain, 0, 255).astype(np.uint8)
    done = repaint(noisy, luma_255(clean))
    assert chroma_error(done, clean) < 0.4 * chroma_error(noisy, clean)
    assert np.abs(luma_255(done) - luma_255(clean)).max() <= 1.0
    near = slice(30, 34)
    assert chroma_error(done[:, near], clean[:, near]) < chroma_error(noisy[:, near], clean[:, near])


def test_colors_without_noise_stay() -> None:
    smooth = cv2.GaussianBlur(two_colors(), (0, 0), 3)
    assert np.abs(repaint(smooth, luma_255(smooth)).astype(int) - smooth).max() <= 1


def test_a_luma_of_another_size_is_refused() -> None:
    with pytest.raises(ImageError, match="one value per pixel"):
        repaint(two_colors(), np.zeros((64, 63), np.float32))
