"""Blur has the direction it was made with; blocks are found on their grid only; levels rise with the fault."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edge.app.selfcheck import demo_clip
from edge.enhance.faults import grade
from edge.pixels import degrade
from edge.pixels.luma import luma
from edge.pixels.measures.faults import blockiness
from edge.pixels.measures.quality import measure_picture


@pytest.fixture(scope="module")
def face() -> np.ndarray:
    return demo_clip.portrait()[64:448, 64:448][::2, ::2]


def moved(image: np.ndarray, degrees: float, length: int = 13) -> np.ndarray:
    steps = np.linspace(-length / 2, length / 2, 4 * length)
    total = np.zeros(image.shape, np.float64)
    for step in steps:
        dx, dy = round(step * math.cos(math.radians(degrees))), round(step * math.sin(math.radians(degrees)))
        total += np.roll(image, (dy, dx), axis=(0, 1))
    return (total / len(steps)).astype(np.uint8)


@pytest.mark.parametrize("degrees", [0.0, 45.0, 90.0, 135.0])
def test_motion_shows_its_direction(face: np.ndarray, degrees: float) -> None:
    still, seen = measure_picture(face), measure_picture(moved(face, degrees))
    assert seen.directedness > 0.17 > still.directedness
    assert abs((seen.blur_deg - degrees + 90) % 180 - 90) < 20


def test_noise_has_no_direction(face: np.ndarray) -> None:
    assert measure_picture(degrade.apply(face, "noise", 4, rng_or_seed=1)).directedness < 0.17


def test_blocks_are_found_where_they_lie(face: np.ndarray) -> None:
    coded = degrade.apply(face, "jpeg", 4, rng_or_seed=0)
    assert blockiness(luma(coded)) > 0.7 > 0.25 > blockiness(luma(face))
    part = np.ascontiguousarray(coded[13:, 5:])
    assert blockiness(luma(part), (5, 13)) > 0.7
    assert blockiness(luma(part)) < 0.25
    assert blockiness(luma(face[:12, :12])) == 0.0


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (3, 3), (3, 40), (17, 17)])
def test_any_size_is_measured(shape: tuple[int, int]) -> None:
    seen = measure_picture(np.full((*shape, 3), 90, np.uint8))
    assert (seen.directedness, seen.blockiness) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("name", "fault"), [("noise", "noise"), ("dark", "dark"), ("blur", "blur"), ("jpeg", "blocks")]
)
def test_levels_rise_with_the_fault(face: np.ndarray, name: str, fault: str) -> None:
    levels = [grade(measure_picture(degrade.apply(face, name, level, rng_or_seed=0)))[fault] for level in (1, 3, 5)]
    assert levels == sorted(levels)
    assert levels[0] < levels[-1]
    assert grade(measure_picture(face))["small"] == 0
