"""Whole watchlists in and out: the import of the classic layout and of our own archive, and the export."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from edge.app.people.people import People, enrol_or_raise
from edge.errors import EdgeError, ImageError, PersonIdError
from edge.store import Store
from edge.store.audit.audit import LOCAL
from edge.watchlist import Archive, read_classic, write_archive
from edge.watchlist.archive import LIST_NAME
from edge.watchlist.entry import EnrolOutcome, ListEntry, Upload

Progress = Callable[[str], None]
"""Called with the id of each person that is done."""


@dataclass(slots=True)
class ImportReport:
    """Who was enrolled and who was refused, with the reason."""

    enrolled: list[EnrolOutcome] = field(default_factory=list)
    refused: list[EdgeError] = field(default_factory=list)
    made_ids: dict[str, str] = field(default_factory=dict)
    """Names by the ids that were made of them: the list gave no id, and the name can't be one."""


def import_people(people: People, path: Path, *, by: str = LOCAL, progress: Progress | None = None) -> ImportReport:
    """Enrol everybody of our own archive or of the classic layout, whichever `path` is."""
    if (path.is_file() and path.suffix.lower() == ".zip") or (path / LIST_NAME).is_file():
        report = ImportReport()
        _enrol_all(people, _of_archive(path), report, by, progress)
        return report
    return import_classic(people, path, by=by, progress=progress)


def import_classic(people: People, path: Path, *, by: str = LOCAL, progress: Progress | None = None) -> ImportReport:
    """Enrol everybody of a classic folder (or its JSON); ImageError where nobody could be enrolled."""
    report = ImportReport()
    known = {person.person_id for person in people.store.people()}
    listed = read_classic(path, known_ids=known)
    report.made_ids = {one.person.person_id: one.person.name for one in listed if one.is_id_made}
    # The layout knows neither end nor reason nor owner: those of an entry there is must not be lost.
    entries = (ListEntry(people.keep_former(one.person), one.pictures) for one in listed)
    _enrol_all(people, entries, report, by, progress)
    if report.refused and not report.enrolled:
        raise ImageError(f"{path}: nobody could be enrolled. {report.refused[0]}")
    return report


def export_people(store: Store, path: Path, *, by: str = LOCAL) -> int:
    """Write everybody and their kept pictures as one archive, with an audit line; returns the number of people."""
    pictures: dict[str, list[bytes]] = {}
    for reference in store.references():
        file = store.image_path(reference.image_sha256)
        if file is not None:
            pictures.setdefault(reference.person_id, []).append(file.read_bytes())
    people = [(person, pictures.get(person.person_id, [])) for person in store.people()]
    write_archive(path, people)
    store.audit(by, "watchlist.export", "watchlist", {"people": len(people)}).result()
    return len(people)


def _of_archive(path: Path) -> Iterator[ListEntry]:
    with Archive(path) as archive:
        for person in archive.people:
            names = archive.pictures(person.person_id)
            yield ListEntry(person, tuple(Upload(name, archive.read(name)) for name in names))


def _enrol_all(
    people: People, entries: Iterator[ListEntry], report: ImportReport, by: str, progress: Progress | None
) -> None:
    for entry in entries:
        try:
            report.enrolled.append(enrol_or_raise(people, entry, by=by))
        except (ImageError, PersonIdError) as error:
            report.refused.append(error)
        if progress is not None:
            progress(entry.person.person_id)
