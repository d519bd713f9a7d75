"""Whether a camera still sees its scene: states after each look, faults put into a picture, and repeated pictures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from edge.arrays import BgrImage
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
from edge.capture.ring import Sight
from edge.config import MaskConfig
from edge.pixels import injected
from edge.pixels.tamper import SceneMeasures
from edge.records import CameraState

COVERED, MOVED, FROZEN = CameraState.COVERED, CameraState.MOVED, CameraState.FROZEN


def scene(seed: int = 1) -> BgrImage:
    """A yard of boxes and lines, 240 x 320."""
    rng = np.random.default_rng(seed)
    image = np.full((240, 320, 3), 110, np.uint8)
    for x, y, width, height, color in rng.integers((0, 0, 6, 6, 20), (310, 230, 60, 60, 220), (120, 5)):
        image[y : y + height, x : x + width] = color
    return image


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


def test_samples_that_are_black_or_white_say_nothing() -> None:
    looks = np.full((30, 20, 20), 255, np.uint8)
    assert not is_repeated(looks)
    assert is_repeated(np.full((30, 20, 20), 90, np.uint8))


def test_every_sight_is_a_state() -> None:
    assert {sight.name for sight in Sight} - {"CLEAR"} <= {state.name for state in CameraState}
