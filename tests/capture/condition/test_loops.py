"""Streams that play seconds to minutes again and again, and live ones that only look so; frames are some samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.capture.condition import courses, moments
from edge.capture.condition.courses import Courses, change_of
from edge.capture.condition.moments import Moments, agreed

Samples = NDArray[np.uint8]
Scene = Callable[[float], NDArray[np.float64]]
ROWS, COLUMNS = np.mgrid[:24, :24].astype(np.float64)
YARD = np.random.default_rng(5).uniform(60, 180, (24, 24))
STEP_S = 0.1


def walkers(seed: int, seconds: float, every_s: float) -> Scene:
    """A yard through which people walk, at their own times and speeds and on their own ways."""
    rng = np.random.default_rng(seed)
    people = [
        (float(rng.uniform(at_s, at_s + every_s)), *rng.uniform((3, 6, -8, 2), (9, 18, 8, 4)))
        for at_s in np.arange(0, seconds, every_s)
    ]

    def at(now_s: float) -> NDArray[np.float64]:
        picture = YARD.copy()
        for begin_s, takes_s, row, slope, size in people:
            part = (now_s - begin_s) / takes_s
            if 0 <= part <= 1:
                near = (ROWS - row - slope * part) ** 2 / (2 * size**2) + (COLUMNS - 28 * part + 2) ** 2 / size**2
                picture -= 50 * np.exp(-near)
        return picture

    return at


def stream(scene: Scene, seconds: float, noise: float, seed: int = 1) -> list[Samples]:
    """Frames of a scene, with a sensor's noise that is new in each."""
    rng = np.random.default_rng(seed)
    return [frame(scene(number * STEP_S), noise, rng) for number in range(round(seconds / STEP_S))]


def frame(picture: NDArray[np.float64], noise: float, rng: np.random.Generator) -> Samples:
    return np.clip(picture + noise * rng.standard_normal(picture.shape), 0, 255).astype(np.uint8)


def again(recorded: list[Samples], times: int, noise: float = 0.0, fade: int = 0) -> Iterator[Samples]:
    """A recording played `times` times; with other coding each time, and its end blended into its beginning."""
    rng = np.random.default_rng(9)
    for number in range(times * (len(recorded) - fade)):
        part = number % (len(recorded) - fade)
        picture = recorded[part].astype(np.float64)
        if part < fade and number >= len(recorded) - fade:
            share = (part + 1) / (fade + 1)
            picture = share * picture + (1 - share) * recorded[len(recorded) - fade + part]
        yield frame(picture, noise, rng) if noise else picture.astype(np.uint8)


def with_clock(frames: Iterator[Samples]) -> Iterator[Samples]:
    """A clock over the lowest rows, which never shows the same twice."""
    for number, one in enumerate(frames):
        one = one.copy()
        one[-4:, :6] = number // 10 % 200
        one[-4:, 0] = number // 2000
        yield one


def told(watch: Moments | Courses, frames: list[Samples] | Iterator[Samples], begin_s: float = 0.0) -> list[float]:
    """Seconds at which the answer changed, the first one to a loop."""
    changes: list[float] = []
    for number, one in enumerate(frames):
        watch.look(one, begin_s + number * STEP_S)
        if watch.is_looped != len(changes) % 2:
            changes.append(round(number * STEP_S, 1))
    return changes


@pytest.mark.parametrize("period_s", [9.0, 40.0, 290.0])
def test_a_quiet_scene_played_again_bit_by_bit_is_a_loop_under_a_clock_too(period_s: float) -> None:
    recorded = stream(lambda _: YARD, period_s, noise=1.5)
    found = told(Moments(), with_clock(again(recorded, 2 if period_s > 100 else 3)))
    assert len(found) == 1
    assert period_s < found[0] <= period_s + 16


def test_a_loop_that_ends_is_over() -> None:
    watch = Moments()
    recorded = stream(lambda _: YARD, 30, noise=1.5)
    live = stream(lambda _: YARD, 60, noise=1.5, seed=2)
    begins, ends = told(watch, [*again(recorded, 3), *live])
    assert begins < 50
    assert 90 < ends <= 90 + moments.WINDOW_S


@pytest.mark.parametrize("key_frame_s", [2.0, 7.0])
def test_a_scene_without_noise_and_its_key_frames_are_no_loop(key_frame_s: float) -> None:
    """A coder begins anew with each key frame, the same each time where nothing moves."""
    steps = round(key_frame_s / STEP_S)
    frames = [(YARD + max(0, 3 - number % steps)).astype(np.uint8) for number in range(3000)]
    assert told(Moments(), frames) == []
    assert told(Courses(), frames) == []


def test_a_live_camera_is_no_loop_however_quiet() -> None:
    frames = stream(walkers(1, 900, 40), 900, noise=1.0)
    assert told(Moments(), frames) == []
    assert told(Courses(), frames) == []


def test_what_moves_tells_a_loop_that_was_coded_anew_with_a_soft_seam() -> None:
    recorded = stream(walkers(1, 60, 12), 60, noise=0.5)
    frames = list(with_clock(again(recorded, 4, noise=1.0, fade=13)))
    assert told(Moments(), frames) == []
    watch = Courses()
    found = told(watch, frames)
    assert len(found) == 1
    assert 80 < found[0] <= 140
    assert watch.lag == pytest.approx(58.7 / courses.LOOK_S, abs=1)


def test_a_loop_of_five_minutes_is_told_and_ends() -> None:
    recorded = stream(walkers(1, 290, 12), 290, noise=0.5)
    live = stream(walkers(7, 120, 12), 120, noise=0.5)
    watch = Courses()
    begins, ends = told(watch, [*again(recorded, 2, noise=1.0), *live])
    assert 300 < begins <= 380
    assert 580 < ends <= 660


def lamp(at_s: float) -> NDArray[np.float64]:
    """A lamp that lights one side for six seconds of twenty."""
    return np.asarray(YARD * (1 + 0.4 * (at_s % 20 < 6) * COLUMNS / 24))


def advertisements(light: NDArray[np.float64]) -> Scene:
    """A screen whose advertisements begin anew each half minute: what lies in its light changes with it."""
    levels = np.random.default_rng(3).uniform(0, 60, (30, 24, 24))
    return lambda at_s: YARD + levels[int(at_s) % 30] * light


ROOM = 1.5 - COLUMNS / 24
SMALL = ((ROWS < 5) & (COLUMNS < 5)).astype(np.float64)


@pytest.mark.parametrize(
    "scene",
    [
        lamp,
        lambda at_s: YARD * (1 + 0.3 * np.sin(2 * np.pi * at_s / 12 + COLUMNS / 6)),  # a light that turns
        lambda at_s: YARD + advertisements(np.ones((24, 24)))(at_s)[0, 0] * ROOM,
        advertisements(SMALL),
        lambda at_s: advertisements(np.ones((24, 24)))(at_s % 5),  # a machine that fills the picture, with its beat
    ],
)
def test_lamps_and_screens_that_repeat_themselves_are_no_loop(scene: Scene) -> None:
    frames = stream(scene, 240, noise=1.0)
    assert told(Moments(), frames) == []
    assert told(Courses(), frames) == []


def test_a_recording_that_we_play_again_is_none() -> None:
    recorded = stream(walkers(1, 60, 12), 60, noise=1.5)
    for watch in (Moments(), Courses()):
        for number in range(4):
            watch.begin()
            assert told(watch, recorded, number * 60.0) == []


def test_after_a_silence_courses_begin_anew() -> None:
    recorded = stream(walkers(1, 60, 12), 60, noise=0.5)
    watch = Courses()
    assert len(told(watch, again(recorded, 3))) == 1
    watch.look(recorded[0], 180 + 2 * courses.MAX_GAP_S)
    assert not watch.is_looped
    assert not watch.alike().any()


def test_what_all_areas_have_in_common_is_no_change() -> None:
    before = np.linspace(0, 90, 144, dtype=np.float32)
    assert not change_of(before + 20, before).any()
    now = before + 20
    now[3] += 40
    now[5] += 1
    assert np.flatnonzero(change_of(now, before)).tolist() == [3]


def test_most_moments_agree_on_a_time() -> None:
    assert agreed([]) == (0.0, 0)
    back = [(30.0, 10.0), (30.1, 10.0), (31.0, 11.05), (40.0, 2.0)]
    lag_s, num_back = agreed(back)
    assert lag_s == pytest.approx(20.0)
    assert num_back == 2
