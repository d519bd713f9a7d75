"""Which folder belongs to which entry of a list. A wrong guess would give a face a wrong name, so none is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from edge.errors import ImageError
from edge.names import natural_order, printable, same_spelling, spellings
from edge.watchlist.listing import ListedPerson, Listing

MAX_ROWS = 100
"""Rows of the two lists that an error prints."""


class Pair(NamedTuple):
    """The key of a folder's entry, and what led to it."""

    key: str
    by: str


def pair(listing: Listing, folders: Sequence[Path]) -> dict[Path, Pair]:
    """The entry of each folder that has one; raises ImageError, with both lists, where that is not certain.

    A folder belongs to the entry whose key, id or name it equals (composed, without case). Position counts only where
    no folder equals any entry, there are as many of both, and the keys are 0, 1, 2, ... or 1, 2, 3, ...; folders are
    then in natural order, 2 before 10, and none may share a word with the name of another entry alone. An entry left
    over is refused, and so is a folder left over whose name is but a number; another folder left over is a person of
    its own.
    """
    entries = listing.entries
    found = _by_name(listing, folders)
    if not found and len(folders) == len(entries) and _is_counted(entries):
        ordered = sorted(folders, key=lambda folder: natural_order(folder.name))
        placed = {folder: Pair(key, "position") for folder, key in zip(ordered, sorted(entries, key=int), strict=True)}
        _require_no_contradiction(listing, folders, placed)
        return placed
    left = [key for key in entries if key not in {pair.key for pair in found.values()}]
    if left:
        name = entries[left[0]].person.name
        raise _refusal(listing, folders, found, f"entry {left[0]!r} ({name}) has no folder of its own")
    for folder in folders:
        if folder not in found and folder.name.isdecimal():
            raise _refusal(listing, folders, found, f"the folder {folder.name!r} has no entry, and a number is no name")
    return found


def _by_name(listing: Listing, folders: Sequence[Path]) -> dict[Path, Pair]:
    """Folders by what they equal. One kind of name that finds a folder for every entry is enough."""
    equal = {by: _equals(listing.entries, folders, by) for by in ("key", "id", "name")}
    complete = [made for by in equal if (made := _one_each(equal[by], by, len(listing.entries))) is not None]
    choices = {tuple(sorted((str(folder), pair.key) for folder, pair in made.items())) for made in complete}
    if len(choices) == 1:
        return complete[0]
    if len(choices) > 1:
        raise _refusal(listing, folders, {}, "the folders fit the entries in two ways, by key, by ID or by name")
    found: dict[Path, Pair] = {}
    for by, pairs in equal.items():
        for folder, key in pairs:
            taken = found.setdefault(folder, Pair(key, by))
            if taken.key != key:
                raise _refusal(listing, folders, {}, f"the folder {printable(folder.name)!r} has two entries")
    keys = [pair.key for pair in found.values()]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice is not None:
        raise _refusal(listing, folders, {}, f"entry {twice!r} ({listing.entries[twice].person.name}) has two folders")
    return found


def _equals(entries: Mapping[str, ListedPerson], folders: Sequence[Path], by: str) -> list[tuple[Path, str]]:
    """Every folder and key whose entry is spelt like it, in this kind of name."""
    keys: dict[str, list[str]] = {}
    for key, listed in entries.items():
        text = {"key": key, "id": listed.person.person_id, "name": listed.person.name}[by]
        keys.setdefault(same_spelling(text), []).append(key)
    return [(folder, key) for folder in folders for spelt in spellings(folder.name) for key in keys.get(spelt, ())]


def _one_each(pairs: list[tuple[Path, str]], by: str, num_entries: int) -> dict[Path, Pair] | None:
    """The pairs, if they find one folder for every entry and no folder twice."""
    made = {folder: Pair(key, by) for folder, key in pairs}
    return made if len(pairs) == len(made) == len({key for _, key in pairs}) == num_entries else None


def _is_counted(entries: Mapping[str, ListedPerson]) -> bool:
    if not all(key.isascii() and key.isdecimal() for key in entries):
        return False
    numbers = sorted(map(int, entries))
    return numbers in (list(range(len(numbers))), list(range(1, len(numbers) + 1)))


def _require_no_contradiction(listing: Listing, folders: Sequence[Path], placed: Mapping[Path, Pair]) -> None:
    """Refuse positions that part names say is wrong: `alice`, `bob` beside Bob Jones, Alice Smith."""
    words = {key: _words(listed.person.name) for key, listed in listing.entries.items()}
    for folder, (own, _) in placed.items():
        said = _words(printable(folder.name))
        if said.isdisjoint(words[own]) and any(not said.isdisjoint(words[key]) for key in words if key != own):
            name = listing.entries[own].person.name
            told = f"the folder {printable(folder.name)!r} would be {name!r} by its position, but not by its name"
            raise _refusal(listing, folders, {}, told)


def _words(name: str) -> set[str]:
    return {word for word in same_spelling(name).split() if not word.isdecimal() and len(word) > 1}


def _refusal(listing: Listing, folders: Sequence[Path], found: Mapping[Path, Pair], why: str) -> ImageError:
    """Both lists side by side: what is paired, then what is left over on either side."""
    paired = [(printable(folder.name), pair.key) for folder, pair in found.items()]
    lone = [printable(folder.name) for folder in folders if folder not in found]
    free = [key for key in listing.entries if key not in {pair.key for pair in found.values()}]
    rows: list[tuple[str, str | None]] = list(paired)
    for number in range(max(len(lone), len(free))):
        rows.append((lone[number] if number < len(lone) else "", free[number] if number < len(free) else None))
    width = max(len("folder"), *(len(name) for name, _ in rows))
    lines = [f"  {'folder':{width}}  {'':5}entry"]
    for row, (name, key) in enumerate(rows[:MAX_ROWS]):
        entry = "" if key is None else f"{key!r}: {_told(listing.entries[key])}"
        lines.append(f"  {name:{width}}  {'<->' if row < len(paired) else '?':5}{entry}".rstrip())
    if len(rows) > MAX_ROWS:
        lines.append(f"  ... and {len(rows) - MAX_ROWS} more")
    return ImageError(
        f"{printable(listing.path)}: {why}, so nothing was imported; name each folder like the key, ID or name of its "
        "entry, and take out what belongs to nobody:\n" + "\n".join(lines)
    )


def _told(listed: ListedPerson) -> str:
    return f"{listed.person.name} (ID {listed.person.person_id})"
