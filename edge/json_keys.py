"""JSON that comes from outside: a key that is twice in one object is refused, for nobody can say which one is meant.

Readers of JSON take the last one without a word. A list of people that is there twice would erase whoever is only on
the first, and a camera whose masks are there twice would lose those of the first.
"""

from __future__ import annotations

import json
import re
from typing import Any


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these keys and values, for `object_pairs_hook`; ValueError that names a key that is there twice."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key[:_SHOWN]!r} appears twice")
        found[key] = value
    return found


def require_unique(data: bytes) -> None:
    """ValueError for JSON in which an object has a key twice; `data` was found to be JSON in UTF-8.

    Pictures in base64 are left out of the copy that is read here: a large list is not held in memory twice.
    """
    json.loads(_PICTURE.sub(b'""', data).decode(), object_pairs_hook=unique)


_SHOWN = 80
_PICTURE = re.compile(rb'(?<!\\)"[A-Za-z0-9+/=]{200,}"')
"""A text of a picture's length. A quote within a text has a backslash before it, so none begins there."""
