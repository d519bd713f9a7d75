"""Choices that a picture leaves to a person: which of its faces is meant, and whether a look-alike is somebody else.

The pictures wait in memory until the answer comes, for some minutes; they never reach the disk.
"""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from aiohttp import web

from edge.records import Person
from edge.watchlist.entry import EnrolOutcome, PictureOutcome, Upload

KEEP_S = 900.0
MAX_KEPT_BYTES = 64_000_000
"""Of everybody's together; the oldest go first, and their owners choose the files again."""


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one picture, and what there is to choose."""

    outcome: PictureOutcome
    number: int | None = None
    """Number of the choice in the form; None: there is none."""
    faces: tuple[str, ...] = ()
    """Each face as a `data:` address, from the left."""
    given: str = ""
    like: Person | None = None


class KeptUploads:
    """Pictures that wait for an answer, each set for the person who handed it in and for one answer."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[str, float, tuple[Upload, ...]]] = {}

    def keep(self, owner: str, uploads: Sequence[Upload]) -> str:
        """Keep pictures; returns the key for `take`, empty where there are none."""
        if not uploads:
            return ""
        self._drop_old()
        key = secrets.token_urlsafe(16)
        self._kept[key] = (owner, self._clock() + KEEP_S, tuple(uploads))
        while len(self._kept) > 1 and self._num_bytes() > MAX_KEPT_BYTES:
            del self._kept[next(iter(self._kept))]
        return key

    def take(self, owner: str, key: str) -> tuple[Upload, ...]:
        """Take pictures out; nothing where the key is somebody else's, unknown, or too old."""
        self._drop_old()
        found = self._kept.get(key)
        if found is None or found[0] != owner:
            return ()
        del self._kept[key]
        return found[2]

    def _drop_old(self) -> None:
        now = self._clock()
        for key in [key for key, (_, ends_at, _) in self._kept.items() if ends_at <= now]:
            del self._kept[key]

    def _num_bytes(self) -> int:
        return sum(len(one.data) for _, _, uploads in self._kept.values() for one in uploads)


KEPT: web.AppKey[KeptUploads] = web.AppKey("kept_uploads")


def answered(kept: Sequence[Upload], form: Mapping[str, str]) -> tuple[Upload, ...]:
    """The kept pictures with the faces that the form chose."""
    return tuple(
        replace(one, face=_number(form.get(f"face-{place}", "")) or one.face) for place, one in enumerate(kept)
    )


def open_choices(done: EnrolOutcome, uploads: Sequence[Upload]) -> list[Upload]:
    """The pictures that a choice could still make usable, in the order of the outcomes."""
    return [uploads[one.place] for one in done.outcomes if one.look is not None and one.place is not None]


def rows(done: EnrolOutcome | None, people: Mapping[str, Person]) -> list[Row]:
    """Every picture's outcome with its choice, numbered as `open_choices` orders them."""
    made: list[Row] = []
    number = 0
    for one in done.outcomes if done else ():
        if one.look is None or one.place is None:
            made.append(Row(one, like=people.get(one.like or "")))
            continue
        faces = tuple(map(_address, one.look.faces))
        given = _address(one.look.given) if one.look.given else ""
        made.append(Row(one, number, faces, given, people.get(one.like or "")))
        number += 1
    return made


def _address(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 4 else None
