"""The people looked for at one moment: replaced whole when the list changes, never edited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edge.records import Person, Reference
from edge.watchlist.gallery import Gallery


@dataclass(frozen=True, slots=True)
class Watch:
    """A searchable gallery with the entries behind it, and the list's version and digest."""

    gallery: Gallery
    people: Mapping[str, Person]
    references: Mapping[str, Reference]
    version: int
    digest: str

    @classmethod
    def of(cls, people: Sequence[Person], references: Sequence[Reference], version: int, digest: str) -> Watch:
        """Build from entries and references; raises ModelError if the references come from several models."""
        return cls(
            gallery=Gallery(references, people),
            people={person.person_id: person for person in people},
            references={reference.reference_id: reference for reference in references},
            version=version,
            digest=digest,
        )
