"""Who on one list looks like somebody else on it: two people who are that alike are told apart by nobody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from edge.records import Reference
from edge.watchlist.picture_checks import EnrolLimits

_ROWS = 512
"""References that are compared with all others at a time: a list of thousands is no matrix of gigabytes."""


def look_alikes(references: Sequence[Reference]) -> Iterator[tuple[Reference, Reference, float]]:
    """Each reference that looks like another person's, with the one it is most like and their similarity.

    All references are of one embedder.
    """
    if not references:
        return
    vectors = np.stack([one.embedding for one in references])
    people = np.array([one.person_id for one in references])
    for start in range(0, len(references), _ROWS):
        alike = vectors[start : start + _ROWS] @ vectors.T
        alike[people[start : start + _ROWS, np.newaxis] == people] = -1.0
        for row, column in enumerate(alike.argmax(axis=1).tolist(), start):
            similarity = float(alike[row - start, column])
            if similarity >= EnrolLimits().max_other_similarity:
                yield references[row], references[column], similarity
