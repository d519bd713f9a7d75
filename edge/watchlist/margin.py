"""Chooses the margin over the runner-up by searching simulated captures of listed people and counting the losses.

A larger margin lets fewer strangers and fewer look-alikes through, at a lower similarity, but costs a listed person
who resembles another. What it costs on this very list is counted here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.watchlist.calibration import Calibration, calibrate
from edge.watchlist.gallery import Gallery

MARGINS = (0.0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2)
MAX_GENUINE_LOSS = 0.002
"""Share of genuine captures that a larger, safer margin may cost."""


@dataclass(frozen=True, slots=True)
class MarginRow:
    """One margin: the similarity it needs for the wanted rate, and how listed people fare with both."""

    min_margin: float
    min_similarity: Mapping[str, float]
    missed: float
    """Share of simulated captures that get no name."""
    misnamed: float
    """Share that gets another listed person's name."""


def simulate_captures(
    gallery: Gallery, strangers: NDArray[np.floating], likeness: Sequence[float], *, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """One simulated capture per stranger, (N, D) of length 1, and whose it is: the index of the person's references.

    A capture leans towards a reference by a similarity drawn from `likeness` (its quantiles, lowest first, as measured
    between pictures of one person), and in every other direction it is a stranger: e = c r + sqrt(1 - c^2) n.
    """
    rng = np.random.default_rng([seed, 3])
    rows = rng.integers(0, gallery.num_references, len(strangers))
    toward = gallery.matrix[rows]
    c = np.interp(rng.random(len(strangers)), np.linspace(0, 1, len(likeness)), likeness).clip(-1, 1)[:, None]
    away = strangers - (strangers * toward).sum(axis=1, keepdims=True) * toward
    away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-9)
    return (c * toward + np.sqrt(1 - c * c) * away).astype(np.float32), gallery.owner_of(rows)


def choose_margin(
    gallery: Gallery,
    strangers: Mapping[str, NDArray[np.float32]],
    likeness: Mapping[str, Sequence[float]],
    one_in: float,
    margins: Sequence[float] = MARGINS,
) -> tuple[Calibration, tuple[MarginRow, ...]] | None:
    """The calibration at the largest margin that costs next to nothing, and the row of every margin tried.

    None where nobody is listed, only one person is (nobody can be a runner-up), or the likeness was never measured.
    """
    kinds = sorted(set(strangers) & set(likeness))
    if not kinds or len(gallery.owners) < 2:
        return None
    scored = {}
    for kind in kinds:
        probes, own = simulate_captures(gallery, strangers[kind], likeness[kind])
        scored[kind] = (*gallery.best_two(probes), gallery.best_person(probes) == own)
    made, rows = [], []
    for margin in margins:
        calibration = calibrate(gallery, strangers, margin)
        if calibration is None:
            return None
        limits = calibration.thresholds(one_in)
        named, right = [], []
        for kind in kinds:
            best, second, is_own = scored[kind]
            said = (best >= limits[kind]) & (best - second >= margin)
            named.append(said)
            right.append(said & is_own)
        missed = 1.0 - float(np.mean(np.concatenate(named)))
        misnamed = float(np.mean(np.concatenate(named) & ~np.concatenate(right)))
        made.append(calibration)
        rows.append(MarginRow(margin, limits, missed, misnamed))
    least = min(row.missed + row.misnamed for row in rows)
    chosen = max(i for i, row in enumerate(rows) if row.missed + row.misnamed <= least + MAX_GENUINE_LOSS)
    return made[chosen], tuple(rows)
