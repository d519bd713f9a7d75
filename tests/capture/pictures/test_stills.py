"""Stills with alpha, however they lie in their file."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge.capture.pictures.stills import read_still

HEIF = pytest.mark.skipif(importlib.util.find_spec("pillow_heif") is None, reason="needs pillow-heif, the extra heif")


def patches() -> Image.Image:
    """Four patches, each as opaque as it is red."""
    red = np.full((32, 64), 80, np.uint8)
    red[:16, :32], red[:16, 32:], red[16:, :32] = 240, 190, 130
    return Image.fromarray(np.dstack([red, np.full_like(red, 60), red // 2, red]))


def save(path: Path, orientation: int) -> None:
    picture, exif = patches(), Image.Exif()
    exif[0x0112] = orientation
    if path.suffix == ".heic":
        import pillow_heif

        pillow_heif.register_heif_opener()
        picture.save(path, quality=-1)
        return
    lossless = {".webp": {"lossless": True, "exact": True}, ".avif": {"quality": 100}}
    picture.save(path, exif=exif, **lossless.get(path.suffix, {}))


@pytest.mark.parametrize(
    ("suffix", "orientation"),
    [
        *[(suffix, number) for suffix in (".png", ".webp", ".avif", ".tiff") for number in range(1, 9)],
        pytest.param(".heic", 1, marks=HEIF),
    ],
)
def test_alpha_is_turned_as_the_picture_is(tmp_path: Path, suffix: str, orientation: int) -> None:
    path = tmp_path / f"turned{suffix}"
    save(path, orientation)
    still = read_still(path)
    assert still.image.shape[:2] == ((32, 64) if orientation < 5 else (64, 32))
    assert still.alpha is not None
    assert still.alpha.shape == still.image.shape[:2]
    if suffix != ".tiff":  # OpenCV gives these colors multiplied by their alpha
        assert np.abs(still.image[:, :, 2].astype(int) - still.alpha).mean() <= 3
    # (row, column) of the strongest patch, as EXIF 2.32 names the corner: 1 top left, 2 top right, 3, 4 bottom, ...
    bottom, right = orientation in (3, 4, 7, 8), orientation in (2, 3, 6, 7)
    height, width = still.alpha.shape
    assert still.alpha[height - 4 if bottom else 3, width - 4 if right else 3] >= 236
