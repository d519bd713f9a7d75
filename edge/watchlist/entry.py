"""What is handed in to change the watchlist, and the answer: records, and the rule for the ids of new people."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edge.errors import PersonIdError
from edge.records import Person

_NEW_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_OTHERS = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)
_NO_PATH_PART = frozenset({".", ".."})
"""Clients drop these from a path, so that such a person could not be reached by HTTP."""


@dataclass(frozen=True, slots=True)
class Upload:
    """One picture file that was handed over."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ListEntry:
    """One person to be listed, with pictures and videos; `pictures` None keeps the references there are."""

    person: Person
    pictures: tuple[Upload | Path, ...] | None = None


@dataclass(frozen=True, slots=True)
class PictureOutcome:
    """Result of one picture's check: accepted, or refused with a reason; with the measured numbers."""

    source: str
    accepted: bool
    reason: str | None
    message: str
    numbers: Mapping[str, float]

    def as_json(self) -> dict[str, Any]:
        """As API and command line print it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class EnrolOutcome:
    """Result for one person. `is_stored` is False if no picture could be used; then nothing was changed."""

    person: Person
    is_stored: bool
    outcomes: tuple[PictureOutcome, ...] = ()
    references: tuple[str, ...] = ()
    """Ids of the new references."""

    @property
    def num_references(self) -> int:
        """Number of new references."""
        return len(self.references)

    def why_refused(self, most: int = 5) -> str:
        """The messages of the first `most` pictures, for somebody who was not stored."""
        return "; ".join(f"{o.source}: {o.message}" for o in self.outcomes[:most]) or "no picture was given"


def is_new_id(text: str) -> bool:
    """Whether a new person may have this id. People listed under other ids, by an earlier version, keep them."""
    return _NEW_ID.fullmatch(text) is not None and text not in _NO_PATH_PART


def require_new_id(text: str) -> None:
    """Raise PersonIdError for an id that a new person may not have."""
    if not is_new_id(text):
        raise PersonIdError(f"{text[:80]!r} can't be the id of a new person: use 1 to 64 letters, digits, dots, - or _")


def fit_id(name: str) -> str:
    """An id for somebody of whom only the name is known: the name itself where it may be an id.

    Accents are dropped, runs of other characters become `-`; a name of which nothing is left gives `person-` and 8
    digits of its SHA-256.
    """
    if is_new_id(name):
        return name
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    made = _OTHERS.sub("-", plain).strip("-")[:64]
    return made if is_new_id(made) else f"person-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
