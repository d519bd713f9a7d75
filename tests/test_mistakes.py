"""What is wrong with a value, in words that say what to write: of the configuration and of a body of the API."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from edge import mistakes
from edge.config import Config
from edge.serve.api.watchlist_schema import ListedPut, WatchlistPut

CAMERA = '[[camera]]\nname = "door"\nsource = "rtsp://192.0.2.10/s"\n'


def said(model: type[BaseModel], values: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        model.model_validate(values)
    return mistakes.said(refused.value.errors()[0], model)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[serve]\nport = "abc"', "must be a whole number"),
        ("[serve]\nport = 99999", "must be 65,535 or less"),
        ("serve = 3", "must be a table of names and values"),
        ("[visit]\ngap_s = 0", "must be over 0"),
        ('[serve]\nhost = ""', "is too short; characters needed: 1"),
        ('[runtime]\nlog_level = "loud"', "must be debug, info, warning or error"),
        ('[status.banned]\nseverity = "high"', "must be 'notice', 'normal' or 'urgent'"),
        ('[[camera]]\nname = "door"', "is missing"),
        ('[[camera]]\nname = "Front Door"\nsource = "csi:0"', "form it needs: short name, lower case letters"),
        (f"{CAMERA}masks = [[1]]", "must be a table of names and values"),
        (f'{CAMERA}masks = [{{ x = "left" }}]', "must be a number"),
        (f'{CAMERA}schedule = "always"', "must be a list, in square brackets"),
        (f"{CAMERA}exclude_zones = [[[0, 0], [1, 1]]]", "holds too little; entries needed: 3"),
        ('[site]\ntime_zone = "Berlin"', "no such time zone"),
    ],
)
def test_a_configuration(text: str, expected: str) -> None:
    assert expected in said(Config, tomllib.loads(text))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"id": 17}, "must be text, in quotes"),
        ({"id": "a/b"}, "holds a character that may not be in it"),
        ({"name": "x" * 201}, "is too long; most characters: 200"),
        ({"color": "red"}, "is not known here"),
        ({"pictures": []}, "holds too little; entries needed: 1"),
        ({"pictures": ["abc"]}, "must be a table of names and values"),
        ({"pictures": [{"name": "a", "data": "!"}]}, "form it needs: the file's bytes, base64"),
        ({"expires_at": "tomorrow"}, "a time is RFC 3339 text with a zone"),
    ],
)
def test_a_body(change: dict[str, Any], expected: str) -> None:
    assert expected in said(ListedPut, {"id": "17", "name": "Ann Example", "status": "missing"} | change)


def test_a_place_names_its_field_however_deep() -> None:
    field = mistakes.field_at(WatchlistPut, ("people", 3, "pictures", 0, "data"))
    assert field is not None
    assert field.description == "the file's bytes, base64"
    assert mistakes.field_at(Config, ("status", "banned", "words")) is not None
    assert mistakes.field_at(Config, ("nothing",)) is None
    assert mistakes.field_at(Config, ()) is None
