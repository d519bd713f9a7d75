"""Which part of a frame is searched, and what that finds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge.app.build import load_models
from edge.app.selfcheck import demo_clip as demo
from edge.config import Config
from edge.pipeline import ActiveList, DeviceFacts, FrameResult, Pipeline
from edge.pipeline.attention import Attention, Step
from edge.pipeline.bystanders import bystanders_of, everybody_in
from edge.pipeline.pace import Pace
from edge.pipeline.regions import LEAST_PX, Region, detect_in, region_of
from edge.pixels import compose
from edge.pixels.scene.change import small_gray
from edge.records import Detections, Frame, Track, TrackState

AT = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
LIVE = Pace.of(Config().detect)
FPS = 25.0
SIDE_PX = Config().detect.max_side_px
Box = tuple[float, float, float, float]


def changed(*cells: tuple[int, int]) -> np.ndarray:
    """A small copy of a frame of 1280 x 720 px with these (x, y) changed."""
    found = np.zeros((90, 160), np.bool_)
    for x, y in cells:
        found[y, x] = True
    return found


@pytest.mark.parametrize("cells", [[(60, 20)], [(90, 60)], [(80, 40)], [(70, 30), (90, 50)]])
@pytest.mark.parametrize("faces", [[], [(600.0, 300.0, 640.0, 340.0)]])
def test_a_region_holds_what_changed_and_the_faces(cells: list[tuple[int, int]], faces: list[Box]) -> None:
    region = region_of(changed(*cells), faces, (720, 1280, 3), SIDE_PX)
    assert region is not None
    left, top, right, bottom = region
    assert 0 <= left < right <= 1280
    assert 0 <= top < bottom <= 720
    for x, y in cells:
        assert left <= 8 * x
        assert 8 * x + 8 <= right
        assert top <= 8 * y
        assert 8 * y + 8 <= bottom
    for x1, y1, x2, y2 in faces:
        side = x2 - x1
        assert left <= x1 - side
        assert top <= y1 - side
        assert right >= x2 + side
        assert bottom >= y2 + side
    assert min(right - left, bottom - top) >= LEAST_PX


@pytest.mark.parametrize("corner", [(0, 0), (159, 0), (0, 89), (159, 89)])
def test_a_region_ends_with_the_frame(corner: tuple[int, int]) -> None:
    region = region_of(changed(corner), [], (720, 1280, 3), SIDE_PX)
    assert region is not None
    left, top, right, bottom = region
    assert (left == 0) == (corner[0] == 0)
    assert (right == 1280) == (corner[0] > 0)
    assert (top == 0) == (corner[1] == 0)
    assert (bottom == 720) == (corner[1] > 0)
    assert min(right - left, bottom - top) >= LEAST_PX // 2


@given(
    height=st.sampled_from([16, 64, 480, 700, 1080, 4320]),
    width=st.sampled_from([16, 33, 64, 600, 1080, 4320]),
    place=st.tuples(st.floats(0, 0.999), st.floats(0, 0.999)),
)
@example(height=4320, width=64, place=(0.5, 0.999))
def test_a_region_lies_around_what_changed_whatever_the_shape_of_the_frame(
    height: int, width: int, place: tuple[float, float]
) -> None:
    rows, columns = small_gray(np.zeros((height, width), np.uint8)).shape
    column, row = int(place[0] * columns), int(place[1] * rows)
    apart = np.zeros((rows, columns), np.bool_)
    apart[row, column] = True
    region = region_of(apart, [], (height, width, 3), SIDE_PX)
    if region is not None:
        left, top, right, bottom = region
        assert left <= column * width / columns < (column + 1) * width / columns <= right + 1e-6
        assert top <= row * height / rows < (row + 1) * height / rows <= bottom + 1e-6


def test_what_would_cost_as_much_as_the_whole_is_no_region() -> None:
    assert region_of(changed((2, 2), (150, 80)), [], (720, 1280, 3), SIDE_PX) is None
    assert region_of(changed((0, 0), (60, 60)), [], (720, 1280, 3), SIDE_PX) is None, "square, so larger when shrunk"
    assert region_of(changed((80, 40)), [], (120, 160, 3), SIDE_PX) is None, "a frame smaller than a region"


class Fixed:
    """Finds the same boxes in whatever it is shown."""

    def __init__(self, *boxes: Box) -> None:
        self.boxes = np.array(boxes, np.float32).reshape(-1, 4)
        self.shown: tuple[int, ...] = ()

    def detect(self, image: np.ndarray, min_score: float | None = None) -> Detections:
        self.shown = image.shape
        count = len(self.boxes)
        points = self.boxes[:, np.newaxis, :2] + np.ones((count, 5, 2), np.float32)
        return Detections(self.boxes, np.full(count, 0.9, np.float32), points, self.boxes)

    def describe(self) -> dict[str, object]:
        return {}


def test_what_is_found_in_a_region_lies_in_the_frame() -> None:
    detector, image = Fixed((20, 30, 60, 80)), np.zeros((720, 1280, 3), np.uint8)
    found = detect_in(detector, image, (100, 200, 400, 500), 0.5, np.zeros((0, 4), np.float32))
    assert detector.shown == (300, 300, 3)
    assert found.boxes.tolist() == [[120, 230, 160, 280]]
    assert found.landmarks[0, 0].tolist() == [121, 231]
    assert found.doubtful is not None
    assert found.doubtful.tolist() == [[120, 230, 160, 280]]
    assert not found.is_whole


@pytest.mark.parametrize(
    ("region", "box", "is_kept"),
    [
        ((100, 200, 400, 500), (0, 30, 60, 80), False),
        ((100, 200, 400, 500), (20, 250, 60, 299), False),
        ((0, 200, 300, 500), (0, 30, 60, 80), True),  # the frame itself ends there
        ((980, 420, 1280, 720), (240, 250, 299, 300), True),
    ],
)
def test_half_a_face_at_the_border_of_a_region_is_left_out(region: Region, box: Box, *, is_kept: bool) -> None:
    image, nobody = np.zeros((720, 1280, 3), np.uint8), np.zeros((0, 4), np.float32)
    assert len(detect_in(Fixed(box), image, region, 0.5, nobody)) == is_kept
    known = np.array([box], np.float32) + np.array(region[:2] * 2, np.float32)
    assert len(detect_in(Fixed(box), image, region, 0.5, known)) == 1, "somebody who is followed stays"


def test_a_region_does_not_tell_who_else_is_in_the_frame() -> None:
    nobody = np.zeros((0, 4), np.float32)
    track = Track(1, TrackState.CONFIRMED, (0, 0, 9, 9), 0.9, np.zeros((5, 2), np.float32), 0, 0, 5, None)
    for is_whole in (True, False):
        found = Detections(nobody, np.zeros(0, np.float32), np.zeros((0, 5, 2), np.float32), nobody, is_whole)
        assert bystanders_of(track, found, (track,)).is_searched == is_whole
        assert everybody_in(found, (track,)).is_searched == is_whole
        assert found.only(np.zeros(0, np.bool_)).is_whole == is_whole


def place() -> np.ndarray:
    """A wall with a pattern, 1280 x 720."""
    rows, columns = np.mgrid[0:720, 0:1280]
    wave = 110 + 25 * np.sin(rows / 37) * np.cos(columns / 53) + 12 * np.sin((rows + columns) / 5)
    return np.repeat(wave[:, :, np.newaxis], 3, axis=2).astype(np.uint8)


def walk(scale: float, seconds: float = 3.0) -> list[np.ndarray]:
    """A second of the wall, then somebody walks before it, his face 92 px wide times `scale`."""
    mask = compose.soft_ellipses((512, 512), [((222, 118), (82, 108)), ((225, 420), (175, 210))], 6.0)
    rng = np.random.default_rng(0)
    noise = [rng.normal(0, 2, (720, 1280, 3)).astype(np.int16) for _ in range(4)]
    wall, frames = place(), []
    for number in range(round((1 + seconds) * FPS)):
        image, at_s = wall, number / FPS - 1
        if at_s >= 0:
            image = compose.paste(wall, demo.portrait(), mask, scale=scale, corner=(300 + 60 * at_s, 250))
        frames.append(np.asarray(cv2.add(image, noise[number % 4], dtype=cv2.CV_8U), np.uint8))
    return frames


def play(images: Sequence[np.ndarray], pace: Pace, *, must_search: bool = False) -> list[FrameResult]:
    stages = load_models(Config()).stages
    nobody = ActiveList.of([], [], 1, "d")
    pipeline = Pipeline(Config(), stages, nobody, DeviceFacts("box", "test", {}, None, lambda _: {}), pace)
    frames = [Frame(number, "door", AT, round(number / FPS * 1e9), image) for number, image in enumerate(images)]
    return [pipeline.process(frame, must_search=must_search) for frame in frames]


def test_somebody_too_far_away_for_the_whole_frame_is_found_where_he_moves() -> None:
    images = walk(0.17)
    assert not any(result.faces for result in play(images, Pace())), "16 px are 8 px once the frame is shrunk"
    results = play(images, LIVE)
    there = results[round(1.5 * FPS) :]
    assert np.mean([bool(result.faces) for result in there]) > 0.8
    wide = [face.box[2] - face.box[0] for result in there for face in result.faces]
    assert 10 < float(np.median(wide)) < 24


def test_files_and_an_installers_walk_are_searched_as_a_whole() -> None:
    images = walk(0.17, seconds=0.6)
    for results in (play(images, Pace()), play(images, LIVE, must_search=True)):
        assert all(result.is_searched and result.detections.is_whole for result in results)


def test_the_whole_frame_is_searched_as_often_as_where_nothing_moves() -> None:
    attention, whole, parts = Attention(LIVE), [], []
    for number, image in enumerate(walk(0.3, seconds=5.0)):
        frame = Frame(number, "door", AT, round(number / FPS * 1e9), image)
        if attention.choose(frame, ()) is Step.SEARCH:
            region = attention.region(frame, (), SIDE_PX)
            attention.note(frame, (), is_whole=region is None)
            (whole if region is None else parts).append(number)
            if region is not None and number > FPS + 1:
                x = 300 + 60 * (number / FPS - 1) + 222 * 0.3
                assert region[0] < x < region[2]
                assert region[1] < 250 + 118 * 0.3 < region[3]
    gaps = np.diff([number for number in whole if number > FPS])
    assert 3 <= len(gaps) < len(parts)
    assert gaps.max() <= FPS / LIVE.idle_fps + FPS / LIVE.busy_fps
