"""PSNR and SSIM against scikit-image's."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import metrics as peer

from edge.errors import ImageError
from edge.pixels.encode import to_jpeg, to_png
from edge.pixels.hashing import file_sha256
from edge.pixels.measures import metrics


def pictures(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (48, 65, 3), dtype=np.uint8)
    noisy = np.clip(image + rng.normal(0, 12, image.shape), 0, 255).astype(np.uint8)
    return image, noisy


def test_psnr_equals_the_peer() -> None:
    image, noisy = pictures()
    assert metrics.psnr(noisy, image) == pytest.approx(peer.peak_signal_noise_ratio(image, noisy, data_range=255))
    assert metrics.psnr(image, image) == float("inf")


def test_ssim_equals_the_peer() -> None:
    image, noisy = pictures()
    gray = [np.asarray(x[:, :, 0]) for x in (image, noisy)]
    ours = metrics.ssim(*(np.repeat(g[:, :, np.newaxis], 3, axis=2) for g in gray))
    theirs = peer.structural_similarity(
        *gray, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert ours == pytest.approx(theirs, abs=1e-3)
    assert metrics.ssim(image, image) == pytest.approx(1.0)


def test_wrong_input_is_named() -> None:
    image, _ = pictures()
    with pytest.raises(ImageError, match="one shape"):
        metrics.psnr(image, image[:-1])
    with pytest.raises(ImageError, match="11 x 11"):
        metrics.ssim(image[:8], image[:8])
    with pytest.raises(ImageError, match="float"):
        metrics.psnr(image.astype(float), image)  # type: ignore[arg-type]


def test_encoding_is_the_same_every_time() -> None:
    image, _ = pictures()
    assert file_sha256(to_png(image)) == file_sha256(to_png(image.copy()))
    assert to_jpeg(image).startswith(b"\xff\xd8")
