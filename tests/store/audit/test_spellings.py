"""An id or name is found however the program spells it, and a short one only where it is a whole value."""

from __future__ import annotations

import base64
import html
import json
import unicodedata
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from yarl import URL

from edge.store.audit import spellings

NAMES = ["Jörg Müller", "a/b c?d#e", "O'Neil & Söhne", 'say "Hi" \\ there', "100%25", "tab\there", "ä" * 20]


def spelt(name: str) -> list[str]:
    return [
        name,
        json.dumps({"name": name}),
        json.dumps({"name": name}, ensure_ascii=False),
        f"/people/{quote(name, safe='')}/edit",
        f"/hits?person={quote_plus(name)}",
        f"/login?next={quote('/people/' + quote(name, safe=''), safe='')}",
        f"/people/{quote(name, safe='').lower()}/edit",
        f"<p>{html.escape(name)}</p>",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_every_spelling_is_found_in_text(name: str) -> None:
    for text in spelt(name):
        if text.lower() != text or name.lower() == name:
            assert spellings.mentions(text, ["nobody at all", name]), text
    assert spellings.mentions(str(URL(f"/hits?person={quote(name, safe='')}")), [name])
    assert not spellings.mentions("/people/somebody else/edit", [name])


@pytest.mark.parametrize("name", NAMES)
def test_every_spelling_is_found_in_a_file_also_across_its_chunks(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spellings, "CHUNK", 64)
    for number, text in enumerate(spelt(name)):
        if "next=" in text or ("/edit" in text and text == text.lower() != quote(name)):
            continue  # twice encoded: found in rows, which are read, not in bytes
        path = tmp_path / str(number)
        path.write_bytes(b"x" * (64 - number) + text.encode() + b"y" * 100)
        assert spellings.file_mentions(path, spellings.spellings(name)), text
    (tmp_path / "other").write_bytes(b"x" * 1000)
    assert not spellings.file_mentions(tmp_path / "other", spellings.spellings(name))


def test_a_short_id_is_found_as_a_whole_value_alone() -> None:
    for text in ('{"person": "p1"}', "/people/p1/edit", "/hits?person=p1&camera=door"):
        assert spellings.mentions(text, ["p1"]), text
    for text in ("/people/p12/edit", '{"person": "p10"}', "step1"):
        assert not spellings.mentions(text, ["p1"]), text


@pytest.mark.parametrize("name", ["Jörg Müller", "ÅSA Ångström", "Straße 9", "O'Neil"])
def test_however_it_is_typed_it_is_the_same_name(tmp_path: Path, name: str) -> None:
    """A guard on another system searches with decomposed letters, and most people type small ones."""
    for form in ("NFC", "NFD"):
        for typed in (name, name.lower()):
            wanted = unicodedata.normalize(form, typed)
            for text in spelt(wanted):
                assert spellings.mentions(text, [name]), text
            (tmp_path / "file").write_bytes(b"x" + wanted.encode() + b"y" + json.dumps(wanted).encode())
            assert spellings.file_mentions(tmp_path / "file", spellings.spellings(name)), wanted


@pytest.mark.parametrize("name", ["Jörg Müller-Özdemir", "O'Neil the Third", "person-0001"])
def test_names_in_base64_with_odd_blanks_or_escaped_many_times_are_found(tmp_path: Path, name: str) -> None:
    escaped = json.dumps(json.dumps(json.dumps(name)))
    for text in (escaped, name.replace(" ", "\u00a0"), name.replace(" ", "  "), json.dumps(name).upper()):
        assert spellings.mentions(text.replace("\\U", "\\u"), [name]), text
    for before in range(4):
        data = b"x" * before + name.encode() + b"!"
        for code in (base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode().rstrip("=")):
            assert spellings.mentions(f'{{"token":"{code}"}}', [name]), code
            (tmp_path / "file").write_bytes(b"<" + code.encode() + b">")
            assert spellings.file_mentions(tmp_path / "file", spellings.spellings(name)), code
    assert not spellings.mentions("a" * 64 + " 4d2f" * 30, [name])


def test_a_name_that_is_no_text_is_searched_for_all_the_same(tmp_path: Path) -> None:
    for name in ("half \ud83d emoji", "\udce9"):
        assert spellings.spellings(name)
        assert not spellings.mentions("/people/somebody/edit", [name])
