"""The embedder's last layer: directions in which pictures of one person differ count less.

Within-class covariance normalisation (Hatch, Kajarekar and Stolcke, Interspeech 2006) about the mean of all vectors,
fitted to clean and degraded views of the training people. It costs one product of 128 x 128 a face.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

RIDGE = 8.0
"""Times the mean variance, added in every direction. Where it was fitted to half of the training people, the other half
were told apart best, at false match rates of 1e-3 to 1e-5, from 2 to 8; the largest changes the vectors least."""


class Whitening(NamedTuple):
    """`(v - center) @ matrix` for vectors of unit length."""

    center: NDArray[np.float32]  # (D,)
    matrix: NDArray[np.float32]  # (D, D), symmetric


def fit(vectors: NDArray[np.float32], people: NDArray[np.intp]) -> Whitening:
    """From (N, D) vectors of unit length of `people` (N,), some with several.

    Raises
    ------
    ValueError
        Nobody has two vectors, so nothing says how pictures of one person differ.
    """
    unit = vectors.astype(np.float64)
    scatter = _within(unit, people)
    scatter *= len(scatter) / np.trace(scatter)
    values, axes = np.linalg.eigh(scatter + RIDGE * np.eye(len(scatter)))
    matrix = (axes * values**-0.5) @ axes.T
    return Whitening(unit.mean(0).astype(np.float32), matrix.astype(np.float32))


def _within(vectors: F64, people: NDArray[np.intp]) -> F64:
    """(D, D): mean squared difference of vectors to the mean of their person, over people with two or more."""
    _, rows, counts = np.unique(people, return_inverse=True, return_counts=True)
    if not (counts > 1).any():
        raise ValueError("nobody has two pictures")
    means = np.zeros((len(counts), vectors.shape[1]))
    np.add.at(means, rows, vectors)
    away = vectors - (means / counts[:, None])[rows]
    # A person of n pictures lends their mean one n-th of each: the differences are that much too small.
    weight = np.where(counts > 1, counts / np.maximum(counts - 1, 1), 0.0)[rows]
    return np.asarray((away * weight[:, None]).T @ away / weight.sum())
