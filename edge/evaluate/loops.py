"""Loops put into footage: a recording of some seconds is played again and again, and the live camera comes back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from edge.arrays import BgrImage
from edge.evaluate.watch import LOOP_WITHIN_S, LOOPED, FaultResult, Footage, Judge, calm
from edge.pixels.scene import injected
from edge.records import CameraState

STEP_S = 0.2
SHORTEST_S, LONGEST_S = 12.0, 45.0
NUM_PASSES = 4
SEAM_S = 1.0
"""Seconds over which the end of a recording is blended into its beginning, in every other variant."""


def measure_loop(footage: Footage, variant: int) -> FaultResult:
    """Play a recording, again three times, and then the live camera; times count from its first return.

    Variants by turns: coded anew each time with a soft seam, and exactly as it was, both under a running clock.
    """
    rng = np.random.default_rng([variant, sum(map(ord, LOOPED + footage.name))])
    num = round(float(rng.uniform(SHORTEST_S, LONGEST_S)) / STEP_S)
    live = list(passing(footage, num * STEP_S + LOOP_WITHIN_S, STEP_S, rng))
    seam = 0 if variant % 2 else round(SEAM_S / STEP_S)
    num_played = NUM_PASSES * (num - seam)
    judge, said = Judge(), list[str]()
    found_s = over_s = None
    for number in range(num_played + len(live) - num):
        is_on = number < num_played
        image = again(live[:num], number, seam, rng) if is_on else live[num + number - num_played]
        state = judge.look(image, number * STEP_S)
        if not said or said[-1] != state.value:
            said.append(state.value)
        if is_on and found_s is None and state is CameraState.FROZEN:
            found_s = (number - (num - seam)) * STEP_S
        if not is_on and over_s is None and state is CameraState.LIVE:
            over_s = (number - num_played) * STEP_S
    return FaultResult(footage.name, LOOPED, variant, found_s, over_s, tuple(said))


def again(recorded: Sequence[BgrImage], number: int, seam: int, rng: np.random.Generator) -> BgrImage:
    """Frame `number` of a loop under a running clock; with a seam of so many frames it is coded anew, too."""
    num = len(recorded) - seam
    place = number % num
    image = recorded[place]
    if place < seam and number >= num:
        image = injected.blend(image, recorded[num + place], (place + 1) / (seam + 1))
    if seam:
        image = injected.recode(image, int(rng.integers(60, 90)))
    return injected.clock(image, int(number * STEP_S))


def passing(footage: Footage, seconds: float, step_s: float, rng: np.random.Generator) -> Iterator[BgrImage]:
    """A quiet camera before which somebody passes every few seconds, each at his own pace."""
    begin_s, pace_s, color = float(rng.uniform(0, 6)), 5.0, 90
    for at_s, image in calm(footage, seconds, step_s, rng):
        if at_s > begin_s + pace_s:
            begin_s, pace_s = at_s + float(rng.uniform(1, 6)), float(rng.uniform(3, 8))
            color = int(rng.integers(10, 160))
        yield injected.passer(image, 1.2 * (at_s - begin_s) / pace_s - 0.1, color) if at_s >= begin_s else image
