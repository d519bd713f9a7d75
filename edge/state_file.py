"""Small JSON files in which the box keeps a state: read whole and of the right types, or refused in words."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

T = TypeVar("T")


def read(path: Path, kind: type[T]) -> T:
    """The file as a value of that type, such as a dataclass.

    OSError where it can't be read, ValueError with one line where it is damaged: empty, cut, no UTF-8, with another
    type somewhere than `kind` says, or with a number without end (`NaN`, `Infinity`, `1e999`). Keys that `kind` doesn't
    have are left out.
    """
    data = path.read_bytes()
    try:
        found = TypeAdapter(kind).validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"{place}: {first['msg']}" if place else first["msg"]) from None
    if not _is_finite(from_json(data)):
        raise ValueError("it holds a number without end")
    return found


def _is_finite(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_is_finite, value.values()))
    if isinstance(value, list):
        return all(map(_is_finite, value))
    return not isinstance(value, float) or math.isfinite(value)
