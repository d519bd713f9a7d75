"""Whether a camera still sees its scene: states after each look, faults put into a picture, and repeated pictures."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from edge.arrays import BgrImage
from edge.capture.child import sight_of
from edge.capture.condition.recurrence import Recurrence
from edge.capture.condition.sight import (
    ACCEPT_MOVED_S,
    ENTER_FROZEN_S,
    ENTER_MOVED_S,
    ENTER_S,
    LEAVE_S,
    SceneWatch,
    Verdict,
    fault_of,
)
from edge.capture.condition.stillness import is_repeated
from edge.capture.health import SIGHT_ADVICE, CaptureReport, HealthLimits, seen_as, state_of
from edge.capture.ring import Phase, Sight
from edge.config import MaskConfig
from edge.pixels.scene import injected
from edge.pixels.scene.tamper import SceneMeasures
from edge.records import CameraState

COVERED, MOVED, FROZEN = CameraState.COVERED, CameraState.MOVED, CameraState.FROZEN


def scene(seed: int = 1) -> BgrImage:
    """A yard of boxes and lines, 240 x 320."""
    rng = np.random.default_rng(seed)
    image = np.full((240, 320, 3), 110, np.uint8)
    for x, y, width, height, color in rng.integers((0, 0, 6, 6, 20), (310, 230, 60, 60, 220), (120, 5)):
        image[y : y + height, x : x + width] = color
    return image


SNOW = np.random.default_rng(2)


def measures(**changes: float) -> SceneMeasures:
    values = {
        "luma": 100.0, "bright": 0.0, "bright_before": 0.0, "structured": 1.0, "num_compared": 40, "alike": 1.0,
        "coarse_alike": 1.0, "lost": 0.0, "detail": 1.0,
    }  # fmt: skip
    return SceneMeasures(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "is_still", "fault"),
    [
        ({}, True, None),
        ({"lost": 0.9, "alike": 0.0, "coarse_alike": 0.3}, True, COVERED),
        ({"lost": 0.9, "alike": 0.9, "detail": 0.9}, True, None),  # dim light
        ({"detail": 0.4}, True, CameraState.DEFOCUSED),
        ({"detail": 0.1, "alike": 0.1, "lost": 1.0}, True, CameraState.DEFOCUSED),
        ({"alike": 0.2, "coarse_alike": 0.3}, True, MOVED),
        ({"alike": 0.2, "coarse_alike": 0.3}, False, None),  # a crowd
        ({"shift": 0.12, "alike": 0.42, "coarse_alike": 0.65}, True, MOVED),  # a corridor, whose doors are all alike
        ({"shift": 0.12, "alike": 0.42, "coarse_alike": 0.65}, False, None),
        ({"shift": 0.02, "alike": 0.42, "coarse_alike": 0.65}, True, None),  # a lorry was parked before it
        ({"detail": 10.0, "alike": 0.0, "coarse_alike": 0.1}, False, COVERED),  # snow
        ({"detail": 10.0, "alike": 0.0, "coarse_alike": 0.9}, False, None),  # noise of the night
        ({"bright": 0.8}, True, CameraState.WASHED_OUT),
        ({"bright": 0.8, "bright_before": 0.7}, True, None),  # snow
        ({"luma": 5.0, "lost": 1.0, "alike": 0.0, "coarse_alike": 0.0}, True, None),  # dark is judged elsewhere
        ({"num_compared": 0, "structured": 0.0}, False, COVERED),
        ({"num_compared": 0, "structured": 0.5}, False, None),
        ({"num_compared": 0, "structured": 0.0, "bright": 1.0}, False, CameraState.WASHED_OUT),
    ],
)
def test_what_one_measurement_shows(changes: dict[str, float], is_still: bool, fault: CameraState | None) -> None:
    assert fault_of(measures(**changes), is_still=is_still) is fault


def test_the_state_after_each_look() -> None:
    verdict = Verdict()
    script: list[tuple[float, CameraState | None, CameraState | None]] = [
        (0.0, None, None),
        (1.0, COVERED, None),
        (1.0 + ENTER_S - 0.5, COVERED, None),
        (1.0 + ENTER_S, COVERED, COVERED),
        (10.0, None, COVERED),
        (10.0 + LEAVE_S - 0.1, None, COVERED),
        (14.2, COVERED, COVERED),  # back before its end: the same state goes on
        (15.0, None, COVERED),
        (15.0 + LEAVE_S, None, None),
        (20.0, COVERED, None),
        (27.0, MOVED, None),  # another fault shows: its own time begins
        (27.0 + ENTER_S, MOVED, None),
        (27.0 + ENTER_MOVED_S, MOVED, MOVED),
        (50.0, FROZEN, MOVED),
        (50.0 + ENTER_FROZEN_S, FROZEN, FROZEN),
    ]
    for at_s, showing, state in script:
        assert verdict.update(showing, at_s) is state, at_s
    assert verdict.since_s == 50.0


def watch(frames: list[tuple[float, BgrImage]], scene_watch: SceneWatch) -> list[CameraState | None]:
    said: list[CameraState | None] = []
    for at_s, image in frames:
        scene_watch.look(image, at_s)
        if not said or said[-1] is not scene_watch.state:
            said.append(scene_watch.state)
    return said


def noisy(image: BgrImage, at_s: float, rng: np.random.Generator) -> BgrImage:
    return injected.light(image, 1 + 0.05 * np.sin(at_s / 20), 2.0, rng)


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (lambda image: injected.cover(image, 60, 1.0, 0.3), COVERED),
        (lambda image: injected.cover(image, 60, 0.85, 0.3), COVERED),
        (lambda image: injected.defocus(image, 0.012), CameraState.DEFOCUSED),
        (lambda image: injected.turn(image, 0.3, 0.1), MOVED),
        (lambda image: injected.wash_out(image, 3.0, 150), CameraState.WASHED_OUT),
        (lambda image: injected.turn(image, 0.06, 0.0), MOVED),
        (lambda image: SNOW.integers(0, 256, image.shape).astype(np.uint8), COVERED),
        (lambda image: injected.light(image, 0.3, 2.0, np.random.default_rng(0)), None),
        (lambda image: injected.lamp(image, 0.2, 0.3, 2.0), None),
    ],
)
def test_a_fault_is_said_and_ends_by_itself(change: Callable[[BgrImage], BgrImage], state: CameraState | None) -> None:
    rng, before = np.random.default_rng(1), scene()
    frames = [(s, noisy(change(before) if 30 <= s < 60 else before, s, rng)) for s in np.arange(0, 80, 0.5)]
    scene_watch = SceneWatch()
    assert watch(frames, scene_watch) == ([None] if state is None else [None, state, None])


def test_somebody_before_the_lens_for_a_moment_is_no_fault() -> None:
    rng, before = np.random.default_rng(1), scene()
    near = injected.cover(before, 80, 0.9, 0.2)
    frames = [(s, noisy(near if 30 <= s < 35 else before, s, rng)) for s in np.arange(0, 60, 0.5)]
    assert watch(frames, SceneWatch()) == [None]


def test_another_view_is_the_scene_after_half_a_day() -> None:
    rng, scene_watch = np.random.default_rng(1), SceneWatch()
    watch([(s, noisy(scene(), s, rng)) for s in np.arange(0, 30, 0.5)], scene_watch)
    watch([(s, noisy(scene(2), s, rng)) for s in np.arange(30, 60, 0.5)], scene_watch)
    assert scene_watch.state is MOVED
    later = 60 + ACCEPT_MOVED_S
    watch([(s, noisy(scene(2), s, rng)) for s in np.arange(later, later + 40, 0.5)], scene_watch)
    found = scene_watch.found
    assert found is not None
    assert (scene_watch.verdict.state, found.alike > 0.9) == (None, True)


def test_what_lies_under_a_mask_does_not_count() -> None:
    rng, before = np.random.default_rng(1), scene()
    scene_watch = SceneWatch((MaskConfig(x=0, y=0, width=0.5, height=1),))
    other = before.copy()
    other[:, :160] = scene(2)[:, :160]
    frames = [(s, noisy(other if s >= 30 else before, s, rng)) for s in np.arange(0, 60, 0.5)]
    assert watch(frames, scene_watch) == [None]


def test_a_repeated_picture_under_a_clock_is_told_from_a_quiet_scene() -> None:
    rng, before = np.random.default_rng(1), scene()
    live = [(s, noisy(before, s, rng)) for s in np.arange(0, 60, 0.5)]
    assert watch(live, SceneWatch()) == [None]
    held = [
        (s, injected.recode(injected.clock(before, int(s)), int(rng.integers(78, 87)))) for s in np.arange(60, 100, 0.5)
    ]
    assert watch(live + held, SceneWatch()) == [None, FROZEN]


def loop_of(seconds: float, fps: float, noise: float, rng: np.random.Generator) -> list[BgrImage]:
    """A stretch of a yard in which a lamp swings, with the noise of its sensor."""
    before = scene()
    return [
        injected.light(injected.lamp(before, 0.3 + 0.2 * np.sin(2 * np.pi * n / fps / 2), 0.3, 1.5), 1, noise, rng)
        for n in range(round(seconds * fps))
    ]


@pytest.mark.parametrize(("period_s", "step_s"), [(2.0, 0.04), (2.0, 0.5), (3.2, 0.1), (6.0, 0.1)])
def test_a_stream_that_repeats_some_seconds_under_a_clock_is_frozen(period_s: float, step_s: float) -> None:
    rng = np.random.default_rng(1)
    again = loop_of(period_s, 1 / step_s, 2.0, rng)
    found = Recurrence()
    times = np.arange(0, 24, step_s)
    first = None
    for number, at_s in enumerate(times):
        image = injected.clock(again[number % len(again)], int(at_s))
        found.look(image[::10, ::10, 1].copy(), at_s)
        first = at_s if found.is_looped and first is None else first
    assert found.is_looped
    assert first is not None
    assert first <= period_s + 8


def test_a_blinking_lamp_and_a_swinging_one_are_live() -> None:
    rng, before = np.random.default_rng(1), scene()
    found = Recurrence()
    for number in range(600):
        at_s = number * 0.04
        is_on = number // 25 % 2 == 0
        image = injected.lamp(before, 0.3 + 0.2 * np.sin(np.pi * at_s), 0.3, 2.0 if is_on else 1.0)
        noisy_image = injected.light(image, 1.0 if is_on else 0.6, 2.0, rng)
        found.look(noisy_image[::10, ::10, 1].copy(), at_s)
        assert not found.is_looped


def test_samples_that_are_black_or_white_say_nothing() -> None:
    looks = np.full((30, 20, 20), 255, np.uint8)
    assert not is_repeated(looks)
    assert is_repeated(np.full((30, 20, 20), 90, np.uint8))


def test_every_sight_is_a_state() -> None:
    assert seen_as(Sight.CLEAR) is None
    assert {seen_as(sight) for sight in Sight} - {None} == set(SIGHT_ADVICE)


def test_a_loop_is_frozen_with_a_sentence_of_its_own() -> None:
    def sentence(sight: Sight) -> str:
        report = CaptureReport(
            Phase.STREAMING, 0.0, True, 0.0, 0.0, "", "", 0, is_running=True, sight=seen_as(sight),
            is_looped=sight is Sight.LOOPED,
        )  # fmt: skip
        state, told = state_of(report, HealthLimits(4.0), "")
        assert state is FROZEN
        return told

    assert "minutes again and again" in sentence(Sight.LOOPED)
    assert "the same picture" in sentence(Sight.FROZEN)


def test_a_stream_that_plays_half_a_minute_again_is_looped() -> None:
    rng, before = np.random.default_rng(1), scene()
    recorded = [noisy(before, at_s, rng) for at_s in np.arange(0, 30, 0.5)]
    frames = [(number * 0.5, recorded[number % 60]) for number in range(3 * 60)]
    scene_watch = SceneWatch()
    assert watch(frames, scene_watch) == [None, FROZEN]
    assert (scene_watch.is_looped, sight_of(scene_watch)) == (True, Sight.LOOPED)
    live = [(number * 0.5, noisy(before, number * 0.5, rng)) for number in range(180, 260)]
    assert watch(live, scene_watch) == [FROZEN, None]
    assert (scene_watch.is_looped, sight_of(scene_watch)) == (False, Sight.CLEAR)


def test_one_picture_that_is_coded_anew_each_time_stays_a_loop_whatever_it_is_like() -> None:
    """Its copies come back after any time; no more than half of the looks agree on one."""
    rng, found, at_s = np.random.default_rng(1), Recurrence(), 0.0
    copies = rng.integers(60, 200, (4, 24, 24)).astype(np.uint8)
    for number in range(60):
        at_s += 0.5
        found.look(copies[number % 4], at_s)
    assert found.is_looped
    number = 0
    for step in rng.integers(1, 4, 200):
        number = (number + step) % 4
        at_s += 0.5
        found.look(copies[number], at_s)
        assert found.is_looped
    for _ in range(30):
        at_s += 0.5
        found.look(rng.integers(60, 200, (24, 24)).astype(np.uint8), at_s)
    assert not found.is_looped


def larger(image: BgrImage) -> BgrImage:
    return np.asarray(cv2.resize(image, (640, 480), interpolation=cv2.INTER_CUBIC), np.uint8)


def stretched(image: BgrImage) -> BgrImage:
    return np.asarray(cv2.resize(image, (320, 180), interpolation=cv2.INTER_AREA), np.uint8)


def cropped(image: BgrImage) -> BgrImage:
    return np.ascontiguousarray(image[:, 60:260])


def on_its_side(image: BgrImage) -> BgrImage:
    return np.ascontiguousarray(np.rot90(image))


@pytest.mark.parametrize(
    ("change", "state"), [(larger, None), (stretched, None), (cropped, MOVED), (on_its_side, MOVED)]
)
def test_another_size_of_the_same_view_is_no_fault_and_another_view_is_told(
    change: Callable[[BgrImage], BgrImage], state: CameraState | None
) -> None:
    """Masks and zones are shares of the picture: they fit one that was scaled, and no other."""
    rng, eye, view = np.random.default_rng(0), SceneWatch(), scene()
    before = [(at_s, noisy(view, at_s, rng)) for at_s in np.arange(0, 60, 0.5)]
    after = [(at_s, noisy(change(view), at_s, rng)) for at_s in np.arange(60, 100, 0.5)]
    assert watch(before, eye) == [None]
    assert watch(after, eye)[-1] is state
    assert watch([(at_s, noisy(view, at_s, rng)) for at_s in np.arange(100, 120, 0.5)], eye)[-1] is None
