"""The people looked for at one moment: replaced whole when the list changes, never edited."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edge.records import Person, Reference
from edge.thresholds import Thresholds
from edge.watchlist.calibration import Calibration
from edge.watchlist.gallery import Gallery


@dataclass(frozen=True, slots=True)
class ActiveList:
    """A searchable gallery with the entries behind it, and the list's version and digest."""

    gallery: Gallery
    people: Mapping[str, Person]
    references: Mapping[str, Reference]
    version: int
    digest: str
    good_until: dt.datetime | None = None
    """From this time on the list is too old, and nobody on it matches."""
    calibration: Calibration | None = None
    """How strangers score against this list."""
    thresholds: Thresholds | None = None
    """The calibrated thresholds; without them the configuration's values hold."""

    @classmethod
    def of(
        cls,
        people: Sequence[Person],
        references: Sequence[Reference],
        version: int,
        digest: str,
        good_until: dt.datetime | None = None,
        *,
        calibration: Calibration | None = None,
        thresholds: Thresholds | None = None,
    ) -> ActiveList:
        """Build from entries and references; raises ModelError if the references come from several models."""
        return cls(
            gallery=Gallery(references, people),
            people={person.person_id: person for person in people},
            references={reference.reference_id: reference for reference in references},
            version=version,
            digest=digest,
            good_until=good_until,
            calibration=calibration,
            thresholds=thresholds,
        )

    def is_stale(self, at: dt.datetime) -> bool:
        """Whether the whole list is too old at that time."""
        return self.good_until is not None and at >= self.good_until

    def expired_at(self, at: dt.datetime) -> frozenset[str]:
        """Ids of the entries that never match at that time: those past their end, or all of a list too old."""
        if self.is_stale(at):
            return frozenset(self.people)
        return frozenset(person.person_id for person in self.people.values() if person.has_ended(at))
