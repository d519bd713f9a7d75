"""What may begin a track: a second look is asked where none is followed yet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.app.selfcheck import demo_clip
from edge.config import DetectConfig, RuntimeConfig
from edge.detect import FaceDetector, HaarDetector, build_detector, in_two_looks
from edge.detect.looks import Candidates
from edge.pipeline.bystanders import cover_everybody, everybody_in
from edge.pipeline.newcomers import search
from edge.records import Track, TrackState
from edge.sessions import Pack

MODELS = Path(__file__).resolve().parents[2] / "models" / "quantized"
NOTHING = Candidates(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros((0, 5, 2), np.float32))


@pytest.fixture
def doubting(monkeypatch: pytest.MonkeyPatch) -> FaceDetector:
    """A detector whose first look finds the portrait with a score of .7, and whose second look sees nothing."""
    detector, _ = in_two_looks(build_detector(DetectConfig(), Pack.open(MODELS), RuntimeConfig(threads=1)))
    assert isinstance(detector, FaceDetector)
    found = detector.detect(demo_clip.portrait())
    found = replace(found, scores=np.full(len(found), 0.7, np.float32))
    assert len(found) == 1
    monkeypatch.setattr(detector, "detect", lambda *_: found)
    monkeypatch.setattr(detector, "_look", lambda *_: NOTHING)
    return detector


@pytest.mark.parametrize(
    ("state", "shift", "expected"),
    [
        (None, 0, 0),
        (TrackState.CONFIRMED, 0, 1),
        (TrackState.TENTATIVE, 0, 0),
        (TrackState.CONFIRMED, 500, 0),
    ],
)
def test_what_no_second_look_sees_begins_no_track(
    doubting: FaceDetector, state: TrackState | None, shift: int, expected: int
) -> None:
    image, tracks = demo_clip.portrait(), []
    if state is not None:
        found = doubting.detect(image)
        x1, y1, x2, y2 = (float(edge) + shift for edge in found.boxes[0])
        tracks = [Track(1, state, (x1, y1, x2, y2), 0.7, found.landmarks[0], 0, 0, 3, 0)]
    assert len(search(doubting, image, 0.3, tracks)) == expected


def test_what_drops_out_is_covered_as_a_bystander_all_the_same(
    doubting: FaceDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be a face after all: a stranger's bowed head must not reach the disk because no track begins there."""
    image = demo_clip.portrait()
    told = doubting.detect(image)
    told = replace(told, doubtful=told.boxes)
    monkeypatch.setattr(doubting, "detect", lambda *_: told)
    found = search(doubting, image, 0.3, ())
    assert len(found) == 0
    covered = cover_everybody(image, everybody_in(found, ()), None)
    left, top, right, bottom = (int(edge) for edge in told.boxes[0])
    assert covered[top:bottom, left:right].std() < 0.5 * image[top:bottom, left:right].std()


def test_other_detectors_are_taken_at_their_word() -> None:
    haar = HaarDetector(min_score=0.1)
    image = demo_clip.portrait()
    np.testing.assert_array_equal(search(haar, image, 0.1, ()).boxes, haar.detect(image, 0.1).boxes)
