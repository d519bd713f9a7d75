"""Pair evaluation end to end with tiny models, and the public ones on the public pairs where they are there."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.config import RuntimeConfig
from edge.detect import FaceDetector
from edge.errors import ImageError
from edge.evaluate.pairs import Picture, degraded, evaluate_pairs, find_picture, main_face, read_pairs, split_folds
from edge.recognise import Embedder, open_peer_embedder
from edge.records import Detections
from edge.sessions import load_file
from tests.support.models.tiny_models import embedder_bytes

RUNTIME = RuntimeConfig(threads=1)


def write_pairs(path: Path, folds: int = 1, size: int = 10) -> Path:
    """Ten people, two pictures each: one genuine pair per person, impostor pairs of neighbours."""
    lines = [f"{folds}\t{size}"]
    for _ in range(folds):
        lines += [f"P{i % 10}\t1\t2" for i in range(size)]
        lines += [f"P{i % 10}\t1\tP{(i + 1) % 10}\t2" for i in range(size)]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def write_crops(root: Path) -> Path:
    """Each person has colors of their own in the four quarters; the second picture is the first with some noise."""
    rng = np.random.default_rng(0)
    for person in range(10):
        quarters = rng.integers(0, 256, (2, 2, 3)).astype(np.float64)
        image = np.kron(quarters, np.ones((56, 56, 1)))
        (root / f"P{person}").mkdir(parents=True)
        for number in (1, 2):
            noisy = np.clip(image + rng.normal(0, 3, image.shape), 0, 255).astype(np.uint8)
            cv2.imwrite(str(root / f"P{person}" / f"P{person}_{number:04d}.png"), noisy)
    return root


def read(path: Path) -> np.ndarray:
    image = cv2.imread(str(path))
    assert image is not None
    return image


@pytest.fixture
def embedder(tmp_path: Path) -> Embedder:
    (tmp_path / "tiny.onnx").write_bytes(embedder_bytes(32))
    return Embedder(load_file(tmp_path / "tiny.onnx", "embed", RUNTIME))


def test_aligned_pairs_end_to_end(tmp_path: Path, embedder: Embedder) -> None:
    pairs, images = read_pairs(write_pairs(tmp_path / "pairs.txt")), write_crops(tmp_path / "images")
    told: list[tuple[str, int, int]] = []
    rows = evaluate_pairs(
        pairs, images, None, embedder, read, degradations=["clean", "noise:5"], progress=lambda *what: told.append(what)
    )
    clean, noisy = (row.to_dict() for row in rows)
    assert (clean["degrade"], noisy["degrade"]) == ("clean", "noise:5")
    assert clean["accuracy"] == 1.0
    assert clean["genuine_mean"] > 0.99
    assert noisy["genuine_mean"] < clean["genuine_mean"]
    assert clean["tar"] == {"1e-2": 1.0, "1e-3": 1.0}
    assert (clean["num_pairs"], clean["num_pictures"], clean["num_without_face"]) == (20, 20, 0)
    assert told[0] == ("clean", 1, 20)
    assert told[-1] == ("noise:5", 20, 20)
    json.dumps([clean, noisy], allow_nan=False)
    again = evaluate_pairs(pairs, images, None, embedder, read, degradations=["noise:5"])[0]
    assert again.to_dict() == noisy


def test_aligned_wants_aligned_crops(tmp_path: Path, embedder: Embedder) -> None:
    pairs, images = read_pairs(write_pairs(tmp_path / "pairs.txt")), write_crops(tmp_path / "images")
    with pytest.raises(ImageError, match="no aligned"):
        evaluate_pairs(pairs, images, None, embedder, lambda path: read(path)[:100])


class Blind:
    """A detector that never finds a face."""

    def detect(self, image: np.ndarray, min_score: float | None = None) -> Detections:
        return Detections.empty()

    def describe(self) -> dict[str, object]:
        return {}


def test_pictures_without_a_face_are_cut_in_the_middle_and_counted(tmp_path: Path, embedder: Embedder) -> None:
    pairs, images = read_pairs(write_pairs(tmp_path / "pairs.txt")), write_crops(tmp_path / "images")
    (row,) = evaluate_pairs(pairs, images, Blind(), embedder, read)
    assert (row.num_without_face, row.num_pictures) == (20, 20)
    assert row.scores.accuracy > 0.8


def test_folds_of_the_file_are_kept_and_one_set_is_split_in_ten(tmp_path: Path) -> None:
    several = split_folds(read_pairs(write_pairs(tmp_path / "several.txt", folds=3, size=5)))
    assert several.tolist() == [0] * 10 + [1] * 10 + [2] * 10
    pairs = read_pairs(write_pairs(tmp_path / "one.txt", size=20))
    one = split_folds(pairs)
    for fold in range(10):
        kinds = [pair.same for pair, own in zip(pairs, one, strict=True) if own == fold]
        assert kinds == [True, True, False, False]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "no pairs file"),
        ("ten\n", "no pairs file"),
        ("1\t2\nA 1 2\n", "promises 4 pairs, there are 1"),
        ("1\nA 1 2\nA 1 A 2\n", "pair 2: 'A 1 A 2'"),
        ("1\nA 1\nA 1 B 2\n", "pair 1: 'A 1'"),
        ("1\nA x 2\nA 1 B 2\n", "pair 1: 'A x 2'"),
    ],
)
def test_broken_pairs_files(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "pairs.txt"
    path.write_text(text, "utf-8")
    with pytest.raises(ImageError) as caught:
        read_pairs(path)
    assert expected in str(caught.value)
    assert "pairs.txt" in str(caught.value)


def test_missing_picture_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="Nobody_0007"):
        find_picture(tmp_path, Picture("Nobody", 7))


def test_noise_of_a_picture_is_its_own_and_stays() -> None:
    image = np.full((50, 50, 3), 128, np.uint8)
    one = degraded(image, "noise:3", Picture("A", 1), 0)
    assert (one == degraded(image, "noise:3", Picture("A", 1), 0)).all()
    assert (one != degraded(image, "noise:3", Picture("A", 2), 0)).any()
    assert (one != degraded(image, "noise:3", Picture("A", 1), 1)).any()
    assert degraded(image, "clean", Picture("A", 1), 0) is image


def test_subject_is_the_large_face_nearest_to_the_middle() -> None:
    image = np.zeros((250, 250, 3), np.uint8)
    boxes = np.array([[0, 60, 110, 200], [70, 60, 170, 190], [120, 120, 135, 140]], np.float32)
    found = Detections(boxes, np.array([0.9, 0.8, 0.7], np.float32), np.zeros((3, 5, 2), np.float32))
    assert main_face(found, image) == 1
    assert main_face(Detections.empty(), image) is None


def test_peers_on_the_public_pairs(shared_data: Path) -> None:
    """The public chain on a fifth of the held-out pairs: what was measured once must be measured again."""
    weights = shared_data / "weights"
    pairs = read_pairs(shared_data / "faces" / "lfw" / "pairs_dev.txt")
    assert len(pairs) == 600
    detector = FaceDetector(load_file(weights / "yunet_n_dynamic.onnx", "detect", RUNTIME))
    embedder = open_peer_embedder(weights / "mobilefacenet_foamliu.onnx", RUNTIME)
    images = shared_data / "faces" / "lfw" / "images"
    clean, cctv = evaluate_pairs(pairs[::5], images, detector, embedder, read, degradations=["clean", "cctv:3"])
    assert clean.scores.accuracy >= 0.96
    assert cctv.scores.accuracy >= 0.90
    assert clean.num_without_face <= 2
    assert clean.scores.genuine_mean > cctv.scores.genuine_mean
    assert abs(clean.scores.impostor_mean) < 0.1
