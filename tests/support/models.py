"""Answers against the described models."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel


def no_less_no_more(model: type[BaseModel], answer: Any) -> None:
    """Fail if `answer` has a field the model lacks, or lacks one."""
    read = model.model_validate(answer)
    written = json.loads(read.model_dump_json(by_alias=True))
    assert shape(written) == shape(answer)


def shape(value: Any) -> Any:
    """Keys and kinds of a JSON value; times may be spelt in several ways."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
