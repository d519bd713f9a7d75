"""A face seen at twice the size corrects its place and score in the detector's lesson."""

from __future__ import annotations

import numpy as np

from tools.train.material.two_sizes import LARGE_FACE_PX, lesson

SIDE = 128
STRIDES = (8, 16, 32)
POINTS = np.array([[0.3, 0.35], [0.7, 0.35], [0.5, 0.55], [0.35, 0.75], [0.65, 0.75]], np.float32)


def answer(side: int, faces: list[tuple[float, float, float, float, int, float]]) -> np.ndarray:
    """(cells, 15) of a network that sees faces (middle x, y, width, score, stride, shift of the points in px)."""
    cells = {stride: (side // stride) ** 2 for stride in STRIDES}
    out = np.zeros((sum(cells.values()), 15), np.float32)
    out[:, 3:5] = -3
    for x, y, width, score, stride, shift in faces:
        count = side // stride
        column, row = int(x // stride), int(y // stride)
        index = sum(cells[s] for s in STRIDES[: STRIDES.index(stride)]) + row * count + column
        points = (POINTS - 0.5) * width + [x, y] + shift
        out[index, 0] = score
        out[index, 1:3] = x / stride - column, y / stride - row
        out[index, 3:5] = np.log(width / stride)
        out[index, 5:] = ((points - [column * stride, row * stride]) / stride).reshape(-1)
    return out


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
