"""Names of files: what is left behind, how one is printed, and which are the same."""

from __future__ import annotations

import os
import unicodedata

import pytest

from edge.names import is_left_behind, natural_order, printable, same_spelling, spellings


@pytest.mark.parametrize(
    "name",
    ["._a.jpg", ".DS_Store", "Thumbs.db", "THUMBS.DB", "desktop.ini", "@eaDir", "#recycle", "$RECYCLE.BIN", "__MACOSX"],
)
def test_what_systems_leave_behind(name: str) -> None:
    assert is_left_behind(name)


@pytest.mark.parametrize("name", ["a.jpg", "Ann", "#1", "$ami", "_x", "thumbs.db.jpg", "recycle"])
def test_what_people_may_have_named(name: str) -> None:
    assert not is_left_behind(name)


def test_bytes_that_are_no_utf_8_are_replaced() -> None:
    name = os.fsdecode(b"Jos\xe9 \xe4\xc3\xa4")
    assert printable(name) == "Jos\ufffd \ufffd\u00e4"
    assert printable("J\u00f3\U0001f600") == "J\u00f3\U0001f600"
    printable(name).encode()
    assert same_spelling("Jos\u00e9") in spellings(os.fsdecode(b"Jos\xe9"))
    assert spellings("Ann") == {"ann"}


def test_equal_names() -> None:
    assert same_spelling(unicodedata.normalize("NFD", "\u00c5SE  M\u00fcller")) == same_spelling("\u00e5se_m\u00fcller")
    assert same_spelling("007") == same_spelling("7") != same_spelling("0070")
    assert same_spelling("000") == same_spelling("0")
    assert same_spelling("Zoe") != same_spelling("Zo\u00eb")


def test_natural_order() -> None:
    names = ["10", "9", "a10", "a9", "A1", "1", "01"]
    assert sorted(names, key=natural_order) == ["01", "1", "9", "10", "A1", "a9", "a10"]
