"""Chooses the frames of a video that become references, from numbers measured elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edge.arrays import Embedding
from edge.watchlist.picture_checks import Candidate, EnrolLimits, OtherPeople, PictureCheck, check_pictures


def choose_best(
    candidates: Sequence[Candidate],
    limit: int = 5,
    limits: EnrolLimits | None = None,
    others: OtherPeople | None = None,
    allow_alike: bool = False,
) -> tuple[list[Candidate], list[PictureCheck]]:
    """The frames of one video to enrol, best first, and a check per candidate.

    Greedy: first the best quality, then whatever adds most quality, time since the others and difference from them.
    Frames of one take look alike, so none is refused as a near duplicate; they are just chosen last.
    """
    loose = replace(limits or EnrolLimits(), max_own_similarity=2.0)
    checks = check_pictures(candidates, loose, others=others, allow_alike=allow_alike)
    pool = [check.candidate for check in checks if check.ok]
    times = [candidate.at_s or 0.0 for candidate in pool]
    span = (max(times) - min(times)) if times else 0.0
    chosen: list[Candidate] = []
    while pool and len(chosen) < limit:
        best = max(range(len(pool)), key=lambda i: (_usefulness(pool[i], chosen, span), -i))
        chosen.append(pool.pop(best))
    return chosen, checks


def _usefulness(candidate: Candidate, chosen: Sequence[Candidate], span_s: float) -> float:
    """Quality 0..1, plus up to .5 for time and up to .5 for difference; .5 of difference is as much as is useful."""
    worth = (candidate.quality.score if candidate.quality else 0.0) / 100.0
    if not chosen:
        return worth
    if span_s > 0:
        gap = min(abs((candidate.at_s or 0.0) - (other.at_s or 0.0)) for other in chosen)
        worth += 0.5 * min(1.0, gap * (len(chosen) + 1) / span_s)
    alike = [_similarity(candidate.embedding, other.embedding) for other in chosen]
    return worth + 0.5 * min(1.0, max(0.0, 1.0 - max(alike)) / 0.5)


def _similarity(a: Embedding | None, b: Embedding | None) -> float:
    return float(np.dot(a, b)) if a is not None and b is not None else 0.0
