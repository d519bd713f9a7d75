"""A face seen at twice the size corrects its place and score in the detector's lesson."""

from __future__ import annotations

import numpy as np

from tests.support.models.lessons import SIDE, answer
from tools.train.material.two_sizes import LARGE_FACE_PX, lesson


def test_a_small_face_lies_where_it_is_seen_larger_and_is_surer() -> None:
    small = answer(SIDE, [(40, 44, 24, 0.4, 8, 3.0)])[np.newaxis]
    large = answer(2 * SIDE, [(80, 88, 48, 0.8, 16, 0.0)])[np.newaxis]
    before = small.copy()
    taught = lesson(small, large, SIDE)
    expected = answer(SIDE, [(40, 44, 24, 0.8, 8, 0.0)])
    np.testing.assert_allclose(taught[0], expected, atol=1e-4)
    np.testing.assert_array_equal(small, before)


def test_a_large_face_and_one_that_is_not_seen_larger_stay() -> None:
    wide = LARGE_FACE_PX + 16
    small = answer(SIDE, [(64, 64, wide, 0.7, 32, 0.0)])[np.newaxis]
    large = answer(2 * SIDE, [(128, 128, 2 * wide, 0.9, 32, 8.0)])[np.newaxis]
    np.testing.assert_allclose(lesson(small, large, SIDE), small, atol=1e-4)
    alone = answer(SIDE, [(40, 44, 24, 0.4, 8, 3.0)])[np.newaxis]
    np.testing.assert_allclose(lesson(alone, answer(2 * SIDE, [])[np.newaxis], SIDE), alone, atol=1e-4)


def test_a_doubtful_look_moves_a_face_and_makes_it_no_surer() -> None:
    small = answer(SIDE, [(40, 44, 24, 0.4, 8, 3.0)])[np.newaxis]
    large = answer(2 * SIDE, [(80, 88, 48, 0.5, 16, 0.0)])[np.newaxis]
    np.testing.assert_allclose(lesson(small, large, SIDE)[0], answer(SIDE, [(40, 44, 24, 0.4, 8, 0.0)]), atol=1e-4)
