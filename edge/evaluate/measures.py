"""Numbers of ISO/IEC 19795 from similarities and labels: pure functions of arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TAIL_FMRS = (0.5, 0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5)
"""False match rates whose similarity the impostor tail lists, as far as there are impostor pairs to measure them."""
_MIN_EVENTS = 5


@dataclass(frozen=True, slots=True)
class PairScores:
    """`tar` is the share of genuine pairs above the similarity that `fmr` of the impostor pairs reach."""

    accuracy: float
    accuracy_std: float
    tar_at_fmr_1e2: float
    tar_at_fmr_1e3: float
    similarity_at_fmr_1e2: float
    similarity_at_fmr_1e3: float
    num_genuine: int
    num_impostor: int
    genuine_mean: float
    genuine_std: float
    genuine_p05: float
    impostor_mean: float
    impostor_std: float
    impostor_p95: float
    impostor_max: float


def score_pairs(similarities: NDArray[np.float64], same: NDArray[np.bool_], folds: NDArray[np.intp]) -> PairScores:
    """All of one row; `folds` gives the fold of each pair."""
    genuine, impostor = similarities[same], similarities[~same]
    accuracies = fold_accuracies(similarities, same, folds)
    limit_1e2, limit_1e3 = similarity_at_fmr(impostor, 1e-2), similarity_at_fmr(impostor, 1e-3)
    return PairScores(
        accuracy=float(np.mean(accuracies)),
        accuracy_std=float(np.std(accuracies)),
        tar_at_fmr_1e2=float(np.mean(genuine > limit_1e2)),
        tar_at_fmr_1e3=float(np.mean(genuine > limit_1e3)),
        similarity_at_fmr_1e2=limit_1e2,
        similarity_at_fmr_1e3=limit_1e3,
        num_genuine=len(genuine),
        num_impostor=len(impostor),
        genuine_mean=float(genuine.mean()),
        genuine_std=float(genuine.std()),
        genuine_p05=float(np.percentile(genuine, 5)),
        impostor_mean=float(impostor.mean()),
        impostor_std=float(impostor.std()),
        impostor_p95=float(np.percentile(impostor, 95)),
        impostor_max=float(impostor.max()),
    )


def fold_accuracies(similarities: NDArray[np.float64], same: NDArray[np.bool_], folds: NDArray[np.intp]) -> list[float]:
    """Per fold: the share of its pairs judged rightly at the similarity that judges the other folds best."""
    found = []
    for fold in np.unique(folds):
        test = folds == fold
        limit = (
            best_similarity(similarities[~test], same[~test]) if not test.all() else best_similarity(similarities, same)
        )
        found.append(float(np.mean((similarities[test] > limit) == same[test])))
    return found


def best_similarity(similarities: NDArray[np.float64], same: NDArray[np.bool_]) -> float:
    """The limit that judges most pairs rightly: midway between neighbours, the middle one of equals."""
    order = np.argsort(similarities, kind="stable")
    ranked, genuine = similarities[order], same[order]
    # Limit k lies under ranked[k]: the k lowest are judged different, the others the same.
    right = np.concatenate([[0], np.cumsum(~genuine)]) + np.concatenate([np.cumsum(genuine[::-1])[::-1], [0]])
    real = np.concatenate([[True], ranked[1:] > ranked[:-1], [True]])
    best = np.flatnonzero(real & (right == right[real].max()))
    k = int(best[len(best) // 2])
    low = ranked[k - 1] if k > 0 else ranked[0] - 1e-6
    high = ranked[k] if k < len(ranked) else ranked[-1] + 1e-6
    return float((low + high) / 2)


def similarity_at_fmr(impostor: NDArray[np.floating], fmr: float) -> float:
    """The lowest similarity that at most `fmr` of the impostor pairs exceed (few pairs: none of them may)."""
    allowed = int(np.floor(len(impostor) * fmr + 1e-9))
    return float(np.sort(impostor)[::-1][allowed]) if allowed < len(impostor) else -1.0


def impostor_tail(
    embeddings: NDArray[np.float32], owners: Sequence[int] | NDArray[np.intp]
) -> tuple[tuple[float, float], ...]:
    """[similarity, FMR] over every pair of different people, similarity rising.

    Rates that fewer than five pairs would decide are left out: the tail ends where the data ends.
    """
    owner = np.asarray(owners)
    other = np.triu(owner[:, np.newaxis] != owner[np.newaxis, :], 1)
    impostor = (embeddings @ embeddings.T)[other]
    rates = [rate for rate in TAIL_FMRS if rate * len(impostor) >= _MIN_EVENTS]
    return tuple((round(similarity_at_fmr(impostor, rate), 4), rate) for rate in rates)
