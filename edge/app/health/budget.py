"""Lowers the enhancement budget while the appliance is hot or behind, and counts the steps that were dropped."""

from __future__ import annotations

from collections.abc import Callable

from edge.enhance import Budget
from edge.ops.system.metrics import Metrics

STRAIN_OF_CONDITION = {"heat": {"hot": "hot", "throttled": "hot"}, "load": {"behind": "behind", "overloaded": "behind"}}
"""Per condition: the states that lower the budget, and the cause that the metric names."""


def set_strains(budget: Budget | None, state: Callable[[str], str]) -> None:
    """Set `budget.strains` from the current conditions; `state` returns the state of a subject."""
    if budget is not None:
        found = (states.get(state(subject)) for subject, states in STRAIN_OF_CONDITION.items())
        budget.strains = frozenset(strain for strain in found if strain is not None)


def count_dropped_steps(budget: Budget | None, metrics: Metrics) -> None:
    """Show how often each step was dropped, and why."""
    for (step, cause), number in list(budget.dropped.items()) if budget is not None else ():
        metrics.steps_dropped.labels(step, cause).set(number)
