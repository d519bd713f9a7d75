"""Reads JSON that somebody sent, with work in proportion to what the body may mean, not to what it may hold.

Pydantic reports every mistake of a body: six megabytes of `{}` are millions of mistakes, and take minutes. So marks are
counted before the body is parsed, and members before they are checked.
"""

from __future__ import annotations

from typing import Any

import pydantic_core

from edge.serve.http.problems import RequestError

MAX_MEMBERS = 64
"""Fields or elements of one object or list; the list of people itself is checked one by one."""
_MARKS = (b",", b":", b"[", b"{")


def parse(data: bytes, *, max_marks: int) -> Any:
    """Parse `data`; 422 for what is no JSON, or has more commas, colons and brackets than `max_marks`."""
    if (marks := sum(map(data.count, _MARKS))) > max_marks:
        raise RequestError(f"the body has {marks} commas, colons and brackets, at most {max_marks}", status=422)
    try:
        return pydantic_core.from_json(data)
    except ValueError as error:
        raise RequestError(f"the body: Invalid JSON: {error}", status=422) from None


def require_small(value: object, where: str) -> None:
    """Refuse, with 422, a value that has an object or list of more than `MAX_MEMBERS` in it."""
    if not isinstance(value, dict | list):
        return
    if len(value) > MAX_MEMBERS:
        raise RequestError(f"{where}: {len(value)} members are too many, at most {MAX_MEMBERS}", status=422)
    for one in value.values() if isinstance(value, dict) else value:
        require_small(one, where)
