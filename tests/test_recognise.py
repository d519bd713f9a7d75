"""Embedding, fusing and deciding: unknown is the default answer."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.config import RecogniseConfig, RuntimeConfig
from edge.errors import ImageError, ModelError
from edge.recognise import MAX_BATCH, Embedder, build_embedder, decide, fuse, normalise, open_peer_embedder
from edge.records import Reason
from edge.sessions import InputSpec, Pack, load_file
from tests.support.models.tiny_models import detector_bytes, embedder_bytes, entry, write_pack

RUNTIME = RuntimeConfig(threads=1)
SETTINGS = RecogniseConfig(min_similarity=0.4, min_margin=0.1)


def embedder(folder: Path, *, batch: int | str = "n", spec: InputSpec | None = None) -> Embedder:
    (folder / f"tiny_{batch}.onnx").write_bytes(embedder_bytes(batch=batch))
    return Embedder(load_file(folder / f"tiny_{batch}.onnx", "embed", RUNTIME, spec))


def crops(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 112, 112, 3), dtype=np.uint8)


@pytest.mark.parametrize("batch", ["n", 1, 4])
@pytest.mark.parametrize("count", [0, 1, 4, 5, MAX_BATCH + 1])
def test_embeddings_are_of_length_one_whatever_the_batch(tmp_path: Path, batch: int | str, count: int) -> None:
    pictures = crops(count)
    many = embedder(tmp_path, batch=batch).embed(pictures)
    assert many.shape == (count, 8)
    assert many.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(many, axis=1), 1.0, atol=1e-6)
    single = embedder(tmp_path)
    one_by_one = np.array([single.embed([picture])[0] for picture in pictures], np.float32).reshape(-1, 8)
    np.testing.assert_allclose(many, one_by_one, atol=1e-5)


def test_color_mean_and_std_of_the_manifest_are_applied(tmp_path: Path) -> None:
    data = embedder_bytes()
    spec = {"name": "image", "shape": ["n", 3, 112, 112], "color": "RGB", "mean": [1, 2, 3], "std": [2, 4, 8]}
    pack = Pack.open(write_pack(tmp_path, [(entry("tiny", "embed", data, input=spec), data)]))
    built = build_embedder(RecogniseConfig(), pack, RUNTIME)
    picture = crops(1)
    scaled = (picture[0, :, :, ::-1].astype(np.float64) - (1, 2, 3)) / (2, 4, 8)
    quarters = np.stack([scaled[r : r + 56, c : c + 56].mean((0, 1)) for r in (0, 56) for c in (0, 56)])
    matrix = np.random.default_rng(0).normal(size=(12, 8))
    expected = quarters.T.reshape(-1) @ matrix
    np.testing.assert_allclose(built.embed(picture)[0], expected / np.linalg.norm(expected), atol=1e-4)


@pytest.mark.parametrize(
    "bad",
    [np.zeros((1, 100, 112, 3), np.uint8), np.zeros((1, 112, 112, 3), np.float32), np.zeros((1, 112, 112), np.uint8)],
)
def test_other_crops_are_refused(tmp_path: Path, bad: np.ndarray) -> None:
    with pytest.raises(ImageError, match="aligned crop"):
        embedder(tmp_path).embed(bad)


def test_a_vector_without_direction_is_a_broken_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="models verify"):
        embedder(tmp_path).embed(np.zeros((1, 112, 112, 3), np.uint8))
    with pytest.raises(ModelError):
        normalise(np.array([[1.0, np.nan]], np.float32))


def test_a_detector_is_no_embedder(tmp_path: Path) -> None:
    (tmp_path / "red.onnx").write_bytes(detector_bytes())
    with pytest.raises(ModelError, match="no embedder"):
        Embedder(load_file(tmp_path / "red.onnx", "embed", RUNTIME))


def test_one_number_tells_nobody_from_others(tmp_path: Path) -> None:
    (tmp_path / "one.onnx").write_bytes(embedder_bytes(dim=1))
    with pytest.raises(ModelError, match="1 number a face"):
        Embedder(load_file(tmp_path / "one.onnx", "embed", RUNTIME))


def test_fuse_is_the_weighted_mean_of_length_one() -> None:
    a, b = np.array([1, 0], np.float32), np.array([0, 1], np.float32)
    np.testing.assert_allclose(fuse(np.stack([a, b])), np.array([1, 1]) / math.sqrt(2), atol=1e-6)
    np.testing.assert_allclose(fuse(np.stack([a, b]), [3, 1]), np.array([3, 1]) / math.sqrt(10), atol=1e-6)
    np.testing.assert_allclose(fuse(np.stack([a, b]), [0, 0]), np.array([1, 1]) / math.sqrt(2), atol=1e-6)
    np.testing.assert_allclose(fuse(a[np.newaxis], [7]), a, atol=1e-6)


@pytest.mark.parametrize("weights", [[1], [1, -1], [1, math.nan], [1, math.inf]])
def test_fuse_refuses_wrong_weights(weights: list[float]) -> None:
    with pytest.raises(ImageError):
        fuse(np.eye(2, dtype=np.float32), weights)
    with pytest.raises(ImageError):
        fuse(np.zeros((0, 2), np.float32))


def test_match_needs_similarity_and_margin() -> None:
    match = decide([("b", 0.3, "b1"), ("a", 0.55, "a1")], SETTINGS)
    assert (match.person_id, match.runner_up_id, match.reference_id, match.reason) == ("a", "b", "a1", None)
    assert match.margin == pytest.approx(0.25)


def test_below_similarity_is_unknown_but_keeps_the_candidate() -> None:
    match = decide([("a", 0.39, "a1"), ("b", 0.0, "b1")], SETTINGS)
    assert (match.person_id, match.candidate_id, match.reason) == (None, "a", Reason.NO_MATCH)


def test_two_alike_people_are_unknown() -> None:
    match = decide([("a", 0.60, "a1"), ("b", 0.55, "b1")], SETTINGS)
    assert (match.person_id, match.candidate_id, match.reason) == (None, "a", Reason.BELOW_MARGIN)


def test_equal_similarities_never_match_even_without_a_margin() -> None:
    match = decide([("b", 0.8, "b1"), ("a", 0.8, "a1")], RecogniseConfig(min_similarity=0.4, min_margin=0))
    assert (match.person_id, match.candidate_id, match.reason) == (None, "a", Reason.BELOW_MARGIN)


def test_one_person_leads_over_zero() -> None:
    match = decide([("a", 0.5, "a1")], SETTINGS)
    assert (match.person_id, match.margin, match.runner_up_id) == ("a", 0.5, None)
    assert decide([("a", 0.39, "a1")], SETTINGS).person_id is None


def test_nobody_and_nonsense_are_unknown() -> None:
    assert decide([], SETTINGS).reason is Reason.NO_MATCH
    assert decide([("a", math.nan, "a1")], SETTINGS).person_id is None


def test_expired_entry_is_unknown_with_that_reason() -> None:
    match = decide([("a", 0.9, "a1"), ("b", 0.1, "b1")], SETTINGS, expired_ids={"a"})
    assert (match.person_id, match.candidate_id, match.reason) == (None, "a", Reason.EXPIRED_ENTRY)


def test_enhanced_similarity_decides_nothing() -> None:
    match = decide([("a", 0.1, "a1")], SETTINGS, similarity_enhanced=0.99)
    assert (match.person_id, match.similarity_enhanced, match.similarity_original) == (None, 0.99, 0.1)


@given(
    similarities=st.lists(st.floats(-1, 1), min_size=1, max_size=8),
    min_similarity=st.floats(-1, 1),
    min_margin=st.floats(0, 2),
)
def test_a_match_always_keeps_both_promises(
    similarities: list[float], min_similarity: float, min_margin: float
) -> None:
    scores = [(f"p{i}", s, f"r{i}") for i, s in enumerate(similarities)]
    match = decide(scores, RecogniseConfig(min_similarity=min_similarity, min_margin=min_margin))
    best = max(similarities)
    others = sorted(similarities)[:-1]
    assert match.similarity == best
    if match.person_id is None:
        assert match.reason is not None
        assert best < min_similarity or best - (others[-1] if others else 0.0) < min_margin or best in others
    else:
        assert best >= min_similarity
        assert best - (others[-1] if others else 0.0) >= min_margin
    assert decide(scores[::-1], RecogniseConfig(min_similarity=min_similarity, min_margin=min_margin)) == match


def test_peer_runs_one_by_one(shared_data: Path) -> None:
    peer = open_peer_embedder(shared_data / "weights" / "mobilefacenet_foamliu.onnx", RUNTIME)
    pictures = crops(3)
    assert peer.dim == 128
    np.testing.assert_allclose(peer.embed(pictures)[2], peer.embed(pictures[2:])[0], atol=1e-5)
