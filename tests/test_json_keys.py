"""A key that is twice in one JSON object is found, whatever the texts beside it are."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import ImageError
from edge.json_keys import require_unique, unique
from edge.watchlist import Archive

TEXTS = st.one_of(st.text(), st.binary(min_size=150, max_size=400).map(lambda data: base64.b64encode(data).decode()))
VALUES = st.recursive(
    st.one_of(st.none(), st.integers(), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=4), inner, max_size=4)),
    max_leaves=12,
)


@given(VALUES, st.booleans())
def test_what_python_writes_has_each_key_once(value: object, is_ascii: bool) -> None:
    require_unique(json.dumps(value, ensure_ascii=is_ascii).encode())


@pytest.mark.parametrize(
    "text",
    [
        '{"people": [1], "people": []}',
        '{"a": {"b": [{"people": 1, "x": 2, "people": 1}]}}',
        '{"people": "' + "A" * 300 + '", "people": 2}',
        '{"quote": "\\"' + "A" * 300 + '", "people": 1, "people": 2}',
        '{"p\\u0065ople": 1, "people": 2}',
    ],
)
def test_a_key_that_is_there_twice_is_named(text: str) -> None:
    json.loads(text)
    with pytest.raises(ValueError, match="the key 'people' appears twice"):
        require_unique(text.encode())


def test_the_object_is_as_python_reads_it() -> None:
    text = '{"b": 1, "a": {"c": []}}'
    assert json.loads(text, object_pairs_hook=unique) == json.loads(text)


def test_an_archive_whose_list_says_a_thing_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "people.json").write_text(
        '{"format": "edge-watchlist", "version": 1, '
        '"people": [{"id": "1", "name": "A", "status": "x", "pictures": []}], "people": []}'
    )
    with pytest.raises(ImageError, match=r"people\.json: the key 'people' appears twice"):
        Archive(tmp_path)
