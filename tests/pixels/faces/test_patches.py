"""A face is found again where it went, and what is no longer there is not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.pixels.faces.patches import cut_patch, find_patch
from tests.support.drawings import draw_face

BOX = (300.0, 200.0, 380.0, 290.0)


def with_face(dx: float, dy: float, seed: int | None = 1) -> np.ndarray:
    """A noisy 640 x 480 wall with a face moved from its box by (dx, dy) px."""
    rng = np.random.default_rng(int(dx * 7 + dy * 13) % 1000)
    image = np.full((480, 640, 3), 100, np.uint8)
    image[::16] = 130
    if seed is not None:
        move = np.array([[1, 0, 300 + dx], [0, 1, 200 + dy]], np.float32)
        face = draw_face(seed, 90)[:, 5:85]
        mask = cv2.warpAffine(np.full(face.shape[:2], 255, np.uint8), move, (640, 480))[:, :, np.newaxis] > 127
        image = np.where(mask, cv2.warpAffine(face, move, (640, 480)), image)
    return np.clip(image + rng.normal(0, 3, image.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("dx", "dy"), [(0.0, 0.0), (7.0, -4.0), (-18.0, 22.0), (30.5, 9.5)])
def test_it_is_found_where_it_went(dx: float, dy: float) -> None:
    patch = cut_patch(with_face(0, 0), BOX)
    assert patch is not None
    x, y, score = find_patch(with_face(dx, dy), patch)
    assert (x, y) == pytest.approx((dx, dy), abs=2.0)
    assert score > 0.8


def test_a_guess_helps_further() -> None:
    patch = cut_patch(with_face(0, 0), BOX)
    assert patch is not None
    x, y, score = find_patch(with_face(70, -60), patch, (60.0, -50.0))
    assert (x, y) == pytest.approx((70, -60), abs=2.0)
    assert score > 0.8


def test_what_has_left_is_not_found() -> None:
    patch = cut_patch(with_face(0, 0), BOX)
    assert patch is not None
    assert find_patch(with_face(0, 0, seed=None), patch)[2] < 0.8
    assert find_patch(with_face(0, 0), patch, (900.0, 0.0))[2] == -1.0


def test_a_box_outside_gives_no_patch_and_one_at_the_edge_is_cut() -> None:
    image = with_face(0, 0)
    assert cut_patch(image, (-200.0, 0.0, -100.0, 90.0)) is None
    assert cut_patch(image, (-60.0, 0.0, 40.0, 90.0)) is None
    patch = cut_patch(image, (-20.0, 100.0, 60.0, 190.0))
    assert patch is not None
    assert patch.box[0] == 0.0
    assert np.isfinite(find_patch(image, patch)).all()
