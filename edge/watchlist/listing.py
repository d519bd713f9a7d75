"""The JSON list beside a classic folder: `{"0": {"Name", "ID", "Status"}, ...}`. Told from other JSON, and read.

Only this file's text is looked at; which folder an entry belongs to is decided in `name_pairs`.
"""

from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.errors import ImageError
from edge.json_keys import unique
from edge.names import is_left_behind, printable
from edge.records import Person
from edge.watchlist.entry import fit_id

DEFAULT_STATUS = "listed"
MAX_LIST_BYTES = 16 * 1024 * 1024
MAX_TEXT = 200
NO_LIST = 'is no list of people: that is an object like {"0": {"Name": ..., "ID": ..., "Status": ...}}'


@dataclass(frozen=True, slots=True)
class ListedPerson:
    """A person of the list and the picture files of that person, in order."""

    person: Person
    pictures: tuple[Path, ...]
    is_id_made: bool = False
    """The data set gives no id and the name can't be one, so the id was made of the name."""
    paired_by: str = "folder"
    """What led from the folder to the entry: `key`, `id`, `name` or `position`; `folder` where there is no entry."""
    passed_over: tuple[Path, ...] = ()
    """What lies in the person's folder and is not read here."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A list: its entries by key, in the file's order, and the keys that are no entries."""

    path: Path
    entries: Mapping[str, ListedPerson]
    other_keys: tuple[str, ...] = ()


def lists_beside(folders: Iterable[Path]) -> list[Path]:
    """JSON files in any of the folders, sorted by name; a folder that can't be listed has none.

    What this program writes itself (`--json > result.json`) is no list, wherever it lies.
    """
    found = {
        path
        for folder in folders
        if os.access(folder, os.R_OK | os.X_OK)
        for path in folder.iterdir()
        if path.suffix.lower() == ".json"
        and not is_left_behind(path.name)
        and path.is_file()
        and not _is_own_output(path)
    }
    return sorted(found)


def _is_own_output(path: Path) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(1))
    except OSError:  # standard output may be closed
        return False


def read_listing(path: Path, known_ids: Collection[str]) -> Listing | None:
    """The list in a JSON file; None where it holds something else. Raises ImageError where a list is broken."""
    where = printable(path)
    try:
        if path.stat().st_size > MAX_LIST_BYTES:
            return None
        content = json.loads(path.read_bytes(), object_pairs_hook=unique)
    except (OSError, ValueError, RecursionError) as error:
        raise ImageError(f"{where}: can't be read as JSON ({error}); correct that place") from None
    if isinstance(content, list):
        content = {str(number): entry for number, entry in enumerate(content) if _is_entry(entry)}
    if not isinstance(content, dict) or not any(isinstance(entry, dict) for entry in content.values()):
        return None
    entries = content
    if not all(key.isascii() and key.isdecimal() for key in content):
        entries = {key: entry for key, entry in content.items() if _is_entry(entry)}
        if 2 * len(entries) < len(content) or not entries:
            return None
    people = {key: _person(where, key, entry, known_ids) for key, entry in entries.items()}
    return Listing(path, people, tuple(key for key in content if key not in entries))


def name_alone(name: str, status: str, known_ids: Collection[str]) -> ListedPerson:
    """A person without a given id. A name that is an id on the watchlist stays it; else the id is made fit."""
    shown = unicodedata.normalize("NFC", printable(name))
    person_id = next((one for one in (name, shown) if one in known_ids), None) or fit_id(shown)
    return ListedPerson(Person(person_id, shown, status), (), is_id_made=person_id != shown)


def _is_entry(entry: Any) -> bool:
    return isinstance(entry, dict) and not {"name", "id"}.isdisjoint(str(field).lower() for field in entry)


def _person(where: str, key: str, entry: Any, known_ids: Collection[str]) -> ListedPerson:
    where = f"{where}: entry {key!r}"
    if not isinstance(entry, dict):
        raise ImageError(f'{where}: must be an object {{"Name": ..., "ID": ..., "Status": ...}}')
    try:
        fields = unique([(name.lower(), value) for name, value in entry.items()])
    except ValueError as error:
        raise ImageError(f"{where}: {error}, in capitals or not; give it once") from None
    name = _text(where, "Name", fields.get("name"))
    person_id = _text(where, "ID", fields["id"]) if "id" in fields else None
    status = _text(where, "Status", fields.get("status", DEFAULT_STATUS))
    return (
        name_alone(name, status, known_ids) if person_id is None else ListedPerson(Person(person_id, name, status), ())
    )


def _text(where: str, what: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ImageError(f"{where}: {what} is {value!r}; give a text or a whole number")
    text = str(value).strip()
    if not text or len(text) > MAX_TEXT or not text.isprintable():
        raise ImageError(f"{where}: {what} is empty, longer than {MAX_TEXT} or has control characters; correct it")
    return text
