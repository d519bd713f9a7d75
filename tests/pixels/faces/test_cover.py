"""Covered faces: what is painted, what stays, against the slow twin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import ImageError
from edge.pixels.faces.cover import MARGIN, cover_faces
from tests.support import twins

FRAME = np.random.default_rng(3).integers(0, 256, (48, 64, 3), dtype=np.uint8)
BOX = st.tuples(st.floats(-20, 60), st.floats(-20, 44), st.floats(1, 40), st.floats(1, 40)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


@settings(deadline=None, max_examples=30)
@given(faces=st.lists(BOX, max_size=3), own=st.none() | BOX, margin=st.sampled_from([0.0, MARGIN, 1.0]))
def test_as_the_twin(faces: list[tuple[float, ...]], own: tuple[float, ...] | None, margin: float) -> None:
    boxes = np.array(faces, np.float32).reshape(-1, 4)
    face = None if own is None else np.array(own, np.float32)
    before = FRAME.copy()
    made = cover_faces(FRAME, boxes, face, margin=margin)
    assert np.array_equal(made, twins.cover_faces(FRAME, boxes, face, margin))
    assert np.array_equal(FRAME, before)


def test_nothing_of_a_covered_face_is_left() -> None:
    made = cover_faces(FRAME, np.array([[20, 10, 40, 34]], np.float32))
    expected = FRAME.copy()
    expected[2:42, 13:47] = 0
    assert np.array_equal(made, expected)


def test_no_face_is_the_same_picture() -> None:
    assert cover_faces(FRAME, np.zeros((0, 4), np.float32)) is FRAME
    assert cover_faces(FRAME, np.array([[200, 200, 220, 220]], np.float32)) is FRAME


def test_the_own_face_stays_beside_a_neighbour_whose_margin_reaches_it() -> None:
    own, neighbour = np.array([10, 10, 26, 34], np.float32), np.array([[28, 10, 44, 34]], np.float32)
    made = cover_faces(FRAME, neighbour, own)
    assert np.array_equal(made[10:34, 10:26], FRAME[10:34, 10:26])
    assert not made[10:34, 28:44].any()


@pytest.mark.parametrize(
    ("faces", "margin"),
    [
        (np.zeros((2, 3), np.float32), 0.1),
        (np.array([[0, 0, np.nan, 4]], np.float32), 0.1),
        (np.array([[4, 4, 4, 9]], np.float32), 0.1),
        (np.array([[0, 0, 4, 4]], np.float32), -0.1),
    ],
)
def test_faces_without_an_area_and_odd_margins_are_refused(faces: np.ndarray, margin: float) -> None:
    with pytest.raises(ImageError):
        cover_faces(FRAME, faces, margin=margin)
