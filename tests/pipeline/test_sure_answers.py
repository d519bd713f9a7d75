"""Whose answer is sure gives no more shots than could change it, and is rarely compared with its own."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from edge.pipeline.face import TrackedFace
from edge.pipeline.limits import limits_of
from edge.records import Reason
from tests.support.tracked import (
    LANDMARKS,
    SETTINGS,
    Script,
    at_similarity,
    axis,
    frame_of,
    list_of,
    play,
    shots_taken,
    track_of,
)


@pytest.fixture(autouse=True)
def equal_quality(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every crop of the script is as good as the others."""
    from edge.pipeline import shots

    measured = shots.measure
    monkeypatch.setattr(shots, "measure", lambda *a: dataclasses.replace(measured(*a), score=50.0))


@pytest.mark.parametrize(
    ("sure_by", "is_continued", "similarity", "taken"),
    [
        (0.15, True, 0.22, 5),  # one more than an answer needs
        (0.15, True, 0.18, 4),  # twice as far below the limit of .5
        (0.15, True, 0.4, 8),  # not far below the limit of .5
        (0.15, True, 0.6, 8),  # recognised, but not far above it
        (0.15, True, 0.7, 5),  # surely recognised
        (0.15, True, 0.85, 4),
        (0.15, False, 0.7, 8),
        (0.15, False, 0.2, 8),  # it may be somebody else by now
        (None, True, 0.2, 8),  # as with files
    ],
)
def test_who_is_surely_nobody_or_somebody_gives_no_more_shots(
    sure_by: float | None, is_continued: bool, similarity: float, taken: int
) -> None:
    face = TrackedFace(SETTINGS, 1.0, sure_by)
    face.is_continued = is_continued
    assert shots_taken(face, similarity) == taken
    assert face.is_settled == (taken < 8)


def test_somebody_on_the_list_to_whom_a_strangers_track_jumped_is_a_face_anew() -> None:
    face = TrackedFace(SETTINGS, 1.0, 0.15)
    face.is_continued = True
    assert shots_taken(face, 0.1) == 4
    face.is_continued = False  # for one search alone; the pixels of the newcomer are followed from then on
    assert not face.add_shot(frame_of(40), track_of(40), 16, Script(axis(0)))  # type: ignore[arg-type]
    assert face.is_doubtful
    assert not face.is_settled
    face.is_continued = True
    changed = [face.has_changed(frame_of(n), track_of(n), Script(axis(0))) for n in (41, 43)]  # type: ignore[arg-type]
    assert changed == [False, True]


def test_a_stranger_lost_for_a_moment_gives_one_more_shot_that_is_like_his_others() -> None:
    face = TrackedFace(SETTINGS, 1.0, 0.15)
    face.is_continued = True
    assert shots_taken(face, 0.1) == 4
    face.is_continued = False
    assert face.add_shot(frame_of(40), track_of(40), 16, Script(at_similarity(0.1)))  # type: ignore[arg-type]
    face.is_continued = True
    assert not face.add_shot(frame_of(43), track_of(43), 16, Script())  # type: ignore[arg-type]


def test_who_is_like_two_people_on_the_list_gives_all_shots() -> None:
    face = TrackedFace(SETTINGS, 1.0, 0.15)
    face.is_continued = True
    active_list = list_of(axis(0), at_similarity(0.95))
    limits, script = limits_of(SETTINGS, active_list), Script(*[0.98 * axis(0) - 0.2 * axis(5)] * 8)
    for number in range(0, 24, 3):
        assert face.add_shot(frame_of(number), track_of(number), 16, script)  # type: ignore[arg-type]
        match = face.answer(active_list, limits)
    assert match is not None
    assert match.person_id == "p0"
    assert SETTINGS.min_margin < match.margin
    assert not face.is_settled


@pytest.mark.parametrize(("score", "is_taken"), [(54.0, False), (56.0, True)])
def test_a_better_picture_of_somebody_recognised_is_still_taken(
    monkeypatch: pytest.MonkeyPatch, score: float, is_taken: bool
) -> None:
    from edge.pipeline import shots

    face = TrackedFace(SETTINGS, 1.0, 0.15)
    face.is_continued = True
    assert shots_taken(face, 0.9) == 4
    measured = shots.measure
    monkeypatch.setattr(shots, "measure", lambda *a: dataclasses.replace(measured(*a), score=score))
    taken = face.add_shot(frame_of(40), track_of(40), 16, Script(at_similarity(0.9)))  # type: ignore[arg-type]
    assert taken is is_taken
    assert face.best is not None
    assert (face.best[0].frame_id == 40) is is_taken
    assert face.is_settled is not is_taken, "what is better is searched for often again"


def test_a_clearly_better_shot_of_a_stranger_is_still_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    from edge.pipeline import shots

    face = TrackedFace(SETTINGS, 1.0, 0.15)
    face.is_continued = True
    assert shots_taken(face, 0.22) == 5
    measured = shots.measure
    monkeypatch.setattr(shots, "measure", lambda *a: dataclasses.replace(measured(*a), score=64.0))
    assert face.add_shot(frame_of(40), track_of(40), 16, Script(at_similarity(0.9)))  # type: ignore[arg-type]
    assert not face.is_settled, "so that it is searched often again"


@pytest.mark.parametrize("score", [50.0, 82.0])
def test_a_crop_whose_size_and_pose_can_not_make_it_a_shot_is_not_measured(
    monkeypatch: pytest.MonkeyPatch, score: float
) -> None:
    from edge.pipeline import shots
    from edge.pixels.measures.quality import highest_score

    asked, measured = [], shots.measure
    monkeypatch.setattr(shots, "measure", lambda *a: asked.append(1) or dataclasses.replace(measured(*a), score=score))
    face = TrackedFace(SETTINGS, 1.0, 0.15)
    face.is_continued = True
    assert shots_taken(face, 0.22) == 5
    can_win = highest_score(LANDMARKS, track_of(0).box) >= 1.25 * score
    assert can_win == (score == 50.0), "the highest score of this face lies between the two"
    assert len(asked) == (8 if can_win else 5)


def test_a_face_without_an_answer_is_measured_so_that_its_refusal_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from edge.pipeline import face as face_module

    monkeypatch.setattr(face_module, "highest_score", lambda *a: 0.0)
    face = TrackedFace(SETTINGS.model_copy(update={"min_quality": 60.0}))
    assert not face.add_shot(frame_of(0), track_of(0), 16, Script())  # type: ignore[arg-type]
    assert face.reason is not Reason.TOO_FEW_SHOTS


def test_who_is_enrolled_while_in_view_gives_shots_again() -> None:
    face = TrackedFace(SETTINGS, 1.0, 0.15)
    face.is_continued = True
    assert shots_taken(face, 0.22) == 5
    enrolled = 0.6 * at_similarity(0.2) + 0.8 * axis(7)
    face.answer(list_of(enrolled), limits_of(SETTINGS, list_of(axis(0))))
    assert face.add_shot(frame_of(40), track_of(40), 16, Script(at_similarity(0.2)))  # type: ignore[arg-type]


def test_a_face_whose_pixels_were_followed_is_compared_with_its_shots_every_two_seconds() -> None:
    face = TrackedFace(SETTINGS)
    play(face, list_of(axis(0)), [at_similarity(0.9)] * 4)

    def compared(numbers: range) -> list[int]:
        seen, script = frame_of(0), Script(*[at_similarity(0.9)] * 99)
        found = []
        for number in numbers:
            left = len(script._left)
            frame = dataclasses.replace(seen, frame_id=number)
            assert not face.has_changed(frame, track_of(number), script)  # type: ignore[arg-type]
            found += [number] * (len(script._left) < left)
        return found

    face.is_continued = True
    assert compared(range(30, 160, 3)) == [30, 90, 150]
    face.is_continued = False
    assert compared(range(162, 170, 3)) == [162, 165, 168]
    face.is_continued = True
    assert compared(range(171, 231, 3)) == [228], "two seconds after the last one, at 30 frames a second"
    face.is_continued = False
    assert compared(range(229, 230)) == [], "three frames lie between two, as before"
    face.is_continued = True
    assert compared(range(231, 235)) == [231], "what could not be followed is made up for"


def test_a_face_that_was_just_compared_with_its_shots_is_not_embedded_again() -> None:
    face = TrackedFace(SETTINGS)
    assert play(face, list_of(axis(0)), [at_similarity(0.9)] * 2) == ["p0", "p0"]
    only = Script(at_similarity(0.8))
    assert not face.has_changed(frame_of(30), track_of(30), only)  # type: ignore[arg-type]
    assert face.add_shot(frame_of(30), track_of(30), 16, only)  # type: ignore[arg-type]
    assert np.array_equal(face._embeddings[30], at_similarity(0.8))
    with pytest.raises(IndexError):  # another frame is
        face.add_shot(frame_of(33), track_of(33), 16, only)  # type: ignore[arg-type]


def test_landmarks_are_settled_for_the_crops_that_are_measured_alone() -> None:
    face, limits, active_list = (
        TrackedFace(SETTINGS, 1.0, 0.15),
        limits_of(SETTINGS, list_of(axis(0))),
        list_of(axis(0)),
    )
    face.is_continued = True
    asked: list[int] = []

    def settle(image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        asked.append(1)
        return landmarks + np.float32(1.5)

    for number in range(0, 12, 3):
        script = Script(at_similarity(0.1))
        assert face.add_shot(frame_of(number), track_of(number), 16, script, settle=settle)  # type: ignore[arg-type]
        face.answer(active_list, limits)
    assert len(asked) == 4
    assert face.best is not None
    np.testing.assert_array_equal(face.best[1].landmarks, LANDMARKS + np.float32(1.5))
    turned = dataclasses.replace(
        track_of(12), landmarks=LANDMARKS + np.array([[0, 0]] * 2 + [[26, 0]] + [[0, 0]] * 2, np.float32)
    )
    assert not face.add_shot(frame_of(12), turned, 16, Script(), settle=settle)  # type: ignore[arg-type]
    assert len(asked) == 4, "a face too turned to become a shot is not looked at again"


def test_a_face_whose_settled_landmarks_leave_the_frame_is_no_shot() -> None:
    face = TrackedFace(SETTINGS)
    outside = lambda image, landmarks: landmarks - np.float32(260)  # noqa: E731
    assert not face.add_shot(frame_of(0), track_of(0), 16, Script(), settle=outside)  # type: ignore[arg-type]
    assert face.reason is Reason.EDGE
