"""Reading the classic layout: `Dataset/<class>/<images>`, and beside it a JSON `{"0": {"Name", "ID", "Status"}, ...}`.

Only names and paths are read here; pictures are decoded by the caller. The folder is never written to.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edge.errors import ImageError
from edge.records import Person
from edge.watchlist.entry import fit_id

DEFAULT_STATUS = "listed"
IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".tif", ".tiff", ".webp"})
MAX_LIST_BYTES = 16 * 1024 * 1024
MAX_TEXT = 200
_NATURAL = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class ListedPerson:
    """A person of the list and the picture files of that person, in order."""

    person: Person
    pictures: tuple[Path, ...]
    is_id_made: bool = False
    """The data set gives no id and the name can't be one, so the id was made of the name."""


def read_classic(
    path: Path, listing: Path | None = None, *, known_ids: Collection[str] = frozenset()
) -> list[ListedPerson]:
    """People and pictures of a classic data set; raises ImageError that names the file and what is wrong with it.

    Parameters
    ----------
    path : the folder of class folders, the folder that holds it as `Dataset`, or the JSON beside it
    listing : the JSON, where there are several beside the folder
    known_ids : ids on the watchlist; a name that is one of them stays the id, whatever characters it has

    Notes
    -----
    A JSON entry belongs to the class folder that its Name or ID spells, else to the folder its key counts to, from 0,
    in plain sorted order of folder names (1, 10, 2: as the classifiers that used this layout numbered their classes).
    Where two entries end at one folder the list is refused, for a wrong guess gives a face a wrong name. A folder
    without an entry, and any folder where there is no JSON at all, gives the name. Without an ID the id is the name,
    made fit by `edge.watchlist.entry.fit_id`.
    """
    folder, listing = _locate(path, listing)
    classes = sorted(f for f in folder.iterdir() if f.is_dir() and not f.name.startswith("."))
    if not classes:
        raise ImageError(
            f"{folder}: no folder of a person in it; put each person's pictures into a folder of their own"
        )
    named = {} if listing is None else _pair(listing, classes, _read_list(listing, known_ids))
    people = []
    for found in classes:
        listed = named.get(found) or _named(found.name, DEFAULT_STATUS, known_ids)
        people.append(replace(listed, pictures=_pictures(found)))
    _require_one_each(listing or folder, list(zip(classes, people, strict=True)))
    return people


def _named(name: str, status: str, known_ids: Collection[str]) -> ListedPerson:
    """Somebody of whom no id is given."""
    person_id = name if name in known_ids else fit_id(name)
    return ListedPerson(Person(person_id, name, status), (), is_id_made=person_id != name)


def _require_one_each(where: Path, people: list[tuple[Path, ListedPerson]]) -> None:
    """Refuse two folders with one id, by their names."""
    first: dict[str, str] = {}
    for folder, listed in people:
        person_id = listed.person.person_id
        if person_id in first:
            raise ImageError(
                f"{where}: the ID {person_id!r} stands for two people, the folders {first[person_id]!r} and "
                f"{folder.name!r}; give each an ID of their own, or rename one folder"
            )
        first[person_id] = folder.name


def _locate(path: Path, listing: Path | None) -> tuple[Path, Path | None]:
    """The folder of class folders and the JSON, where there is one."""
    if path.is_file():
        listing, path = path, path.parent
    if not path.is_dir():
        raise ImageError(f"{path}: no such folder; give the folder that holds one folder per person")
    folder = path / "Dataset" if (path / "Dataset").is_dir() else path
    if listing is None:
        beside = sorted({*folder.glob("*.json"), *path.glob("*.json")}) or sorted(folder.parent.glob("*.json"))
        if len(beside) > 1:
            names = ", ".join(found.name for found in beside)
            raise ImageError(f"{folder}: several lists beside it ({names}); give the right one")
        listing = beside[0] if beside else None
    if listing is not None and not listing.is_file():
        raise ImageError(f"{listing}: no such list; give the JSON that names the people")
    return folder, listing


def _read_list(listing: Path, known_ids: Collection[str]) -> dict[int, ListedPerson]:
    """Entries by their numeric keys, rising."""
    try:
        if listing.stat().st_size > MAX_LIST_BYTES:
            raise ImageError(f"{listing}: larger than {MAX_LIST_BYTES} bytes, no list of people")
        content = json.loads(listing.read_text("utf-8-sig"), object_pairs_hook=_unique)
    except (OSError, ValueError, RecursionError) as error:
        raise ImageError(f"{listing}: can't be read as JSON ({error}); correct that place") from None
    if not isinstance(content, dict):
        raise ImageError(f'{listing}: must be an object like {{"0": {{"Name": ..., "ID": ..., "Status": ...}}}}')
    for key in content:
        if not (key.isascii() and key.isdecimal()):
            raise ImageError(f"{listing}: the key {key!r} is no number; number the people 0, 1, 2, ...")
    people = {int(key): _person(listing, key, entry, known_ids) for key, entry in content.items()}
    return dict(sorted(people.items()))


def _person(listing: Path, key: str, entry: Any, known_ids: Collection[str]) -> ListedPerson:
    where = f"{listing}: entry {key!r}"
    if not isinstance(entry, dict):
        raise ImageError(f'{where}: must be an object {{"Name": ..., "ID": ..., "Status": ...}}')
    fields = {str(name).lower(): value for name, value in entry.items()}
    name = _text(where, "Name", fields.get("name"))
    person_id = _text(where, "ID", fields["id"]) if "id" in fields else None
    status = _text(where, "Status", fields.get("status", DEFAULT_STATUS))
    return _named(name, status, known_ids) if person_id is None else ListedPerson(Person(person_id, name, status), ())


def _text(where: str, what: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ImageError(f"{where}: {what} is {value!r}; give a text or a whole number")
    text = str(value).strip()
    if not text or len(text) > MAX_TEXT or not text.isprintable():
        raise ImageError(f"{where}: {what} is empty, longer than {MAX_TEXT} or has control characters; correct it")
    return text


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands there twice")
    return found


def _pair(listing: Path, classes: list[Path], entries: dict[int, ListedPerson]) -> dict[Path, ListedPerson]:
    """Each folder's person: by the spelling of Name or ID first, then by number."""
    found: dict[Path, ListedPerson] = {}
    by_number: dict[int, ListedPerson] = {}
    for number, listed in entries.items():
        spellings = {_plain(listed.person.name), _plain(listed.person.person_id)}
        same = [folder for folder in classes if _plain(folder.name) in spellings]
        if len(same) == 1 and same[0] not in found:
            found[same[0]] = listed
        else:
            by_number[number] = listed
    for number, listed in by_number.items():
        if number >= len(classes) or classes[number] in found:
            raise ImageError(
                f"{listing}: entry {str(number)!r} ({listed.person.name}) has no folder of its own "
                f"among {len(classes)}; name the folder like the person, or number the list in sorted order of folders"
            )
        found[classes[number]] = listed
    return found


def _pictures(folder: Path) -> tuple[Path, ...]:
    files = [f for f in folder.iterdir() if f.suffix.lower() in IMAGE_SUFFIXES and f.is_file()]
    return tuple(sorted(files, key=_natural))


def _plain(text: str) -> str:
    return re.sub(r"[\s_-]+", " ", text).strip().casefold()


def _natural(path: Path) -> list[tuple[int, int, str]]:
    parts = _NATURAL.split(path.name)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part.casefold()) for part in parts if part]
