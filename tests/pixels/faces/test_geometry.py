"""Alignment and letterboxing against their definitions."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.errors import ImageError
from edge.pixels.faces import geometry

finite = st.floats(-500, 500, width=32)


def map_points(points: NDArray[np.float32], matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Points (..., 2) px through a (2, 3) map."""
    return np.asarray(points @ matrix[:, :2].T + matrix[:, 2], dtype=np.float32)


def umeyama(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Umeyama (1991) as printed, with the SVD: the slow twin of the closed form."""
    source, target = source.astype(np.float64), target.astype(np.float64)
    p, q = source - source.mean(0), target - target.mean(0)
    u, d, vt = np.linalg.svd(q.T @ p / len(p))
    sign = np.array([1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = (u * sign) @ vt
    scale = (d * sign).sum() / p.var(0).sum()
    return np.column_stack([scale * rotation, target.mean(0) - scale * rotation @ source.mean(0)])


@given(st.lists(st.tuples(finite, finite), min_size=5, max_size=5))
@settings(max_examples=150, deadline=None)
def test_similarity_equals_the_svd(points: list[tuple[float, float]]) -> None:
    landmarks = np.array(points, np.float32)
    p = landmarks - landmarks.mean(0)
    cross = p.T @ (geometry.ARCFACE_POINTS - geometry.ARCFACE_POINTS.mean(0))
    # Where a mirrored or shapeless face leaves the best rotation undecided the two may differ.
    if (p**2).sum() < 1.0 or np.hypot(cross[0, 0] + cross[1, 1], cross[0, 1] - cross[1, 0]) < 1.0:
        return
    wanted = umeyama(landmarks, geometry.ARCFACE_POINTS)
    found = geometry.similarity_from_landmarks(landmarks)
    residual = [
        float(((map_points(landmarks, m.astype(np.float32)) - geometry.ARCFACE_POINTS) ** 2).sum())
        for m in (wanted, found)
    ]
    assert residual[1] == pytest.approx(residual[0], rel=1e-3, abs=0.05)


@given(angle=st.floats(-3.1, 3.1), scale=st.floats(0.05, 20), x=st.floats(-900, 900), y=st.floats(-900, 900))
@settings(max_examples=100, deadline=None)
def test_similarity_undoes_any_similarity(angle: float, scale: float, x: float, y: float) -> None:
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    landmarks = (geometry.ARCFACE_POINTS @ turn.T + [x, y]).astype(np.float32)
    found = map_points(landmarks, geometry.similarity_from_landmarks(landmarks))
    assert np.abs(found - geometry.ARCFACE_POINTS).max() < 0.02 * (1 + 1 / scale)


def test_align_moves_the_points_where_they_belong() -> None:
    image = np.zeros((300, 400, 3), np.uint8)
    turn = 1.4 * np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])
    landmarks = (geometry.ARCFACE_POINTS @ turn.T + [150, 60]).astype(np.float32)
    for x, y in landmarks:
        cv2.circle(image, (round(x), round(y)), 3, (255, 255, 255), -1)
    crop = geometry.align(image, landmarks)
    assert crop.shape == (112, 112, 3)
    assert crop.dtype == np.uint8
    for x, y in geometry.ARCFACE_POINTS:
        patch = crop[int(y) - 5 : int(y) + 7, int(x) - 5 : int(x) + 7, 0].astype(float)
        rows, columns = np.mgrid[int(y) - 5 : int(y) + 7, int(x) - 5 : int(x) + 7]
        assert abs((patch * columns).sum() / patch.sum() - x) < 0.7
        assert abs((patch * rows).sum() / patch.sum() - y) < 0.7


def test_align_of_a_huge_face_does_not_alias() -> None:
    """A fine checkerboard under a face ten times the crop becomes gray, not moire."""
    board = np.indices((1200, 1200)).sum(0) % 2 * 255
    image = np.repeat(board[..., None], 3, axis=2).astype(np.uint8)
    crop = geometry.align(image, geometry.ARCFACE_POINTS * 10)
    assert crop[8:-8, 8:-8].std() < 12


@pytest.mark.parametrize("angle", [0.0, 20.0, 100.0])
@pytest.mark.parametrize("middle", [(900, 500), (30, 40), (1270, 715), (640, 700)])
def test_align_of_a_near_face_in_a_large_frame_looks_at_its_surroundings_alone(
    monkeypatch: pytest.MonkeyPatch, middle: tuple[int, int], angle: float
) -> None:
    rng = np.random.default_rng(4)
    image = cv2.GaussianBlur(rng.integers(0, 256, (720, 1280, 3), np.uint8), (0, 0), 5)
    image = np.asarray(cv2.normalize(image, None, 0, 255, cv2.NORM_MINMAX), np.uint8)
    turn = cv2.getRotationMatrix2D((0, 0), angle, 2.7)
    points = ((geometry.ARCFACE_POINTS - 56) @ turn[:, :2].T + middle).astype(np.float32)
    shrunk: list[tuple[int, ...]] = []
    resize = cv2.resize
    monkeypatch.setattr(cv2, "resize", lambda one, *a, **k: shrunk.append(one.shape) or resize(one, *a, **k))
    here = geometry.align(image, points, 112, 14)
    monkeypatch.setattr(geometry, "_surroundings", lambda *a: (0, 0, 1280, 720))
    whole = geometry.align(image, points, 112, 14)
    assert shrunk[0][0] * shrunk[0][1] < 0.5 * 1280 * 720
    assert shrunk[1] == (720, 1280, 3)
    apart = np.abs(here.astype(int) - whole.astype(int))
    inside = cv2.erode((whole.max(axis=2) > 0).astype(np.uint8), np.ones((3, 3))) > 0  # black begins beyond
    assert apart.mean() < 1
    assert np.percentile(apart[inside], 99) <= 4, "of 255, where shrinking began at another pixel"


def test_align_outside_the_image_is_black() -> None:
    image = np.full((50, 50, 3), 200, np.uint8)
    assert geometry.align(image, geometry.ARCFACE_POINTS - 400).max() == 0


@pytest.mark.parametrize(
    "landmarks",
    [np.zeros((4, 2), np.float32), np.zeros((5, 2), np.float32), np.full((5, 2), np.nan, np.float32)],
)
def test_bad_landmarks_are_refused(landmarks: np.ndarray) -> None:
    with pytest.raises(ImageError):
        geometry.align(np.zeros((10, 10, 3), np.uint8), landmarks)


@pytest.mark.parametrize("image", [np.zeros((10, 10), np.uint8), np.zeros((10, 10, 3)), np.zeros((0, 9, 3), np.uint8)])
def test_bad_images_are_refused(image: np.ndarray) -> None:
    with pytest.raises(ImageError):
        geometry.align(image, geometry.ARCFACE_POINTS)
    with pytest.raises(ImageError):
        geometry.letterbox(image, 64)


@given(
    height=st.integers(1, 900),
    width=st.integers(1, 900),
    side=st.integers(1, 700),
    multiple=st.sampled_from([1, 16, 32]),
    at=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
@settings(max_examples=60, deadline=None)
def test_letterbox_round_trip(height: int, width: int, side: int, multiple: int, at: tuple[float, float]) -> None:
    image = np.full((height, width, 3), 90, np.uint8)
    fitted, box = geometry.letterbox(image, side, multiple)
    assert fitted.shape[0] % multiple == 0
    assert fitted.shape[1] % multiple == 0
    assert max(box.width_px, box.height_px) <= side
    assert box.scale <= 1
    assert (fitted[: box.height_px, : box.width_px] == 90).all()
    assert not fitted[box.height_px :].any()
    assert not fitted[:, box.width_px :].any()
    point = np.array([at[0] * width, at[1] * height], np.float32)
    assert np.abs(box.back(point * np.float32(box.scale)) - point).max() < 1e-2


def test_letterbox_never_enlarges_and_passes_a_fitting_image_through() -> None:
    image = np.zeros((64, 96, 3), np.uint8)
    fitted, box = geometry.letterbox(image, 640)
    assert fitted is image
    assert box.scale == 1.0


@given(st.floats(-3, 3), st.floats(0.1, 10), st.floats(-300, 300))
@settings(deadline=None)
def test_invert_goes_back(angle: float, scale: float, shift: float) -> None:
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    matrix = np.array([[cosine, -sine, shift], [sine, cosine, -shift]], np.float32)
    points = np.array([[3, 4], [-7, 11], [200, 90]], np.float32)
    back = map_points(map_points(points, matrix), geometry.invert(matrix))
    assert np.abs(back - points).max() < 0.05


def test_invert_refuses_a_flat_map() -> None:
    with pytest.raises(ImageError):
        geometry.invert(np.zeros((2, 3), np.float32))
