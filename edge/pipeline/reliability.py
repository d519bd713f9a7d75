"""Weight of a shot in its track's mean, from its quality score; measured by tools.train.reliability."""

from __future__ import annotations

import numpy as np

LIKENESS = (
    (0.0, 0.832),
    (4.3, 0.832),
    (15.5, 0.842),
    (25.2, 0.849),
    (35.1, 0.881),
    (44.9, 0.886),
    (55.2, 0.922),
    (65.0, 0.927),
    (75.2, 0.940),
    (90.8, 0.955),
)
"""(quality score, mean cosine between the embedding of such a crop and that of the same face clean), on 4,000 degraded
crops of the training people: `python -m tools.train.reliability`; neighbours that fall are pooled."""


def expected_cosine(score: float) -> float:
    """Expected cosine to the clean embedding, 0..1, at a quality score of 0..100."""
    scores, values = zip(*LIKENESS, strict=True)
    return float(np.interp(score, scores, values))


def weight(score: float) -> float:
    """Weight of a shot in the mean.

    Notes
    -----
    With e = c t + sqrt(1 - c^2) n, where t is the true direction and n noise of its own, the mean with the best ratio
    of signal to noise weighs each e by c / (1 - c^2).
    """
    c = expected_cosine(score)
    return c / (1.0 - c * c)
