"""What is left of a scene: light, contrast and noise leave its structure alike, another scene does not."""

from __future__ import annotations

import numpy as np
import pytest

from edge.arrays import BgrImage
from edge.errors import ImageError
from edge.pixels.scene import injected
from edge.pixels.scene.tamper import SceneMeasures, bands_of, measure_scene, small_gray


def scene(seed: int) -> BgrImage:
    rng = np.random.default_rng(seed)
    image = np.full((360, 640, 3), 110, np.uint8)
    for x, y, width, height, color in rng.integers((0, 0, 6, 6, 20), (620, 350, 90, 90, 220), (200, 5)):
        image[y : y + height, x : x + width] = color
    return image


def measured(now: BgrImage, before: BgrImage) -> SceneMeasures:
    gray = small_gray(before)
    return measure_scene(bands_of(small_gray(now)), bands_of(gray), np.ones(gray.shape, np.bool_))


def test_a_picture_is_like_itself() -> None:
    found = measured(scene(1), scene(1))
    assert (found.alike, found.coarse_alike, found.lost) == (1, 1, 0)
    assert found.detail == pytest.approx(1)
    assert found.num_compared > 40


@pytest.mark.parametrize("kind", ["third", "fog", "lamp", "negative", "noise"])
def test_light_contrast_and_noise_leave_it_alike(kind: str) -> None:
    image, rng = scene(1), np.random.default_rng(2)
    other = {
        "third": injected.light(image, 0.33, 0, rng),
        "fog": np.asarray(image * 0.3 + 150, np.uint8),
        "lamp": injected.lamp(image, 0.2, 0.3, 1.8),
        "negative": 255 - image,
        "noise": injected.light(image, 1, 12, rng),
    }[kind]
    found = measured(other, image)
    assert found.alike > 0.9
    assert 0.8 < found.detail < 1.3


def test_another_scene_and_a_turned_camera_are_not_alike() -> None:
    assert measured(scene(2), scene(1)).alike < 0.2
    assert measured(injected.turn(scene(1), 0.2, 0), scene(1)).alike < 0.2


def test_blur_takes_the_detail_and_a_cover_the_structure() -> None:
    blurred = measured(injected.defocus(scene(1), 0.01), scene(1))
    assert blurred.detail < 0.3
    assert blurred.coarse_alike > 0.9
    covered = measured(injected.cover(scene(1), 80, 1.0, 0.3), scene(1))
    assert (covered.lost, covered.structured) == (1, 0)


def test_white_is_counted_and_masked_pixels_are_not() -> None:
    image = scene(1)
    image[:, :320] = 255
    gray = small_gray(image)
    visible = np.ones(gray.shape, np.bool_)
    assert measure_scene(bands_of(gray), bands_of(gray), visible).bright == pytest.approx(0.5, abs=0.02)
    visible[:, :160] = False
    assert measure_scene(bands_of(gray), bands_of(gray), visible).bright < 0.02


def test_small_pictures_keep_their_size_and_none_is_changed() -> None:
    image = scene(1)
    before = image.copy()
    assert small_gray(image).shape == (180, 320)
    assert small_gray(image[:20, :30]).shape == (20, 30)
    assert np.array_equal(image, before)
    tiny = small_gray(image[:1, :1])
    assert measure_scene(bands_of(tiny), bands_of(tiny), np.ones((1, 1), np.bool_)).num_compared == 0
    with pytest.raises(ImageError):
        small_gray(image[..., 0])


def test_faults_are_made_the_same_from_one_seed_and_keep_the_size() -> None:
    image = scene(1)
    one, two = (
        injected.rain(injected.light(image, 0.5, 3, rng), 20, rng) for rng in map(np.random.default_rng, (4, 4))
    )
    assert np.array_equal(one, two)
    for other in (injected.clock(image, 5), injected.recode(image, 60), injected.wash_out(image, 2, 60),
                  injected.passer(image, 0.5, 60)):  # fmt: skip
        assert other.shape == image.shape
        assert not np.array_equal(other, image)
