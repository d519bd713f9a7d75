"""Decides which steps a picture gets, by measured faults alone: equal numbers give equal plans.

For eyes those steps are done that were shown to bring faces with such faults nearer to the truth without making them
less like the person (`view`); for recognition those shown to find more people (`benefit`). Steps that invent detail run
on request only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edge.enhance.benefit import Benefit
from edge.enhance.faults import grade
from edge.enhance.steps import GENERATIVE, STEPS
from edge.enhance.view import Views
from edge.recipes import SkippedStep
from edge.records import Quality

MAX_NOISE_LEVEL, MAX_BLOCK_LEVEL = 2, 1
"""Above these levels a fault would be sharpened along with the face."""

MIN_DRAWN = {"blocks": 2, "small": 1}
"""Levels from which detail is drawn where that was asked for."""
INSTEAD = {"sr4": "sr2", "restore": "deblur"}

Refusals = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step to do, with its parameters."""

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps to do in order, and those left out with reasons; together every step there is, once."""

    steps: tuple[PlannedStep, ...]
    skipped: tuple[SkippedStep, ...]


def plan_for_view(
    quality: Quality, views: Views, *, generative: bool = False
) -> tuple[dict[str, str | None], dict[str, Mapping[str, Any]]]:
    """Why each step is not done for eyes, None for those that are; and the parameters of those that have their own."""
    levels = grade(quality)
    seen = seen_in(levels)
    chosen = {step.name: step.params for step in views.steps_for(levels)}
    refusals: dict[str, str | None] = {}
    for name, kind in STEPS.items():
        if name in chosen:
            refusals[name] = None
        elif name in GENERATIVE:
            why = None if any(levels[fault] >= MIN_DRAWN[fault] for fault in kind.cures) else f"with {seen}: no need"
            refusals[name] = why if generative else "invents detail: done on request only"
        else:
            refusals[name] = views.problem or f"with {seen}: not shown to help the eye"
    for drawn, instead_of in INSTEAD.items():
        if refusals[drawn] is None and refusals[instead_of] is None:
            refusals[instead_of] = f"{drawn} is done instead"
    return refusals, {name: params for name, params in chosen.items() if refusals[name] is None}


def seen_in(levels: Mapping[str, int]) -> str:
    """The faults with their levels, in words."""
    return ", ".join(f"{fault} at level {level}" for fault, level in levels.items() if level) or "no fault"


def refusals_for_recognition(quality: Quality, benefit: Benefit) -> dict[str, str | None]:
    """Why each step is not done before recognition; None for the one that is, if any: that with the largest gain.

    Steps were shown to help one at a time, so no two are done together.
    """
    if benefit.problem is not None:
        return dict.fromkeys(STEPS, f"for viewing only: {benefit.problem}")
    levels = grade(quality)
    seen = seen_in(levels)
    gains = {name: max((benefit.gain(name, *fault) for fault in levels.items()), default=0.0) for name in STEPS}
    best = max((name for name in STEPS if unsuited(name, levels) is None), key=lambda name: gains[name])
    refusals: dict[str, str | None] = {}
    for name in STEPS:
        if name in GENERATIVE:
            refusals[name] = "for viewing only: it invents detail"
        elif gains[name] <= 0:
            refusals[name] = f"for viewing only: not shown to help recognition with {seen}"
        elif (why := unsuited(name, levels)) is not None:
            refusals[name] = f"for viewing only: {why}"
        else:
            refusals[name] = None if name == best else f"for viewing only: {best} helps more"
    return refusals


def unsuited(step: str, levels: Mapping[str, int]) -> str | None:
    """Return the other fault that forbids a step for eyes and recognition alike; None if there is none."""
    if step != "deblur":
        return None
    if levels["small"]:
        return "the face is soft because it is small, not because it is out of focus"
    for fault, limit in (("noise", MAX_NOISE_LEVEL), ("blocks", MAX_BLOCK_LEVEL)):
        if levels[fault] > limit:
            return f"{fault} at level {levels[fault]} would be sharpened, too"
    return None


def plan_of(refusals: Refusals, params: Mapping[str, Mapping[str, Any]]) -> Plan:
    """The steps without a reason against them, in their fixed order, and the others with their reasons."""
    return Plan(
        tuple(PlannedStep(name, params[name]) for name in STEPS if refusals[name] is None),
        tuple(SkippedStep(name, reason) for name in STEPS if (reason := refusals[name]) is not None),
    )
