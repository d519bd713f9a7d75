"""Puts in force what is given up while the appliance is hot or behind, and counts the dropped steps of enhancement.

`lowering` says what, and in which order. A rate that is set to every frame stays so.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from edge.app.health.lowering import Lowering
from edge.config import DetectConfig
from edge.enhance import Budget
from edge.ops.system.metrics import Metrics
from edge.pipeline import Pipeline
from edge.pipeline.pace import Pace

log = logging.getLogger(__name__)

STRAIN_OF_CONDITION = {"heat": {"hot": "hot", "throttled": "hot"}, "load": {"behind": "behind", "overloaded": "behind"}}
"""Per condition: the states that lower the budget, and the cause that the metric names."""

SHARES = {Lowering.IDLE: (0.5, 1.0), Lowering.RATE: (0.5, 0.5)}
"""Share of the idle and of the busy rate that is left at a step."""


def lowered(pace: Pace, step: Lowering) -> Pace:
    """The pace that a step leaves of the one that is configured."""
    return pace.times(*SHARES.get(step, (1.0, 1.0)))


def last_step(configured: DetectConfig) -> Lowering:
    """The deepest step that gives up anything: where every frame is searched, half as often is not to be had."""
    if configured.idle_fps <= 0:
        return Lowering.VIEW
    return Lowering.RATE if configured.busy_fps > 0 else Lowering.IDLE


def follow_pace(pipeline: Pipeline, configured: DetectConfig, step: Lowering) -> None:
    """Search as often as the step in force leaves; log a change once when it begins and once when it ends."""
    own = Pace.of(configured)
    pace = lowered(own, step)
    if pace != pipeline.pace:
        pipeline.pace = pace
        rates = f"{pace.idle_fps:g} a second where nothing moves, {pace.busy_fps:g} where something does"
        log.log(logging.INFO if pace == own else logging.WARNING, "frames are searched %s", rates)


def set_strains(budget: Budget | None, state: Callable[[str], str]) -> None:
    """Set `budget.strains` from the current conditions; `state` returns the state of a subject."""
    if budget is not None:
        found = (states.get(state(subject)) for subject, states in STRAIN_OF_CONDITION.items())
        budget.strains = frozenset(strain for strain in found if strain is not None)


def count_dropped_steps(budget: Budget | None, metrics: Metrics) -> None:
    """Show how often each step was dropped, and why."""
    for (step, cause), number in list(budget.dropped.items()) if budget is not None else ():
        metrics.steps_dropped.labels(step, cause).set(number)
