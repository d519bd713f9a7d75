"""Changes of the watchlist: each one transaction that checks the expected version and writes its audit row.

The rows of people are in people.py; the rows that an erasure touches are in erasure.py.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from edge.records import Person, Reference
from edge.store.audit import audit
from edge.store.blobs import Blobs
from edge.store.codec import time_to_text
from edge.store.database.jobs import Change
from edge.store.people import erasure, people


@dataclass(frozen=True, slots=True)
class Listing:
    """A person to put on the list.

    `references` None keeps theirs; else they are added or, with `replaces`, take their place.
    """

    person: Person
    references: tuple[Reference, ...] | None = None
    images: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    replaces: bool = False
    alike: tuple[str, ...] = ()
    """Ids of other people that its pictures look like, where somebody let that pass; the audit names them."""


def put_person(
    change: Change, blobs: Blobs, listing: Listing, if_version: int | None, by: str, now: dt.datetime
) -> tuple[int, str]:
    """Add or change one person; returns the list's new version and digest."""
    people.require_version(change.db, if_version)
    _put(change, blobs, listing, by, now)
    return people.version(change.db), people.digest(change.db)


def begin_erasure(change: Change, person_id: str, if_version: int | None, by: str, now: dt.datetime) -> list[str]:
    """Take one person off the list; returns whose erasure is to be done."""
    people.require_version(change.db, if_version)
    erasure.begin(change, [person_id], by, now)
    return erasure.unfinished(change.db)


def replace_list(
    change: Change, blobs: Blobs, listings: Sequence[Listing], if_version: int | None, by: str, now: dt.datetime
) -> list[str]:
    """Make `listings` the whole list; returns whose erasure is to be done."""
    people.require_version(change.db, if_version)
    wanted = {listing.person.person_id for listing in listings}
    gone = [person.person_id for person in people.all_people(change.db) if person.person_id not in wanted]
    erasure.begin(change, gone, by, now)
    for listing in listings:
        _put(change, blobs, listing, by, now)
    if not gone and not listings:
        people.bump_version(change.db, now)  # confirming an empty list counts as a change
    detail = {"people": len(listings), "erased": len(gone)}
    audit.append(change.db, now, by, "watchlist.replace", _version(change), detail)
    return erasure.unfinished(change.db)


def _put(change: Change, blobs: Blobs, listing: Listing, by: str, now: dt.datetime) -> None:
    person, references = listing.person, listing.references
    replaces = listing.replaces and references is not None
    people.put(change, blobs, person, references or (), listing.images, now, replace=replaces)
    detail: dict[str, object] = {
        "status": person.status,
        "reason": person.reason,
        "owner": person.owner,
        "references": len(references or ()),
    }
    detail |= {"expires_at": None if person.expires_at is None else time_to_text(person.expires_at)}
    if listing.alike:
        detail |= {"although_like": list(listing.alike)}
    subject = f"person {person.person_id}"
    audit.append(change.db, now, by, "person.put", subject, detail, person_id=person.person_id)


def _version(change: Change) -> str:
    return f"watchlist version {people.version(change.db)}"
