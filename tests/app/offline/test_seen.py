"""What is told of a face that became no hit: the number that the reason is about, and what was needed."""

from __future__ import annotations

import numpy as np
import pytest

from edge.app.offline.seen import Seen, limits_of, note, where
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
        (Reason.TOO_SMALL, 40.0, Config().detect.min_face_px),
        (Reason.TOO_FEW_SHOTS, 1, Config().recognise.min_shots),
        (Reason.BLUR, 1.0, Config().recognise.min_quality),
    ],
)
def test_the_number_is_the_one_that_the_reason_is_about(reason: Reason, measured: float, needed: float) -> None:
    seen: dict[int, Seen] = {}
    one = end(reason, 2, 1.0)
    note(seen, one.track, 7, 0.28)
    told = where(one, seen[1], (640, 360), limits_of(Config(), is_stills=False))
    assert (told["measured"], told["needed"]) == (measured, needed)


def test_a_face_that_was_never_followed_has_passed_the_detectors_limit() -> None:
    """Its score says nothing then: a page that said "0.70, 0.60 needed" would contradict itself."""
    told = where(end(Reason.LOW_SCORE, 1), None, (640, 360), limits_of(Config(), is_stills=False))
    assert told["measured"] < told["needed"]
    told = where(end(Reason.LOW_SCORE, 1), None, (640, 360), limits_of(Config(), is_stills=True))
    assert told["needed"] is None, "of one picture nothing is followed"
