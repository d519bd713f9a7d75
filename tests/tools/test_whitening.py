"""The embedder's last layer: fitted, and written into the exported file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the train extra: torch is not installed")

from tools.train.ship import whitening


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def faces(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Four pictures each of 200 people, who differ in all 16 directions; pictures of one differ mostly in the first."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 0.3, (200, 4, 16)) * np.array([8.0, *[1.0] * 15])
    vectors = rng.normal(0, 1, (200, 1, 16)) + noise + 0.5
    return unit(vectors.reshape(800, 16)), np.repeat(np.arange(200), 4)


def rate(vectors: np.ndarray, people: np.ndarray) -> float:
    """Genuine pairs that are nearer than all but one in a hundred pairs of strangers."""
    similarity, same = vectors @ vectors.T, people[:, None] == people[None]
    limit = np.quantile(similarity[~same], 0.99)
    return float((similarity[same & ~np.eye(len(people), dtype=bool)] > limit).mean())


def test_people_that_it_was_not_fitted_to_are_told_apart_better() -> None:
    layer = whitening.fit(*faces(0))
    vectors, people = faces(1)
    assert rate(unit((vectors - layer.center) @ layer.matrix), people) > rate(vectors, people) + 0.1


def test_people_with_one_picture_say_nothing_of_differences() -> None:
    vectors, people = faces(0)
    lone, names = np.concatenate([vectors, unit(np.eye(16)[:1] * 50)]), np.append(people, 999)
    np.testing.assert_allclose(whitening.fit(lone, names).matrix, whitening.fit(vectors, people).matrix, atol=1e-6)
    with pytest.raises(ValueError, match="two pictures"):
        whitening.fit(vectors[:4], np.arange(4))


def test_the_exported_file_gives_whitened_vectors(tmp_path: Path) -> None:
    import onnxruntime
    import torch

    from tools.train.nets.face_nets import Recogniser
    from tools.train.ship import export

    torch.manual_seed(0)
    model, rng = Recogniser().eval(), np.random.default_rng(0)
    layer = whitening.Whitening(
        rng.normal(0, 0.05, 128).astype(np.float32), rng.normal(0, 1, (128, 128)).astype(np.float32)
    )
    plain, whitened = tmp_path / "plain.onnx", tmp_path / "whitened.onnx"
    export.recogniser(model, plain)
    stays = export.recogniser(model, whitened, layer)
    crops = rng.integers(0, 256, (2, 3, 112, 112)).astype(np.float32)
    before, after = (
        onnxruntime.InferenceSession(str(file)).run(None, {"image": crops})[0] for file in (plain, whitened)
    )
    np.testing.assert_allclose(after, (unit(before) - layer.center) @ layer.matrix, atol=1e-4)
    assert any("MatMul" in name for name in stays), "in int8 it would turn every face"
