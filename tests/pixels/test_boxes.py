"""Overlap, suppression and clipping against their naive twins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edge.errors import ImageError
from edge.pixels import boxes as bx
from tests.support import twins

# Quarter pixels: every product is exact in float32, so that the twin decides ties and thresholds the same way.
corners = st.integers(-40, 80).map(lambda quarter: quarter / 4)
many = st.integers(0, 12).flatmap(lambda n: hnp.arrays(np.float32, (n, 4), elements=corners))


@settings(deadline=None)
@given(many, many)
def test_iou_equals_its_twin(a: np.ndarray, b: np.ndarray) -> None:
    result = bx.iou(a, b)
    assert result.shape == (len(a), len(b))
    assert np.allclose(result, twins.iou(a, b), atol=1e-6)


@settings(deadline=None)
@given(many, st.data())
def test_nms_equals_its_twin(boxes: np.ndarray, data: st.DataObject) -> None:
    # few values, so that ties are common
    scores = np.array(data.draw(st.lists(st.sampled_from([0.25, 0.5, 0.75]), min_size=len(boxes), max_size=len(boxes))))
    threshold = data.draw(st.sampled_from([0.0, 0.3, 0.45, 1.0]))
    before = boxes.copy()
    kept = bx.nms(boxes, scores.astype(np.float32), threshold)
    assert kept.tolist() == twins.nms(boxes, scores, threshold)
    assert np.array_equal(boxes, before)


@settings(deadline=None)
@given(many, st.integers(1, 30), st.integers(1, 30))
def test_clip_stays_inside_and_leaves_inner_boxes_alone(boxes: np.ndarray, width: int, height: int) -> None:
    result = bx.clip(boxes, width, height)
    assert ((result >= 0) & (result <= np.array([width, height, width, height]))).all()
    inside = (boxes >= 0).all(1) & (boxes <= np.array([width, height, width, height])).all(1)
    assert np.array_equal(result[inside], boxes[inside])


def test_known_overlaps() -> None:
    a = np.array([[0, 0, 10, 10]], np.float32)
    b = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [10, 0, 20, 10], [3, 3, 3, 9]], np.float32)
    assert np.allclose(bx.iou(a, b), [[1, 1 / 3, 0, 0]])


def test_of_equal_scores_the_first_is_kept() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [50, 0, 60, 10]], np.float32)
    assert bx.nms(boxes, np.full(3, 0.9, np.float32), 0.5).tolist() == [0, 2]


def test_arrays_that_may_not_be_written_to_are_fine() -> None:
    boxes = np.array([[0, 0, 10, 10]], np.float32)
    boxes.flags.writeable = False
    assert bx.iou(boxes, boxes).tolist() == [[1.0]]


@pytest.mark.parametrize("bad", [np.zeros((2, 3)), np.zeros(4), np.full((1, 4), np.nan)])
def test_wrong_boxes_are_refused(bad: np.ndarray) -> None:
    good = np.zeros((1, 4), np.float32)
    with pytest.raises(ImageError):
        bx.iou(bad, good)
    with pytest.raises(ImageError):
        bx.clip(bad, 10, 10)


def test_wrong_scores_and_thresholds_are_refused() -> None:
    good = np.zeros((1, 4), np.float32)
    with pytest.raises(ImageError, match="score"):
        bx.nms(good, np.zeros(2, np.float32), 0.5)
    with pytest.raises(ImageError, match="threshold"):
        bx.nms(good, np.zeros(1, np.float32), 1.5)
