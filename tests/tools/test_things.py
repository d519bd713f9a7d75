"""Rounded things cut from photos, for the detector's training."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the train extra: onnx is not installed")

from tools.train.material import mosaics, things


def textured(size: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (size, size, 3)).astype(np.uint8)


def test_a_thing_follows_from_the_seed_and_covers_its_middle_alone() -> None:
    patch = textured(things.SIDE_PX)
    kept = patch.copy()
    for seed in range(30):
        (image, share), (again, _) = (things.rounded(patch, np.random.default_rng(seed)) for _ in range(2))
        assert image.shape == (things.SIDE_PX, things.SIDE_PX, 3)
        assert (image == again).all()
        middle = things.SIDE_PX // 2
        assert share[middle - 4 : middle + 4, middle - 4 : middle + 4].min() == 1.0
        assert share[0, 0] == share[-1, -1] == 0.0, "its corners show what is behind it"
    assert (patch == kept).all()


def test_mosaics_hold_things_of_the_sizes_of_their_faces() -> None:
    stock = mosaics.Portraits(
        textured(250)[np.newaxis].repeat(2, axis=0), np.full((2, 4), 80, np.float32), [textured(300)]
    )
    canvas = np.zeros((512, 512, 3), np.uint8)
    for seed in range(20):
        mosaics._put_things(canvas, stock, 40.0, np.random.default_rng(seed))
    covered = float((canvas.max(axis=2) > 0).mean())
    assert 0.2 < covered < 0.99
