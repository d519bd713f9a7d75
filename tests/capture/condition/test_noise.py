"""A machine that repeats itself before a live camera, and a recording: only in the latter the noise comes back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.capture.condition.courses import Courses
from edge.capture.condition.moments import Moments
from edge.capture.condition.noise import Noise, still_samples
from edge.capture.condition.recurrence import Recurrence

Picture = NDArray[np.float64]
Scene = Callable[[float], Picture]
ROWS, COLUMNS = np.mgrid[:24, :24].astype(np.float64)
WALL = np.random.default_rng(5).uniform(60, 180, (24, 24))
STEP_S = 0.1


def near(x: float, y: float, size: float) -> Picture:
    return np.asarray(np.exp(-((COLUMNS - x) ** 2 + (ROWS - y) ** 2) / (2 * size**2)))


def junction(at_s: float) -> Picture:
    """Six traffic lights by night, in three groups, and what lies in their light."""
    picture = WALL * 0.2
    for number, (x, y) in enumerate([(5, 7), (19, 8), (8, 5), (16, 6), (2, 14), (22, 15)]):
        second = (at_s - 10 * (number // 2)) % 30
        level = 1.0 if second < 7 else 0.7 if second < 9 else 0.45
        picture = picture + level * (160 * near(x, y, 0.8) + 40 * near(x, y + 5, 2.5))
    return picture


def robot(at_s: float) -> Picture:
    """An arm that does the same every twenty seconds."""
    part = 2 * np.pi * at_s / 20
    x, y = 12 + 8 * np.sin(part) + 2 * np.sin(3 * part + 1), 12 + 6 * np.cos(2 * part)
    return np.asarray(WALL + 120 * near(x, y, 2) - 60 * near((x + 12) / 2, (y + 24) / 2, 2))


def screen(at_s: float) -> Picture:
    """Advertisements on a third of the picture, which begin anew each half minute."""
    shown = np.random.default_rng(int(at_s) % 30).uniform(0, 255, (8, 3))
    picture = WALL.copy()
    picture[4:18, 4:19] = np.kron(shown, np.ones((2, 5)))[:14]
    return picture


def escalator(at_s: float) -> Picture:
    """Steps that pass every .8 s, over a third of the picture."""
    return np.asarray(WALL + 45 * np.sign(np.sin(2 * np.pi * (ROWS / 4 - at_s / 0.8))) * (abs(COLUMNS - 12) < 4))


def fan(at_s: float) -> Picture:
    """Three blades under a ceiling, one turn in 2.4 s."""
    angle = np.arctan2(ROWS - 12, COLUMNS - 12)
    blades = np.cos(3 * (angle - 2 * np.pi * at_s / 2.4)) > 0.7
    return np.asarray(WALL - 60 * (blades & (np.hypot(ROWS - 12, COLUMNS - 12) < 10)))


def noisy(picture: Picture, noise: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    return np.clip(np.rint(picture + noise * rng.standard_normal(picture.shape)), 0, 255).astype(np.uint8)


def frames(scene: Scene, seconds: float, noise: float, seed: int = 1) -> list[NDArray[np.uint8]]:
    rng = np.random.default_rng(seed)
    return [noisy(scene(number * STEP_S), noise, rng) for number in range(round(seconds / STEP_S))]


def coded_anew(recorded: list[NDArray[np.uint8]], times: int, noise: float) -> list[NDArray[np.uint8]]:
    rng = np.random.default_rng(2)
    return [noisy(one.astype(np.float64), noise, rng) for one in recorded * times]


@pytest.mark.parametrize("scene", [junction, robot, screen])
def test_what_repeats_itself_for_minutes_before_a_live_camera_is_no_loop(scene: Scene) -> None:
    watches = Recurrence(), Moments(), Courses()
    for number, one in enumerate(frames(scene, 150, noise=1.5)):
        for watch in watches:
            watch.look(one, number * STEP_S)
            assert not watch.is_looped, (type(watch).__name__, number * STEP_S)


def test_a_recording_of_such_a_scene_is_a_loop_though_it_was_coded_anew() -> None:
    watch = Courses()
    told = [
        number * STEP_S
        for number, one in enumerate(coded_anew(frames(robot, 20, noise=1.5), 6, noise=1.0))
        if watch.look(one, number * STEP_S) or watch.is_looped
    ]
    assert told
    assert 20 < told[0] < 100


@pytest.mark.parametrize("scene", [escalator, fan])
@pytest.mark.parametrize("noise", [0.7, 2.0])
def test_what_turns_or_runs_before_a_live_camera_is_no_loop(scene: Scene, noise: float) -> None:
    watch = Recurrence()
    for number, one in enumerate(frames(scene, 40, noise)):
        watch.look(one, number * STEP_S)
        assert not watch.is_looped, number * STEP_S


def test_some_seconds_of_such_a_scene_again_and_again_are() -> None:
    watch = Recurrence()
    for number, one in enumerate(frames(escalator, 5.6, noise=2.0) * 4):
        watch.look(one, number * STEP_S)
    assert watch.is_looped


def test_noise_is_back_only_after_the_time_after_which_it_is() -> None:
    watch = Noise()
    for number, one in enumerate(frames(lambda _: WALL, 40, noise=1.5) * 3):
        watch.note(one, number * STEP_S)
    assert watch.is_back(40.0)
    assert watch.is_back(41.0), "it is searched for around"
    assert not watch.is_back(30.0)
    watch.begin()
    assert not watch.is_back(40.0)


def test_what_can_t_be_told_is_not_back() -> None:
    """Neither without noise, nor where a coder brings the same back with each of its key frames."""
    clean, coded = Noise(), Noise()
    key_frames = [noisy(WALL, 1.5, np.random.default_rng(number)) for number in range(20)]
    for number in range(900):
        clean.note(WALL.astype(np.uint8), number * STEP_S)
        coded.note(key_frames[number % 20], number * STEP_S)
    assert not clean.is_back(40.0)
    assert not coded.is_back(40.0)


def test_samples_under_a_mask_and_those_that_move_are_not_still() -> None:
    grain = np.random.default_rng(1).integers(-3, 4, (60, 200)).astype(np.int16)
    grain[:, :60] = 0
    grain[::2, 150:] += 40
    assert np.flatnonzero(still_samples(grain, 0.5)).tolist() == list(range(60, 150))
    grain[::2, 120:150] += 40
    assert not still_samples(grain, 0.5).any(), "most of what is seen moves"
    assert still_samples(grain, 0.3).any()
    assert not still_samples(np.zeros((60, 200), np.int16), 0.3).any()
