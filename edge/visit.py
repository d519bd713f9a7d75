"""From sightings of a person to visits: one hit per person, camera and stay.

Pure: the times are those of the frames, no clock is read, and a clock that was set back breaks nothing. What a hit
holds and where it is stored is decided elsewhere.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Collection
from dataclasses import dataclass, replace

from edge.records import Visit

MIN_GAIN = 1.25
"""A best shot must be this many times better to update a hit at once: an approaching face improves with every frame."""


class VisitKind(enum.StrEnum):
    """What to do after a sighting."""

    NEW = "new"
    """Make a hit."""
    UPDATE = "update"
    """Update the hit of the visit."""
    NONE = "none"
    """Nothing to do."""


@dataclass(frozen=True, slots=True)
class VisitUpdate:
    """The answer to one sighting."""

    kind: VisitKind
    visit: Visit
    is_best: bool
    """Whether this sighting's best shot takes the place of the one told before; True for a new visit."""
    best_quality: float
    best_similarity: float | None
    """Similarity of the best shot told; None after a restart, until a better one is told."""


@dataclass(slots=True)
class _Stay:
    """A visit in progress. `visit.best_at` and `best_quality` are those last reported, not the best seen."""

    visit: Visit
    seen_at: dt.datetime
    told_at: dt.datetime
    best_quality: float
    best_similarity: float | None
    gap: dt.timedelta
    passed_s: float | None = None
    """When the person was last seen, by the clock that nobody sets; None after a restart."""

    def is_over(self, at: dt.datetime, passed_s: float | None, gap: dt.timedelta) -> bool:
        """Whether the person was away for longer than `gap`, by either clock.

        A clock that was set back must not make the next stay a part of one that was over.
        """
        apart = at - self.seen_at
        if apart > gap or passed_s is None:
            return apart > gap
        return -apart > gap if self.passed_s is None else dt.timedelta(seconds=passed_s - self.passed_s) > gap


class Visits:
    """The visits in progress. One instance serves all cameras; called by one thread."""

    def __init__(self, gap_s: float, update_every_s: float, min_gain: float = 1.0) -> None:
        """`min_gain`: how many times better a shot has to be to be told with an update that is due anyway."""
        self._min_gain = min_gain
        self._gap = dt.timedelta(seconds=gap_s)
        self._update_every = dt.timedelta(seconds=update_every_s)
        self._stays: dict[tuple[str, str], _Stay] = {}

    def sighting(
        self,
        person_id: str,
        camera: str,
        at: dt.datetime,
        quality: float,
        similarity: float,
        cooldown_s: float = 0.0,
        passed_s: float | None = None,
    ) -> VisitUpdate:
        """Record that `camera` saw `person_id` at `at`, with a best shot of this quality and similarity.

        `passed_s`: the same moment in seconds of a clock that nobody sets, None where there is none.
        NEW for the first sighting, or the first after more than `gap_s` unseen (`cooldown_s` where that is more).
        UPDATE when the best shot is better by `MIN_GAIN` than the one told, or `update_every_s` have passed since
        something was told; else NONE.
        """
        _require_aware(at)
        key = (person_id, camera)
        stay = self._stays.get(key)
        gap = max(self._gap, dt.timedelta(seconds=cooldown_s))
        if stay is None or stay.is_over(at, passed_s, gap):
            visit = Visit(first_at=at, last_at=at, best_at=at, seen_count=1)
            self._stays[key] = _Stay(visit, at, at, quality, similarity, gap, passed_s)
            return VisitUpdate(VisitKind.NEW, visit, True, quality, similarity)
        # The clock was set back: continue from the new time, so that a stay is neither reported twice nor endless.
        stay.seen_at, stay.passed_s = at, passed_s
        stay.told_at = min(stay.told_at, at)
        last_at = max(stay.visit.last_at, at)
        stay.visit = replace(stay.visit, last_at=last_at, seen_count=stay.visit.seen_count + 1)
        is_due = at - stay.told_at >= self._update_every
        is_best = quality > stay.best_quality * (self._min_gain if is_due else MIN_GAIN)
        if is_best:
            stay.visit = replace(stay.visit, best_at=max(at, stay.visit.first_at))
            stay.best_quality, stay.best_similarity = quality, similarity
        if is_due or is_best:
            stay.told_at = at
        kind = VisitKind.UPDATE if is_due or is_best else VisitKind.NONE
        return VisitUpdate(kind, stay.visit, is_best, stay.best_quality, stay.best_similarity)

    def restore(
        self, person_id: str, camera: str, visit: Visit, best_quality: float = 0.0, cooldown_s: float = 0.0
    ) -> None:
        """Continue a stored visit after a restart: it goes on if the person is seen within `gap_s` of its last time."""
        _require_aware(visit.last_at)
        gap = max(self._gap, dt.timedelta(seconds=cooldown_s))
        self._stays[(person_id, camera)] = _Stay(visit, visit.last_at, visit.last_at, best_quality, None, gap)

    def end(self, person_id: str, camera: str) -> None:
        """The next sighting begins a visit anew."""
        self._stays.pop((person_id, camera), None)

    def keep(self, people: Collection[str]) -> None:
        """Forget the visits of everybody else, such as those who were erased with their hits."""
        self._stays = {key: stay for key, stay in self._stays.items() if key[0] in people}


def _require_aware(at: dt.datetime) -> None:
    if at.tzinfo is None:
        raise ValueError(f"visit time {at} has no time zone: pass an aware UTC datetime")
