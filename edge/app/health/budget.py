"""A box that is behind or hot spends less on enhancement: what the keeper found, told to the budget, and counted."""

from __future__ import annotations

from collections.abc import Callable

from edge.enhance import Budget
from edge.ops.system.metrics import Metrics

STRAINS = {"heat": {"hot": "hot", "throttled": "hot"}, "load": {"behind": "behind", "overloaded": "behind"}}
"""By condition of the box: the state that is a strain, and its name."""


def ease(budget: Budget | None, state: Callable[[str], str]) -> None:
    """Tell the budget how the box is; `state` gives the state of a condition."""
    if budget is not None:
        found = (states.get(state(subject)) for subject, states in STRAINS.items())
        budget.strains = frozenset(strain for strain in found if strain is not None)


def count(budget: Budget | None, metrics: Metrics) -> None:
    """Show how often each step was dropped, and why."""
    for (step, cause), number in list(budget.dropped.items()) if budget is not None else ():
        metrics.steps_dropped.labels(step, cause).set(number)
