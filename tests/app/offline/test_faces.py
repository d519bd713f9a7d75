"""What is told of a face that became no hit: the number that the reason is about, and what was needed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from edge.app.offline.faces import Seen, face_to_json, limits_of, note
from edge.config import Config
from edge.pipeline import TrackEnd
from edge.records import Reason, Track, TrackState

BOX = (10.0, 10.0, 50.0, 62.0)


def end(reason: Reason, num_seen: int, quality: float | None = None) -> TrackEnd:
    track = Track(1, TrackState.LOST, BOX, 0.7, np.zeros((5, 2), np.float32), 1, num_seen, num_seen, 0)
    return TrackEnd("clip", track, None, reason, 1, quality)


@pytest.mark.parametrize(
    ("reason", "measured", "needed"),
    [
        (Reason.LOW_SCORE, 2, 3),
        (Reason.TOO_SMALL, 1.0, Config().recognise.min_quality),
        (Reason.TOO_FEW_SHOTS, 1, Config().recognise.min_shots),
        (Reason.BLUR, 1.0, Config().recognise.min_quality),
    ],
)
def test_the_number_is_the_one_that_the_reason_is_about(reason: Reason, measured: float, needed: float) -> None:
    seen: dict[int, Seen] = {}
    one = end(reason, 2, 1.0)
    note(seen, one.track, 7, 0.28)
    told = face_to_json(one, seen[1], (640, 360), limits_of(Config(), is_stills=False))
    assert (told["measured"], told["needed"]) == (measured, needed)
    assert told["by_quality"] == (needed == Config().recognise.min_quality)


def test_a_face_is_too_small_by_its_box_or_by_its_quality() -> None:
    """A page that says "too small" beside 40 px would leave open what is wanted."""
    limits, one = limits_of(Config(), is_stills=False), end(Reason.TOO_SMALL, 9, 12.0)
    far = dataclasses.replace(one.track, box=(10.0, 10.0, 22.0, 30.0))
    for track, told in ((far, (12.0, 16.0, False)), (one.track, (12.0, Config().recognise.min_quality, True))):
        seen: dict[int, Seen] = {}
        note(seen, track, 7, 0.28)
        found = face_to_json(dataclasses.replace(one, track=track), seen[1], (640, 360), limits)
        assert (found["measured"], found["needed"], found["by_quality"]) == told


def test_a_face_that_was_never_followed_has_passed_the_detectors_limit() -> None:
    """Its score says nothing then: a page that said "0.70, 0.60 needed" would contradict itself."""
    told = face_to_json(end(Reason.LOW_SCORE, 1), None, (640, 360), limits_of(Config(), is_stills=False))
    assert told["measured"] < told["needed"]
    told = face_to_json(end(Reason.LOW_SCORE, 1), None, (640, 360), limits_of(Config(), is_stills=True))
    assert told["needed"] is None, "of one picture nothing is followed"
