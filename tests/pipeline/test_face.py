"""One track, scripted: early when sure, regular, late at the end; gray apart; masked; two look-alikes stay unnamed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from edge.config import CameraConfig, DetectConfig, MaskConfig
from edge.pipeline.face import TrackedFace
from edge.pipeline.limits import limits_of, same_model
from edge.records import Reason
from edge.thresholds import Thresholds
from edge.watchlist.calibration import calibrate
from tests.support.tracked import AT, DIM, SETTINGS, Script, at_similarity, axis, frame_of, list_of, play, track_of


@pytest.fixture(autouse=True)
def equal_quality(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every crop of the script is as good as the others."""
    from edge.pipeline import shots

    measured = shots.measure
    monkeypatch.setattr(shots, "measure", lambda *a: dataclasses.replace(measured(*a), score=50.0))


def test_sure_is_early_and_stays_while_the_usual_limits_hold() -> None:
    face = TrackedFace(SETTINGS)
    assert play(face, list_of(axis(0)), [at_similarity(0.7), at_similarity(0.5)]) == ["p0", "p0"]
    assert face.timing == "early"


def test_not_sure_waits_for_enough_shots() -> None:
    face = TrackedFace(SETTINGS)
    assert play(face, list_of(axis(0)), [at_similarity(0.55)] * 4) == [None, None, None, "p0"]
    assert face.timing == "regular"


def test_fusion_finds_what_no_single_shot_shows() -> None:
    """Four shots of .45, each with noise of its own, point at the person together."""
    shots = [(0.45 * axis(0) + np.sqrt(1 - 0.45**2) * axis(number)).astype(np.float32) for number in range(1, 5)]
    active_list = list_of(axis(0), axis(10))
    assert max(float(shot @ axis(0)) for shot in shots) < SETTINGS.min_similarity
    assert play(TrackedFace(SETTINGS), active_list, shots)[-1] == "p0"


def test_the_end_of_a_short_track_is_a_late_answer() -> None:
    face, active_list = TrackedFace(SETTINGS), list_of(axis(0))
    assert play(face, active_list, [at_similarity(0.55)] * 2) == [None, None]
    assert face.reason is Reason.TOO_FEW_SHOTS
    match = face.answer(active_list, limits_of(SETTINGS, active_list), is_last=True)
    assert match is not None
    assert (match.person_id, face.timing) == ("p0", "late")
    assert face.best is not None
    assert face.decision(DetectConfig(), face.best[1])["timing"] == "late"


def test_look_alikes_get_no_name_however_many_shots() -> None:
    twin = (axis(0) + 0.2 * axis(1)).astype(np.float32)
    active_list = list_of(axis(0), twin / np.linalg.norm(twin))
    face = TrackedFace(SETTINGS)
    assert play(face, active_list, [(axis(0) + 0.09 * axis(1)) / np.float32(np.hypot(1, 0.09))] * 6) == [None] * 6
    assert face.reason is Reason.BELOW_MARGIN


def test_gray_shots_have_limits_of_their_own() -> None:
    active_list = dataclasses.replace(
        list_of(axis(0)), thresholds=Thresholds({"color": 0.5, "gray": 0.8}, 0.0, 100, "m", "d", AT)
    )
    vectors = [at_similarity(0.7)] * 4
    assert play(TrackedFace(SETTINGS), active_list, vectors)[-1] == "p0"
    face = TrackedFace(SETTINGS)
    assert play(face, active_list, vectors, gray=True)[-1] is None
    assert (face.kind, face.reason) == ("gray", Reason.NO_MATCH)


def test_a_masked_face_is_not_looked_at() -> None:
    face = TrackedFace(SETTINGS)
    camera = CameraConfig(name="a", source="v4l2:0", masks=(MaskConfig(x=0.0, y=0.0, width=0.32, height=1.0),))
    assert not face.add_shot(frame_of(0), track_of(0), 16, Script(), camera)  # type: ignore[arg-type]
    assert face.reason is Reason.MASKED
    elsewhere = CameraConfig(name="a", source="v4l2:0", masks=(MaskConfig(x=0.6, y=0.0, width=0.3, height=1.0),))
    assert face.add_shot(frame_of(0), track_of(0), 16, Script(axis(0)), elsewhere)  # type: ignore[arg-type]


def test_limits_come_from_calibration_where_there_is_one() -> None:
    rng = np.random.default_rng(1)
    strangers = rng.normal(size=(3000, DIM)).astype(np.float32)
    strangers /= np.linalg.norm(strangers, axis=1, keepdims=True)
    active_list = list_of(axis(0))
    made = calibrate(active_list.gallery, {"color": strangers}, 0.06)
    active_list = dataclasses.replace(active_list, calibration=made)
    color, gray = limits_of(SETTINGS, active_list)["color"], limits_of(SETTINGS, active_list)["gray"]
    assert color.min_similarity == 0.5
    assert color.source == "configuration"
    assert color.expected_false_alerts.startswith("about 1 in ")
    assert gray.expected_false_alerts == "not calibrated"
    assert color.min_similarity <= color.early_similarity <= 0.6
    kept = Thresholds({"color": 0.77}, 0.1, 1000, "m", "d", AT)
    calibrated = limits_of(SETTINGS, dataclasses.replace(active_list, thresholds=kept))
    assert (calibrated["color"].min_similarity, calibrated["color"].min_margin) == (0.77, 0.1)
    assert (calibrated["color"].source, calibrated["gray"].source) == ("calibration", "configuration")
    assert same_model(kept, "m") is kept
    assert same_model(kept, "another model") is None


def test_a_shot_is_known_by_its_frame_and_its_place() -> None:
    face = TrackedFace(SETTINGS)
    play(face, list_of(axis(0)), [at_similarity(0.7)] * 2)
    shot = face.shot_at(3, track_of(3).box)
    assert shot is not None
    assert shot.frame_id == 3
    assert face.shot_at(3, (10, 10, 50, 50)) is None, "another face of that frame"
    assert face.shot_at(6, track_of(6).box) is None


def test_every_gate_is_told_with_its_limit() -> None:
    face = TrackedFace(SETTINGS)
    play(face, list_of(axis(0), axis(7)), [at_similarity(0.7)] * 4)
    assert face.best is not None
    told = face.decision(DetectConfig(), face.best[1])
    gates = {gate["gate"]: (gate["value"], gate["limit"]) for gate in told["gates"]}
    assert gates["similarity"] == (pytest.approx(0.7, abs=1e-3), 0.5)
    assert gates["margin"] == (pytest.approx(0.7, abs=1e-3), 0.06)
    assert gates["shots"] == (4, 4)
    assert set(gates) == {"detector_score", "face_px", "quality", "shots", "similarity", "margin"}
    assert len(told["shots"]) == 4


def test_new_masks_are_painted_over_the_frame_that_a_hit_would_keep() -> None:
    face = TrackedFace(SETTINGS)
    masked = CameraConfig(name="door", source="v4l2:0", masks=(MaskConfig(x=0.5, y=0, width=0.5, height=1),))
    face.hide(masked)
    assert face.best is None
    play(face, list_of(axis(0)), [at_similarity(0.7)])
    assert face.best is not None
    (frame, crop), before = face.best, face.best[0].image.copy()
    face.hide(masked)
    hidden, middle = face.best[0].image, before.shape[1] // 2
    assert not hidden[:, middle:].any()
    assert np.array_equal(hidden[:, :middle], before[:, :middle])
    assert np.array_equal(frame.image, before), "the frame itself belongs to others, too"
    assert face.best[1] is crop
