"""Which of the faces seen were the walker's: posters, wheels and passers-by must not be measured in their place.

A track that looked like the walker once is the walker's, all of it, also where it is too far away to be known. Whatever
else was in the picture at the same time is somebody or something else, and so is whatever appears at its place. What is
left may be the walker unrecognised, and counts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge.app.commission.walk import Sighting
from edge.pixels.boxes import iou

LIKE = 0.3
"""Similarity of a single crop that strangers hardly reach."""
SAME_PLACE = 0.4


def of_walker(sightings: Sequence[Sighting]) -> list[Sighting]:
    """The walker's sightings, in their order."""
    tracks: dict[int, list[Sighting]] = {}
    for one in sightings:
        tracks.setdefault(one.track, []).append(one)
    known = {track for track, seen in tracks.items() if max(one.similarity for one in seen) >= LIKE}
    others = {
        track
        for track, seen in tracks.items()
        if track not in known and any(_meet(seen, tracks[other]) for other in known)
    }
    places = np.array([_place(tracks[track]) for track in sorted(others)], np.float32).reshape(-1, 4)
    strange = others | {
        track
        for track, seen in tracks.items()
        if track not in known and len(places) and float(iou(_place(seen)[np.newaxis], places).max()) >= SAME_PLACE
    }
    return [one for one in sightings if one.track not in strange]


def _meet(one: Sequence[Sighting], other: Sequence[Sighting]) -> bool:
    """Whether both were seen in one and the same frame."""
    return not {(s.light, s.at_s) for s in one}.isdisjoint((s.light, s.at_s) for s in other)


def _place(seen: Sequence[Sighting]) -> NDArray[np.float32]:
    """Mean box of a track, (4,)."""
    return np.asarray(np.mean([one.box for one in seen], axis=0), np.float32)
