"""What pydantic found wrong with a value, in words that say what to write; and which field of a model a place names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is not known here",
    "string_type": "must be text, in quotes",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "tuple_type": "must be a list, in square brackets",
    "list_type": "must be a list, in square brackets",
    "dict_type": "must be a table of names and values",
    "model_type": "must be a table of names and values",
    "greater_than": "must be over {gt:,}",
    "greater_than_equal": "must be {ge:,} or more",
    "less_than": "must be under {lt:,}",
    "less_than_equal": "must be {le:,} or less",
    "string_too_short": "is too short; characters needed: {min_length:,}",
    "string_too_long": "is too long; most characters: {max_length:,}",
    "too_short": "holds too little; entries needed: {min_length:,}",
    "too_long": "holds too much; most entries: {max_length:,}",
    "literal_error": "must be {expected}",
}
_CHOICE = re.compile(r"\^\(([a-z|]+)\)\$")


def said(problem: Mapping[str, Any], model: type[BaseModel]) -> str:
    """One entry of `ValidationError.errors()`, raised by `model`, as what the value must be."""
    kind, context = problem["type"], problem.get("ctx", {})
    if kind == "string_pattern_mismatch":
        return _form(context["pattern"], field_at(model, problem["loc"]))
    if kind in _WORDS:
        return _WORDS[kind].format(**context)
    return str(problem["msg"]).removeprefix("Value error, ")


def _form(pattern: str, field: FieldInfo | None) -> str:
    """What a text must look like: one of some words, or what the field's description says."""
    if choice := _CHOICE.fullmatch(pattern):
        *words, last = choice[1].split("|")
        return f"must be {', '.join(words)} or {last}"
    meaning = field.description if field is not None else None
    return f"does not have the form it needs: {meaning}" if meaning else "holds a character that may not be in it"


def field_at(model: type[BaseModel], place: Sequence[int | str]) -> FieldInfo | None:
    """The field that a place such as `("camera", 0, "name")` names; None where it names none."""
    *tables, name = place or ("",)
    return model_at(model, tables).model_fields.get(str(name))


def model_at(model: type[BaseModel], place: Sequence[int | str]) -> type[BaseModel]:
    """The model of the table at `place`; numbers of entries, and names of tables among others of a kind, are passed."""
    for part in place:
        if isinstance(part, str) and part in model.model_fields:
            model = next(_models(model.model_fields[part].annotation), model)
    return model


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Models named in an annotation, however deep."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
