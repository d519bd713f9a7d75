"""A head that leans: each look, turned by what the one before has found, places its points better."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.app.selfcheck import demo_clip
from edge.config import DetectConfig, RuntimeConfig
from edge.detect import build_detector, in_two_looks, upright
from edge.pixels.faces.geometry import ARCFACE_POINTS
from edge.pixels.resize import resize
from edge.sessions import Pack

MODELS = Path(__file__).resolve().parents[2] / "models" / "quantized"


def error(points: np.ndarray, truth: np.ndarray) -> float:
    """Mean distance in eye distances."""
    return float(np.linalg.norm(points - truth, axis=1).mean() / np.linalg.norm(truth[1] - truth[0]))


@pytest.mark.parametrize("degrees", [-40, 35, 45])
def test_the_points_of_a_head_that_leans_are_placed_in_several_looks(
    degrees: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = build_detector(DetectConfig(), Pack.open(MODELS), RuntimeConfig(threads=1))
    first, settle = in_two_looks(detector)
    assert settle is not None
    image = cv2.copyMakeBorder(resize(demo_clip.portrait(), 320, 320), 60, 60, 60, 60, cv2.BORDER_REPLICATE)
    turn = cv2.getRotationMatrix2D((220, 220), degrees, 1)
    leaning = np.asarray(cv2.warpAffine(image, turn, (440, 440), borderMode=cv2.BORDER_REPLICATE), np.uint8)
    truth = detector.detect(image).landmarks[0] @ turn[:, :2].T + turn[:, 2]
    points = first.detect(leaning).landmarks[0]
    several = error(settle(leaning, points), truth)
    np.testing.assert_array_equal(detector.detect(leaning).landmarks[0], settle(leaning, points))
    monkeypatch.setattr(upright, "LEANING_DEG", 360.0)
    assert several < 0.08
    assert several < 0.75 * error(settle(leaning, points), truth), "than by one look"


def test_a_face_leans_where_a_look_turned_the_line_of_its_eyes() -> None:
    for degrees, is_leaning in ((7.5, False), (8.5, True), (-8.5, True), (0.0, False)):
        angle = np.deg2rad(degrees)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        turned = np.asarray(ARCFACE_POINTS @ turn.T + 30, np.float32)
        assert upright.leans(ARCFACE_POINTS, turned) is is_leaning
