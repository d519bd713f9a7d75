"""What a detector says of a picture, as its lessons have it: for tests of the trainings."""

from __future__ import annotations

import numpy as np

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
