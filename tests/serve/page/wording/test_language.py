"""One catalogue per language: the same keys with the same blanks, none missing, none unused, no text beside it."""

from __future__ import annotations

import re
import string
from pathlib import Path
from typing import get_args

import pytest

import edge
from edge.config import SiteConfig
from edge.config.site import Language
from edge.records import CameraState
from edge.serve.page.hits import hits
from edge.serve.page.wording import language
from edge.serve.page.wording.language import DEFAULT, LANGUAGES, Translate, choose
from edge.store import ROLES
from edge.store.hits.reviews import STATES
from edge.watchlist import RefusalReason
from tests.support.web import PASSWORD, make_hit, run, running

PAGE = Path(language.__file__).parent.parent
PAPERS = [Path(edge.__file__).parent / "app" / name / "templates" for name in ("offline", "commission", "evaluation")]
"""Of reports and sheets, which speak the languages of the page."""
TEMPLATES = sorted(path for folder in (PAGE / "templates", *PAPERS) for path in folder.rglob("*.html"))
SOURCES = [*TEMPLATES, *PAGE.parent.rglob("*.py"), *(path for one in PAPERS for path in one.parent.glob("*.py"))]
SCRIPTS = sorted((PAGE / "static").glob("*.js"))
TEXTS = language.load()
SAME_WORDS = {"page.none", "page.box_word", "page.box", "hits.person", "hits.filters", "people.name", "people.status"}
"""Short words that are spelt alike in both languages; anything of more than 14 letters can't be a coincidence."""


def literals() -> tuple[set[str], set[str]]:
    """Keys the code asks for, and prefixes to which it adds the rest."""
    keys, prefixes = set(), set()
    for path in SOURCES:
        text = path.read_text("utf-8")
        keys |= set(re.findall(r"""\bt(?:\.has)?\(\s*"([a-z_0-9.]+)"(?!\s*~)""", text))
        keys |= {key for pair in re.findall(r'"([a-z_.]+)" if [^()]*?else "([a-z_.]+)"', text) for key in pair}
        keys |= set(re.findall(r'"([a-z_]+\.[a-z_0-9]+)"', text))
        prefixes |= set(re.findall(r"""\bt(?:\.has)?\(\s*"([a-z_0-9.]+)"\s*~""", text))
        prefixes |= set(re.findall(r'\bf"([a-z_]+\.)\{', text))
    for path in SCRIPTS:
        keys |= {f"js.{key}" for key in re.findall(r"\bt\(\s*\"([a-z_]+)\"", path.read_text("utf-8"))}
    return keys, prefixes


def test_every_language_has_the_same_keys_with_the_same_blanks() -> None:
    def blanks(text: str) -> set[str | None]:
        return {field for _, field, _, _ in string.Formatter().parse(text)} - {None}

    first = TEXTS[DEFAULT].texts("")
    for name, t in TEXTS.items():
        texts = t.texts("")
        assert texts.keys() == first.keys(), name
        for key in sorted(first):
            assert blanks(texts[key]) == blanks(first[key]), (name, key)
            # Only a camera that works needs no advice.
            assert texts[key].strip() or key == "state.live.advice", (name, key)


def test_no_text_was_left_in_english() -> None:
    english, german = TEXTS["en"].texts(""), TEXTS["de"].texts("")
    for key in sorted(english):
        own, other = english[key], german[key]
        if own == other:
            words = re.sub(r"\{\w+\}", "", own).strip()
            assert key in SAME_WORDS or len(words) <= 14, key


def test_no_key_is_missing_and_none_unused() -> None:
    known = TEXTS[DEFAULT].texts("").keys()
    assert not texts_asked() - known
    keys, prefixes = literals()
    assert not [prefix for prefix in prefixes if not any(key.startswith(prefix) for key in known)]
    assert not sorted(k for k in known if k not in keys and not any(k.startswith(prefix) for prefix in prefixes))


def texts_asked() -> set[str]:
    """Keys given to `t` as they stand."""
    found = set()
    for path in SOURCES:
        found |= set(re.findall(r"""\bt\(\s*"([a-z_0-9.]+)"\s*[,)]""", path.read_text("utf-8")))
    return found


def test_what_others_name_has_words() -> None:
    t = TEXTS[DEFAULT]
    for state in CameraState:
        assert t.has(f"state.{state.value}.words")
    for role in ROLES:
        assert t.has(f"role.{role}")
    for state in STATES:
        assert t.has(f"review.{state}")
    for verdict, reasons in hits.REASONS.items():
        for reason in reasons:
            assert t.has(f"reason.{verdict}.{reason}")
    for reason in RefusalReason:
        assert t.has(f"enrol.{reason.value}"), reason
    for state in ("queued", "running", "done", "failed", "stopped"):
        assert t.has(f"examine.{state}")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_holds_no_text_of_its_own(path: Path) -> None:
    text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", path.read_text("utf-8"), flags=re.S)
    spoken = re.findall(r'(?:alt|title|placeholder|aria-label)="([^"]*)"', text)
    outside = re.sub(r"<[^>]*>", " ", re.sub(r"<(script|style).*?</\1>", "", text, flags=re.S))
    left = re.sub(r"\bs\b", "", " ".join([*spoken, outside]))
    assert not re.findall(r"[A-Za-zÄÖÜäöüß]{2,}", left), left.split()


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_holds_no_text_of_its_own(path: Path) -> None:
    code = re.sub(r"//.*", "", path.read_text("utf-8"))
    shown = re.findall(r"(?:textContent|title|innerText|alert)\s*=\s*[\"'`]([^\"'`]*)", code)
    assert not [text for text in shown if re.search(r"[A-Za-z]{3,}", re.sub(r"\$\{.*?\}", "", text))]


def test_values_are_escaped_and_a_missing_key_is_an_error() -> None:
    t = Translate("en")
    assert t("hit.page_title", name="<b>&") == "Possible match: &lt;b&gt;&amp;"
    with pytest.raises(KeyError):
        t("no.such.key")


@pytest.mark.parametrize(
    ("own", "accept", "expected"),
    [
        (None, "", "en"),
        (None, "de-CH,de;q=0.9,en;q=0.8", "de"),
        (None, "fr, en;q=0.5, de;q=0.7", "de"),
        (None, "fr", "en"),
        (None, "de;q=x,;;;", "en"),
        ("en", "de", "en"),
        ("xx", "de", "de"),
    ],
)
def test_the_language_is_ones_own_then_the_browsers(own: str | None, accept: str, expected: str) -> None:
    assert choose(own, accept) == expected
    assert expected in LANGUAGES


def test_the_settings_know_every_language() -> None:
    assert set(get_args(Language)) == set(LANGUAGES)


def test_where_nobody_asks_the_page_speaks_the_sites_language(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path, site=SiteConfig(language="de")) as box:
            for accept, expected in (("", "de"), ("fr", "de"), ("en-GB", "en")):
                _, body = await box.get("/login", {"Accept-Language": accept})
                assert f'<html lang="{expected}"' in body.decode(), accept

    run(check())


def test_a_page_speaks_german_to_who_asks_for_it(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            german = {"Accept-Language": "de-DE,de;q=0.9"}
            _, body = await box.get("/login", german)
            assert "Anmelden" in body.decode()
            assert '<html lang="de"' in body.decode()
            headers = box.session("guard")
            hit = f"/hits/{make_hit(1)[0].hit_id}"
            assert "Gründe zum Zweifel" in (await box.get(hit, headers | german))[1].decode()
            assert "Reasons to doubt" in (await box.get(hit, headers))[1].decode()
            answer, _ = await box.post("/language", {"language": "de", "back": hit}, headers)
            assert (answer.status, answer.headers["Location"]) == (303, hit)
            assert "Gründe zum Zweifel" in (await box.get(hit, headers))[1].decode()
            # It is the user's own, not the browser's: another session of theirs reads German, too.
            assert "Jetzt" in (await box.get("/", box.session("guard")))[1].decode()
            answer, _ = await box.post("/language", {"language": "xx"}, headers)
            assert answer.status == 422
            answer, _ = await box.post("/language", {"language": "en", "back": "//evil.example"}, headers)
            assert answer.headers["Location"] == "/"
            answer, body = await box.post("/login", {"user": "x", "password": PASSWORD}, german)
            assert "Name oder Passwort ist falsch." in body.decode()

    run(check())
