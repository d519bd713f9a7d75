"""Heads as a camera below the ceiling sees them, composed for the detector's training."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the train extra: onnx is not installed")

from tools.train import paths
from tools.train.material import heads, mosaics
from tools.train.material.canvases import CANVAS_PX, canvas_of
from tools.train.material.teachers import FaceFinder


def test_a_head_follows_from_the_seed_and_covers_its_face() -> None:
    canvas = np.full((CANVAS_PX, CANVAS_PX, 3), 128, np.uint8)
    for seed in range(8):
        (image, share), (again, _) = (heads.from_above(canvas, np.random.default_rng(seed)) for _ in range(2))
        assert image.shape == (heads.SIDE_PX, heads.SIDE_PX, 3)
        assert (image == again).all()
        assert share.min() == 0.0, "something is left of what is behind it"
        x, y = (int(v) for v in heads.FACE_XY)
        assert share[y - 5 : y + 5, x].min() == 1.0


def test_a_tile_has_a_face_of_the_size_that_is_asked() -> None:
    stock = np.full((1, CANVAS_PX, CANVAS_PX, 3), 128, np.uint8)
    tile, share = mosaics.head_tile(stock, 24.0, np.random.default_rng(1))
    assert tile.shape == (80, 80, 3)
    assert share.shape == (80, 80)


def test_the_teacher_sees_the_face_of_most_heads(shared_data: Path) -> None:
    find, rng, seen = FaceFinder(), np.random.default_rng(4), []
    for path in paths.lfw_pictures(paths.LFW / "people_train.txt")[:240:6]:
        picture = paths.read_picture(path)
        assert picture is not None
        faces = find(picture)
        if not len(faces):
            continue
        image, share = heads.from_above(canvas_of(picture, faces[0, 4:14].reshape(5, 2)), rng)
        behind = np.full_like(image, 140)
        head = (image * share[..., None] + behind * (1 - share[..., None])).astype(np.uint8)
        found = find(cv2.copyMakeBorder(head, 80, 80, 80, 80, cv2.BORDER_REPLICATE))
        if len(found):
            x, y, width, height = found[0, :4] - (80, 80, 0, 0)
            center = np.array([x + width / 2, y + height / 2])
            assert np.abs(center - heads.FACE_XY).max() < heads.FACE_PX / 2
            assert 0.5 < width / heads.FACE_PX < 1.4
        seen.append(len(found) > 0)
    assert len(seen) > 30
    assert np.mean(seen) > 0.5
