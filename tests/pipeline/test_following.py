"""Which frames are chosen, by scripts of tracks: each face is followed by itself, who is gone is missed."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import cv2
import numpy as np
import pytest

from edge.config import Config
from edge.pipeline.attention import Attention, Step
from edge.pipeline.pace import Pace
from edge.records import Frame, Track, TrackState

AT = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
LIVE = Pace.of(Config().detect)
FPS = 25.0
Box = tuple[float, float, float, float]
FIRST, SECOND, THIRD = (40.0, 60.0, 100.0, 120.0), (300.0, 80.0, 360.0, 140.0), (480.0, 300.0, 540.0, 360.0)


def followed(*places: Box, tentative: tuple[int, ...] = (), unseen: tuple[int, ...] = ()) -> list[Track]:
    """Tracks at those places, numbered from 1; confirmed and seen but for those named."""
    points = np.zeros((5, 2), np.float32)
    return [
        Track(
            number,
            TrackState.TENTATIVE if number in tentative else TrackState.CONFIRMED,
            place,
            0.9,
            points,
            0,
            0,
            5,
            None if number in unseen else number,
        )
        for number, place in enumerate(places, start=1)
    ]


def textured(*places: Box) -> np.ndarray:
    """A gray picture with a pattern of its own at each place."""
    image = np.full((480, 640, 3), 90, np.uint8)
    for x1, y1, x2, y2 in (tuple(map(int, place)) for place in places):
        rng = np.random.default_rng(x1)
        image[y1:y2, x1:x2] = cv2.resize(rng.integers(0, 255, (8, 8, 3), np.uint8), (x2 - x1, y2 - y1))
    return image


def at(number: int, image: np.ndarray) -> Frame:
    return Frame(number, "door", AT, round(number / FPS * 1e9), image)


def test_the_first_second_is_searched_as_often_as_where_much_moves() -> None:
    attention, image, searches = Attention(LIVE), textured(FIRST), []
    for number in range(round(FPS)):
        if attention.choose(at(number, image), ()) is Step.SEARCH:
            attention.note(at(number, image), ())
            searches.append(number)
    assert searches[0] == 0
    assert 0.8 * LIVE.busy_fps <= len(searches) <= LIVE.busy_fps + 1


def test_a_face_that_is_lost_leaves_the_others_what_is_known_of_them() -> None:
    attention = Attention(LIVE)
    attention.choose(at(0, textured(FIRST, SECOND)), ())
    attention.note(at(0, textured(FIRST, SECOND)), followed(FIRST, SECOND))
    assert attention.choose(at(1, textured(SECOND)), followed(FIRST, SECOND)) is Step.SEARCH
    assert attention.continued(followed(FIRST, SECOND)) == {2}
    assert attention.continued(followed(FIRST, THIRD)) == set(), "found, but not where its pixels are"
    attention.note(at(1, textured(SECOND)), followed(FIRST, SECOND, unseen=(2,)))
    assert attention.continued(followed(FIRST, SECOND)) == set(), "the next frame was searched unasked, as in a walk"


@pytest.mark.parametrize("kind", ["tentative", "unseen"])
def test_a_face_that_is_not_sure_is_searched_and_the_others_are_followed_on(kind: str) -> None:
    attention, image = Attention(LIVE), textured(FIRST, SECOND)
    tracks = followed(FIRST, SECOND, **{kind: (1,)})
    attention.choose(at(0, image), ())
    attention.note(at(0, image), tracks)
    assert attention.choose(at(1, image), tracks) is Step.SEARCH
    assert attention.continued(followed(FIRST, SECOND)) == {2}


@pytest.mark.parametrize(
    ("doubtful", "kind", "missed"),
    [
        ([], "unseen", 22),
        ([THIRD], "unseen", 22),
        ([FIRST], "unseen", 8),  # something like a face is still there: searched as where little moves
        ([(105.0, 60.0, 130.0, 120.0)], "unseen", 8),  # or beside it
        (None, "unseen", 8),  # a detector that doesn't tell
        ([], "tentative", 0),
    ],
)
def test_a_face_that_is_gone_is_missed_without_a_search_while_nothing_changes(
    doubtful: list[Box] | None, kind: str, missed: int
) -> None:
    attention, image = Attention(LIVE), textured(SECOND)
    for number in range(60):
        if attention.choose(at(number, image), ()) is Step.SEARCH:
            attention.note(at(number, image), ())
    tracks = followed(FIRST, **{kind: (1,)})
    attention.note(at(60, image), tracks, None if doubtful is None else np.array(doubtful, np.float32).reshape(-1, 4))
    steps = [attention.choose(at(61 + number, image), tracks) for number in range(30)]
    assert steps == [Step.MISS] * missed + [Step.SEARCH] * (30 - missed)
    attention.note(at(100, image), tracks, np.zeros((0, 4), np.float32))
    assert attention.choose(at(101, textured(SECOND, FIRST)), tracks) is Step.SEARCH, "a change"


def test_with_the_gate_off_a_face_that_is_gone_is_searched_in_every_frame() -> None:
    attention, image = Attention(replace(LIVE, idle_fps=0.0)), textured(SECOND)
    tracks = followed(FIRST, unseen=(1,))
    attention.choose(at(0, image), ())
    attention.note(at(0, image), tracks, np.zeros((0, 4), np.float32))
    assert attention.choose(at(1, image), tracks) is Step.SEARCH


@pytest.mark.parametrize("is_settled", [False, True])
def test_a_camera_that_changes_its_size_among_faces_is_searched_as_a_whole(*, is_settled: bool) -> None:
    attention, tracks = Attention(LIVE), followed(FIRST)
    attention.choose(at(0, textured(FIRST)), ())
    attention.note(at(0, textured(FIRST)), tracks)
    wide = np.ascontiguousarray(textured(FIRST)[:360])
    chosen = next(n for n in range(1, 9) if attention.choose(at(n, wide), tracks, is_settled=is_settled) is Step.SEARCH)
    assert attention.region(at(chosen, wide), tracks, 640) is None
