"""Which steps may be done for recognition: those whose gain in the true accept rate is beyond chance.

The choice is made on people apart from those whose table shows it. A candidate is a step for a measured fault from some
level on. It is judged over every degradation in which that fault is seen, so that one fault's cure can't be another's
poison: the gain's lower bound must be above 0, and no degradation may lose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.enhance.benefit import Shown
from edge.enhance.planner import unsuited
from edge.evaluate.restore import AUTO, OFF, Condition, Face, accepted_pairs, genuine_owners, mean_direction, owners

CANDIDATES: Mapping[str, tuple[str, ...]] = {
    "denoise": ("noise", "dark", "blocks"),
    "deblur": ("motion", "blur"),
    "sr2": ("small",),
}
"""Steps and the faults they may be tried on. Fixed in advance: among many tries some help by chance.

Brightening is none of them: it cost dark faces one to two points of the true accept rate whenever it was measured.
"""
MIN_LEVELS = (1, 3, 5)
CONFIDENCE = 0.995
MIN_GAIN = 0.015
"""Smaller gains did not hold for other people, whatever their bound."""
OTHER_FMRS = (3e-3, 3e-2)
"""False match rates at which a step that helps at 1e-2 may not lose: a gain at one limit alone is an accident of it."""
MAX_LOSS = 0.002
MIN_SHARE = 0.05
"""Share of the faces on which a fault must be seen for a degradation to count."""
NUM_RESAMPLES = 4000


@dataclass(frozen=True, slots=True)
class Trial:
    """A candidate over the degradations where it acts: rise of the true accept rate, its bound, the rise in the worst
    degradation, and the lesser of the rises at a stricter and a laxer limit (`elsewhere`).
    """

    step: str
    fault: str
    min_level: int
    degradations: tuple[str, ...]
    gain: float
    least: float
    worst: float
    elsewhere: float

    @property
    def passes(self) -> bool:
        """Whether it may be done for recognition."""
        return self.least > 0 and self.gain >= MIN_GAIN and self.worst >= -MAX_LOSS and self.elsewhere >= 0

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "step": self.step,
            "fault": self.fault,
            "min_level": self.min_level,
            "degradations": list(self.degradations),
            "gain": round(self.gain, 4),
            "least": round(self.least, 4),
            "worst": round(self.worst, 4),
            "elsewhere": round(self.elsewhere, 4),
            "shown": self.passes,
        }


def choose(conditions: Sequence[Condition], faces: Sequence[Face]) -> tuple[tuple[Shown, ...], list[dict[str, Any]]]:
    """The steps shown to help, and a JSON-ready line for each candidate that was tried."""
    shown, trials = [], []
    for step, faults in CANDIDATES.items():
        for fault in faults:
            for min_level in MIN_LEVELS:
                trial = run_trial(conditions, faces, step, fault, min_level)
                if trial is None:
                    continue
                trials.append(trial.to_dict())
                if trial.passes:
                    bounds = {"gain": round(trial.gain, 4), "least": max(round(trial.least, 4), 1e-4)}
                    shown.append(Shown(step=step, fault=fault, min_level=min_level, max_level=5, **bounds))
                    break
    return tuple(shown), trials


def run_trial(
    conditions: Sequence[Condition], faces: Sequence[Face], step: str, fault: str, min_level: int
) -> Trial | None:
    """The candidate wherever it acts; None where it acts nowhere."""
    people = owners(faces)
    rises, names = [], []
    others: dict[float, list[float]] = {fmr: [] for fmr in OTHER_FMRS}
    for condition in conditions:
        acts = np.array([levels[fault] >= min_level and not unsuited(step, levels) for levels in condition.levels])
        if step not in condition.variants or acts.mean() < MIN_SHARE:
            continue
        off, on = condition.variants[OFF].vectors, condition.variants[step].vectors
        planned = np.where(acts[:, np.newaxis], mean_direction(off, on), off)
        rises.append(accepted_pairs(planned, people).astype(np.float64) - accepted_pairs(off, people))
        names.append(condition.name)
        for fmr, found in others.items():
            found.append(float(accepted_pairs(planned, people, fmr).mean() - accepted_pairs(off, people, fmr).mean()))
    if not rises:
        return None
    rise, least = gain(np.mean(rises, axis=0), genuine_owners(people))
    worst = min(float(one.mean()) for one in rises)
    elsewhere = min(float(np.mean(found)) for found in others.values())
    return Trial(step, fault, min_level, tuple(names), rise, least, worst, elsewhere)


def gain(rise: NDArray[np.float64], people: NDArray[np.intp], seed: int = 0) -> tuple[float, float]:
    """Mean rise and its lower bound: bootstrap over people, one-sided.

    `rise` holds the genuine pairs, `people` whose each is: pairs of one person rise and fall together.
    """
    known, of_pair = np.unique(people, return_inverse=True)
    total, count = np.bincount(of_pair, rise), np.bincount(of_pair)
    picks = np.random.default_rng(seed).integers(0, len(known), (NUM_RESAMPLES, len(known)))
    means = total[picks].sum(axis=1) / count[picks].sum(axis=1)
    return float(rise.mean()), float(np.quantile(means, 1 - CONFIDENCE))


def disagreement(conditions: Sequence[Condition], faces: Sequence[Face]) -> float:
    """How far the similarity of a face to another picture of its person moves by enhancement in 99 of 100 cases."""
    people, clean = owners(faces), np.stack([face.embedding for face in faces])
    other = np.stack([clean[(people == person) & (np.arange(len(people)) != i)][0] for i, person in enumerate(people)])
    moved: list[NDArray[np.float32]] = []
    for condition in conditions:
        if AUTO in condition.variants:
            off, on = (condition.variants[name].vectors for name in (OFF, AUTO))
            change = np.einsum("nd,nd->n", on - off, other)
            moved.append(np.abs(change[np.abs(change) > 0]))
    every = np.concatenate(moved) if moved else np.zeros(0)
    return round(float(np.quantile(every, 0.99)), 4) if len(every) >= 100 else 0.1
