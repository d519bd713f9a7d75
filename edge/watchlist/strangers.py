"""Strangers who don't exist: vectors drawn from the distribution of real embeddings, to calibrate a list with.

A drawn vector is the mean, a pull towards a family of faces that look alike, and noise with the covariance that is
left. The pull is chosen so that the drawn vectors reach high similarities as often as the real faces do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float64]
MIN_FACES = 50
"""Fewer faces of strangers say too little about a distribution."""
NEIGHBOURS = 12
SAME_PERSON_ROWS = 8
"""Pictures of one person lie together in the list, at most this far apart."""
PULLS = (1.0, 1.05, 1.1, 1.15, 1.2, 1.25, 1.3, 1.35)
FMRS = (1e-2, 3e-3, 1e-3)
HEAVIER = 1.75
"""People a model was trained on are told apart a little better than others; their drawn tail is made this much heavier.
"""


def fit(embeddings: Vectors, seed: int, heavier: float = 1.0) -> tuple[float, dict[str, float]]:
    """The pull whose drawn tail is most like that of the faces themselves, and the error of each pull tried.

    `embeddings` is (N, D) of length 1, N at least `MIN_FACES`; `heavier` multiplies how often high similarities occur.
    Every error is finite: where nobody drawn is so alike, half a one is counted. Of pulls that err alike the strongest
    is taken: it promises least.
    """
    rng = np.random.default_rng(seed)
    gallery = rng.choice(len(embeddings), min(200, len(embeddings) // 2), replace=False)
    apart = np.abs(np.arange(len(embeddings))[:, None] - gallery) > SAME_PERSON_ROWS
    real = np.sort((embeddings @ embeddings[gallery].T)[apart])[::-1]
    errors = {}
    for pull in PULLS:
        made = (draw(embeddings, 5000, pull, seed) @ embeddings[gallery].T).ravel()
        reached = np.array([np.count_nonzero(made > real[int(fmr * len(real))]) for fmr in FMRS])
        ratios = np.maximum(reached, 0.5) / len(made) / (np.array(FMRS) * heavier)
        errors[f"{pull:g}"] = float(np.abs(np.log(ratios)).mean())
    return float(min(reversed(errors), key=lambda pull: errors[pull])), errors


def draw(embeddings: Vectors, count: int, pull: float, seed: int) -> Vectors:
    """(count, D) float64 vectors of length 1, none of which belongs to anybody."""
    rng = np.random.default_rng([seed, 1])
    middle = embeddings.mean(axis=0)
    rows = rng.integers(0, len(embeddings), count)
    alike = embeddings[rows] @ embeddings.T
    alike[np.abs(np.arange(len(embeddings)) - rows[:, None]) <= SAME_PERSON_ROWS] = -1.0
    near = min(NEIGHBOURS, len(embeddings) // 4)
    nearest = np.argpartition(-alike, near, axis=1)[:, :near]
    families = embeddings[nearest].mean(axis=1) - middle
    rest = np.cov(embeddings.T) - pull**2 * np.cov(families.T)
    values, directions = np.linalg.eigh(rest)
    noise = rng.standard_normal((count, len(middle))) @ (directions * np.sqrt(values.clip(0.0))).T
    drawn = middle + pull * families + noise
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), np.float64)
