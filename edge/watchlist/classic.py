"""Reading the classic layout: `Dataset/<class>/<images>`, and beside it a JSON `{"0": {"Name", "ID", "Status"}, ...}`.

Only names and paths are read here; pictures are decoded by the caller. The folder is never written to.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from edge.errors import ImageError
from edge.names import IMAGE_SUFFIXES, is_left_behind, natural_order, printable
from edge.watchlist.listing import (
    DEFAULT_STATUS,
    NO_LIST,
    ListedPerson,
    Listing,
    lists_beside,
    name_alone,
    read_listing,
)
from edge.watchlist.name_pairs import Pair, pair

__all__ = ["ClassicSet", "ListedPerson", "read_classic"]

_TABLES = frozenset({".csv", ".ods", ".tsv", ".xls", ".xlsx", ".xml", ".yaml", ".yml"})
"""Files that may be meant as a list, and are none here."""
DATASET = "dataset"
MAX_DEPTH = 3
"""Folders in one another, each alone, down to the folders of people."""


@dataclass(frozen=True, slots=True)
class ClassicSet:
    """A classic data set: its people by their folders, and what was passed over, a sentence each."""

    folders: tuple[Path, ...]
    people: tuple[ListedPerson, ...]
    """One for each of `folders`."""
    listing: Path | None
    notes: tuple[str, ...]


def read_classic(
    path: Path,
    listing: Path | None = None,
    *,
    known_ids: Collection[str] = frozenset(),
    is_misnamed: Callable[[Path], bool] = lambda path: False,
) -> ClassicSet:
    """A classic data set with what was passed over; raises ImageError that names the file and what is wrong with it.

    Parameters
    ----------
    path : the folder of class folders, a folder that holds it (as `Dataset`, or alone), or the JSON beside it
    listing : the JSON, where there are several lists beside the folder
    known_ids : ids on the watchlist; a name that is one of them stays the id, whatever characters it has
    is_misnamed : whether a file in a person's folder is a picture although its ending is no picture's

    Notes
    -----
    `edge.watchlist.name_pairs.pair` says which entry belongs to which folder, or refuses. A folder without an entry,
    and any folder where there is no list at all, gives the name. Without an ID the id is the name, made fit by
    `edge.watchlist.entry.fit_id`. JSON that is no list of people is passed over. Of several lists the one that fits
    the folders is taken. What systems leave behind (`._*`, `@eaDir`, `#recycle`, ...) is skipped without a word.
    """
    if path.is_file():
        listing, path = path, path.parent
    if not path.is_dir():
        raise ImageError(f"{printable(path)}: no such folder; give the folder that holds one folder per person")
    try:
        return _read(path, listing, known_ids, is_misnamed)
    except OSError as error:
        where = printable(error.filename or path)
        raise ImageError(f"{where}: can't be read ({error.strerror}); check its permissions") from None


def _read(
    path: Path, listing: Path | None, known_ids: Collection[str], is_misnamed: Callable[[Path], bool]
) -> ClassicSet:
    above = _way_down(path)
    folder = above[-1]
    classes = _folders_in(folder)
    if not classes:
        raise ImageError(
            f"{printable(folder)}: no folder of a person in it; put each person's pictures into a folder of their own"
        )
    chosen, pairs, notes = _choose(above, listing, classes, known_ids)
    people = [_of_folder(found, chosen, pairs.get(found), known_ids, is_misnamed) for found in classes]
    _require_one_each(chosen.path if chosen else folder, list(zip(classes, people, strict=True)))
    notes += [f"{printable(one)}: not read; it lies in no person's folder" for one in _pictures(folder)]
    notes += _not_read(above, listing, has_list=chosen is not None)
    for found, listed in zip(classes, people, strict=True):
        notes += [f"{printable(one)}: not read; it is no picture of a known kind" for one in listed.passed_over]
        if chosen is not None and found not in pairs:
            notes.append(f"{printable(found)}: has no entry in the list, so it is called like its folder")
        elif pairs.get(found, Pair("", "")).by == "position":
            notes.append(f"{printable(found.name)}: is taken for {listed.person.name} by its position alone")
    return ClassicSet(tuple(classes), tuple(people), chosen.path if chosen else None, tuple(notes))


def _way_down(path: Path) -> list[Path]:
    """The folders from the one given to the one with the folders of people.

    That is the first `Dataset`. Without one, a folder that stands alone holds people only if a list lies beside it:
    else it may be a person, with pictures in folders by year.
    """
    way = [path]
    if path.name.casefold() == DATASET:
        return way
    for _ in range(MAX_DEPTH):
        inside = _folders_in(way[-1])
        named = [folder for folder in inside if folder.name.casefold() == DATASET]
        if named:
            return [*way, named[0]]
        if len(inside) != 1 or not _folders_in(inside[0]) or _pictures(inside[0]):
            break
        way.append(inside[0])
    return way if lists_beside(way[:-1]) else [path]


def _folders_in(folder: Path) -> list[Path]:
    found = [one for one in folder.iterdir() if not is_left_behind(one.name) and one.is_dir()]
    return sorted(found, key=lambda one: natural_order(one.name))


def _choose(
    above: Sequence[Path], given: Path | None, classes: list[Path], known_ids: Collection[str]
) -> tuple[Listing | None, dict[Path, Pair], list[str]]:
    """The list, the entry of each folder, and a sentence for each JSON that was passed over."""
    if given is not None:
        if not given.is_file():
            raise ImageError(f"{printable(given)}: no such list; give the JSON that names the people")
        listing = read_listing(given, known_ids)
        if listing is None and given.read_bytes().strip() != b"{}":
            raise ImageError(f"{printable(given)}: {NO_LIST}")
        return (listing, {}, []) if listing is None else (listing, pair(listing, classes), _other_keys(listing))
    looked = _Look()
    looked.at(lists_beside(above), classes, known_ids)
    if not looked.fitting:
        looked.at(lists_beside([above[0].resolve().parent]), classes, known_ids)
    if not looked.fitting:
        if looked.faults:
            raise looked.faults[0][1]
        return None, {}, looked.notes
    (listing, pairs), *rest = looked.best()
    if any(_people_of(one) != _people_of((listing, pairs)) for one in rest):
        names = ", ".join(printable(one.path.name) for one in (listing, *(one for one, _ in rest)))
        raise ImageError(f"{printable(above[-1])}: several lists beside it ({names}); give the right one")
    others = [path for path, _ in looked.faults] + [one.path for one, _ in looked.fitting if one is not listing]
    told = f"passed over; {printable(listing.path.name)} is the list that fits the folders"
    return listing, pairs, [*looked.notes, *(f"{printable(path)}: {told}" for path in others), *_other_keys(listing)]


@dataclass(slots=True)
class _Look:
    """The JSON files looked at: lists that fit, those that are broken or fit no folder, and what is no list."""

    fitting: list[tuple[Listing, dict[Path, Pair]]] = field(default_factory=list)
    faults: list[tuple[Path, ImageError]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def at(self, paths: Sequence[Path], classes: list[Path], known_ids: Collection[str]) -> None:
        """Look at each of these."""
        for path in paths:
            try:
                found = read_listing(path, known_ids)
                if found is None:
                    self.notes.append(f"{printable(path)}: passed over; it {NO_LIST}")
                else:
                    self.fitting.append((found, pair(found, classes)))
            except ImageError as error:
                self.faults.append((path, error))

    def best(self) -> list[tuple[Listing, dict[Path, Pair]]]:
        """The lists that name the most folders; of those, the ones that need no position."""

        def rank(one: tuple[Listing, dict[Path, Pair]]) -> tuple[int, bool]:
            return len(one[1]), all(found.by != "position" for found in one[1].values())

        most = max(map(rank, self.fitting))
        return [one for one in self.fitting if rank(one) == most]


def _people_of(one: tuple[Listing, dict[Path, Pair]]) -> dict[Path, object]:
    return {folder: one[0].entries[found.key].person for folder, found in one[1].items()}


def _other_keys(listing: Listing) -> list[str]:
    return [
        f"{printable(listing.path)}: the key {key!r} was passed over; it is no person" for key in listing.other_keys
    ]


def _not_read(above: Sequence[Path], given: Path | None, *, has_list: bool) -> list[str]:
    """A sentence for each file and broken link beside the folders of people; pictures and lists are told elsewhere.

    Beside the whole set only tables are looked for, which may be meant as the list, and only where there is none.
    """
    found = [
        one
        for folder in above
        for one in folder.iterdir()
        if not one.is_dir() and not is_left_behind(one.name) and one != given and one.suffix.lower() != ".json"
    ]
    found = [one for one in found if one.suffix.lower() not in IMAGE_SUFFIXES or not one.is_file()]
    beside = above[0].resolve().parent
    if not has_list and os.access(beside, os.R_OK | os.X_OK):
        found += [one for one in beside.iterdir() if one.suffix.lower() in _TABLES and one.is_file()]
    why = {True: "a list has to be a JSON file", False: "it is no folder of a person"}
    return [f"{printable(one)}: not read; {why[one.suffix.lower() in _TABLES]}" for one in sorted(set(found))]


def _of_folder(
    folder: Path,
    listing: Listing | None,
    found: Pair | None,
    known_ids: Collection[str],
    is_misnamed: Callable[[Path], bool],
) -> ListedPerson:
    """A folder's person and pictures."""
    entry = None if listing is None or found is None else listing.entries[found.key]
    listed = entry or name_alone(folder.name, DEFAULT_STATUS, known_ids)
    pictures = _pictures(folder, is_misnamed)
    rest = [one for one in folder.iterdir() if one not in pictures and not is_left_behind(one.name)]
    order = sorted(rest, key=lambda one: natural_order(one.name))
    by = "folder" if found is None else found.by
    return replace(listed, pictures=pictures, paired_by=by, passed_over=tuple(order))


def _require_one_each(where: Path, people: list[tuple[Path, ListedPerson]]) -> None:
    """Refuse two folders with one id, by their names."""
    first: dict[str, str] = {}
    for folder, listed in people:
        person_id = listed.person.person_id
        if person_id in first:
            raise ImageError(
                f"{printable(where)}: the ID {person_id!r} stands for two people, the folders {first[person_id]!r} and "
                f"{printable(folder.name)!r}; give each an ID of their own, or rename one folder"
            )
        first[person_id] = printable(folder.name)


def _pictures(folder: Path, is_misnamed: Callable[[Path], bool] = lambda path: False) -> tuple[Path, ...]:
    files = [
        one
        for one in folder.iterdir()
        if not is_left_behind(one.name) and one.is_file() and (one.suffix.lower() in IMAGE_SUFFIXES or is_misnamed(one))
    ]
    return tuple(sorted(files, key=lambda one: natural_order(one.name)))
