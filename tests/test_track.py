"""Scripts of detections with the exact state expected after each frame."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.records import Crop, Detections, Quality, Track, TrackState
from edge.track import BestShots, Tracker, TrackerSettings

T, C, L = TrackState.TENTATIVE, TrackState.CONFIRMED, TrackState.LOST
SHORT = TrackerSettings(confirm_hits=3, tentative_misses=1, max_misses=2, max_gap_frames=10)

Face = tuple[float, float, float, float]
"""Centre x, centre y, side, score."""


def seen(*faces: Face) -> Detections:
    """Detections in the order given."""
    if not faces:
        return Detections.empty()
    boxes = np.array([[x - s / 2, y - s / 2, x + s / 2, y + s / 2] for x, y, s, _ in faces], np.float32)
    marks = np.stack([np.full((5, 2), (x, y), np.float32) for x, y, _, _ in faces])
    return Detections(boxes, np.array([score for *_, score in faces], np.float32), marks)


def brief(tracks: tuple[Track, ...]) -> list[tuple[int, TrackState, int, int | None]]:
    """Id, state, frames seen, detection."""
    return [(t.track_id, t.state, t.num_seen, t.detection) for t in tracks]


def test_a_face_is_tentative_then_confirmed_then_lost_once() -> None:
    tracker = Tracker(SHORT)
    face = (100.0, 100.0, 40.0, 0.9)
    assert brief(tracker.update(0, seen(face))) == [(1, T, 1, 0)]
    assert brief(tracker.update(1, seen(face))) == [(1, T, 2, 0)]
    assert brief(tracker.update(2, seen(face))) == [(1, C, 3, 0)]
    assert brief(tracker.update(3, seen())) == [(1, C, 3, None)]
    assert brief(tracker.update(4, seen(face))) == [(1, C, 4, 0)]
    assert brief(tracker.update(5, seen())) == [(1, C, 4, None)]
    assert brief(tracker.update(6, seen())) == [(1, C, 4, None)]
    (lost,) = tracker.update(7, seen())
    assert brief((lost,)) == [(1, L, 4, None)]
    assert (lost.first_frame_id, lost.last_frame_id) == (0, 4)
    assert lost.box == (80, 80, 120, 120)
    assert tracker.update(8, seen()) == ()


def test_where_every_update_is_far_from_the_last_a_track_is_confirmed_all_the_same() -> None:
    """A camera that is searched once in a hundred frames; one such gap alone is a stall."""
    tracker = Tracker(TrackerSettings())
    face = (100.0, 100.0, 40.0, 0.9)
    assert brief(tracker.update(0, seen(face))) == [(1, T, 1, 0)]
    assert brief(tracker.update(100, seen(face))) == [(1, L, 1, None), (2, T, 1, 0)]
    assert brief(tracker.update(200, seen(face))) == [(2, T, 2, 0)]
    assert brief(tracker.update(300, seen(face))) == [(2, C, 3, 0)]
    assert brief(tracker.update(400, seen())) == [(2, C, 3, None)]
    assert brief(tracker.update(500, seen(face))) == [(2, L, 3, None), (3, T, 1, 0)]


def test_flicker_never_becomes_a_track_that_counts() -> None:
    tracker = Tracker(SHORT)
    blink = (50.0, 50.0, 20.0, 0.9)
    assert brief(tracker.update(0, seen(blink))) == [(1, T, 1, 0)]
    assert brief(tracker.update(1, seen())) == [(1, T, 1, None)]
    assert brief(tracker.update(2, seen())) == [(1, L, 1, None)]
    assert brief(tracker.update(3, seen(blink))) == [(2, T, 1, 0)]
    assert brief(tracker.update(4, seen())) == [(2, T, 1, None)]
    assert brief(tracker.update(5, seen())) == [(2, L, 1, None)]


def test_a_face_found_again_between_searches_is_expected_there() -> None:
    followed, blind = Tracker(SHORT), Tracker(SHORT)
    for tracker in (followed, blind):
        for frame_id in range(3):
            tracker.update(frame_id, seen((100.0 + 2 * frame_id, 100.0, 40.0, 0.9)))
    # It turns round and walks off faster, which no search has seen yet.
    followed.move(8, {1: (0.0, 80.0, 40.0, 120.0)})
    back = (20.0, 100.0, 40.0, 0.9)
    assert brief(followed.update(9, seen(back))) == [(1, C, 4, 0)]
    assert [track.track_id for track in blind.update(9, seen(back))] == [1, 2]


def test_reentry_is_a_new_track() -> None:
    tracker = Tracker(SHORT)
    face = (100.0, 100.0, 40.0, 0.9)
    for frame_id in range(3):
        tracker.update(frame_id, seen(face))
    states = [brief(tracker.update(frame_id, seen())) for frame_id in range(3, 6)]
    assert states == [[(1, C, 3, None)], [(1, C, 3, None)], [(1, L, 3, None)]]
    assert brief(tracker.update(6, seen(face))) == [(2, T, 1, 0)]


def test_crossing_faces_keep_their_tracks() -> None:
    tracker = Tracker(SHORT)
    for frame_id in range(21):
        right = (20.0 + 8 * frame_id, 100.0, 30.0, 0.9)
        left = (180.0 - 8 * frame_id, 104.0, 30.0, 0.8)
        # the detector orders by score, which changes as they cross
        order = (right, left) if frame_id % 2 == 0 else (left, right)
        tracks = tracker.update(frame_id, seen(*order))
        assert [t.track_id for t in tracks] == [1, 2]
        assert [t.box[0] + 15 for t in tracks] == pytest.approx([right[0], left[0]])
    assert [t.state for t in tracks] == [C, C]


def test_a_face_hidden_while_another_passes_comes_back_as_itself() -> None:
    tracker = Tracker(SHORT)
    for frame_id in range(12):
        walker = (20.0 + 12 * frame_id, 100.0, 30.0, 0.9)
        sitter = (80.0, 112.0, 30.0, 0.7)
        hidden = abs(walker[0] - sitter[0]) < 12
        tracks = tracker.update(frame_id, seen(walker) if hidden else seen(walker, sitter))
        assert [t.track_id for t in tracks] == [1, 2]
        assert tracks[0].box[0] + 15 == pytest.approx(walker[0])
        assert (tracks[1].detection is None) == hidden
    assert tracks[1].box[0] + 15 == pytest.approx(80)


def test_a_doubtful_detection_continues_a_track_but_begins_none() -> None:
    tracker = Tracker(SHORT)
    sure, doubtful = (100.0, 100.0, 40.0, 0.9), (100.0, 100.0, 40.0, 0.3)
    for frame_id in range(3):
        tracker.update(frame_id, seen(sure))
    for frame_id in range(3, 9):
        tracks = tracker.update(frame_id, seen(doubtful, (300.0, 100.0, 40.0, 0.5)))
        assert brief(tracks) == [(1, C, frame_id + 1, 0)]
    assert tracks[0].score == pytest.approx(0.3)


def test_what_looks_only_a_little_like_a_face_keeps_no_track_for_ever() -> None:
    """A person leaves before a round lamp: the lamp takes the track, but not for long."""
    tracker = Tracker(replace(SHORT, max_weak_frames=20))
    for number in range(1, 5):
        tracker.update(number, seen((100.0, 100.0, 40.0, 0.9)))
    lamp = seen((102.0, 102.0, 40.0, 0.55))
    lasted = [number for number in range(5, 60) if any(track.state is C for track in tracker.update(number, lamp))]
    assert lasted[-1] == 4 + 20 + SHORT.max_misses

    face = Tracker(replace(SHORT, max_weak_frames=20))
    for number in range(1, 60):
        tracks = face.update(number, seen((100.0, 100.0, 40.0, 0.9 if number % 15 == 1 else 0.55)))
    assert brief(tracks) == [(1, C, 59, 0)], "who is seen well now and then is kept"


def test_a_sure_detection_is_preferred_to_a_doubtful_one() -> None:
    tracker = Tracker(SHORT)
    for frame_id in range(3):
        tracker.update(frame_id, seen((100.0, 100.0, 40.0, 0.9)))
    tracks = tracker.update(3, seen((106.0, 100.0, 40.0, 0.9), (100.0, 100.0, 40.0, 0.4)))
    assert brief(tracks) == [(1, C, 4, 0)]


def test_a_small_fast_face_is_followed_without_any_overlap() -> None:
    tracker = Tracker(SHORT)
    for frame_id in range(6):
        tracks = tracker.update(frame_id, seen((20.0 + 13 * frame_id, 50.0, 12.0, 0.9)))
        assert brief(tracks) == [(1, T if frame_id < 2 else C, frame_id + 1, 0)]


def test_a_neighbour_of_another_size_or_too_far_is_not_the_same_face() -> None:
    tracker = Tracker(SHORT)
    tracker.update(0, seen((50.0, 50.0, 12.0, 0.9)))
    assert brief(tracker.update(1, seen((62.0, 50.0, 24.0, 0.9)))) == [(1, T, 1, None), (2, T, 1, 0)]
    tracker = Tracker(SHORT)
    tracker.update(0, seen((50.0, 50.0, 12.0, 0.9)))
    assert brief(tracker.update(1, seen((70.0, 50.0, 12.0, 0.9)))) == [(1, T, 1, None), (2, T, 1, 0)]


def test_an_unseen_face_moves_on_as_it_did() -> None:
    tracker = Tracker(SHORT)
    for frame_id in range(4):
        tracker.update(frame_id, seen((100.0 + 6 * frame_id, 100.0, 40.0, 0.9)))
    (track,) = tracker.update(4, seen())
    assert track.box == pytest.approx((104, 80, 144, 120))
    assert track.detection is None
    assert track.last_frame_id == 3
    (track,) = tracker.update(5, seen())
    assert track.box == pytest.approx((110, 80, 150, 120))


def test_frames_left_out_are_allowed_for() -> None:
    tracker = Tracker(SHORT)
    for frame_id in (0, 3, 6, 9, 12):
        tracks = tracker.update(frame_id, seen((100.0 + 9 * frame_id, 100.0, 30.0, 0.9)))
    assert brief(tracks) == [(1, C, 5, 0)]
    # after a stall a face in the same place may be anyone
    tracks = tracker.update(40, seen((208.0, 100.0, 30.0, 0.9)))
    assert brief(tracks) == [(1, L, 5, None), (2, T, 1, 0)]


def test_a_source_that_begins_anew_ends_all_tracks() -> None:
    tracker = Tracker(SHORT)
    face = (100.0, 100.0, 40.0, 0.9)
    for frame_id in range(5, 8):
        tracker.update(frame_id, seen(face))
    assert brief(tracker.update(0, seen(face))) == [(1, L, 3, None), (2, T, 1, 0)]


def test_finish_reports_each_track_once() -> None:
    tracker = Tracker(SHORT)
    tracker.update(0, seen((50.0, 50.0, 20.0, 0.9), (150.0, 50.0, 20.0, 0.9)))
    assert brief(tracker.finish()) == [(1, L, 1, None), (2, L, 1, None)]
    assert tracker.finish() == ()
    assert brief(tracker.update(0, seen((50.0, 50.0, 20.0, 0.9)))) == [(3, T, 1, 0)]


def test_without_a_face_there_is_no_track() -> None:
    tracker = Tracker()
    assert tracker.update(0, seen()) == ()
    assert tracker.update(1, seen()) == ()
    assert tracker.finish() == ()


face = st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(4, 40), st.sampled_from([0.3, 0.7, 0.9]))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(face, max_size=4), max_size=12))
def test_every_detection_has_at_most_one_track_and_every_track_ends_once(script: list[list[Face]]) -> None:
    tracker, again = Tracker(SHORT), Tracker(SHORT)
    ended: list[int] = []
    begun: set[int] = set()
    for frame_id, faces in enumerate(script):
        tracks = tracker.update(frame_id, seen(*faces))
        assert brief(tracks) == brief(again.update(frame_id, seen(*faces)))
        used = [t.detection for t in tracks if t.detection is not None]
        assert len(used) == len(set(used))
        assert {i for i, f in enumerate(faces) if f[3] >= 0.6} <= set(used)
        ended += [t.track_id for t in tracks if t.state is L]
        begun |= {t.track_id for t in tracks}
        assert not set(ended) & {t.track_id for t in tracks if t.state is not L}
    ended += [t.track_id for t in tracker.finish()]
    assert sorted(ended) == sorted(begun)


def shot(frame_id: int, score: float) -> Crop:
    quality = Quality(0.7, 0.5, 0.0, 0.0, 30.0, score, {})
    image = np.zeros((112, 112, 3), np.uint8)
    at = dt.datetime(2024, 5, 1, tzinfo=dt.UTC)
    return Crop(frame_id, at, (0, 0, 1, 1), 0.9, np.zeros((5, 2), np.float32), image, quality)


def kept(shots: BestShots) -> list[tuple[int, float]]:
    return [(s.frame_id, s.quality.score) for s in shots.shots]


def test_best_shots_are_the_best_and_spread_over_time() -> None:
    shots = BestShots(max_shots=2, min_gap_frames=3)
    assert shots.shots == ()
    script = [
        (0, 10.0, True, [(0, 10)]),
        (1, 9.0, False, [(0, 10)]),
        (2, 12.0, True, [(2, 12)]),
        (5, 5.0, True, [(2, 12), (5, 5)]),
        (8, 5.0, False, [(2, 12), (5, 5)]),
        (9, 6.0, True, [(2, 12), (9, 6)]),
        (11, 6.0, False, [(2, 12), (9, 6)]),
        (20, 30.0, True, [(20, 30), (2, 12)]),
    ]
    for frame_id, score, taken, left in script:
        assert shots.offer(shot(frame_id, score)) is taken
        assert kept(shots) == left


@settings(deadline=None)
@given(st.lists(st.integers(0, 20), max_size=40), st.integers(1, 5), st.integers(1, 6))
def test_best_shots_keep_the_very_best_and_their_distance(scores: list[int], places: int, gap: int) -> None:
    shots = BestShots(places, gap)
    for frame_id, score in enumerate(scores):
        can_win = shots.can_win(frame_id, float(score))
        assert shots.offer(shot(frame_id, float(score))) is can_win
    frames = sorted(s.frame_id for s in shots.shots)
    assert len(frames) <= places
    assert all(b - a >= gap for a, b in itertools.pairwise(frames))
    if scores:
        assert kept(shots)[0] == (scores.index(max(scores)), max(scores))
