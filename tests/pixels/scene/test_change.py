"""What counts as a change of the picture, and what does not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.errors import ImageError
from edge.pixels.scene.change import (
    FLOOR,
    MIN_PIXELS,
    SMALL_SIDE_PX,
    changed_places,
    difference,
    follow_usual,
    large_share,
    small_gray,
)
from tests.support.drawings import draw_face

RNG = np.random.default_rng(3)


def scene(noise: float = 3.0, light: float = 1.0, face_at: tuple[int, int] | None = None) -> np.ndarray:
    """A textured wall under sensor noise drawn anew, with a face of 48 px where asked."""
    rows, columns = np.mgrid[0:720, 0:1280]
    image = np.repeat((90 + 40 * np.sin(rows / 23) * np.cos(columns / 31))[:, :, np.newaxis], 3, axis=2)
    if face_at is not None:
        x, y = face_at
        image[y : y + 48, x : x + 48] = draw_face(1, 48)
    return np.clip(image * light + RNG.normal(0, noise, image.shape), 0, 255).astype(np.uint8)


def places(now: np.ndarray, before: np.ndarray) -> int:
    a, b = small_gray(now), small_gray(before)
    return changed_places(difference(a, b), np.zeros_like(a))


def test_the_small_copy_has_its_size_and_the_picture_stays() -> None:
    image = scene()
    before = image.copy()
    small = small_gray(image)
    assert small.shape == (90, SMALL_SIDE_PX)
    assert small.dtype == np.float32
    assert np.array_equal(image, before)
    assert small_gray(np.zeros((40, 30, 3), np.uint8)).shape == (40, 30)
    with pytest.raises(ImageError):
        small_gray(np.zeros((40, 30), np.float32))  # type: ignore[arg-type]


def test_luma_gives_the_small_copy_that_its_image_gives() -> None:
    image = scene()
    luma = cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420)[: image.shape[0]]
    apart = small_gray(luma, (16, 235)) - small_gray(image)
    assert float(np.abs(apart).max()) < 2.5
    assert abs(float(apart.mean())) < 0.5


def test_sensor_noise_and_a_cloud_are_no_change() -> None:
    assert places(scene(), scene()) < MIN_PIXELS
    assert places(scene(light=1.02), scene()) < MIN_PIXELS


def test_a_face_of_48_px_is_a_change() -> None:
    assert places(scene(face_at=(600, 300)), scene()) >= MIN_PIXELS
    assert places(scene(face_at=(1200, 660)), scene()) >= MIN_PIXELS


def test_what_is_usual_at_a_place_is_learnt_and_forgotten() -> None:
    apart = np.full((90, 160), 2 * FLOOR, np.float32)
    usual = np.zeros_like(apart)
    assert changed_places(apart, usual) == apart.size
    for _ in range(30 * 20):
        usual = follow_usual(usual, apart, 1 / 30)
    assert changed_places(apart, usual) == 0
    for _ in range(30 * 20):
        usual = follow_usual(usual, np.zeros_like(apart), 1 / 30)
    assert changed_places(apart, usual) == apart.size


def test_somebody_who_walks_by_hardly_raises_what_is_usual() -> None:
    walker, usual = np.full((90, 160), 60.0, np.float32), np.zeros((90, 160), np.float32)
    for _ in range(30):
        usual = follow_usual(usual, walker, 1 / 30)
    assert float(usual.max()) <= 1.01
    assert large_share(walker) == 1.0
    assert changed_places(walker, np.full_like(walker, 1000)) == walker.size, "a strong change always counts"
