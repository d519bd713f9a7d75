"""Every change of the watchlist: enrol, replace, erase, calibrate, re-embed. Page, API and command line call this.

Only this module decides which ids new people may have, and what an erasure deletes.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge.app.build import Models
from edge.app.people import calibration, embeddings
from edge.app.people.pictures import CheckedPerson, check_pictures
from edge.app.people.sheets import forget_in_sheets
from edge.config import Config
from edge.errors import ExpiryError, ImageError, ServiceError
from edge.records import Person
from edge.store import Erasure, Listing, Receipt, Store, time_to_text
from edge.store.audit.audit import LOCAL
from edge.store.people.traces import AREAS
from edge.watchlist.entry import EnrolOutcome, ListEntry, PictureOutcome, Upload, require_new_id
from edge.watchlist.look_alikes import look_alikes
from edge.watchlist.picture_checks import MESSAGES, RefusalReason

STAYS_ASIDE = "it was set aside on this box and stays so; `edge watchlist restore` lets it be searched again"


class People:
    """The watchlist of one store; synchronous. `by` is who asks, for the audit.

    `models` is called when pictures are to be checked; without it such calls raise ServiceError. `forget_examinations`
    deletes the examinations that name a person and returns how many; without it there are none. With `if_version`
    nothing is changed unless the list still has that version: PreconditionError.
    """

    def __init__(
        self,
        store: Store,
        models: Callable[[], Models] | None = None,
        forget_examinations: Callable[[str], int] | None = None,
    ) -> None:
        self.store = store
        self._models = models
        self._forget_examinations = forget_examinations

    def enrol(
        self,
        entry: ListEntry,
        *,
        by: str,
        replaces: bool = False,
        allow_alike: bool = False,
        takes_ended: bool = False,
        if_version: int | None = None,
    ) -> EnrolOutcome:
        """Add or change one person; without a usable picture among those given, nothing is stored.

        With `replaces` the pictures replace the references the person has, else they are added; `allow_alike` accepts
        pictures that look like somebody else, as of twins, and is audited where one does. Raises PersonIdError for an
        id no new person may have, ExpiryError for an end that is past unless the entry has it already or `takes_ended`.
        """
        self._require_id(entry.person.person_id)
        if not takes_ended:
            self._require_end_to_come(entry.person)
        if entry.pictures is None:
            self.store.put_listing(Listing(entry.person), by=by, if_version=if_version).result()
            return EnrolOutcome(entry.person, is_stored=True)
        checked = self._check(entry, replaces=replaces, allow_alike=allow_alike)
        if checked.references:
            alike = sorted({one.like for one in checked.outcomes if one.accepted and one.like is not None})
            listing = Listing(entry.person, checked.references, checked.images, replaces=replaces, alike=tuple(alike))
            self.store.put_listing(listing, by=by, if_version=if_version).result()
        return _with_aside(checked.outcome(), self.store.calibration.set_aside_ids())

    def replace_list(
        self, entries: Sequence[ListEntry], *, by: str, if_version: int | None = None
    ) -> tuple[EnrolOutcome, ...]:
        """Make this the whole list and erase whoever is not on it.

        All or nothing: one person without a usable picture among those given, and nothing is stored. Pictures that look
        like somebody else's on the new list are told, and no reason to refuse it; neither is an entry that has ended.
        A picture that was set aside stays so, and is told.
        """
        for entry in entries:
            self._require_id(entry.person.person_id)
        outcomes: list[EnrolOutcome] = []
        listings: list[Listing] = []
        for entry in entries:
            if entry.pictures is None:
                outcomes.append(EnrolOutcome(entry.person, is_stored=True))
                listings.append(Listing(entry.person))
                continue
            checked = self._check(entry, replaces=True, compares=False)
            outcomes.append(checked.outcome())
            listings.append(Listing(entry.person, checked.references, checked.images, replaces=True))
        if all(outcome.is_stored for outcome in outcomes):
            names = {person.person_id: person.name for person in self.store.people()}
            for receipt in self.store.replace_people(listings, by=by, if_version=if_version).result():
                self._erase_beside(receipt, names.get(receipt.person_id, ""))
        aside = self.store.calibration.set_aside_ids()
        return tuple(_with_aside(one, aside) for one in self._with_look_alikes(outcomes, listings))

    def forget(self, person_id: str, *, by: str, if_version: int | None = None) -> Erasure:
        """Erase a person everywhere; NotFoundError for an id that is not on the list."""
        person = self.store.person(person_id)
        receipt = self.store.forget_person(person_id, by=by, if_version=if_version).result()
        return self._erase_beside(receipt, "" if person is None else person.name)

    def keep_former(self, person: Person) -> Person:
        """Return the person; an end, reason or owner that is missing is taken from the present entry."""
        former = self.store.person(person.person_id)
        if former is None:
            return person
        return replace(
            person,
            expires_at=person.expires_at or former.expires_at,
            reason=person.reason or former.reason,
            owner=person.owner or former.owner,
        )

    def set_aside(self, reference_id: str, *, by: str, is_aside: bool = True) -> None:
        """Leave a reference out of every search, or take it back; NotFoundError for an id there is not."""
        self.store.calibration.set_aside(reference_id, is_aside=is_aside, by=by).result()

    def calibrate(self, config: Config, *, one_in: float, min_margin: float | None, write: bool) -> dict[str, Any]:
        """Limits for a wanted rate of false alerts, JSON-ready; see `calibration.calibrate`."""
        return calibration.calibrate(
            config, self.models(), self.store, one_in=one_in, min_margin=min_margin, write=write
        )

    def reset_limits(self, *, by: str) -> None:
        """Go back to the limits of the configuration."""
        self.store.calibration.put_thresholds(None, by=by).result()

    def reembed(self, progress: Callable[[int, int], None] | None = None) -> dict[str, Any]:
        """Embed every kept picture with the model in use, JSON-ready; see `embeddings.reembed`."""
        return embeddings.reembed(self.store, self.models(), progress)

    def models(self) -> Models:
        """The models; ServiceError where this process has none."""
        if self._models is None:
            raise ServiceError(
                "this process can't check pictures: it runs without models; start the service with its models"
            )
        return self._models()

    def _check(self, entry: ListEntry, **how: bool) -> CheckedPerson:
        pictures = entry.pictures or ()
        return check_pictures(self.store, self.models(), entry.person, pictures, face=entry.face, **how)

    def _with_look_alikes(
        self, outcomes: Sequence[EnrolOutcome], listings: Sequence[Listing]
    ) -> Iterator[EnrolOutcome]:
        """The outcomes of a whole list, with whom else on it each new reference looks like."""
        new = [reference for listing in listings for reference in listing.references or ()]
        kept = {listing.person.person_id for listing in listings if listing.references is None}
        rest = [one for one in self.store.references(new[0].model_sha256) if one.person_id in kept] if new else []
        like = {one.reference_id: other.person_id for one, other, _ in look_alikes([*new, *rest])}
        for outcome, listing in zip(outcomes, listings, strict=True):
            references = iter(listing.references or ())  # one for each accepted picture, in their order
            pictures = tuple(
                _told(one, like.get(next(references).reference_id)) if one.accepted else one for one in outcome.outcomes
            )
            yield replace(outcome, outcomes=pictures)

    def _require_id(self, person_id: str) -> None:
        if self.store.person(person_id) is None:
            require_new_id(person_id)

    def _require_end_to_come(self, person: Person) -> None:
        now = dt.datetime.now(dt.UTC)
        if not person.has_ended(now):
            return
        assert person.expires_at is not None
        former, end = self.store.person(person.person_id), time_to_text(person.expires_at)
        if former is None or former.expires_at is None or time_to_text(former.expires_at) != end:
            raise ExpiryError(
                f"the entry would have ended at {end} and never match: give a time to come, or none; "
                f"by the clock of this box it is {time_to_text(now)}"
            )

    def traces(self, person_id: str, name: str = "", *, pictures: bool = True) -> dict[str, int]:
        """What still holds an id or name, in every spelling, by place; see `Store.traces`.

        A name that is also part of somebody else's on the list says nothing of this person, and is not looked for.
        """
        others = [one.name for one in self.store.people() if one.person_id != person_id]
        wanted = [person_id] if not name or any(name in other for other in others) else [person_id, name]
        return self.store.traces(wanted, pictures=pictures)

    def _erase_beside(self, receipt: Receipt, name: str) -> Erasure:
        """Erase what lies outside the store. Whatever else names people by id belongs here, and in the receipt.

        Afterwards everything is searched: the receipt says scrubbed only where nothing names the person any more.
        """
        forget, person_id = self._forget_examinations, receipt.person_id
        examinations = 0 if forget is None else forget(person_id)
        sheets = forget_in_sheets(self.store.folder, person_id)
        remains = self.traces(person_id, name, pictures=False)
        scrubbed = replace(receipt, is_scrubbed=receipt.is_scrubbed and not remains)
        return Erasure(scrubbed, examinations, sheets, AREAS, remains)


def _with_aside(outcome: EnrolOutcome, aside: frozenset[str]) -> EnrolOutcome:
    """The outcome, with a note on each picture whose reference is among those set aside."""
    if aside.isdisjoint(outcome.references):
        return outcome
    ids = iter(outcome.references)  # one for each accepted picture, in their order
    pictures = tuple(
        replace(one, notes=(*one.notes, STAYS_ASIDE)) if one.accepted and next(ids) in aside else one
        for one in outcome.outcomes
    )
    return replace(outcome, outcomes=pictures)


def _told(picture: PictureOutcome, like: str | None) -> PictureOutcome:
    """An accepted picture, with whom else on the list it looks like."""
    if like is None:
        return picture
    return replace(picture, like=like, message=f"{picture.message}; {MESSAGES[RefusalReason.LOOK_ALIKE]}: {like}")


def enrol(
    store: Store,
    models: Models,
    person: Person,
    pictures: Sequence[Upload | Path],
    *,
    allow_alike: bool = False,
    by: str = LOCAL,
) -> EnrolOutcome:
    """Check every picture, keep what passes, and store person and references in one commit.

    Raises ImageError if not one picture passed: then nothing is stored.
    """
    people = People(store, lambda: models)
    return enrol_or_raise(people, ListEntry(person, tuple(pictures)), by=by, allow_alike=allow_alike)


def enrol_or_raise(people: People, entry: ListEntry, *, by: str, allow_alike: bool = False) -> EnrolOutcome:
    """`People.enrol`, with ImageError where nobody was stored."""
    outcome = people.enrol(entry, by=by, allow_alike=allow_alike)
    require_stored(outcome)
    return outcome


class NoPictureError(ImageError):
    """Somebody was not stored: no picture can be used. `outcome` says why, picture by picture."""

    def __init__(self, outcome: EnrolOutcome) -> None:
        super().__init__(
            f"{outcome.person.person_id} was not enrolled, no picture can be used. {outcome.why_refused()}"
        )
        self.outcome = outcome


def require_stored(outcome: EnrolOutcome) -> None:
    """Raise NoPictureError where nobody was stored."""
    if not outcome.is_stored:
        raise NoPictureError(outcome)


@contextmanager
def temporary_people(models: Models) -> Iterator[People]:
    """An empty watchlist in a store of its own, which is deleted at the end."""
    with tempfile.TemporaryDirectory(prefix="edge-people-") as folder, Store.open(Path(folder)) as store:
        yield People(store, lambda: models)
