"""The audit in words: what was done, and to what, in each language."""

from __future__ import annotations

import re

import pytest

from edge.serve.page.wording.audited import KINDS, AuditWords
from edge.serve.page.wording.language import Translate
from tests.support.paths import ROOT

GERMAN, ENGLISH = AuditWords(Translate("de")), AuditWords(Translate("en"))


@pytest.mark.parametrize(
    ("text", "german"),
    [
        ("user ann", "Person ann"),
        ("token gate one", "Token gate one"),
        ("items 1 to 20", "Einträge 1 bis 20"),
        ("no such user", "keine solche Person"),
        ("watchlist", "Liste"),
        ("/api/v1/images/0123456789abcdef", "0123456789ab"),
        ("/people/p%201/edit", "Eintrag p 1"),
        ("/commission/people/p1/picture", "Eintrag p1"),
        ("/box/zones/door", "Kamera door"),
        ("/examine/0123/files/report.html", "/examine/0123/files/report.html"),
        ("/people", ""),
        ("/", ""),
        ("settings", ""),
        ("user", "user"),
    ],
)
def test_what_something_was_done_to(text: str, german: str) -> None:
    assert GERMAN.object(text) == german


def test_every_kind_that_the_source_writes_has_words() -> None:
    written = set()
    for folder in ("store", "app", "cli"):
        for path in (ROOT / "edge" / folder).rglob("*.py"):
            text = path.read_text("utf-8")
            if "audit" in text:
                calls = re.findall(r'"[a-z]+\.[a-z]+", f"([a-z]+) \{', text)
                written |= set(calls)
    assert {"user", "token", "hit"} <= written
    assert written - {"items"} <= set(KINDS)
    for kind in KINDS:
        assert GERMAN.object(f"{kind} x") != ENGLISH.object(f"{kind} x") or kind == "token"


def test_an_action_that_nobody_knows_is_shown_as_it_is() -> None:
    assert GERMAN.action("login") == "hat sich angemeldet"
    assert GERMAN.action("moon.fly") == "moon.fly"
