"""Imports and exports whole watchlists: the classic layout, and our own archive."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from edge.app.people.people import NoPictureError, People, require_stored
from edge.app.people.pictures import NOT_AMONG_BEST
from edge.capture.sources import is_misnamed_picture
from edge.errors import EdgeError, ImageError, PersonIdError
from edge.names import printable
from edge.pixels.hashing import file_sha256
from edge.records import Person, Reference
from edge.store import Store
from edge.store.audit.audit import LOCAL
from edge.watchlist import Archive, write_archive
from edge.watchlist.archive import is_archive
from edge.watchlist.classic import read_classic
from edge.watchlist.entry import EnrolOutcome, ListEntry, Upload

Progress = Callable[[int, int], None]
"""Called with the number of people done, and of all."""
"""Called with the id of each person that is done."""


@dataclass(slots=True)
class ImportReport:
    """Who was enrolled and who was refused, with the reason."""

    enrolled: list[EnrolOutcome] = field(default_factory=list)
    refused: list[EdgeError] = field(default_factory=list)
    made_ids: dict[str, str] = field(default_factory=dict)
    """Maps ids made from names to those names, for people whose list gave no usable id."""
    notes: list[str] = field(default_factory=list)
    """What was passed over, and what was paired by position, a sentence each."""

    left_out: list[EnrolOutcome] = field(default_factory=list)
    """Those of the refused whose pictures were looked at."""

    def lines(self) -> list[str]:
        """A line for each thing passed over, each picture refused, and each person refused, with the reason."""
        pictures = [
            # Of a file that can't be read the message names the file.
            f"{picture.source}: {picture.message.removeprefix(f'{picture.source}: ')}"
            for one in (*self.enrolled, *self.left_out)
            for picture in one.outcomes
            if not picture.accepted and picture.reason != NOT_AMONG_BEST
        ]
        pictures += [
            f"{picture.source}: {note}"
            for one in self.enrolled
            for picture in one.outcomes
            for note in picture.notes
            if picture.accepted
        ]
        why = {True: "no picture can be used", False: "no picture was given"}
        people = [f"{one.person.person_id} was not enrolled: {why[bool(one.outcomes)]}" for one in self.left_out]
        others = [str(error) for error in self.refused if not isinstance(error, NoPictureError)]
        return [*self.notes, *pictures, *people, *others]


@dataclass(frozen=True, slots=True)
class PlannedPerson:
    """A person as an import would enrol them; `folder` and `paired_by` say why, and are empty for an archive."""

    person: Person
    num_pictures: int
    first_picture: str | None
    folder: str = ""
    paired_by: str = ""


def plan_import(path: Path, known_ids: Collection[str]) -> tuple[list[PlannedPerson], list[str]]:
    """What `import_people` would enrol, and what it would pass over. Decodes no picture and changes nothing.

    `known_ids` are those on the watchlist.
    """
    if is_archive(path):
        with Archive(path) as archive:
            named = [(person, archive.pictures(person.person_id)) for person in archive.people]
        return [PlannedPerson(one, len(names), names[0] if names else None) for one, names in named], []
    found = read_classic(path, known_ids=known_ids, is_misnamed=is_misnamed_picture)
    planned = []
    for folder, listed in zip(found.folders, found.people, strict=True):
        first = printable(listed.pictures[0]) if listed.pictures else None
        about = printable(folder.name), listed.paired_by
        planned.append(PlannedPerson(listed.person, len(listed.pictures), first, *about))
    return planned, list(found.notes)


def import_people(people: People, path: Path, *, by: str = LOCAL, progress: Progress | None = None) -> ImportReport:
    """Enrol everybody of our own archive or of the classic layout, whichever `path` is."""
    if is_archive(path):
        report = ImportReport()
        with Archive(path) as archive:
            _enrol_all(people, _of_archive(archive), len(archive.people), report, by, progress)
        return report
    return import_classic(people, path, by=by, progress=progress)


def import_classic(people: People, path: Path, *, by: str = LOCAL, progress: Progress | None = None) -> ImportReport:
    """Enrol everybody of a classic folder (or its JSON); ImageError where nobody could be enrolled."""
    report = ImportReport()
    known_ids = {person.person_id for person in people.store.people()}
    found = read_classic(path, known_ids=known_ids, is_misnamed=is_misnamed_picture)
    listed = found.people
    report.notes += found.notes
    report.made_ids = {one.person.person_id: one.person.name for one in listed if one.is_id_made}
    # The layout knows neither end nor reason nor owner: those of an entry there is must not be lost.
    entries = (ListEntry(people.keep_former(one.person), one.pictures) for one in listed)
    _enrol_all(people, entries, len(listed), report, by, progress)
    if report.refused and not report.enrolled:
        raise ImageError("\n".join([f"{printable(path)}: nobody could be enrolled.", *report.lines()]))
    return report


@dataclass(slots=True)
class ExportReport:
    """How many people an archive holds, and the references whose pictures are not in it."""

    num_people: int = 0
    aside: list[Reference] = field(default_factory=list)
    """Set aside: they may show somebody else, and an archive can't say so."""
    lost: list[Reference] = field(default_factory=list)
    """Of which the file is missing or damaged."""


def export_people(store: Store, path: Path, *, by: str = LOCAL) -> ExportReport:
    """Write everybody and the pictures of theirs that are searched as one archive, with an audit line."""
    report, aside, pictures = ExportReport(), store.calibration.set_aside_ids(), dict[str, list[bytes]]()
    for reference in store.references():
        if reference.reference_id in aside:
            report.aside.append(reference)
        elif (data := _kept_picture(store, reference.image_sha256)) is None:
            report.lost.append(reference)
        else:
            pictures.setdefault(reference.person_id, []).append(data)
    people = [(person, pictures.get(person.person_id, [])) for person in store.people()]
    write_archive(path, people)
    report.num_people = len(people)
    store.audit(by, "watchlist.export", "watchlist", {"people": len(people)}).result()
    return report


def _kept_picture(store: Store, sha256: str) -> bytes | None:
    """The bytes of a kept picture; None where its file is missing, can't be read, or is another than was kept."""
    path = store.image_path(sha256)
    try:
        data = None if path is None else path.read_bytes()
    except OSError:
        return None
    return data if data is not None and file_sha256(data) == sha256 else None


def _of_archive(archive: Archive) -> Iterator[ListEntry]:
    for person in archive.people:
        names = archive.pictures(person.person_id)
        yield ListEntry(person, tuple(Upload(name, archive.read(name)) for name in names))


def _enrol_all(
    people: People, entries: Iterator[ListEntry], total: int, report: ImportReport, by: str, progress: Progress | None
) -> None:
    for number, entry in enumerate(entries, start=1):
        try:
            outcome = people.enrol(entry, by=by, takes_ended=True)
            require_stored(outcome)
            if entry.person.has_ended(dt.datetime.now(dt.UTC)):
                report.notes.append(f"{printable(entry.person.person_id)}: this entry has ended and never matches")
            report.enrolled.append(outcome)
        except NoPictureError as error:
            report.refused.append(error)
            report.left_out.append(error.outcome)
        except (ImageError, PersonIdError) as error:
            report.refused.append(error)
        if progress is not None:
            progress(number, total)
