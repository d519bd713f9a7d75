"""Which frames are searched: few where nothing moves, and none too few where somebody is there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.app.build import Models
from edge.app.selfcheck import demo_clip as demo
from edge.capture.sources import open_path
from edge.config import Config
from edge.glance import VIDEO_RANGE, Glance
from edge.pipeline import ActiveList, DeviceFacts, FrameResult, Pipeline
from edge.pipeline.attention import SETTLED_RATE, Attention, Step
from edge.pipeline.pace import Pace
from edge.pixels import compose
from edge.records import Detections, Frame
from tests.support.appliance import packaged_models as models

AT = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
LIVE = Pace.of(Config().detect)
FPS = 25.0
NOBODY = ActiveList.of([], [], 1, "d")
Box = tuple[float, float, float, float]


class Remembering:
    """The pack's detector, which counts searches; a frame, or a region, is searched once however often it is played."""

    def __init__(self, models: Models) -> None:
        self._detector = models.stages.detector
        self._known: dict[tuple[int, tuple[int, ...], bytes], Detections] = {}
        self.number, self.searches = 0, 0

    def detect(self, image: np.ndarray, min_score: float | None = None) -> Detections:
        self.searches += 1
        seen = self.number, image.shape, image[::16, ::16].tobytes()
        if seen not in self._known:
            self._known[seen] = self._detector.detect(image, min_score)
        return self._known[seen]

    def describe(self) -> dict[str, Any]:
        return self._detector.describe()


def play(
    images: Sequence[np.ndarray | AsPlanes], detector: Remembering, pace: Pace, fps: float = FPS
) -> tuple[list[FrameResult], list[int]]:
    """The result of each frame, and the first frame of each track that was good enough to be compared."""
    stages = replace(models().stages, detector=detector, bystander_searcher=None)
    pipeline = Pipeline(Config(), stages, NOBODY, DeviceFacts("box", "test", {}, None, lambda _: {}), pace)
    results, ended = [], []
    for number, image in enumerate(images):
        detector.number = number
        results.append(pipeline.process(Frame(number, "door", AT, round(number / fps * 1e9), image)))
        ended += results[-1].ended
    ended += pipeline.finish("door")
    return results, [end.track.first_frame_id for end in ended if end.num_shots]


class AsPlanes:
    """A frame as a camera's decoder gives it: its luma lies there, the image is another thing."""

    def __init__(self, image: np.ndarray) -> None:
        self.image, self.shape = image, image.shape
        self.glance = Glance(cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420)[: image.shape[0]], VIDEO_RANGE)


def searched(results: Sequence[FrameResult]) -> float:
    return sum(result.is_searched for result in results) / len(results)


@cache
def noise() -> list[np.ndarray]:
    """Sensor noise of eight frames; drawing it anew for each would take longer than the searches."""
    rng = np.random.default_rng(0)
    return [rng.normal(0, 3, (480, 640, 3)).astype(np.float32) for _ in range(8)]


@cache
def room() -> np.ndarray:
    """A wall with a pattern in which no detector sees a face, 640 x 480."""
    rows, columns = np.mgrid[0:480, 0:640]
    wave = 110 + 25 * np.sin(rows / 37) * np.cos(columns / 53) + 12 * np.sin((rows + columns) / 5)
    return np.repeat(wave[:, :, np.newaxis], 3, axis=2).astype(np.uint8)


def seen(image: np.ndarray, number: int, light: float = 0.0) -> np.ndarray:
    """A frame as a sensor sees it, lighter by `light` levels a second."""
    return np.clip(image + (light * number / FPS) + noise()[number * 5 % 8], 0, 255).astype(np.uint8)


def wall(seconds: float, *, light: float = 0.0) -> list[np.ndarray]:
    """Frames of the room without anybody."""
    return [seen(room(), number, light) for number in range(round(seconds * FPS))]


def visitor(seconds: float, fade_s: float, px_per_s: float = 0.0) -> Iterator[np.ndarray]:
    """Frames of somebody who appears within `fade_s`, and stands still or walks."""
    mask = compose.soft_ellipses((512, 512), [((222, 118), (82, 108)), ((225, 420), (175, 210))], 6.0)
    for number in range(round(seconds * FPS)):
        share = np.float32(min(number / FPS / fade_s, 1.0))
        corner = (60 + px_per_s * number / FPS, 100 + 4 * np.sin(number / 4))
        yield seen(compose.paste(room(), demo.portrait(), mask * share, scale=0.7, corner=corner), number)


def jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 1))


@pytest.mark.parametrize("light", [0.0, 4.0])
def test_noise_and_slow_light_are_searched_at_the_idle_rate(light: float) -> None:
    images = wall(8.0, light=light)
    results, _ = play(images, Remembering(models()), LIVE)
    after = results[round(2 * FPS) :]
    assert searched(after) <= 1.2 * LIVE.idle_fps / FPS
    assert searched(after) >= 0.8 * LIVE.idle_fps / FPS, "the slow heartbeat goes on"


@pytest.mark.parametrize(("side", "pace"), [(24, Pace(8.0, 10.0)), (240, Pace(8.0, 2.0))])
def test_what_moves_is_never_searched_less_often_than_stillness(side: int, pace: Pace) -> None:
    """Whatever the settings say, something small, or a busy rate below the idle one, makes no search rarer."""
    images = wall(6.0)
    for number in range(round(2 * FPS), len(images)):
        left = number * 3 % (640 - side)
        images[number][200 : 200 + side, left : left + side] = 255
    attention, searches = Attention(pace), []
    for number, image in enumerate(images):
        frame = Frame(number, "door", AT, round(number / FPS * 1e9), image)
        if attention.choose(frame, ()) is Step.SEARCH:
            attention.note(frame, ())
            searches.append(number)
    while_moving = [number for number in searches if number >= 2 * FPS]
    assert len(while_moving) >= 0.8 * 4 * pace.idle_fps


def test_a_codec_that_pulses_is_learnt() -> None:
    images = [jpeg(image, 70 if number % 25 == 0 else 25) for number, image in enumerate(wall(10.0))]
    results, _ = play(images, Remembering(models()), LIVE)
    assert searched(results[round(6 * FPS) :]) <= 0.3


@pytest.mark.parametrize("fade_s", [0.1, 2.5])
def test_somebody_who_appears_fast_or_slowly_and_stands_still_is_kept(fade_s: float) -> None:
    images = [*wall(2.0), *visitor(fade_s + 3.0, fade_s)]
    detector = Remembering(models())
    exact, first = play(images, detector, Pace())
    paced, first_paced = play(images, detector, LIVE)
    assert min(first_paced) - min(first) <= FPS / LIVE.idle_fps + 1
    there = [number for number, result in enumerate(exact) if result.faces]
    assert all(paced[number].faces for number in there if number >= there[0] + FPS / LIVE.idle_fps + 2)
    assert searched(paced[-round(1.5 * FPS) :]) <= 1.2 * LIVE.busy_fps / FPS, "a face that is surely followed"


def test_boxes_move_with_the_face_between_searches() -> None:
    images = list(visitor(6.0, 0.1, px_per_s=50.0))
    detector = Remembering(models())
    exact, _ = play(images, detector, Pace())
    paced, _ = play(images, detector, LIVE)
    apart = []
    for one, other in zip(exact, paced, strict=True):
        for face in () if other.is_searched else other.faces:
            far = [max(abs(x - y) for x, y in zip(face.box, near.box, strict=True)) for near in one.faces]
            apart.append(min(far, default=1e3) / (face.box[2] - face.box[0]))
    assert len(apart) > 40
    near = [one for one in apart if one < 1]  # where a search of that frame sees the face, too
    assert len(near) > 0.8 * len(apart)
    assert float(np.median(near)) < 0.08
    assert float(np.percentile(near, 95)) < 0.35
    assert searched(paced) < 0.8


def staying(seconds: float) -> list[np.ndarray]:
    """Somebody who stands before the camera for long enough to give all shots."""
    return list(visitor(seconds, 0.1))


def test_a_face_that_gave_all_its_shots_is_searched_more_rarely() -> None:
    images = staying(7.0)
    exact, first = play(images, detector := Remembering(models()), Pace())
    paced, first_paced = play(images, detector, LIVE)
    late = paced[round(3.5 * FPS) :]
    assert len(first_paced) == len(first) == 1
    assert all(result.faces for result in late), "the face is followed in every frame"
    assert searched(late) <= 2 * SETTLED_RATE * LIVE.busy_fps / FPS, "now and then a crop is better, and the next count"
    assert exact[-1].faces


def test_somebody_who_comes_beside_a_settled_face_is_searched_at_once() -> None:
    images = staying(5.0)
    at = round(4.0 * FPS)
    for number in range(at, len(images)):
        # A large thing comes in at the other side: nothing that is known of the face tells of it.
        images[number] = images[number].copy()
        images[number][60:420, 480:] = seen(255 - room(), number)[60:420, 480:]
    paced, _ = play(images, Remembering(models()), LIVE)
    assert any(result.is_searched for result in paced[at : at + round(1.2 * FPS / LIVE.busy_fps) + 1])


def test_a_settled_face_that_goes_out_of_sight_is_searched_at_once() -> None:
    images = [*staying(4.5), *wall(0.5)]
    paced, _ = play(images, Remembering(models()), LIVE)
    gone = round(4.5 * FPS)
    assert paced[gone].is_searched


def ends(results: Sequence[FrameResult]) -> list[int]:
    """The frames in which tracks with a shot ended."""
    return [number for number, result in enumerate(results) for end in result.ended if end.num_shots]


def test_a_place_that_somebody_left_and_where_nothing_changes_is_hardly_searched() -> None:
    images = [*wall(1.5), *visitor(1.5, 0.1), *wall(1.5)]
    gone = 2 * round(1.5 * FPS)
    exact, _ = play(images, detector := Remembering(models()), Pace())
    paced, _ = play(images, detector, LIVE)
    assert len(ends(exact)) == 1
    assert ends(paced) == ends(exact), "he is missed for as many frames"
    assert paced[gone].is_searched
    assert sum(result.is_searched for result in paced[gone : ends(exact)[0]]) <= 3


def test_somebody_who_comes_back_at_once_is_the_same_track_and_found_as_early() -> None:
    images = [*wall(1.5), *visitor(1.5, 0.1), *wall(0.3), *visitor(1.5, 0.01)]
    back = 2 * round(1.5 * FPS) + round(0.3 * FPS)
    exact, first = play(images, detector := Remembering(models()), Pace())
    paced, first_paced = play(images, detector, LIVE)
    seen, seen_paced = (next(n for n in range(back, len(images)) if one[n].faces) for one in (exact, paced))
    assert seen_paced <= seen + 1
    assert len(first_paced) == len(first) == 1


def test_the_same_frames_give_the_same_answers() -> None:
    images = [*wall(1.5), *visitor(2.0, 0.1, px_per_s=80.0)]
    detector = Remembering(models())
    once, again = (play(images, detector, LIVE)[0] for _ in range(2))
    assert [one.is_searched for one in once] == [one.is_searched for one in again]
    assert [one.faces for one in once] == [one.faces for one in again]


def test_the_luma_of_a_decoder_leads_to_the_same_searches_and_faces_as_the_image() -> None:
    images = [*wall(1.5), *visitor(3.0, 0.1, px_per_s=80.0), *wall(1.5)]
    detector = Remembering(models())
    whole, first = play(images, detector, LIVE)
    by_luma, first_by_luma = play([AsPlanes(image) for image in images], detector, LIVE)
    assert len(first_by_luma) == len(first) > 0
    assert abs(searched(by_luma) - searched(whole)) < 0.05
    alike = [one.is_searched == other.is_searched for one, other in zip(whole, by_luma, strict=True)]
    assert float(np.mean(alike)) > 0.9
    for one, other in zip(whole, by_luma, strict=True):
        for face, twin in zip(one.faces, other.faces, strict=False):
            assert max(abs(x - y) for x, y in zip(face.box, twin.box, strict=True)) < 0.1 * (face.box[2] - face.box[0])


def test_the_walk_of_an_installer_sees_every_frame() -> None:
    pipeline = Pipeline(Config(), models().stages, NOBODY, DeviceFacts("box", "test", {}, None, lambda _: {}), LIVE)
    frames = [Frame(n, "door", AT, round(n / FPS * 1e9), image) for n, image in enumerate(wall(2.0))]
    assert all(pipeline.process(frame, must_search=True).is_searched for frame in frames)


@pytest.mark.parametrize("name", ["cctv1.mp4", "one-by-one-person-detection.mp4"])
def test_public_recordings_lose_no_face_and_70_of_100_searches_where_they_are_quiet(
    shared_data: Path, name: str
) -> None:
    with open_path(shared_data / "video" / name) as source:
        shots = list(source.frames())
    images = [shot.image for shot in shots]
    fps = (len(shots) - 1) / ((shots[-1].media_s or 0.0) - (shots[0].media_s or 0.0))
    detector = Remembering(models())
    exact, first = play(images, detector, Pace(), fps)
    paced, first_paced = play(images, detector, LIVE, fps)
    assert len(first_paced) == len(first), "a face was missed"
    moving = _moving(images, fps)
    quiet = [n for n, result in enumerate(exact) if n >= fps and not result.faces and not moving[n]]
    assert len(quiet) > 0.3 * len(images)
    assert sum(paced[n].is_searched for n in quiet) <= 0.3 * len(quiet)


def _moving(images: Sequence[np.ndarray], fps: float) -> np.ndarray:
    """Frames within a quarter of a second of strong change in 2 of 100 pixels: somebody walks through the picture."""
    small = [
        cv2.cvtColor(cv2.resize(image, (160, 90), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY) for image in images
    ]
    step, reach = max(1, round(fps / 10)), max(1, round(fps / 4))
    strong = [False] * step + [
        float(np.mean(cv2.absdiff(now, before) > 14)) > 0.02 for before, now in zip(small, small[step:], strict=False)
    ]
    return np.array([any(strong[max(0, n - reach) : n + reach + 1]) for n in range(len(strong))])
