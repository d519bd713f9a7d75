"""Decides which steps a picture gets, by measured faults alone: equal numbers give equal plans.

For eyes a step is done where its fault is seen. For recognition it must also have been shown to help (`benefit`):
brightening before denoising is known to cost more faces than it wins. Steps that invent detail run on request only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edge.enhance.benefit import Benefit
from edge.enhance.faults import MAX_DIRECTEDNESS, NOISE, grade
from edge.enhance.steps import GENERATIVE, STEPS
from edge.recipes import SkippedStep
from edge.records import Quality

MAX_LUMA = 0.3
"""Mean luma below which a face is hard to make out on a screen; faces in daylight have 0.4 to 0.67."""
MIN_NOISE_LIT = 0.006
"""Noise of a dark face that brightening will make visible."""
MAX_SHARPNESS = 0.58
MAX_SHARPNESS_DIRECTED = 0.62
MAX_NOISE_LEVEL, MAX_BLOCK_LEVEL = 2, 1
"""Above these levels a fault would be sharpened along with the face."""
SURE_NOISE_LEVEL = 3
"""Below this a small face's fine detail is taken for noise: denoised before it was doubled it lost 2 dB."""
MIN_EYES_PX = 24.0

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


def refusals_for_view(quality: Quality, *, generative: bool = False) -> dict[str, str | None]:
    """Why each step is not done for eyes; None for those that are."""
    levels = grade(quality)
    refusals: dict[str, str | None] = {
        "denoise": _why_not_denoise(quality, levels),
        "lime": _why_not_lime(quality),
        "deblur": _why_not_deblur(quality, levels),
        "restore": None if levels["blocks"] >= 2 else f"blocks {quality.blockiness:.2f} are few",
        "sr2": _why_not_larger(quality),
        "sr4": _why_not_larger(quality),
    }
    for name in GENERATIVE:
        if not generative:
            refusals[name] = "invents detail: done on request only"
    if refusals["sr4"] is None:
        refusals["sr2"] = "sr4 is done instead"
    if refusals["restore"] is None:
        refusals["deblur"] = "restore is done instead"
    return refusals


def refusals_for_recognition(quality: Quality, benefit: Benefit) -> dict[str, str | None]:
    """Why each step is not done before recognition; None for the one that is, if any: that with the largest gain.

    Steps were shown to help one at a time, so no two are done together.
    """
    if benefit.problem is not None:
        return dict.fromkeys(STEPS, f"for viewing only: {benefit.problem}")
    levels = grade(quality)
    seen = ", ".join(f"{fault} at level {level}" for fault, level in levels.items() if level) or "no fault"
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


def _why_not_denoise(quality: Quality, levels: Mapping[str, int]) -> str | None:
    least = NOISE[SURE_NOISE_LEVEL - 1] if levels["small"] else MIN_NOISE_LIT if quality.luma < MAX_LUMA else NOISE[0]
    return None if quality.noise >= least else f"noise {quality.noise:.3f} is below {least:.3f}"


def _why_not_lime(quality: Quality) -> str | None:
    if quality.luma >= MAX_LUMA:
        return f"luma {quality.luma:.2f} is not below {MAX_LUMA:.2f}"
    return None


def _why_not_deblur(quality: Quality, levels: Mapping[str, int]) -> str | None:
    directed = quality.directedness >= MAX_DIRECTEDNESS
    limit = MAX_SHARPNESS_DIRECTED if directed else MAX_SHARPNESS
    if quality.sharpness >= limit:
        return f"sharpness {quality.sharpness:.2f} is not below {limit:.2f}"
    return unsuited("deblur", levels)


def _why_not_larger(quality: Quality) -> str | None:
    if quality.eye_distance_px <= 0:
        return "no eye distance was measured"
    if quality.eye_distance_px >= MIN_EYES_PX:
        return f"eye distance {quality.eye_distance_px:.0f} px is not below {MIN_EYES_PX:.0f}"
    return None
