"""What the web side asks of the rest of the program: Protocols and their records only.

`edge.app` implements them, with models on worker threads and processes of their own: nothing here can reach a model,
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
    """One uploaded picture file."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class PictureOutcome:
    """Result of one picture's check: accepted, or refused with a reason; with the measured numbers."""

    source: str
    accepted: bool
    reason: str | None
    message: str
    numbers: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Entry:
    """One person of a new watchlist; `pictures` None keeps the person's references."""

    person: Person
    pictures: tuple[Upload, ...] | None = None


@dataclass(frozen=True, slots=True)
class Enrolled:
    """Result for one person. `is_stored` is False if no picture could be used; then nothing was changed."""

    person: Person
    is_stored: bool
    outcomes: tuple[PictureOutcome, ...]
    num_references: int


class Desk(Protocol):
    """Changes the watchlist. Calls are queued and run one at a time on a thread of their own.

    `by` is the caller's name for the audit. With `if_version`, PreconditionError unless the list has that version.
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
        """Replace the whole list, all or nothing; people not in `entries` are erased."""
        ...

    async def erase(self, person_id: str, *, by: str, if_version: int | None = None) -> Receipt:
        """Erase a person with references, hits and pictures."""
        ...


DESK: web.AppKey[Desk | None] = web.AppKey("desk")


def require_desk(app: web.Application) -> Desk:
    """The service that checks pictures, or ServiceError if this process runs without models."""
    desk = app[DESK]
    if desk is None:
        raise ServiceError("this service can't look at pictures: it runs without models; use the service of the box")
    return desk
