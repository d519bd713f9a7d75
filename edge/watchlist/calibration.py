"""Predicts false alerts on this list by scoring synthetic strangers against everybody on it.

The strangers come from the model pack as vectors drawn from a distribution; no picture and no file is known here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.watchlist.gallery import Gallery
from edge.watchlist.tail import Tail

CURVE = (0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5)
"""False positive identification rates that the printed curve shows."""
BATCH = 512
MIN_PEOPLE = 8
"""With fewer people the common likeness of the list's pictures can't be estimated."""
SAMPLE = 2000


@dataclass(frozen=True, slots=True)
class Calibration:
    """Tails of strangers against one list at one margin, by kind of picture (`color`, `gray`)."""

    tails: Mapping[str, Tail]
    min_margin: float
    biases: Mapping[str, float] = field(default_factory=dict)
    """Added to the strangers' similarities, because pictures of one camera or light resemble one another."""

    def thresholds(self, one_in: float) -> dict[str, float]:
        """`min_similarity` by kind for at most one false alert in `one_in` faces, rounded up."""
        return {
            kind: min(1.0, float(np.ceil(tail.similarity_at(1.0 / one_in) * 1e4) / 1e4))
            for kind, tail in self.tails.items()
        }

    def curve(self, kind: str) -> list[dict[str, Any]]:
        """Rows: the promised rate (the bound), the similarity that keeps it, and the likely rate there."""
        tail = self.tails[kind]
        rows = []
        for rate in CURVE:
            similarity = tail.similarity_at(rate)
            row = {"fpir": rate, "one_in": round(1 / rate), "min_similarity": round(similarity, 4)}
            rows.append({**row, "estimated_fpir": tail.rate(similarity)})
        return rows


def calibrate(gallery: Gallery, strangers: Mapping[str, NDArray[np.floating]], min_margin: float) -> Calibration | None:
    """Score the strangers of each kind of picture against the list; None where nobody is listed or drawn."""
    if not gallery.num_references or not strangers:
        return None
    biases = {kind: list_bias(gallery, drawn) for kind, drawn in strangers.items()}
    tails = {}
    for kind, drawn in strangers.items():
        scores = stranger_scores(gallery, drawn, min_margin)
        tails[kind] = Tail.fit(np.where(scores > -1.0, scores + biases[kind], scores))
    return Calibration(tails, min_margin, biases)


def list_bias(gallery: Gallery, strangers: NDArray[np.floating]) -> float:
    """Return how much more listed people resemble one another than strangers resemble them; 0 unless that is certain.

    Pictures of one camera, one light or one sort of film have that in common, and strangers before that camera have it,
    too: on the gray AT&T faces a rate of 1 % promised without this came to 28 to 35 %, with it to .5 to 2 %. Every
    reference is searched among everybody else's, and the medians are compared.
    """
    if len(gallery.owners) < MIN_PEOPLE:
        return 0.0
    rng = np.random.default_rng(0)
    rows = np.arange(gallery.num_references)
    if len(rows) > SAMPLE:
        rows = rng.choice(rows, SAMPLE, replace=False)
    listed = np.concatenate([gallery.best_other(rows[i : i + BATCH]) for i in range(0, len(rows), BATCH)])
    others = stranger_scores(gallery, strangers[:SAMPLE], 0.0)
    difference = float(np.median(listed) - np.median(others))
    error = 1.25 * float(listed.std()) / np.sqrt(len(listed))  # of a median
    return difference if difference > 2 * error else 0.0


def stranger_scores(
    gallery: Gallery, strangers: NDArray[np.floating], min_margin: float, *, batch: int = BATCH
) -> NDArray[np.float64]:
    """Return the similarity at which each stranger would match somebody; -1 where the margin forbids it."""
    scores = np.empty(len(strangers))
    for start in range(0, len(strangers), batch):
        best, second = gallery.best_two(strangers[start : start + batch].astype(np.float32))
        scores[start : start + len(best)] = np.where(best - second >= min_margin, best, -1.0)
    return scores
