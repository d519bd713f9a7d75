"""Detection evaluation: mosaics with a truth that is right, and detectors measured against it."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.config import RuntimeConfig
from edge.detect import FaceDetector
from edge.errors import ImageError
from edge.evaluate.detection import clutter, evaluate_detection
from edge.evaluate.mosaics import HEIGHT, WIDTH, Mosaic, Source, make_mosaics, read_sources
from edge.records import Detections
from edge.sessions import load_file

RUNTIME = RuntimeConfig(threads=1)
Box = tuple[float, float, float, float]


class Scripted:
    """Answers what it is told: a function of the frame, as (box, score) pairs."""

    def __init__(self, *answers: list[tuple[Box, float]]) -> None:
        self._answers = list(answers)
        self.calls = 0

    def detect(self, image: np.ndarray, min_score: float | None = None) -> Detections:
        answer = self._answers[self.calls % len(self._answers)]
        self.calls += 1
        kept = [(box, score) for box, score in answer if score >= (min_score or 0)]
        kept.sort(key=lambda one: -one[1])
        boxes = np.array([box for box, _ in kept], np.float32).reshape(-1, 4)
        middle = (boxes[:, :2] + boxes[:, 2:]) / 2
        landmarks = np.repeat(middle[:, np.newaxis], 5, axis=1)
        return Detections(boxes, np.array([score for _, score in kept], np.float32), landmarks)

    def describe(self) -> dict[str, object]:
        return {}


A, B, FAR = (100.0, 100.0, 140.0, 150.0), (300.0, 200.0, 320.0, 226.0), (500.0, 300.0, 540.0, 350.0)


def mosaic() -> Mosaic:
    boxes = np.array([A, B], np.float32)
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    landmarks = np.repeat(middle[:, np.newaxis], 5, axis=1)
    landmarks[:, 0, 0] -= 10
    landmarks[:, 1, 0] += 10
    return Mosaic(np.full((HEIGHT, WIDTH, 3), 128, np.uint8), boxes, landmarks, np.array([FAR], np.float32))


def test_report_by_hand() -> None:
    detector = Scripted([(A, 0.9), (FAR, 0.8), ((0.0, 0.0, 40.0, 40.0), 0.7), (B, 0.1)])
    (row,) = evaluate_detection({"ours": detector}, [mosaic()], peer=Scripted([(A, 0.9)]))
    # Ranked: A right, FAR ignored, a false one, B right: recall .5 at 1, 1 at 2/3.
    assert row.average_precision == pytest.approx(0.5 + 0.5 * 2 / 3)
    assert (row.recall, row.false_per_image, row.num_faces) == (0.5, 1.0, 2)
    # Only A is wider than 30 px: two of its five points are 10 px off, its eyes are 20 px apart.
    assert row.num_landmark_faces == 1
    assert row.landmark_error == pytest.approx(0.2)
    assert row.landmark_error_to_peer == pytest.approx(0.0)
    json.dumps(row.to_dict(), allow_nan=False)


def test_rows_for_every_detector_and_degradation() -> None:
    rows = evaluate_detection(
        {"perfect": Scripted([(A, 0.9), (B, 0.9)]), "blind": Scripted([])},
        [mosaic()] * 3,
        degradations=["clean", "dark:2"],
    )
    assert [(r.degrade, r.detector, r.average_precision) for r in rows] == [
        ("clean", "perfect", 1.0),
        ("clean", "blind", 0.0),
        ("dark:2", "perfect", 1.0),
        ("dark:2", "blind", 0.0),
    ]
    assert rows[0].landmark_error_to_peer is None
    assert rows[1].landmark_error is None


def test_clutter_by_hand() -> None:
    """Frame 0: one shared face; frame 1: ours alone; frame 2: the peer's sure face missed, its doubtful one found."""
    ours = Scripted([(A, 0.9)], [(FAR, 0.7)], [(B, 0.8)])
    peer = Scripted([(A, 0.95)], [], [(A, 0.9), (B, 0.4)])
    report = clutter([np.zeros((HEIGHT, WIDTH, 3), np.uint8)] * 3, ours, peer)
    assert (report.num_frames, report.num_detections, report.num_clutter) == (3, 3, 1)
    assert (report.num_peer_sure, report.num_peer_sure_found, report.found_share) == (2, 1, 0.5)
    assert report.places == ((1, 0.7, FAR),)
    json.dumps(report.to_dict(), allow_nan=False)
    empty = clutter([np.zeros((8, 8, 3), np.uint8)], Scripted([]), Scripted([]))
    assert empty.found_share is None


def marked_source() -> Source:
    """A gray picture whose sure face is a white square with a black dot at each landmark's place."""
    image = np.full((250, 250, 3), 100, np.uint8)
    image[60:190, 80:170] = 255
    boxes = np.array([[80, 60, 170, 190], [5, 5, 40, 50]], np.float32)
    landmarks = np.array([[[105, 110], [145, 110], [125, 135], [108, 160], [142, 160]]] * 2, np.float32)
    return Source(image, boxes, landmarks, np.array([True, False]), 0)


def test_mosaics_are_seeded_and_their_truth_lies_on_the_faces() -> None:
    scene = np.full((300, 400, 3), 100, np.uint8)
    mosaics = make_mosaics([marked_source()], [scene], Scripted([]), 5, seed=3)
    again = make_mosaics([marked_source()], [scene], Scripted([]), 5, seed=3)
    other = make_mosaics([marked_source()], [scene], Scripted([]), 5, seed=4)
    assert all((a.image == b.image).all() and (a.boxes == b.boxes).all() for a, b in zip(mosaics, again, strict=True))
    assert any(
        a.boxes.shape != b.boxes.shape or (a.boxes != b.boxes).any() for a, b in zip(mosaics, other, strict=True)
    )
    for made in mosaics:
        assert made.image.shape == (HEIGHT, WIDTH, 3)
        assert len(made.boxes) >= 1
        widths = made.boxes[:, 2] - made.boxes[:, 0]
        assert ((widths >= 10.8) & (widths <= 84)).all()
        for box, points in zip(made.boxes, made.landmarks, strict=True):
            x1, y1, x2, y2 = box
            inside = made.image[round(y1) + 1 : round(y2) - 1, round(x1) + 1 : round(x2) - 1]
            assert (inside > 200).all(), "the white face fills its box"
            assert made.image[round((y1 + y2) / 2), max(0, round(x1) - 2)].max() < 200, "and ends there"
            assert ((points > (x1, y1)) & (points < (x2, y2))).all()


def test_scenes_with_faces_are_not_used() -> None:
    with pytest.raises(ImageError, match="scenes without people"):
        make_mosaics([marked_source()], [np.zeros((100, 100, 3), np.uint8)], Scripted([(A, 0.5)]), 1)
    with pytest.raises(ImageError, match="mosaics need"):
        make_mosaics([], [], Scripted([]), 1)


def test_pictures_without_a_sure_face_are_left_out(tmp_path: Path) -> None:
    peer = Scripted([(A, 0.79)], [(A, 0.9), ((0.0, 0.0, 90.0, 90.0), 0.5)])
    sources = read_sources([tmp_path / "a", tmp_path / "b"], peer, lambda path: np.zeros((250, 250, 3), np.uint8))
    assert len(sources) == 1
    assert sources[0].main == 0
    assert sources[0].sure.tolist() == [True, False]


def test_public_detector_finds_the_faces_of_real_mosaics(shared_data: Path) -> None:
    peer = FaceDetector(load_file(shared_data / "weights" / "yunet_n_dynamic.onnx", "detect", RUNTIME))

    def read(path: Path) -> np.ndarray:
        image = cv2.imread(str(path))
        assert image is not None
        return image

    people = (shared_data / "faces" / "lfw" / "people_dev.txt").read_text("utf-8").split()[:60]
    pictures = [next(iter(sorted((shared_data / "faces" / "lfw" / "images" / p).glob("*.jpg")))) for p in people]
    scenes = [read(path) for path in sorted((shared_data / "scenes" / "t91").iterdir())[:30]]
    mosaics = make_mosaics(read_sources(pictures, peer, read), scenes, peer, 10)
    clean, cctv = evaluate_detection({"peer": peer}, mosaics, peer=peer, degradations=["clean", "cctv:5"])
    assert clean.num_faces > 40
    assert clean.average_precision > 0.95
    assert cctv.average_precision < clean.average_precision
    assert clean.landmark_error_to_peer == pytest.approx(0.0, abs=1e-6)
    assert 0.02 < (clean.landmark_error or 0) < 0.2
