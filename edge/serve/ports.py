"""What the web side asks of the vision side: changes of the watchlist, whose pictures are checked there.

`edge.app.people.worker` does the work, in a worker of its own, so that nothing here reaches a model
and live work goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from aiohttp import web

from edge.store import Erasure
from edge.watchlist.entry import EnrolOutcome, ListEntry


class PeopleService(Protocol):
    """Changes the watchlist. Calls with pictures are queued and run one at a time on a thread of their own.

    `by` is the caller's name for the audit. With `if_version`, PreconditionError unless the list has that version.
    PersonIdError for an id that a new person may not have; ServiceError for pictures where there are no models.
    """

    async def enrol(
        self, entry: ListEntry, *, by: str, replaces: bool = False, if_version: int | None = None
    ) -> EnrolOutcome:
        """Add or change one person; with `replaces` pictures replace the references, else they are added."""
        ...

    async def replace_list(
        self, entries: Sequence[ListEntry], *, by: str, if_version: int | None = None
    ) -> tuple[EnrolOutcome, ...]:
        """Make this the whole list, all or nothing; whoever is not on it is erased."""
        ...

    async def forget(self, person_id: str, *, by: str, if_version: int | None = None) -> Erasure:
        """Erase a person with references, hits, pictures and examinations; NotFoundError."""
        ...


PEOPLE: web.AppKey[PeopleService] = web.AppKey("people")
