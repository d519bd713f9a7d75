"""Fits the distribution of strangers' highest similarities, with a 95 % upper bound. Numbers only.

The rates below the tail's start are counted; above it a generalised Pareto distribution takes over, because the rates a
device is set to lie beyond what any number of strangers can count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TAIL_SHARE = 0.05
"""Share of the scores that is the tail; at least `MIN_TAIL` of them."""
MIN_TAIL = 60
BOUND = 0.95
NUM_RESAMPLES = 200
_SHAPES = (-0.5, 0.0)
"""Similarities end at 1, so the tail is never heavier than exponential."""


@dataclass(frozen=True)
class Tail:
    """P(score >= s) of strangers, with a 95 % upper bound from resampling; `scores` is sorted, highest first."""

    scores: NDArray[np.float64]
    fits: NDArray[np.float64]
    """(1 + resamples, 3): start, shape, scale; the first row is the fit to all scores."""
    num_tail: int

    @classmethod
    def fit(cls, scores: NDArray[np.floating], *, seed: int = 0) -> Tail:
        """Fit to one score per stranger: at least `MIN_TAIL` of them, ValueError otherwise."""
        ranked = np.sort(np.asarray(scores, np.float64))[::-1]
        if len(ranked) <= MIN_TAIL:
            raise ValueError(f"{len(ranked)} scores are too few for a tail; {MIN_TAIL + 1} is the least")
        num_tail = max(MIN_TAIL, round(TAIL_SHARE * len(ranked)))
        rng = np.random.default_rng(seed)
        rows = [fit_tail(ranked, num_tail)]
        for _ in range(NUM_RESAMPLES):
            resample = np.sort(rng.choice(ranked, len(ranked)))[::-1]
            rows.append(fit_tail(resample, num_tail))
        return cls(ranked, np.array(rows), num_tail)

    @property
    def share(self) -> float:
        """Share of strangers in the tail."""
        return self.num_tail / len(self.scores)

    def rate(self, similarity: float) -> float:
        """Share of strangers that reach `similarity`: the best estimate."""
        if similarity <= self.fits[0, 0]:
            return float(np.mean(self.scores >= similarity))
        return float(self._fitted(similarity)[0])

    def bound(self, similarity: float) -> float:
        """The rate that the true one stays below with 95 % certainty, if the strangers are like those to come."""
        counted = float(np.mean(self.scores >= similarity))
        if similarity <= self.fits[0, 0]:
            spread = np.sqrt(max(counted * (1 - counted), 1e-12) / len(self.scores))
            return float(min(1.0, counted + 1.645 * spread))
        return float(max(np.quantile(self._fitted(similarity)[1:], BOUND), self.rate(similarity)))

    def similarity_at(self, rate: float) -> float:
        """The least similarity whose bound does not exceed `rate`; 1 where none below it does."""
        low, high = -1.0, 1.0
        if self.bound(high) > rate:
            return high
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (low, middle) if self.bound(middle) <= rate else (middle, high)
        return high

    def _fitted(self, similarity: float) -> NDArray[np.float64]:
        """The fitted rate at `similarity`, one per row of `fits`."""
        start, shape, scale = self.fits.T
        excess = np.maximum(similarity - start, 0.0) / scale
        flat = np.abs(shape) < 1e-6
        safe = np.where(flat, -1.0, shape)
        inner = np.maximum(1.0 + safe * excess, 0.0)
        return np.asarray(self.share * np.where(flat, np.exp(-excess), inner ** (-1.0 / safe)))


def fit_tail(ranked: NDArray[np.float64], num_tail: int) -> tuple[float, float, float]:
    """Start, shape and scale of a generalised Pareto tail over the `num_tail` highest of `ranked` (highest first).

    Notes
    -----
    Probability-weighted moments, Hosking and Wallis (1987), eq. 11, with plotting positions (i - .35) / n; their k is
    minus our shape. The shape is kept within [-0.5, 0], and then the scale follows from the mean alone.
    """
    start = float(ranked[num_tail])
    excess = np.sort(ranked[:num_tail] - start)
    mean = float(excess.mean())
    if mean <= 1e-9:
        return start, 0.0, 1e-9
    weights = 1.0 - (np.arange(1, num_tail + 1) - 0.35) / num_tail
    moment = float((weights * excess).mean())
    shape = 2.0 - mean / (mean - 2.0 * moment) if mean > 2.0 * moment else _SHAPES[1]
    shape = min(max(shape, _SHAPES[0]), _SHAPES[1])
    return start, shape, mean * (1.0 - shape)
