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
from edge.store.people import erasure, people
from edge.store.rows import Receipt
from edge.store.writer import Change


@dataclass(frozen=True, slots=True)
class Listing:
    """A person to put on the list.

    `references` None keeps theirs; else they are added or, with `replaces`, take their place.
    """

    person: Person
    references: tuple[Reference, ...] | None = None
    images: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    replaces: bool = False


def put_person(
    change: Change, blobs: Blobs, listing: Listing, if_version: int | None, by: str, now: dt.datetime
) -> tuple[int, str]:
    """Add or change one person; returns the list's new version and digest."""
    people.require_version(change.db, if_version)
    _put(change, blobs, listing, by, now)
    return people.version(change.db), people.digest(change.db)


def erase_person(change: Change, person_id: str, if_version: int | None, by: str, now: dt.datetime) -> Receipt:
    """Erase one person."""
    people.require_version(change.db, if_version)
    return _erase(change, person_id, by, now)


def replace_list(
    change: Change, blobs: Blobs, listings: Sequence[Listing], if_version: int | None, by: str, now: dt.datetime
) -> list[Receipt]:
    """Make `listings` the whole list; returns the receipts of those who were erased."""
    people.require_version(change.db, if_version)
    wanted = {listing.person.person_id for listing in listings}
    gone = [person.person_id for person in people.all_people(change.db) if person.person_id not in wanted]
    receipts = [_erase(change, person_id, by, now) for person_id in gone]
    for listing in listings:
        _put(change, blobs, listing, by, now)
    if not gone and not listings:
        people.bump_version(change.db, now)  # confirming an empty list counts as a change
    detail = {"people": len(listings), "erased": len(gone)}
    audit.append(change.db, now, by, "watchlist.replace", _version(change), detail)
    return receipts


def _put(change: Change, blobs: Blobs, listing: Listing, by: str, now: dt.datetime) -> None:
    person, references = listing.person, listing.references
    replaces = listing.replaces and references is not None
    people.put(change, blobs, person, references or (), listing.images, now, replace=replaces)
    detail = {
        "status": person.status,
        "reason": person.reason,
        "owner": person.owner,
        "references": len(references or ()),
    }
    detail |= {"expires_at": None if person.expires_at is None else time_to_text(person.expires_at)}
    subject = f"person {person.person_id}"
    audit.append(change.db, now, by, "person.put", subject, detail, person_id=person.person_id)


def _erase(change: Change, person_id: str, by: str, now: dt.datetime) -> Receipt:
    """Erase a person, also from the audit, which keeps only that somebody was erased, by whom, and how much."""
    person = people.get(change.db, person_id)
    receipt = erasure.delete_rows(change, person_id, now)
    blanked = audit.blank_rows_about(change.db, person_id, (person_id, person.name) if person else (person_id,))
    detail = {"hits": receipt.hits, "references": receipt.references, "images": receipt.images, "blanked": blanked}
    audit.append(change.db, now, by, audit.ERASED, _version(change), detail)
    return receipt


def _version(change: Change) -> str:
    return f"watchlist version {people.version(change.db)}"
