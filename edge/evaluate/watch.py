"""States of a camera on labelled footage: faults put into it are to be found and to end; quiet hours are to stay quiet.

The very code of the capture process and of the service judges: `FreezeDetector`, `SceneWatch`, `state_of`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from edge.arrays import BgrImage
from edge.capture.condition.freeze import FreezeDetector
from edge.capture.condition.sight import SceneWatch
from edge.capture.health import CaptureReport, HealthLimits, state_of
from edge.capture.ring import Phase
from edge.glance import Glance
from edge.pixels.scene import injected
from edge.records import CameraState

FIND_WITHIN_S, LOOP_WITHIN_S = 30.0, 60.0
"""How soon a fault must be said and be over. A loop has longer: something must move through the scene first."""
LOOPED = "looped"
"""The fault whose state is `frozen` because a recording is played again and again."""
LEARN_S, FAULT_S, AFTER_S = 30.0, 35.0, 30.0
FAULT_STEP_S = 1.0
QUIET_STEP_S = 4.0
NUM_FAULTS = 6
FROZEN_STEP_S = 0.5
"""Seconds between two frames where freezing is measured, as in the service."""
NOISE = 2.5
"""Deviation of the sensor's noise, in levels of 255."""
Change = Callable[[BgrImage, float], BgrImage]


@dataclass(frozen=True, slots=True)
class Footage:
    """Frames of a quiet camera, `fps` of them a second, played round and round; one frame is a still scene."""

    name: str
    frames: Sequence[BgrImage] = field(repr=False)
    fps: float = 1.0

    def at(self, at_s: float) -> BgrImage:
        """The frame of that second; to and fro, so that no cut looks like a camera that was turned."""
        number, last = int(at_s * self.fps), len(self.frames) - 1
        return self.frames[last - abs(last - number % (2 * last))] if last else self.frames[0]


@dataclass(frozen=True, slots=True)
class FaultResult:
    """One fault: the state expected, when it was said, when it was over after the fault had gone; None for never."""

    footage: str
    fault: str
    variant: int
    found_s: float | None
    over_s: float | None
    said: tuple[str, ...]
    """States said before, during and after, without repetition."""

    @property
    def is_right(self) -> bool:
        """Found in time, over in time, and no other state said before, during or after."""
        within_s = LOOP_WITHIN_S if self.fault == LOOPED else FIND_WITHIN_S
        is_in_time = all(time_s is not None and time_s <= within_s for time_s in (self.found_s, self.over_s))
        state = CameraState.FROZEN.value if self.fault == LOOPED else self.fault
        return is_in_time and self.said == ("live", state, "live")


@dataclass(frozen=True, slots=True)
class QuietResult:
    """Quiet footage: hours looked at, and the false states with their second."""

    footage: str
    hours: float
    looks: int
    false_states: tuple[tuple[float, str], ...]


class Judge:
    """One camera's state from frames, as capture process and service make it together."""

    def __init__(self) -> None:
        self._freeze, self._scene = FreezeDetector(), SceneWatch()
        self._limits = HealthLimits(stall_after_s=4.0)

    def look(self, image: BgrImage, at_s: float) -> CameraState:
        """Take in one frame, and return the state."""
        now_ns = round((at_s + 1) * 1e9)
        self._freeze.look(Glance(image), now_ns)
        self._scene.note(Glance(image), at_s)
        self._scene.look(image, at_s)
        dark_ns = self._freeze.dark_since_ns
        unchanged_s = (now_ns - self._freeze.unchanged_since_ns) / 1e9
        dark_s = (now_ns - dark_ns) / 1e9 if dark_ns else 0.0
        report = CaptureReport(
            Phase.STREAMING, 0.0, True, unchanged_s, dark_s, "", "", 0, is_running=True, sight=self._scene.state
        )
        return state_of(report, self._limits, "")[0]


def quiet(
    footage: Footage, seconds: float, step_s: float, rng: np.random.Generator
) -> Iterator[tuple[float, BgrImage]]:
    """Frames of a quiet camera with a day's light in every hour, lamps, passers, showers and noise."""
    lamp_x, is_lit, lit_until, shower_until, passer_at = 0.5, False, 0.0, 0.0, -1.0
    color, phase = 60, float(rng.uniform(0, 2 * np.pi))
    for number in range(int(seconds / step_s)):
        at_s = number * step_s
        image = footage.at(at_s)
        if at_s >= lit_until:
            is_lit, lamp_x, lit_until = not is_lit, float(rng.uniform()), at_s + float(rng.uniform(60, 600))
        if is_lit:
            image = injected.lamp(image, lamp_x, 0.3, 1.8)
        if passer_at < 0 and rng.uniform() < step_s / 90:
            passer_at, color = at_s, int(rng.integers(10, 160))
        if passer_at >= 0:
            image = injected.passer(image, -0.1 + (at_s - passer_at) / 6, color)
            passer_at = -1.0 if at_s - passer_at > 7 else passer_at
        if at_s >= shower_until and rng.uniform() < step_s / 900:
            shower_until = at_s + 120
        if at_s < shower_until:
            image = injected.rain(image, 150, rng)
        gain = 0.75 + 0.4 * np.sin(phase + 2 * np.pi * at_s / 3600) + 0.02 * np.sin(at_s / 7)
        yield at_s, injected.light(image, gain, NOISE / max(gain, 0.5), rng)


def faults(rng: np.random.Generator) -> dict[str, Change]:
    """One variant of every fault, by the state that has to be said. Each takes a frame and the second of the fault."""
    level, share = float(rng.uniform(25, 170)), float(rng.choice([0.85, 1.0]))
    slope, sigma = float(rng.uniform(-0.4, 0.4)), float(rng.uniform(0.006, 0.02))
    across, down = float(rng.choice([-1, 1]) * rng.uniform(0.12, 0.5)), float(rng.uniform(-0.15, 0.15))
    gain, veil, dark = float(rng.uniform(2, 5)), float(rng.uniform(130, 200)), float(rng.uniform(0, 0.04))
    is_snow, is_roll, degrees = rng.uniform() < 0.3, rng.uniform() < 0.5, float(rng.choice([-1, 1])) * 10
    num_held = int(rng.integers(4, 13)) if rng.uniform() < 0.5 else 1
    held: list[BgrImage] = []

    def freeze(image: BgrImage, at_s: float) -> BgrImage:
        """One picture, or some seconds, again and again."""
        held.append(image) if len(held) < num_held else held.append(held.pop(0))
        quality = int(rng.integers(78, 87)) if num_held == 1 else 92
        return injected.recode(injected.clock(held[-1], int(at_s)), quality)

    def hide(image: BgrImage, at_s: float) -> BgrImage:
        covered = injected.cover(image, level, share, slope)
        return injected.snow(image, rng) if is_snow else injected.light(covered, 1, NOISE, rng)

    return {
        "covered": hide,
        "defocused": lambda image, _: injected.light(injected.defocus(image, sigma), 1, NOISE, rng),
        "moved": lambda image, _: injected.roll(image, degrees) if is_roll else injected.turn(image, across, down),
        "washed_out": lambda image, _: injected.light(injected.wash_out(image, gain, veil), 1, NOISE, rng),
        "dark": lambda image, _: injected.light(image, dark, NOISE, rng),
        "frozen": freeze,
    }


def measure_fault(footage: Footage, fault: str, variant: int) -> FaultResult:
    """Play half a minute, the fault, and half a minute again."""
    rng = np.random.default_rng([variant, sum(map(ord, fault + footage.name))])
    change, judge = faults(rng)[fault], Judge()
    found_s = over_s = None
    said: list[str] = []
    step_s = FROZEN_STEP_S if fault == "frozen" else FAULT_STEP_S
    for at_s, image in calm(footage, LEARN_S + FAULT_S + AFTER_S, step_s, rng):
        is_on = LEARN_S <= at_s < LEARN_S + FAULT_S
        state = judge.look(change(image, at_s) if is_on else image, at_s)
        if not said or said[-1] != state.value:
            said.append(state.value)
        if is_on and found_s is None and state.value == fault:
            found_s = at_s - LEARN_S
        if at_s >= LEARN_S + FAULT_S:
            over_s = None if state is not CameraState.LIVE else at_s - LEARN_S - FAULT_S if over_s is None else over_s
    return FaultResult(footage.name, fault, variant, found_s, over_s, tuple(said))


def calm(footage: Footage, seconds: float, step_s: float, rng: np.random.Generator) -> Iterator[tuple[float, BgrImage]]:
    """Frames of a quiet camera with noise and a slow drift of the light, from a random moment on."""
    begin_s, phase = float(rng.uniform(0, 600)), float(rng.uniform(0, 6))
    for number in range(int(seconds / step_s)):
        at_s = number * step_s
        gain = 1 + 0.05 * np.sin(phase + at_s / 40)
        yield at_s, injected.light(footage.at(begin_s + at_s), gain, NOISE, rng)


def measure_quiet(footage: Footage, frames: Iterable[tuple[float, BgrImage]], step_s: float) -> QuietResult:
    """Count the states that are said of footage in which nothing is wrong; each counts once for as long as it lasts."""
    judge, last, wrong, looks = Judge(), CameraState.LIVE, [], 0
    for at_s, image in frames:
        state = judge.look(image, at_s)
        if state not in (CameraState.LIVE, last):
            wrong.append((at_s, state.value))
        last, looks = state, looks + 1
    return QuietResult(footage.name, looks * step_s / 3600, looks, tuple(wrong))


def summary(found: Sequence[FaultResult], quiet_results: Sequence[QuietResult]) -> dict[str, Any]:
    """JSON-ready: recall by fault and overall, false states and hours, and every result that is not as it should be."""
    by_fault = {}
    for fault in dict.fromkeys(one.fault for one in found):
        mine = [one for one in found if one.fault == fault]
        times = [one.found_s for one in mine if one.found_s is not None]
        by_fault[fault] = {
            "cases": len(mine),
            "right": sum(one.is_right for one in mine),
            "longest_s": max(times, default=None),
            "longest_over_s": max((one.over_s for one in mine if one.over_s is not None), default=None),
        }
    hours = sum(one.hours for one in quiet_results)
    num_false = sum(len(one.false_states) for one in quiet_results)
    return {
        "recall": sum(one.is_right for one in found) / len(found) if found else None,
        "faults": by_fault,
        "quiet_hours": hours,
        "false_states": num_false,
        "false_states_per_day": num_false / hours * 24 if hours else None,
        "wrong": [asdict(one) for one in found if not one.is_right],
        "false": [asdict(one) for one in quiet_results if one.false_states],
    }
