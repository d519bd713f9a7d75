"""What the web side asks of the vision side: looking at pictures somebody hands over. Records and one Protocol only.

`edge.app.people.worker` does the work, in a worker of its own, so that nothing here reaches a model
and live work goes on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web

from edge.errors import ServiceError
from edge.records import Person
from edge.store import Receipt


@dataclass(frozen=True, slots=True)
class Upload:
    """One picture file as it was handed over."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class PictureOutcome:
    """What became of one picture: kept, or refused with a reason and the measured numbers."""

    source: str
    accepted: bool
    reason: str | None
    message: str
    numbers: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Entry:
    """One person of a list that is handed over; `pictures` None leaves the person's references as they are."""

    person: Person
    pictures: tuple[Upload, ...] | None = None


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What became of one person; `is_stored` is False where not one picture could be used: then nothing was changed."""

    person: Person
    is_stored: bool
    outcomes: tuple[PictureOutcome, ...]
    num_references: int


class Desk(Protocol):
    """Does one thing after the other, in its own thread; each call waits its turn.

    `by` is who asks, for the audit. With `if_version` nothing is changed unless the list still has that version:
    PreconditionError.
    """

    async def enrol(
        self,
        person: Person,
        pictures: Sequence[Upload],
        *,
        by: str,
        replace: bool = False,
        if_version: int | None = None,
    ) -> Enrolled:
        """Check pictures and keep those that pass; with `replace`, instead of the references the person had."""
        ...

    async def replace_all(
        self, entries: Sequence[Entry], *, by: str, if_version: int | None = None
    ) -> tuple[Enrolled, ...]:
        """Make this the whole list, all or nothing; whoever is not on it is erased."""
        ...

    async def erase(self, person_id: str, *, by: str, if_version: int | None = None) -> Receipt:
        """Erase a person with references, hits and pictures."""
        ...


DESK: web.AppKey[Desk | None] = web.AppKey("desk")


def require_desk(app: web.Application) -> Desk:
    """The desk, or ServiceError where this service looks at no pictures."""
    desk = app[DESK]
    if desk is None:
        raise ServiceError("this service can't look at pictures: it runs without models; use the service of the box")
    return desk
