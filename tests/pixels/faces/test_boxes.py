"""Overlap, suppression and clipping against their naive twins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edge.errors import ImageError
from edge.pixels.faces import boxes as bx
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


def test_overlap_is_shared_area_over_all_area() -> None:
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


def test_parts_of_a_face_go_and_a_box_round_two_faces_goes() -> None:
    face, eye, mouth = [0, 0, 100, 120], [10, 20, 50, 50], [30, 80, 75, 110]
    beside = [95, 0, 140, 60]
    boxes = np.array([face, eye, mouth, beside], np.float32)
    assert bx.drop_nested(boxes, np.array([0.7, 0.9, 0.6, 0.8], np.float32), 0.75).tolist() == [0, 3]
    crowd = np.array([[0, 0, 200, 100], [5, 10, 80, 90], [110, 10, 190, 95]], np.float32)
    assert bx.drop_nested(crowd, np.array([0.7, 0.9, 0.8], np.float32), 0.75).tolist() == [1, 2]
    assert bx.drop_nested(crowd, np.array([0.85, 0.9, 0.8], np.float32), 0.75).tolist() == [0]


def test_a_better_box_of_about_the_same_size_is_the_face() -> None:
    boxes = np.array([[0, 0, 100, 120], [10, 15, 80, 105]], np.float32)
    assert bx.drop_nested(boxes, np.array([0.6, 0.97], np.float32), 0.75).tolist() == [1]
    assert bx.drop_nested(boxes, np.array([0.97, 0.6], np.float32), 0.75).tolist() == [0]


@settings(deadline=None)
@given(many, st.data())
def test_no_kept_box_lies_within_another_unless_it_outranks_it(boxes: np.ndarray, data: st.DataObject) -> None:
    scores = np.array(data.draw(st.lists(st.sampled_from([0.25, 0.5, 0.75]), min_size=len(boxes), max_size=len(boxes))))
    before = boxes.copy()
    kept = bx.drop_nested(boxes, scores.astype(np.float32), 0.75).tolist()
    assert np.array_equal(boxes, before)
    assert kept == sorted(set(kept))
    assert bool(kept) == bool(len(boxes))
    for outer in kept:
        for inner in kept:
            assert not _is_within(boxes[inner], boxes[outer], 0.75)


def _is_within(inner: np.ndarray, outer: np.ndarray, share: float) -> bool:
    """The obvious way, in float64."""
    area, around = (max(b[2] - b[0], 0) * max(b[3] - b[1], 0) for b in (inner.astype(float), outer.astype(float)))
    width = min(inner[2], outer[2]) - max(inner[0], outer[0])
    height = min(inner[3], outer[3]) - max(inner[1], outer[1])
    return 0 < area < around and max(width, 0) * max(height, 0) >= share * area


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_a_share_outside_0_to_1_is_refused(share: float) -> None:
    with pytest.raises(ImageError, match=r"share in 0\.\.1"):
        bx.drop_nested(np.array([[0, 0, 1, 1]], np.float32), np.ones(1, np.float32), share)


def test_a_face_lies_at_the_mean_of_what_shows_it() -> None:
    """Weighed by the cube of the score; a neighbour and a part of the face have no say."""
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10], [0, 0, 4, 4]], np.float32)
    scores = np.array([0.9, 0.6, 0.5, 0.4], np.float32)
    landmarks = np.arange(40, dtype=np.float32).reshape(4, 5, 2)
    placed, points = bx.blend(boxes, scores, landmarks, 3, 0.7)
    share = 0.6**3 / (0.9**3 + 0.6**3)
    np.testing.assert_allclose(placed[0], [share, 0, 10 + share, 10], rtol=1e-5)
    np.testing.assert_allclose(points[0], landmarks[0] + 10 * share, rtol=1e-5)
    np.testing.assert_allclose(placed[1], placed[0], rtol=1e-5)
    np.testing.assert_array_equal(placed[2], boxes[2])
    assert len(placed) == len(points) == 3


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(0, 40))
def test_places_are_those_of_the_twin_to_the_last_bit(seed: int, number: int) -> None:
    rng = np.random.default_rng(seed)
    middles = rng.uniform(0, 60, (4, 2))[rng.integers(0, 4, number)] + rng.normal(0, 1.5, (number, 2))
    halves = rng.uniform(8, 14, (number, 2)) * rng.choice([1.0, 1.0, 0.0], (number, 1))
    boxes = np.hstack([middles - halves, middles + halves]).astype(np.float32)
    scores = np.sort(rng.choice([0.0, *rng.uniform(0.3, 1, 8)], number))[::-1].astype(np.float32)
    landmarks = rng.normal(30, 20, (number, 5, 2)).astype(np.float32)
    count = int(rng.integers(0, number + 1))
    placed, points = bx.blend(boxes, scores, landmarks, count, 0.5)
    twin_placed, twin_points = twins.blend(boxes, scores, landmarks, count, 0.5)
    np.testing.assert_array_equal(placed, twin_placed)
    np.testing.assert_array_equal(points, twin_points)


def test_a_box_without_area_stays_where_it_is() -> None:
    boxes = np.array([[3, 3, 3, 3], [3, 3, 3, 3]], np.float32)
    points = np.stack([np.zeros((5, 2), np.float32), np.ones((5, 2), np.float32)])
    placed, kept = bx.blend(boxes, np.array([0.5, 0.0], np.float32), points, 2, 0.7)
    np.testing.assert_array_equal(placed, boxes)
    np.testing.assert_array_equal(kept, points)
    assert [len(part) for part in bx.blend(boxes[:0], np.zeros(0, np.float32), points[:0], 0, 0.7)] == [0, 0]


@pytest.mark.parametrize("count", [-1, 3])
def test_more_boxes_than_there_are_cannot_be_placed(count: int) -> None:
    with pytest.raises(ImageError, match="of which"):
        bx.blend(np.zeros((2, 4), np.float32), np.ones(2, np.float32), np.zeros((2, 5, 2), np.float32), count, 0.7)
