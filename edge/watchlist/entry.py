"""Records that change the watchlist, records of the outcome, and the one rule for ids of new people."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.errors import PersonIdError
from edge.records import Person

_NEW_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_OTHERS = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)
_NO_PATH_PART = frozenset({".", ".."})
"""HTTP clients drop these from a path, so such a person would have no address."""


@dataclass(frozen=True, slots=True)
class Upload:
    """One picture file as received. `face` says which face of it is meant, counted from the left; 1 is the first."""

    name: str
    data: bytes = field(repr=False)
    face: int | None = None


@dataclass(frozen=True, slots=True)
class ListEntry:
    """One person to be listed, with pictures and videos; `pictures` None keeps the references there are.

    `face` is for pictures that name none themselves: which face of each is meant, counted from the left.
    """

    person: Person
    pictures: tuple[Upload | Path, ...] | None = None
    face: int | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What helps a person to decide about a picture: small PNG files, for a page alone. They are stored nowhere."""

    faces: tuple[bytes, ...] = field(default=(), repr=False)
    """Every face of a picture that shows several of similar size, from the left."""
    given: bytes = field(default=b"", repr=False)
    """The face of a picture that looks like somebody else's."""
    like_image: str | None = None
    """SHA-256 of the enrolled picture it looks like."""


@dataclass(frozen=True, slots=True)
class PictureOutcome:
    """Result of one picture's check: accepted, or refused with a reason; with the measured numbers."""

    source: str
    accepted: bool
    reason: str | None
    message: str
    numbers: Mapping[str, float]
    like: str | None = None
    """Id of the other person it looks like, whether it was refused for that or accepted all the same."""
    place: int | None = None
    """Its place among the pictures given, from 0; None for a frame of a video."""
    look: Look | None = field(default=None, repr=False, compare=False)
    notes: tuple[str, ...] = ()
    """What of the file was not looked at, or had to be guessed."""

    def as_json(self) -> dict[str, Any]:
        """As API and command line print it."""
        message = "; ".join((self.message, *self.notes))
        told = {"source": self.source, "accepted": self.accepted, "reason": self.reason, "message": message}
        return told | {"numbers": dict(self.numbers), "like": self.like}


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
        told = (f"{o.source}: {o.message.removeprefix(f'{o.source}: ')}" for o in self.outcomes[:most])
        return "; ".join(told) or "no picture was given"


def is_new_id(text: str) -> bool:
    """Whether a new person may have this id. People listed under other ids, by an earlier version, keep them."""
    return _NEW_ID.fullmatch(text) is not None and text not in _NO_PATH_PART


def require_new_id(text: str) -> None:
    """Raise PersonIdError for an id that a new person may not have."""
    if not is_new_id(text):
        raise PersonIdError(f"{text[:80]!r} can't be the id of a new person: use 1 to 64 letters, digits, dots, - or _")


def fit_id(name: str) -> str:
    """Make an id from a name: the name itself if it is a valid id.

    Accents are dropped, runs of other characters become `-`; if nothing is left, the id is `person-` and 8
    digits of the name's SHA-256.
    """
    if is_new_id(name):
        return name
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    made = _OTHERS.sub("-", plain).strip("-")[:64]
    return made if is_new_id(made) else f"person-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
