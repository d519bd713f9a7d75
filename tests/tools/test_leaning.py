"""A scene that is turned has the lesson of that scene, turned."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.models.lessons import SIDE, STRIDES, answer
from tools.train.material import views
from tools.train.material.leaning import MOST_DEG, SHARE, draw_degrees, turned, turned_lesson
from tools.train.material.two_sizes import grid


def faces(lesson: np.ndarray) -> list[np.ndarray]:
    """Middle, size and points in px of each cell that sees a face, (2 + 2 + 10,)."""
    strides, at = grid(SIDE)
    found = []
    for row in np.flatnonzero(lesson[:, 0] > 0.25):
        middle, points = at[row] + lesson[row, 1:3], lesson[row, 5:].reshape(5, 2) + at[row]
        size = np.exp(lesson[row, 3:5])
        found.append(np.concatenate([middle, size, points.ravel()]) * strides[row])
    return found


@pytest.mark.parametrize("degrees", [0.0, 90.0, -90.0, 35.0, -60.0])
def test_a_face_is_taught_where_the_turned_picture_shows_it(degrees: float) -> None:
    x, y, width = 70.0, 52.0, 30.0
    before = answer(SIDE, [(x, y, width, 0.8, 16, 0.0)])
    given = before.copy()
    after = turned_lesson(before, SIDE, degrees)
    np.testing.assert_array_equal(before, given)
    angle, middle = np.deg2rad(degrees), (SIDE - 1) / 2
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])  # clockwise, as y points down
    (was,) = faces(before)
    expected = was.copy()
    for part in [slice(0, 2), *(slice(4 + 2 * k, 6 + 2 * k) for k in range(5))]:
        expected[part] = matrix @ (was[part] - middle) + middle
    found = faces(after)
    assert 1 <= len(found) <= 3, "each cell asks the one that lay there"
    for one in found:
        np.testing.assert_allclose(one, expected, atol=1e-3)
    canvas = np.zeros((SIDE, SIDE, 3), np.uint8)
    canvas[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3] = 255
    shown = np.argwhere(turned(canvas, degrees)[:, :, 0] > 127).mean(axis=0)[::-1]
    np.testing.assert_allclose(shown, expected[:2], atol=0.6)


def test_what_comes_in_at_the_corners_is_no_face() -> None:
    sure = answer(SIDE, [])
    sure[:, 0] = 0.9
    after = turned_lesson(sure, SIDE, 45.0)
    strides, at = grid(SIDE)
    corner = (strides == STRIDES[0]) & (at == 0).all(axis=1)
    assert after[corner, 0] == 0
    assert (after[:, 0] > 0).mean() > 0.7


def test_a_quarter_of_the_scenes_is_turned() -> None:
    drawn = np.array([draw_degrees(views.generator(1, step)) for step in range(2000)])
    assert abs((drawn != 0).mean() - SHARE) < 0.04
    assert np.abs(drawn).max() <= MOST_DEG
    assert drawn[drawn != 0].std() > 20
