"""Small JSON files in which the box keeps a state: read whole and of the right types, or refused in words."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

T = TypeVar("T")


def read(path: Path, kind: type[T]) -> T:
    """The file as a value of that type, such as a dataclass.

    OSError where it can't be read, ValueError with one line where it is damaged: empty, cut, no UTF-8, or with
    another type somewhere than `kind` says. Keys that `kind` doesn't have are left out.
    """
    try:
        return TypeAdapter(kind).validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"{place}: {first['msg']}" if place else first["msg"]) from None
