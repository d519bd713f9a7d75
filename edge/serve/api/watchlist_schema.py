"""JSON bodies of the watchlist API, in and out; the other answers are in `schema`.

Within v1 fields are only added. Bodies that come in are strict: an unknown field is refused by name. The docstrings of
these classes are part of `openapi.json`.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field, WithJsonSchema

from edge.serve.api.schema import Problem
from edge.strict import Strict

MAX_PEOPLE = 10_000
PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
Text = Annotated[str, Field(min_length=1, max_length=200, pattern=PRINTABLE)]
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _only_rfc3339(value: object) -> object:
    """Accept RFC 3339 text only; pydantic alone would also take seconds since 1970, and years UTC can't represent."""
    if not isinstance(value, str) or not _TIME.fullmatch(value) or not "1970" <= value[:4] < "9000":
        raise ValueError("a time is RFC 3339 text with a zone, such as 2026-03-04T05:06:07Z, from 1970 on")
    return value


Rfc3339 = Annotated[AwareDatetime, BeforeValidator(_only_rfc3339)]
PersonId = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f/]+$")]


class PictureIn(Strict):
    """One picture file: JPEG, PNG, WebP or whatever else the box can decode."""

    name: Text
    data: str = Field(
        max_length=30_000_000,
        pattern=r"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
        description="the file's bytes, base64",
    )
    face: int | None = Field(
        None, ge=1, le=1000, description="which face is meant where the picture shows several, counted from the left"
    )


class PersonFields(Strict):
    """What an entry says of a person."""

    name: Text
    status: Text
    reason: Text | None = Field(None, description="why this person is looked for")
    owner: Text | None = Field(None, description="who answers for the entry")
    expires_at: Rfc3339 | None = Field(None, description="from then on the entry never matches; RFC 3339")


class PersonForm(PersonFields):
    """One watchlist entry as a form. No file: the references stay as they are; files replace those there were."""

    pictures: tuple[Annotated[bytes, WithJsonSchema({"type": "string", "format": "binary"})], ...] | None = Field(
        None, min_length=1, max_length=20, description="one part per picture file, checked one by one"
    )


class PersonPut(PersonFields):
    """One watchlist entry without its id. `pictures` absent or null: the references stay as they are."""

    pictures: tuple[PictureIn, ...] | None = Field(
        None, min_length=1, max_length=50, description="replace the references there were; checked one by one"
    )


class ListedPut(PersonPut):
    """One entry of a whole list."""

    id: PersonId


class WatchlistPut(Strict):
    """A whole list; whoever is on the box's list and not here is erased."""

    people: tuple[ListedPut, ...] = Field(max_length=MAX_PEOPLE)


class ListedJson(BaseModel):
    """One watchlist entry."""

    id: str
    name: str
    status: str
    reason: str | None
    owner: str | None
    expires_at: AwareDatetime | None
    references: int = Field(description="enrolled pictures")


class WatchlistJson(BaseModel):
    """The whole list."""

    version: int
    digest: str = Field(description="two lists with the same digest recognise alike; every hit names it")
    changed_at: AwareDatetime | None = Field(description="when it was last changed or confirmed")
    people: list[ListedJson]


class PictureJson(BaseModel):
    """What became of one picture."""

    source: str
    accepted: bool
    reason: str | None
    message: str
    numbers: dict[str, float]
    like: str | None = Field(
        None, description="id of somebody else on the list whom it looks like: neither may be recognised"
    )


class PutJson(BaseModel):
    """What became of one person."""

    id: str
    references: int = Field(description="references made of the pictures given")
    warning: str | None = Field(None, description="what keeps this person from being recognised")
    pictures: list[PictureJson]


class ChangedJson(BaseModel):
    """The list after a change."""

    version: int
    digest: str
    people: list[PutJson]


class ErasedJson(BaseModel):
    """The receipt of an erasure."""

    erased_at: AwareDatetime
    hits: int
    references: int
    images: int
    images_shared: int
    feed_items: int
    is_scrubbed: bool


class RefusedProblem(Problem):
    """422: nothing was changed. Where pictures were at fault, what was wrong with each."""

    people: list[PutJson] | None = None
