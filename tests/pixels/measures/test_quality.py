"""Each fault lowers its own part and leaves the others nearly alone."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from edge.errors import ImageError
from edge.pixels.faces.geometry import ARCFACE_POINTS
from edge.pixels.measures.quality import estimate_yaw_deg, highest_score, measure, measure_picture
from edge.records import Quality

BOX = np.array([100, 100, 160, 175], np.float32)
FRONTAL = np.array([[118, 130], [142, 130], [130, 144], [120, 158], [140, 158]], np.float32)


def crop() -> np.ndarray:
    """A made-up face: shapes with edges at all scales, on shaded skin, sampled as a camera would."""
    big = np.full((448, 448, 3), (110, 140, 175), np.uint8)
    for x, y in ARCFACE_POINTS * 4:
        cv2.ellipse(big, (int(x), int(y)), (52, 26), 0, 0, 360, (60, 70, 80), -1)
        cv2.circle(big, (int(x), int(y)), 12, (220, 225, 230), -1)
    for offset in range(0, 448, 28):
        cv2.line(big, (offset, 0), (448 - offset // 2, 447), (95, 122, 150), 5)
    return cv2.resize(big, (112, 112), interpolation=cv2.INTER_AREA)


def quality(image: np.ndarray, landmarks: np.ndarray = FRONTAL, box: np.ndarray = BOX) -> Quality:
    return measure(image, landmarks, box)


def noisy(image: np.ndarray, sigma: float) -> np.ndarray:
    noise = np.random.default_rng(5).normal(0, sigma * 255, image.shape)
    return np.clip(image + noise + 0.5, 0, 255).astype(np.uint8)


def falls(values: list[float]) -> bool:
    return all(a > b for a, b in itertools.pairwise(values))


def test_the_score_is_the_product_of_its_parts() -> None:
    result = quality(crop())
    assert set(result.parts) == {"sharpness", "luma", "noise", "pose", "size"}
    assert all(0 <= part <= 1 for part in result.parts.values())
    assert result.score == pytest.approx(100 * np.prod(list(result.parts.values())))
    assert result.score > 50
    assert result.eye_distance_px == pytest.approx(24)


def test_no_crop_of_a_face_scores_higher_than_its_place_allows() -> None:
    rng = np.random.default_rng(3)
    images = [crop(), noisy(crop(), 0.05), np.zeros((112, 112, 3), np.uint8), cv2.GaussianBlur(crop(), (0, 0), 1.2)]
    for number in range(200):
        size = rng.uniform(0.1, 4.0)
        points = (FRONTAL - 130) * size + 130 + rng.normal(0, 3, (5, 2))
        box = np.array([130, 130, 130, 130]) + np.array([-30, -35, 30, 35]) * size
        points, box = points.astype(np.float32), box.astype(np.float32)
        highest, result = highest_score(points, box), quality(images[number % 4], points, box)
        assert result.score <= highest
        assert highest == pytest.approx(100 * result.parts["pose"] * result.parts["size"])
    assert quality(crop()).score > 0.5 * highest_score(FRONTAL, BOX) > 0


def test_more_blur_is_less_sharp() -> None:
    results = [quality(cv2.GaussianBlur(crop(), (0, 0), sigma)) for sigma in (0.3, 1.2, 2, 3, 4)]
    assert falls([r.sharpness for r in results])
    assert results[-1].parts["sharpness"] < 0.4 < results[0].parts["sharpness"]
    assert results[-1].parts["luma"] == pytest.approx(results[0].parts["luma"], abs=0.02)


def test_darker_lowers_the_luma_part_only() -> None:
    results = [quality((crop() * light).astype(np.uint8)) for light in (1.0, 0.35, 0.2, 0.1)]
    assert falls([r.luma for r in results])
    assert falls([r.parts["luma"] for r in results[1:]])
    assert results[0].parts["luma"] == 1
    sharpness = [r.sharpness for r in results]
    assert max(sharpness) - min(sharpness) < 0.1


def test_overexposed_lowers_the_luma_part() -> None:
    assert quality(np.full((112, 112, 3), 240, np.uint8)).parts["luma"] < 0.7


def test_noise_is_measured_and_is_not_taken_for_sharpness() -> None:
    blurred = cv2.GaussianBlur(crop(), (0, 0), 3)
    results = [quality(noisy(blurred, sigma)) for sigma in (0.0, 0.02, 0.05, 0.1)]
    assert falls([-r.noise for r in results])
    assert falls([r.parts["noise"] for r in results[1:]])
    assert [r.sharpness for r in results] == pytest.approx([results[0].sharpness] * 4, abs=0.08)


@pytest.mark.parametrize("sigma", [0.01, 0.03, 0.06])
def test_noise_is_right_where_the_picture_is_flat(sigma: float) -> None:
    flat = noisy(np.full((112, 112, 3), 128, np.uint8), sigma)
    in_luma = sigma * np.sqrt(0.114**2 + 0.587**2 + 0.299**2)
    assert quality(flat).noise == pytest.approx(in_luma, rel=0.08)


def test_smaller_lowers_the_size_part() -> None:
    results = [quality(crop(), FRONTAL * scale, BOX * scale) for scale in (2.0, 1.0, 0.6, 0.4, 0.2)]
    assert falls([r.eye_distance_px for r in results])
    assert falls([r.parts["size"] for r in results[1:]])
    assert results[0].parts["size"] == 1


def test_a_turned_head_lowers_the_pose_part_but_not_the_size() -> None:
    results = []
    for yaw in (0, 25, 45, 60):
        turned = FRONTAL.copy()
        turned[:, 0] = 130 + (turned[:, 0] - 130) * np.cos(np.radians(yaw))
        turned[2, 0] += 0.6 * 24 * np.sin(np.radians(yaw))
        results.append(quality(crop(), turned))
    assert [r.yaw_deg for r in results] == pytest.approx([0, 25, 45, 60], abs=0.01)
    assert falls([r.parts["pose"] for r in results])
    assert results[0].parts["size"] == results[-1].parts["size"]


def test_yaw_is_signed_and_indifferent_to_a_tilted_head() -> None:
    turned = FRONTAL.astype(np.float64)
    turned[2, 0] += 5
    mirrored = turned * [-1, 1]
    mirrored = mirrored[[1, 0, 2, 4, 3]]
    angle = np.radians(30)
    spin = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    assert estimate_yaw_deg(turned) > 5
    assert estimate_yaw_deg(mirrored) == pytest.approx(-estimate_yaw_deg(turned))
    assert estimate_yaw_deg(turned @ spin) == pytest.approx(estimate_yaw_deg(turned))
    assert estimate_yaw_deg(np.zeros((5, 2))) == 90


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_flat_picture_is_not_sharp_and_breaks_nothing(value: int) -> None:
    result = quality(np.full((112, 112, 3), value, np.uint8))
    assert result.sharpness == 0
    assert result.score == 0


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 9, 3), (480, 640, 3)])
def test_any_picture_can_be_measured(shape: tuple[int, int, int]) -> None:
    image = np.random.default_rng(2).integers(0, 256, shape, np.uint8)
    result = measure_picture(image)
    assert 0 <= result.score <= 100
    assert set(result.parts) == {"sharpness", "luma", "noise"}


def test_wrong_input_is_refused() -> None:
    with pytest.raises(ImageError, match="112"):
        quality(np.zeros((100, 112, 3), np.uint8))
    with pytest.raises(ImageError, match="112"):
        quality(crop().astype(np.float32))
    with pytest.raises(ImageError, match="landmarks"):
        quality(crop(), np.full((5, 2), np.nan))
    with pytest.raises(ImageError, match="box"):
        quality(crop(), FRONTAL, BOX[:3])
