"""Lowers what is analysed while the appliance is hot or behind, in a fixed order, and counts the dropped steps.

First enhancement (its budget), then searches where nothing moves, then searches where something does; never alerts. A
rate that is set to every frame stays so.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from edge.config import DetectConfig
from edge.enhance import Budget
from edge.ops.system.metrics import Metrics
from edge.pipeline import Pipeline
from edge.pipeline.attention import Pace

log = logging.getLogger(__name__)

STRAIN_OF_CONDITION = {"heat": {"hot": "hot", "throttled": "hot"}, "load": {"behind": "behind", "overloaded": "behind"}}
"""Per condition: the states that lower the budget, and the cause that the metric names."""

LOWERED = {("load", "behind"): (0.5, 1.0), ("heat", "hot"): (0.5, 1.0)} | {
    ("load", "overloaded"): (0.5, 0.5),
    ("heat", "throttled"): (0.5, 0.5),
}
"""Share of the idle and of the busy rate that is left, per subject and state; the smallest of each counts."""


def lowered(pace: Pace, state: Callable[[str], str]) -> Pace:
    """The pace that the present conditions leave of the one that is configured."""
    left = [shares for (subject, name), shares in LOWERED.items() if state(subject) == name]
    return pace.times(min((idle for idle, _ in left), default=1.0), min((busy for _, busy in left), default=1.0))


def follow_pace(pipeline: Pipeline, configured: DetectConfig, state: Callable[[str], str]) -> None:
    """Search less while the appliance is hot or behind; log it once when that begins and once when it ends."""
    own = Pace.of(configured)
    pace = lowered(own, state)
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
