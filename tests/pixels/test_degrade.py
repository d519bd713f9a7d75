"""Degradations: deterministic, scaled by the face, worse with the level."""

from __future__ import annotations

import hashlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import ImageError
from edge.pixels import degrade
from edge.pixels.measures.metrics import psnr


def picture(height: int = 112, width: int = 112, seed: int = 0) -> np.ndarray:
    """Smooth blobs with some detail, mean near 128."""
    rng = np.random.default_rng(seed)
    coarse = cv2.resize(
        rng.integers(40, 216, (8, 8, 3), dtype=np.uint8), (width, height), interpolation=cv2.INTER_CUBIC
    )
    fine = rng.normal(0, 6, (height, width, 3))
    return np.clip(coarse + fine, 0, 255).astype(np.uint8)


def digest(image: np.ndarray) -> str:
    return hashlib.sha256(image.tobytes()).hexdigest()


@pytest.mark.parametrize("name", degrade.ALL_NAMES)
def test_equal_seeds_give_equal_bytes_and_the_original_is_kept(name: str) -> None:
    image = picture()
    before = digest(image)
    first = degrade.apply(image, name, 3, rng_or_seed=7)
    assert digest(first) == digest(degrade.apply(image, name, 3, rng_or_seed=np.random.default_rng(7)))
    assert digest(image) == before
    assert first.shape == image.shape
    assert first.dtype == np.uint8
    assert digest(first) != before


@pytest.mark.parametrize("name", ["dark", "motion", "noise", "cctv", *degrade.NEVER_TRAINED])
def test_another_seed_gives_another_picture(name: str) -> None:
    image = picture()
    assert digest(degrade.apply(image, name, 4, rng_or_seed=1)) != digest(degrade.apply(image, name, 4, rng_or_seed=2))


@pytest.mark.parametrize("name", degrade.ALL_NAMES)
def test_each_level_is_worse_than_the_one_before(name: str) -> None:
    images = [picture(seed=seed) for seed in range(6)]
    quality = [
        float(np.mean([psnr(degrade.apply(i, name, level, rng_or_seed=s), i) for s, i in enumerate(images)]))
        for level in range(1, 6)
    ]
    assert quality == sorted(quality, reverse=True)


@pytest.mark.parametrize(("level", "light"), [(1, 0.35), (3, 0.13), (5, 0.05)])
def test_dark_keeps_the_promised_light(level: int, light: float) -> None:
    """In linear light the mean is the promised share; clipping at black lifts the darkest a little."""
    image = np.full((200, 200, 3), 200, np.uint8)
    dark = degrade.apply(image, "dark", level, rng_or_seed=0)
    linear = cv2.LUT(dark, degrade._TO_LINEAR).mean() / float(degrade._TO_LINEAR[200])
    assert linear == pytest.approx(light, rel=0.05)


@pytest.mark.parametrize("length", [1.0, 3.0, 5.0, 9.0, 13.5, 23.0])
@pytest.mark.parametrize("angle", [0.0, 0.4, np.pi / 2, 2.5])
def test_motion_kernel_is_a_line_of_that_length(length: float, angle: float) -> None:
    kernel = degrade._motion_kernel(length, angle)
    side = kernel.shape[0]
    assert side % 2 == 1
    assert kernel.sum() == pytest.approx(1.0, abs=1e-5)
    y, x = np.mgrid[:side, :side] - side // 2
    along, across = x * np.cos(angle) + y * np.sin(angle), -x * np.sin(angle) + y * np.cos(angle)
    assert abs((kernel * along).sum()) < 0.02
    assert (kernel * across**2).sum() < 0.6
    if length >= 3:
        # A uniform line of length L has variance L^2 / 12; splatting adds less than half a pixel squared.
        assert (kernel * along**2).sum() == pytest.approx((length - 1) ** 2 / 12, abs=0.6 + 0.08 * length)


@pytest.mark.parametrize("name", ["motion", "blur", "lowres"])
def test_levels_scale_with_the_face(name: str) -> None:
    """The same level on a face of half the width looks like it does on the whole face, seen from twice as far."""
    large = cv2.GaussianBlur(picture(224, 224), (0, 0), 2.0)
    small = cv2.resize(large, (112, 112), interpolation=cv2.INTER_AREA)
    shrunk = cv2.resize(degrade.apply(large, name, 3, rng_or_seed=5), (112, 112), interpolation=cv2.INTER_AREA)
    scaled = degrade.apply(small, name, 3, rng_or_seed=5, face_px=55.0)
    unscaled = degrade.apply(small, name, 3, rng_or_seed=5)
    assert psnr(scaled, shrunk) > psnr(unscaled, shrunk) + 2


@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    name=st.sampled_from(degrade.ALL_NAMES),
    level=st.floats(0, 5),
    face_px=st.floats(1, 400),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=80, deadline=None)
def test_any_size_and_level_works(height: int, width: int, name: str, level: float, face_px: float, seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    worse = degrade.apply(image, name, level, rng_or_seed=seed, face_px=face_px)
    assert worse.shape == image.shape
    assert worse.dtype == np.uint8


def test_every_name_stands_in_one_list() -> None:
    """The fixed list, what is never trained on, and what became a family of faults: no name twice."""
    assert {*degrade.NAMES, *degrade.NEVER_TRAINED} <= set(degrade.ALL_NAMES)
    assert len({*degrade.NAMES, *degrade.NEVER_TRAINED}) == len(degrade.NAMES) + len(degrade.NEVER_TRAINED)


def test_a_fault_without_a_level_means_level_3() -> None:
    assert degrade.parse("cctv:3") == ("cctv", 3)
    assert degrade.parse("dark") == ("dark", 3)
    assert [degrade.parse(f"{name}:5") for name in degrade.ALL_NAMES] == [(name, 5) for name in degrade.ALL_NAMES]


@pytest.mark.parametrize("text", ["fog:1", "", "dark:0", "dark:6", "dark:x", "dark:2.5", "dark:²"])
def test_unknown_faults_and_levels_are_refused(text: str) -> None:
    with pytest.raises(ImageError):
        degrade.parse(text)


@pytest.mark.parametrize(
    ("image", "name", "level", "face_px"),
    [
        (np.zeros((4, 4), np.uint8), "dark", 3, 110),
        (np.zeros((4, 4, 3), np.float32), "dark", 3, 110),
        (np.zeros((0, 4, 3), np.uint8), "dark", 3, 110),
        (np.zeros((4, 4, 3), np.uint8), "fog", 3, 110),
        (np.zeros((4, 4, 3), np.uint8), "dark", 5.1, 110),
        (np.zeros((4, 4, 3), np.uint8), "dark", float("nan"), 110),
        (np.zeros((4, 4, 3), np.uint8), "dark", 3, 0),
    ],
)
def test_refuses_what_it_cannot_do(image: np.ndarray, name: str, level: float, face_px: float) -> None:
    with pytest.raises(ImageError):
        degrade.apply(image, name, level, rng_or_seed=0, face_px=face_px)
